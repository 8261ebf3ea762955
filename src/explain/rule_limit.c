/*
 * rule_limit.c
 *	  Findings about LIMIT and OFFSET.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "core/compat.h"
#include "explain/advice.h"
#include "explain/rule.h"
#include "nodes/primnodes.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

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

/* Returns the sort or the index scan below that delivers the rows, past nodes that only hand them on; NULL for none. */
static const PoNode *
source_below(const PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *below = po_node_child(analysis->tree, node, PO_ROLE_OUTER);

	while (below != NULL && (below->kind == PO_NODE_GATHER ||
							 below->kind == PO_NODE_SUBQUERY_SCAN ||
							 below->kind == PO_NODE_INCREMENTAL_SORT))
		below = po_node_child(analysis->tree, below, below->kind == PO_NODE_SUBQUERY_SCAN ?
							  PO_ROLE_SUBQUERY : PO_ROLE_OUTER);
	if (below != NULL && below->kind != PO_NODE_SORT && below->kind != PO_NODE_INDEX_SCAN &&
		below->kind != PO_NODE_INDEX_ONLY_SCAN)
		return NULL;
	return below;
}

/* Returns the scan whose rows a sort takes in, of a partitioned table that of its first partition; NULL for none. */
static const PoNode *
sorted_scan(const PoAnalysis *analysis, const PoNode *sort)
{
	const PoNode *scan = po_node_child(analysis->tree, sort, PO_ROLE_OUTER);

	if (scan != NULL && scan->kind == PO_NODE_APPEND)
		scan = po_node_child(analysis->tree, scan, PO_ROLE_MEMBER);
	return scan != NULL && po_node_is_scan(scan) ? scan : NULL;
}

/* Reports a LIMIT that throws away most of a sort's input. */
static void
check_sort(PoAnalysis *analysis, const PoNode *limit, const PoNode *sort)
{
	const PoNode *scan = sorted_scan(analysis, sort);
	double		sorted;
	double		returned = po_finding_rows(analysis, limit);
	PoFindingDraft draft;

	if (scan == NULL || po_finding_repeats(analysis, scan->relid))
		return;
	sorted = po_finding_rows(analysis, po_node_child(analysis->tree, sort, PO_ROLE_OUTER));
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
	draft.finding->advice = scan->filter != NULL || scan->condition != NULL ?
		pstrdup("Create an index on the filter's columns followed by the sort keys.") :
		pstrdup("Create an index on the sort keys.");
	po_finding_end(analysis, &draft);
}

/* Tells whether an index holds only some of its table's rows. */
static bool
is_partial(Oid indexid)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexid));
	bool		partial;

	if (!HeapTupleIsValid(tuple))
		return true;
	partial = !heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
	ReleaseSysCache(tuple);
	return partial;
}

/*
 * Returns how many rows an ordered index scan filters out in order to find so many:
 * measured, or expected where it goes through all of a table, whose rows are known; 0 for
 * what cannot be told.
 */
static double
rows_passed_over(PoAnalysis *analysis, const PoNode *scan, double found)
{
	double		matching = po_finding_rows(analysis, scan);

	if (scan->kind != PO_NODE_INDEX_SCAN && scan->kind != PO_NODE_INDEX_ONLY_SCAN)
		return 0;
	if (scan->executed || analysis->statement == NULL)
		return scan->removed_filter;
	if (scan->filter == NULL || scan->condition != NULL || is_partial(scan->indexid))
		return 0;
	return found * Max(po_facts_get(analysis, scan->relid)->tuples / Max(matching, 1) - 1, 0);
}

/* Tells whether a scan passes over most of what it reads. */
static bool
is_late(double passed_over, double found)
{
	return passed_over >= LATE_MIN_ROWS && passed_over >= LATE_FACTOR * found;
}

/* Reports an ordered index scan that filters out most of what it reads to satisfy a LIMIT. */
static void
check_ordered_scan(PoAnalysis *analysis, const PoNode *limit, const PoNode *scan)
{
	double		found = scan->executed ? scan->total_rows : po_finding_rows(analysis, limit);
	double		passed_over = rows_passed_over(analysis, scan, found);
	bool		proven;
	PoFindingDraft draft;

	if (!is_late(passed_over, found) || po_finding_repeats(analysis, scan->relid))
		return;
	draft = po_finding_begin(analysis, limit, po_finding_subtree_share(analysis, scan));
	draft.finding->relid = scan->relid;
	po_json_float(&draft.evidence, scan->executed ? "rows_removed" : "rows_removed_expected", rint(passed_over));
	po_json_float(&draft.evidence, "rows_returned", po_finding_rows(analysis, limit));
	proven = po_advice_prove(analysis, scan->relid, &draft);

	/*
	 * Without counts, only a proof says that passing over rows is worth a
	 * finding.
	 */
	if (!proven && !scan->executed)
		return;
	draft.finding->advice = proven || analysis->statement == NULL ?
		pstrdup("Create an index on the filter's columns followed by the sort keys.") :
		pstrdup("No B-tree on columns was found that serves this filter: see whether it can be written as a comparison of a column.");
	draft.finding->message = psprintf("%s %s over %.0f rows in order to find %.0f that match %s.",
									  po_finding_label(scan), scan->executed ? "passes" : "is expected to pass",
									  passed_over, found, scan->filter ? scan->filter : "the filter");
	po_finding_end(analysis, &draft);
}

