/*
 * refresh.h
 *	  Refreshing a materialized view, for the SQL function and for scheduled jobs.
 */
#ifndef PO_REFRESH_H
#define PO_REFRESH_H

/* How a refresh is asked for; po_refresh_parse_mode reads the SQL argument. */
typedef enum PoRefreshMode
{
	PO_REFRESH_AUTO,
	PO_REFRESH_INCREMENTAL,
	PO_REFRESH_CONCURRENT,
	PO_REFRESH_FULL
} PoRefreshMode;

/* What a refresh did; the strings are constants or live in the caller's memory context. */
typedef struct PoRefreshResult
{
	const char *mode_used;		/* "skipped", "incremental", "concurrent" or
								 * "full" */
	int64		rows_inserted;
	int64		rows_updated;
	int64		rows_deleted;	/* -1: not counted, the full mode replaces the
								 * relation */
	double		duration_ms;
	const char *reason;
} PoRefreshResult;

extern PoRefreshMode po_refresh_parse_mode(const char *mode);
extern void po_refresh_check(Oid matview, Oid roleid);
extern void po_refresh_run(Oid matview, PoRefreshMode mode, PoRefreshResult *result);

#endif							/* PO_REFRESH_H */
