/*
 * exec.h
 *	  Running SQL at top level in a worker, and the worker's settings for it.
 */
#ifndef PO_EXEC_H
#define PO_EXEC_H

/* What a text of SQL did. */
typedef struct PoExecResult
{
	int64		rows_affected;	/* -1: no statement counts rows */
	char	   *tags;			/* command tags, one a statement; palloc'd */
} PoExecResult;

extern void po_exec_quiet_settings(void);
extern void po_exec_top_level(const char *sql, PoExecResult *result);
extern bool po_exec_waits_for_snapshots(const char *sql);
extern void po_exec_check_superuser(Oid owner);

#endif							/* PO_EXEC_H */
