/*
 * rule_estimate.c
 *	  Findings about row estimates that did not hold.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "explain/advice.h"
#include "explain/predicate.h"
#include "explain/rule.h"
#include "mb/pg_wchar.h"
#include "nodes/value.h"
#include "optimizer/optimizer.h"
#include "statistics/statistics.h"
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

/* Returns the expressions over one column that a scan's filter compares, those that statistics can have. */
static List *
compared_expressions(const PoNode *node)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, po_predicate_of_scan(node))
	{
		const PoPredicate *predicate = lfirst(lc);

		if (predicate->kind == PO_PREDICATE_WRAPPED &&
			!contain_mutable_functions(predicate->operand) &&
			!po_advice_has_parameter(predicate->operand))
			result = list_append_unique(result, predicate->operand);
	}
	return result;
}

/* Returns a quoted name for statistics that no others of the table's schema have. */
static char *
statistics_name(const char *schema, const char *stem)
{
	char	   *clipped = pstrdup(stem);

	clipped[pg_mbcliplen(clipped, strlen(clipped), NAMEDATALEN - 9)] = '\0';
	for (int i = 0;; i++)
	{
		char	   *name = i == 0 ? psprintf("%s_stat", clipped) : psprintf("%s_stat%d", clipped, i);

		if (i > 99 || !OidIsValid(get_statistics_object_oid(list_make2(makeString(pstrdup(schema)),
																	   makeString(name)), true)))
			return quote_qualified_identifier(schema, name);
	}
}

/*
 * Returns a CREATE STATISTICS over the columns and expressions that a scan's conditions
 * compare, or NULL where there is but one column, which has its own.
 */
static char *
statistics_statement(PoAnalysis *analysis, const PoNode *node)
{
	List	   *columns = list_concat_unique_int(po_predicate_index_columns(node),
												 po_predicate_columns(po_predicate_of_scan(node),
																	  PO_PREDICATE_EQUAL));
	List	   *expressions = compared_expressions(node);
	PoFacts    *facts = po_facts_get(analysis, po_facts_root(analysis, node->relid));
	StringInfoData name;
	StringInfoData parts;
	ListCell   *lc;

	if (list_length(columns) + 2 * list_length(expressions) < 2 ||
		list_length(columns) + list_length(expressions) > STATS_MAX_DIMENSIONS)
		return NULL;
	initStringInfo(&parts);
	initStringInfo(&name);
	appendStringInfo(&name, "%s", get_rel_name(facts->relid));
	foreach(lc, columns)
	{
		appendStringInfo(&name, "_%s", get_attname(node->relid, lfirst_int(lc), false));
		appendStringInfo(&parts, "%s%s", parts.len > 0 ? ", " : "",
						 po_advice_column(node->relid, lfirst_int(lc)));
	}
	foreach(lc, expressions)
	{
		appendStringInfoString(&name, "_expr");
		appendStringInfo(&parts, "%s(%s)", parts.len > 0 ? ", " : "",
						 po_advice_expression(node, lfirst(lc)));
	}
	return psprintf("CREATE STATISTICS %s ON %s FROM %s; ANALYZE %s",
					statistics_name(get_namespace_name(get_rel_namespace(facts->relid)), name.data),
					parts.data, facts->name, facts->name);
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
			pstrdup("Create extended statistics on what the conditions compare.");
	else
		draft->finding->advice =
			pstrdup("Raise the statistics target of the condition's column.");
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
