/*
 * views_sql.c
 *	  The SQL function suggest_matviews.
 */
#include "postgres.h"

#include "advisor/read_workload.h"
#include "advisor/views.h"
#include "core/args.h"

PG_FUNCTION_INFO_V1(perf_optimizer_suggest_matviews);

/* suggest_matviews(queries, max_views): views for aggregates that a workload repeats. */
Datum
perf_optimizer_suggest_matviews(PG_FUNCTION_ARGS)
{
	PoRow		row;
	PoWorkload *workload;
	ListCell   *lc;
	List	   *advices;

	po_args_require(fcinfo, 1, "max_views");
	if (PG_GETARG_INT32(1) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"max_views\" must be positive"),
				 errhint("It is how many views are suggested at most.")));
	po_srf_begin(fcinfo, &row);
	workload = po_read_workload(fcinfo, 0, "suggest_matviews without queries");
	advices = po_views_suggest(workload, PG_GETARG_INT32(1));
	foreach(lc, advices)
	{
		const PoViewAdvice *advice = (const PoViewAdvice *) lfirst(lc);

		po_row_int4(&row, foreach_current_index(lc) + 1);
		po_row_text(&row, advice->definition);
		po_row_text(&row, advice->unique_index);
		po_row_float8(&row, advice->rows);
		po_row_int8(&row, advice->size_bytes);
		po_row_float8(&row, advice->cost_before);
		po_row_float8(&row, advice->cost_after);
		po_read_workload_put_ids(&row, advice->queries);
		po_row_text(&row, advice->schedule);
		po_row_text(&row, advice->reason);
		po_srf_emit(&row);
	}
	return (Datum) 0;
}
