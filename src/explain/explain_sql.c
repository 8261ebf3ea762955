/*
 * explain_sql.c
 *	  SQL functions of plan analysis.
 */
#include "postgres.h"

#include "core/args.h"
#include "core/srf.h"
#include "plan/node_rows.h"
#include "plan/run.h"

PG_FUNCTION_INFO_V1(perf_optimizer_plan_nodes);

/* Reads the arguments (query, params, execute) and plans the statement; raises 22004 for NULLs. */
static PoStatement *
get_statement(FunctionCallInfo fcinfo, bool *execute)
{
	char	   *text = po_args_text(fcinfo, 0, "query");
	PoParams	params = {.nvalues = -1};

	po_args_require(fcinfo, 2, "execute");
	*execute = PG_GETARG_BOOL(2);
	if (!PG_ARGISNULL(1))
		params.nvalues = po_args_text_array(fcinfo, 1, "params", true, &params.values);
	return po_query_parse(text, &params);
}

/* plan_nodes(query, params, execute): the nodes of the statement's plan, one a row. */
Datum
perf_optimizer_plan_nodes(PG_FUNCTION_ARGS)
{
	PoRow		row;
	bool		execute;
	PoStatement *statement = get_statement(fcinfo, &execute);

	po_srf_begin(fcinfo, &row);
	po_query_plan(statement);
	po_node_rows_emit(&row, execute ? po_run_execute(statement) : po_run_explain(statement));
	return (Datum) 0;
}