/* Returns the ordered index scan or the sort that feeds a LIMIT, or NULL. */
static const PoNode *
limited_source(const PoAnalysis *analysis, const PoNode *limit)
{
	return limit->kind == PO_NODE_LIMIT ? source_below(analysis, limit) : NULL;
}

/* Tells whether late-limit reports this scan of an executed plan. */
bool
po_rule_limit_is_late(const PoAnalysis *analysis, const PoNode *scan)
{
	const PoNode *above = po_node_parent(analysis->tree, scan);

	if (!is_late(scan->removed_filter, scan->total_rows))
		return false;
	while (above != NULL && above->kind != PO_NODE_LIMIT)
		above = po_node_parent(analysis->tree, above);
	return above != NULL && limited_source(analysis, above) == scan;
}

/* late-limit: a LIMIT comes after far more work than its rows need. */
void
po_rule_limit_late(PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *source = limited_source(analysis, node);

	if (source == NULL)
		return;
	if (source->kind == PO_NODE_SORT)
		check_sort(analysis, node, source);
	else
		check_ordered_scan(analysis, node, source);
}

/* Tells how the sort keys of a query run: all up (1), all down (-1), or mixed, or with NULLs at an unusual end (0). */
static int
sort_direction(const Query *query)
{
	int			direction = 0;
	ListCell   *lc;

	foreach(lc, query->sortClause)
	{
		SortGroupClause *clause = lfirst_node(SortGroupClause, lc);
		Oid			type;
		Oid			family;
		PO_ORDERING_TYPE ordering;
		int			sign;

		if (!get_ordering_op_properties(clause->sortop, &family, &type, &ordering))
			return 0;
		sign = PO_ORDERING_IS_UP(ordering) ? 1 : -1;
		if (clause->nulls_first != (sign < 0) || (direction != 0 && direction != sign))
			return 0;
		direction = sign;
	}
	return direction;
}

/* Appends the sort keys of a query, as the text says them, with commas between. */
static void
append_sort_keys(StringInfo keys, Query *query)
{
	List	   *context = NIL;
	ListCell   *lc;

	if (list_length(query->rtable) == 1 &&
		linitial_node(RangeTblEntry, query->rtable)->rtekind == RTE_RELATION)
	{
		Oid			relid = linitial_node(RangeTblEntry, query->rtable)->relid;

		context = deparse_context_for(get_rel_name(relid), relid);
	}
	foreach(lc, query->sortClause)
	{
		Node	   *key = get_sortgroupclause_expr(lfirst_node(SortGroupClause, lc), query->targetList);

		if (context == NIL)
		{
			resetStringInfo(keys);
			return;
		}
		appendStringInfo(keys, "%s%s", keys->len > 0 ? ", " : "",
						 deparse_expression(key, context, false, false));
	}
}

/* Returns the predicate that continues after the last row seen, for the keys that a single table is sorted by; NULL for none. */
static char *
keyset_predicate(const PoAnalysis *analysis)
{
	Query	   *query = analysis->statement->query;
	StringInfoData keys;
	int			direction = query->sortClause != NIL ? sort_direction(query) : 0;

	if (direction == 0 || query->groupClause != NIL || query->setOperations != NULL)
		return NULL;
	initStringInfo(&keys);
	append_sort_keys(&keys, query);
	if (keys.len == 0)
		return NULL;
	return psprintf("(%s) %s (values of the last row seen)", keys.data, direction > 0 ? ">" : "<");
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
	predicate = node->parent == 0 ? keyset_predicate(analysis) : NULL;
	po_json_float(&draft.evidence, "offset", offset);
	if (count >= 0)
		po_json_float(&draft.evidence, "limit", count);
	if (predicate != NULL)
		po_json_text(&draft.evidence, "predicate", predicate);
	draft.finding->message = psprintf("OFFSET %.0f produces that many rows and skips them.", offset);
	draft.finding->advice = predicate ?
		psprintf("Continue after the last row of the page before, with WHERE %s; end the sort keys with a unique column, so that no row is skipped.", predicate) :
		pstrdup("Continue after the last row of the page before, by a condition on the sort keys.");
	po_finding_end(analysis, &draft);
}
