/*
 * rule_estimate.c
 *	  Findings about row estimates that did not hold.
 */
#include "postgres.h"

#include "explain/advice.h"
#include "explain/predicate.h"
#include "explain/rule.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* row-misestimate */
#define MISESTIMATE_FACTOR 10
#define MISESTIMATE_MIN_PER_LOOP 100
#define MISESTIMATE_MIN_TOTAL 10000

/* Returns by which factor the estimate is off, at least 1; 0 when it says nothing. */
static double
estimate_error(const PoNode *node)
{
	double		estimated = Max(node->rows, 1);
	double		actual = Max(node->actual_rows, 1);

	if (node->loops == 0)
		return 0;
	return estimated > actual ? estimated / actual : actual / estimated;
}

/* Tells whether the executor's row counts of this kind of node can be compared with the estimate. */
static bool
is_comparable(const PoAnalysis *analysis, const PoNode *node)
{
	if (node->kind == PO_NODE_BITMAP_AND || node->kind == PO_NODE_BITMAP_OR ||
		node->kind == PO_NODE_MODIFY)
		return false;
	return node->actual_rows >= node->rows || !po_finding_stops_early(analysis, node);
}

/* Tells whether the node's estimate is off by so much that it matters. */
static bool
is_misestimated(const PoAnalysis *analysis, const PoNode *node)
{
	double		per_loop = Max(node->rows, node->actual_rows);

	return estimate_error(node) >= MISESTIMATE_FACTOR && is_comparable(analysis, node) &&
		(per_loop >= MISESTIMATE_MIN_PER_LOOP || per_loop * node->loops >= MISESTIMATE_MIN_TOTAL);
}

/* Tells whether the error comes from below: a child that feeds the node has it too. */
static bool
child_is_misestimated(const PoAnalysis *analysis, const PoNode *node)
{
	for (int i = node->id; i < analysis->tree->nnodes; i++)
	{
		const PoNode *below = &analysis->tree->nodes[i];

		if (below->depth <= node->depth)
			break;
		if (is_misestimated(analysis, below))
			return true;
	}
	return false;
}

/* Returns a CREATE STATISTICS over the columns that a scan's conditions compare, or NULL. */
static char *
statistics_statement(PoAnalysis *analysis, const PoNode *node)
{
	List	   *columns = list_concat_unique_int(po_predicate_index_columns(node),
												 po_predicate_columns(po_predicate_of_scan(node),
																	  PO_PREDICATE_EQUAL));
	StringInfoData sql;
	StringInfoData name;
	ListCell   *lc;
	PoFacts    *facts;

	if (list_length(columns) < 2 || list_length(columns) > 8)
		return NULL;
	facts = po_facts_get(analysis, po_facts_root(analysis, node->relid));
	initStringInfo(&sql);
	initStringInfo(&name);
	appendStringInfo(&name, "%s", get_rel_name(facts->relid));
	foreach(lc, columns)
		appendStringInfo(&name, "_%s", get_attname(node->relid, lfirst_int(lc), false));
	name.data[pg_mbcliplen(name.data, name.len, NAMEDATALEN - 6)] = '\0';
	appendStringInfo(&sql, "CREATE STATISTICS %s ON ",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(facts->relid)),
												psprintf("%s_stat", name.data)));
	foreach(lc, columns)
		appendStringInfo(&sql, "%s%s", foreach_current_index(lc) > 0 ? ", " : "",
						 po_advice_column(node->relid, lfirst_int(lc)));
	appendStringInfo(&sql, " FROM %s; ANALYZE %s", facts->name, facts->name);
	return sql.data;
}

/* Chooses the cure of a scan's misestimate: statistics that are old, missing, or too simple. */
static void
advise_scan(PoAnalysis *analysis, const PoNode *node, PoFindingDraft *draft)
{
	PoFacts    *facts = po_facts_get(analysis, node->relid);

	if (!facts->analyzed || facts->changed)
	{
		draft->finding->advice = pstrdup("Analyze the table: its statistics are missing or old.");
		draft->finding->suggested_sql = psprintf("ANALYZE %s", facts->name);
		return;
	}
	draft->finding->suggested_sql = statistics_statement(analysis, node);
	if (draft->finding->suggested_sql != NULL)
		draft->finding->advice =
			pstrdup("Create extended statistics on the columns that the conditions combine.");
	else
		draft->finding->advice =
			pstrdup("Raise the statistics target of the condition's column, or create statistics on its expression.");
}

/* row-misestimate: the planner's row count is far off, reported where the error starts. */
void
po_rule_estimate_rows(PoAnalysis *analysis, const PoNode *node)
{
	PoFindingDraft draft;

	if (!is_misestimated(analysis, node) || child_is_misestimated(analysis, node) ||
		po_finding_repeats(analysis, node->relid))
		return;
	draft = po_finding_begin(analysis, node, po_finding_subtree_share(analysis, node));
	po_json_float(&draft.evidence, "rows_estimated", node->rows);
	po_json_float(&draft.evidence, "rows_actual", node->actual_rows);
	po_json_float(&draft.evidence, "factor", estimate_error(node));
	po_json_float(&draft.evidence, "loops", node->loops);
	draft.finding->message =
		psprintf("%s was expected to give %.0f rows a loop and gave %.0f.", po_finding_label(node),
				 node->rows, node->actual_rows);
	if (analysis->statement != NULL && po_node_is_scan(node) && OidIsValid(node->relid))
		advise_scan(analysis, node, &draft);
	else
		draft.finding->advice =
			pstrdup("Check the statistics of the tables below: analyze them, or create extended statistics.");
	po_finding_end(analysis, &draft);
}
