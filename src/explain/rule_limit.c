/*
 * rule_limit.c
 *	  Findings about LIMIT and OFFSET.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "explain/advice.h"
#include "explain/rule.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"

/* late-limit */
#define LATE_MIN_ROWS 1000
#define LATE_FACTOR 10
/* large-offset */
#define OFFSET_MIN 1000
#define OFFSET_FACTOR 10

/* Returns the value of a LIMIT or OFFSET, or -1 when there is none or it is no constant. */
static double
constant_value(Node *expr)
{
	if (expr == NULL || !IsA(expr, Const) || ((Const *) expr)->constisnull ||
		((Const *) expr)->consttype != INT8OID)
		return -1;
	return (double) DatumGetInt64(((Const *) expr)->constvalue);
}

/* Returns the node below that delivers the rows, past nodes that only hand them on. */
static const PoNode *
source_below(const PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *below = po_node_child(analysis->tree, node, PO_ROLE_OUTER);

	while (below != NULL && (below->kind == PO_NODE_GATHER ||
							 below->kind == PO_NODE_SUBQUERY_SCAN ||
							 below->kind == PO_NODE_INCREMENTAL_SORT))
		below = po_node_child(analysis->tree, below, below->kind == PO_NODE_SUBQUERY_SCAN ?
							  PO_ROLE_SUBQUERY : PO_ROLE_OUTER);
	return below;
}

/* Reports a LIMIT that throws away most of a sort's input. */
static void
check_sort(PoAnalysis *analysis, const PoNode *limit, const PoNode *sort)
{
	const PoNode *scan = po_node_child(analysis->tree, sort, PO_ROLE_OUTER);
	double		sorted;
	double		returned = po_finding_rows(analysis, limit);
	PoFindingDraft draft;

	if (scan == NULL || !po_node_is_scan(scan) || po_finding_repeats(analysis, scan->relid))
		return;
	sorted = po_finding_rows(analysis, scan);
	if (sorted < LATE_MIN_ROWS || sorted < LATE_FACTOR * returned)
		return;
	draft = po_finding_begin(analysis, limit, po_finding_subtree_share(analysis, sort));
	draft.finding->relid = scan->relid;
	po_json_float(&draft.evidence, "rows_sorted", sorted);
	po_json_float(&draft.evidence, "rows_returned", returned);
	if (analysis->statement != NULL && !po_advice_prove(analysis, scan->relid, &draft))
		return;
	draft.finding->message = psprintf("%.0f rows of %s are read and sorted by %s to return %.0f.",
									  sorted, scan->relation ? scan->relation : "a table",
									  sort->keys ? sort->keys : "their keys", returned);
	draft.finding->advice =
		pstrdup("Create an index on the filter's columns followed by the sort keys.");
	po_finding_end(analysis, &draft);
}

/* Reports an ordered index scan that filters out most of what it reads to satisfy a LIMIT. */
static void
check_ordered_scan(PoAnalysis *analysis, const PoNode *limit, const PoNode *scan)
{
	PoFindingDraft draft;

	if (scan->removed_filter < LATE_MIN_ROWS ||
		scan->removed_filter < LATE_FACTOR * scan->total_rows ||
		po_finding_repeats(analysis, scan->relid))
		return;
	draft = po_finding_begin(analysis, limit, po_finding_subtree_share(analysis, scan));
	draft.finding->relid = scan->relid;
	po_json_float(&draft.evidence, "rows_removed", scan->removed_filter);
	po_json_float(&draft.evidence, "rows_returned", po_finding_rows(analysis, limit));
	po_advice_prove(analysis, scan->relid, &draft);
	draft.finding->message = psprintf("%s passes over %.0f rows in order to find %.0f that match %s.",
									  po_finding_label(scan), scan->removed_filter,
									  scan->total_rows, scan->filter ? scan->filter : "the filter");
	draft.finding->advice =
		pstrdup("Create an index on the filter's columns followed by the sort keys.");
	po_finding_end(analysis, &draft);
}

/* late-limit: a LIMIT comes after far more work than its rows need. */
void
po_rule_limit_late(PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *source;

	if (node->kind != PO_NODE_LIMIT)
		return;
	source = source_below(analysis, node);
	if (source == NULL)
		return;
	if (source->kind == PO_NODE_SORT)
		check_sort(analysis, node, source);
	else if (source->kind == PO_NODE_INDEX_SCAN || source->kind == PO_NODE_INDEX_ONLY_SCAN)
		check_ordered_scan(analysis, node, source);
}

/* Returns the predicate that continues after the last row seen, for a sort's keys. */
static char *
keyset_predicate(const PoAnalysis *analysis, const PoNode *limit)
{
	const PoNode *source = source_below(analysis, limit);

	if (source == NULL || source->kind != PO_NODE_SORT || source->keys == NULL ||
		strstr(source->keys, " DESC") != NULL || strstr(source->keys, " NULLS ") != NULL)
		return NULL;
	return psprintf("(%s) > (values of the last row seen)", source->keys);
}

/* large-offset: rows are produced only to be skipped. */
void
po_rule_limit_offset(PoAnalysis *analysis, const PoNode *node)
{
	Limit	   *limit = (Limit *) node->plan;
	double		offset;
	double		count;
	char	   *predicate;
	PoFindingDraft draft;

	if (node->kind != PO_NODE_LIMIT)
		return;
	offset = constant_value(limit->limitOffset);
	count = constant_value(limit->limitCount);
	if (offset < OFFSET_MIN || (count >= 0 && offset < OFFSET_FACTOR * count))
		return;
	draft = po_finding_begin(analysis, node, po_finding_subtree_share(analysis, node));
	predicate = keyset_predicate(analysis, node);
	po_json_float(&draft.evidence, "offset", offset);
	if (count >= 0)
		po_json_float(&draft.evidence, "limit", count);
	if (predicate != NULL)
		po_json_text(&draft.evidence, "predicate", predicate);
	draft.finding->message = psprintf("OFFSET %.0f produces that many rows and skips them.", offset);
	draft.finding->advice = predicate ?
		psprintf("Continue after the last row of the page before, with WHERE %s.", predicate) :
		pstrdup("Continue after the last row of the page before, by a condition on the sort keys.");
	po_finding_end(analysis, &draft);
}
