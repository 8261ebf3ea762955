/*
 * workload_sql.c
 *	  SQL entry points of the workload reports.
 */
#include "postgres.h"

#include <math.h>

#include "core/args.h"
#include "core/preload.h"
#include "core/srf.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "workload/rules.h"
#include "workload/slow.h"

PG_FUNCTION_INFO_V1(perf_optimizer_slow_queries);

/* Raises 22023 for a negative or meaningless value of the named argument. */
static void
refuse_value(const char *name, const char *need)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"%s\" must be %s", name, need),
			 errhint("Leave \"%s\" out to use its default.", name)));
}

/* Reads and checks the arguments; raises 22004 for a NULL, 22023 for a wrong value. */
static void
read_filter(FunctionCallInfo fcinfo, PoSlowFilter *filter)
{
	po_args_require(fcinfo, 0, "min_mean_ms");
	po_args_require(fcinfo, 1, "min_calls");
	po_args_require(fcinfo, 2, "max_rows");
	filter->min_mean_ms = PG_GETARG_FLOAT8(0);
	filter->min_calls = PG_GETARG_INT64(1);
	filter->max_rows = PG_GETARG_INT32(2);
	filter->order_by = po_args_text(fcinfo, 3, "order_by");
	if (isnan(filter->min_mean_ms) || filter->min_mean_ms < 0)
		refuse_value("min_mean_ms", "a number of milliseconds, not negative");
	if (filter->min_calls < 0)
		refuse_value("min_calls", "zero or more");
	if (filter->max_rows < 1)
		refuse_value("max_rows", "one or more");
	po_slow_check_order(filter->order_by);
}

/* Sets a percentile, NULL where the statement's executions are not tracked. */
static void
put_percentile(PoRow *row, const PoStatementCounters *c, double ms)
{
	if (c->tracked && ms > 0)
		po_row_float8(row, ms);
	else
		po_row_null(row);
}

/* Sets the columns that count and time. */
static void
put_times(PoRow *row, const PoSlowQuery *q)
{
	const PoStatementCounters *c = &q->counters;

	po_row_int8(row, (int64) c->calls);
	po_row_float8(row, c->total_time_ms);
	po_row_float8(row, c->mean_time_ms);
	po_row_float8(row, q->max_time_ms);
	po_row_float8(row, q->stddev_time_ms);
	put_percentile(row, c, c->p50_ms);
	put_percentile(row, c, c->p95_ms);
	put_percentile(row, c, c->p99_ms);
}

/* Sets the columns of rows, shares, buffers and bytes. */
static void
put_volumes(PoRow *row, const PoSlowQuery *q)
{
	const PoStatementCounters *c = &q->counters;
	double		blocks = c->hit_blocks + c->read_blocks;

	po_row_int8(row, q->row_count);
	po_row_float8(row, po_rules_share((double) q->row_count, c->calls));
	po_row_float8(row, 100 * po_rules_share(c->total_time_ms, c->all_time_ms));
	if (blocks > 0)
		po_row_float8(row, c->hit_blocks / blocks);
	else
		po_row_null(row);
	po_row_int8(row, (int64) c->temp_bytes);
	po_row_int8(row, (int64) c->wal_bytes);
}

/* Emits one statement. */
static void
put_query(PoRow *row, const PoSlowQuery *q)
{
	const char *rules[PO_WORKLOAD_MAX_RULES];
	int			n = po_rules_judge(&q->counters, rules);

	if (q->has_query_id)
		po_row_int8(row, q->query_id);
	else
		po_row_null(row);
	po_row_datum(row, DirectFunctionCall1(namein, CStringGetDatum(q->role_name)));
	po_row_text(row, q->query);
	put_times(row, q);
	put_volumes(row, q);
	po_row_text_array(row, (char **) rules, n);
	po_row_int8(row, (int64) q->counters.read_blocks);
	po_row_bool(row, q->toplevel);
	po_srf_emit(row);
}

/* Tells, once in a session, what is empty because executions are not tracked. */
static void
tell_untracked(void)
{
	static bool told = false;

	if (told || po_preload_done())
		return;
	told = true;
	ereport(NOTICE,
			(errmsg("p50_ms, p95_ms, p99_ms and some findings need perf_optimizer in shared_preload_libraries"),
			 errdetail("The findings are high-variance, n-plus-one, repeated-query and plan-flip."),
			 errhint("Set shared_preload_libraries = 'pg_stat_statements, perf_optimizer' in postgresql.conf and restart the server.")));
}

/* slow_queries(min_mean_ms, min_calls, max_rows, order_by): this database's costly statements. */
Datum
perf_optimizer_slow_queries(PG_FUNCTION_ARGS)
{
	PoSlowFilter filter;
	PoSlowQuery *queries;
	PoRow		row;
	int			n;

	read_filter(fcinfo, &filter);
	po_srf_begin(fcinfo, &row);
	n = po_slow_read(&filter, &queries);
	tell_untracked();
	for (int i = 0; i < n; i++)
		put_query(&row, &queries[i]);
	return (Datum) 0;
}
