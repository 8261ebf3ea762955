/*
 * analysis.c
 *	  The whole analysis of one statement: plan, nodes, findings, and their forms.
 */
#include "postgres.h"

#include "explain/analysis.h"
#include "explain/rule.h"
#include "plan/run.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/*
 * Plans a statement, executes it when asked to, and reads its nodes.  The result
 * lives in the current memory context.  Raises what planning and executing raise.
 */
PoAnalysis *
po_analysis_plan(PoStatement *statement, bool execute)
{
	PoAnalysis *analysis = palloc0(sizeof(PoAnalysis));

	analysis->statement = statement;
	po_query_plan(statement);
	analysis->planning_ms = statement->planning_ms;
	analysis->tree = execute ? po_run_execute(statement) : po_run_explain(statement);
	return analysis;
}

/* Like po_analysis_plan, and applies the rules of plan findings. */
PoAnalysis *
po_analysis_run(PoStatement *statement, bool execute)
{
	PoAnalysis *analysis = po_analysis_plan(statement, execute);

	po_finding_run(analysis, po_rule_table, po_rule_count);
	return analysis;
}

/* Puts each finding as a row of plan_findings into the result set of row. */
void
po_analysis_emit(PoRow *row, const PoAnalysis *analysis)
{
	ListCell   *lc;

	foreach(lc, analysis->findings)
	{
		const PoFinding *finding = lfirst(lc);

		po_row_text(row, finding->rule);
		po_row_text(row, po_finding_severity_name(finding->severity));
		if (finding->node_id == 0)
			po_row_null(row);
		else
			po_row_int4(row, finding->node_id);
		/* Tables of a pasted plan have numbers, which say nothing here. */
		po_row_oid(row, analysis->statement ? finding->relid : InvalidOid);
		po_row_text(row, finding->message);
		po_row_datum(row, JsonbPGetDatum(finding->evidence));
		po_row_text(row, finding->suggested_sql);
		po_row_text(row, finding->advice);
		po_srf_emit(row);
	}
}

/* Adds one finding as an object. */
static void
append_finding(PoJson *json, const PoFinding *finding)
{
	po_json_begin_object(json, NULL);
	po_json_text(json, "rule", finding->rule);
	po_json_text(json, "severity", po_finding_severity_name(finding->severity));
	if (finding->node_id == 0)
		po_json_null(json, "node_id");
	else
		po_json_int(json, "node_id", finding->node_id);
	po_json_text(json, "relation", !OidIsValid(finding->relid) ? NULL :
				 DatumGetCString(DirectFunctionCall1(regclassout,
													 ObjectIdGetDatum(finding->relid))));
	po_json_text(json, "message", finding->message);
	po_json_value(json, "evidence", finding->evidence);
	po_json_text(json, "suggested_sql", finding->suggested_sql);
	po_json_text(json, "advice", finding->advice);
	po_json_end_object(json);
}

/* Returns the rows of plan_findings as a jsonb array of objects. */
Jsonb *
po_analysis_findings_json(const PoAnalysis *analysis)
{
	PoJson		json = {0};
	ListCell   *lc;

	po_json_begin_array(&json, NULL);
	foreach(lc, analysis->findings)
		append_finding(&json, lfirst(lc));
	po_json_end_array(&json);
	return po_json_finish(&json);
}

/* Returns a sentence or two for each finding, most severe first. */
char	  **
po_analysis_recommendations(const PoAnalysis *analysis, int *n)
{
	char	  **result = palloc(sizeof(char *) * Max(list_length(analysis->findings), 1));
	ListCell   *lc;

	*n = 0;
	foreach(lc, analysis->findings)
	{
		const PoFinding *finding = lfirst(lc);

		result[(*n)++] = finding->suggested_sql == NULL ?
			psprintf("%s %s", finding->message, finding->advice) :
			psprintf("%s %s Run: %s", finding->message, finding->advice, finding->suggested_sql);
	}
	return result;
}
