/*
 * explain_sql.c
 *	  SQL functions of plan analysis.
 */
#include "postgres.h"

#include "core/args.h"
#include "core/srf.h"
#include "explain/analysis.h"
#include "explain/pasted.h"
#include "explain/source.h"
#include "explain/tree.h"
#include "mb/pg_wchar.h"
#include "plan/node_rows.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(perf_optimizer_analyze_query);
PG_FUNCTION_INFO_V1(perf_optimizer_analyze_plan);
PG_FUNCTION_INFO_V1(perf_optimizer_explain_tree);
PG_FUNCTION_INFO_V1(perf_optimizer_plan_nodes);
PG_FUNCTION_INFO_V1(perf_optimizer_plan_findings);

/*
 * Reads the arguments (query, params, execute) and parses the statement; raises 22004
 * for a NULL query or execute, and what parsing raises.
 */
static PoStatement *
get_statement(FunctionCallInfo fcinfo, bool *execute)
{
	char	   *text = po_args_text(fcinfo, 0, "query");
	PoParams	params = {.nvalues = -1};

	po_args_require(fcinfo, 2, "execute");
	*execute = PG_GETARG_BOOL(2);
	if (!PG_ARGISNULL(1))
		params.nvalues = po_args_text_array(fcinfo, 1, "params", true, &params.values);
	return *execute ? po_query_parse(text, &params) : po_source_parse(text, &params);
}

/* Starts a memory context for one analysis and returns the one to go back to. */
static MemoryContext
begin_analysis(MemoryContext *context)
{
	*context = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer analysis",
									 ALLOCSET_DEFAULT_SIZES);
	return MemoryContextSwitchTo(*context);
}

/* Adds the columns for what was measured beside the plan's nodes: triggers, compilation. */
static void
add_beside_plan(PoRow *row, const PoPlanTree *tree)
{
	double		trigger_ms = 0;

	if (!tree->executed)
	{
		po_row_null(row);
		po_row_null(row);
		return;
	}
	for (int i = 0; i < tree->ntriggers; i++)
		trigger_ms += tree->triggers[i].total_ms;
	po_row_float8(row, trigger_ms);
	po_row_float8(row, tree->jit_ms);
}

/* analyze_query(query, params, execute): everything about one statement in one row. */
Datum
perf_optimizer_analyze_query(PG_FUNCTION_ARGS)
{
	PoRow		row;
	MemoryContext context;
	MemoryContext old = begin_analysis(&context);
	bool		execute;
	PoStatement *statement = get_statement(fcinfo, &execute);
	PoAnalysis *analysis = po_analysis_run(statement, execute);
	const PoPlanTree *tree = analysis->tree;
	char	  **texts;
	int			n;
	Datum		result;

	po_row_begin_single(fcinfo, &row);
	po_row_int8(&row, statement->queryid);
	po_row_text(&row, po_query_source_name(statement->source));
	po_row_float8(&row, tree->total_cost);
	po_row_float8(&row, statement->plan ? statement->plan->planTree->plan_rows : 0);
	po_row_float8(&row, statement->planning_ms);
	if (execute)
	{
		po_row_float8(&row, tree->execution_ms);
		po_row_float8(&row, tree->result_rows);
	}
	else
	{
		po_row_null(&row);
		po_row_null(&row);
	}
	texts = po_node_rows_indexes(tree, &n);
	po_row_text_array(&row, texts, n);
	texts = po_analysis_recommendations(analysis, &n);
	po_row_text_array(&row, texts, n);
	po_row_datum(&row, JsonbPGetDatum(po_analysis_findings_json(analysis)));
	po_row_datum(&row, JsonbPGetDatum(po_node_rows_json(tree)));
	add_beside_plan(&row, tree);
	MemoryContextSwitchTo(old);
	result = po_row_finish_single(&row);
	MemoryContextDelete(context);
	return result;
}

/* plan_nodes(query, params, execute): the nodes of the statement's plan, one a row. */
Datum
perf_optimizer_plan_nodes(PG_FUNCTION_ARGS)
{
	PoRow		row;
	MemoryContext context;
	MemoryContext old;
	bool		execute;
	PoStatement *statement;

	po_srf_begin(fcinfo, &row);
	old = begin_analysis(&context);
	statement = get_statement(fcinfo, &execute);
	po_node_rows_emit(&row, po_analysis_plan(statement, execute)->tree);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

/* plan_findings(query, params, execute): what the rules find in the statement's plan. */
Datum
perf_optimizer_plan_findings(PG_FUNCTION_ARGS)
{
	PoRow		row;
	MemoryContext context;
	MemoryContext old;
	bool		execute;
	PoStatement *statement;

	po_srf_begin(fcinfo, &row);
	old = begin_analysis(&context);
	statement = get_statement(fcinfo, &execute);
	po_analysis_emit(&row, po_analysis_run(statement, execute));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

/* analyze_plan(plan): what the rules find in a pasted EXPLAIN (FORMAT JSON). */
Datum
perf_optimizer_analyze_plan(PG_FUNCTION_ARGS)
{
	PoRow		row;
	MemoryContext context;
	MemoryContext old;

	po_args_require(fcinfo, 0, "plan");
	po_srf_begin(fcinfo, &row);
	old = begin_analysis(&context);
	po_analysis_emit(&row, po_pasted_run(PG_GETARG_JSONB_P(0)));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

/* explain_tree(query, params, execute): the plan and its findings as lines to read. */
Datum
perf_optimizer_explain_tree(PG_FUNCTION_ARGS)
{
	PoRow		row;
	MemoryContext context;
	MemoryContext old;
	bool		execute;
	bool		utf8 = GetDatabaseEncoding() == PG_UTF8 && pg_get_client_encoding() == PG_UTF8;
	PoStatement *statement;
	ListCell   *lc;

	po_srf_begin_scalar(fcinfo, &row);
	old = begin_analysis(&context);
	statement = get_statement(fcinfo, &execute);
	foreach(lc, po_tree_lines(po_analysis_run(statement, execute), utf8))
	{
		po_row_text(&row, lfirst(lc));
		po_srf_emit(&row);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}
