/*
 * slow.h
 *	  The statements of this database that cost the most, from pg_stat_statements.
 */
#ifndef PO_WORKLOAD_SLOW_H
#define PO_WORKLOAD_SLOW_H

#include "workload/rules.h"

/* One statement; pointers are NULL where pg_stat_statements has no value. */
typedef struct PoSlowQuery
{
	bool		has_query_id;
	int64		query_id;
	char	   *role_name;
	char	   *query;
	double		max_time_ms;
	double		stddev_time_ms;
	int64		row_count;
	bool		toplevel;
	PoStatementCounters counters;
} PoSlowQuery;

/* Which statements to read, and in which order. */
typedef struct PoSlowFilter
{
	double		min_mean_ms;
	int64		min_calls;
	int32		max_rows;
	const char *order_by;		/* as po_slow_check_order accepted it */
} PoSlowFilter;

extern void po_slow_check_order(const char *order_by);
extern int	po_slow_read(const PoSlowFilter *filter, PoSlowQuery **queries);

#endif							/* PO_WORKLOAD_SLOW_H */
