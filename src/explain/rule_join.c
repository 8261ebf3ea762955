/*
 * rule_join.c
 *	  Findings about how relations are joined.
 */
#include "postgres.h"

#include "explain/advice.h"
#include "explain/rule.h"
#include "foreign/foreign.h"
#include "utils/lsyscache.h"

/* expensive-nested-loop */
#define NESTED_MIN_LOOPS 2
#define NESTED_INNER_SHARE 0.5
#define NESTED_REMOVED_FACTOR 10
#define NESTED_MIN_INNER_ROWS 1000
/* join-filter */
#define JOIN_FILTER_REMOVED 0.90
#define JOIN_FILTER_MIN_ROWS 1000
/* cartesian-product */
#define CARTESIAN_MIN_SIDE 2
#define CARTESIAN_MIN_ROWS 1000
/* merge-join-sort */
#define MERGE_SORT_SHARE 0.2
/* foreign-not-pushed */
#define FOREIGN_MIN_ROWS 100
/* memoize-misses */
#define MEMOIZE_MIN_LOOPS 1000
#define MEMOIZE_HIT_RATIO 0.10

/* Returns how often a nested loop's inner side runs: measured, or expected. */
static double
inner_loops(const PoNode *inner, const PoNode *outer)
{
	return inner->executed ? inner->loops : Max(outer->rows, 1);
}

/* Tells whether a scan beneath a nested loop reads or discards far more than it keeps. */
static bool
is_wasteful_inner(const PoAnalysis *analysis, const PoNode *inner)
{
	double		kept = inner->executed ? inner->total_rows : inner->rows;

	if (inner->kind == PO_NODE_SEQ_SCAN)
	{
		if (inner->executed)
			return (inner->total_rows + inner->removed_filter) / Max(inner->loops, 1) >=
				NESTED_MIN_INNER_ROWS;
		return analysis->statement != NULL && OidIsValid(inner->relid);
	}
	return inner->executed && inner->removed_filter >= NESTED_REMOVED_FACTOR * Max(kept, 1);
}

/* Returns the part of a nested loop that is not its outer side: reading the inner one and comparing. */
static double
inner_part(const PoNode *join, const PoNode *outer)
{
	if (join->executed && join->total_ms > 0)
		return Max(1 - outer->total_ms / join->total_ms, 0);
	return join->effective_cost > 0 ? 1 - outer->effective_cost / join->effective_cost : 0;
}

/* Completes the finding about a nested loop whose inner side is a wasteful scan. */
static void
report_nested(PoAnalysis *analysis, const PoNode *node, const PoNode *outer, const PoNode *inner)
{
	double		loops = inner_loops(inner, outer);
	PoFindingDraft draft = po_finding_begin(analysis, node,
											po_finding_subtree_share(analysis, node) *
											inner_part(node, outer));

	draft.finding->relid = inner->relid;
	po_json_float(&draft.evidence, "loops", loops);
	po_json_float(&draft.evidence, "inner_part_ratio", inner_part(node, outer));
	if (inner->executed)
		po_json_float(&draft.evidence, "inner_rows_removed", inner->removed_filter);
	/* Without counts, only a proof says that the repeated scan is worth a finding. */
	if (!po_advice_prove(analysis, inner->relid, &draft) && !inner->executed)
		return;
	draft.finding->message = psprintf("%s runs %.0f times inside a nested loop.",
									  po_finding_label(inner), loops);
	draft.finding->advice = pstrdup("Create an index on the inner side's join key.");
	po_finding_end(analysis, &draft);
}

/* expensive-nested-loop: the inner side is read in vain again and again. */
void
po_rule_join_nested(PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *inner;
	const PoNode *outer;

	if (node->kind != PO_NODE_NESTED_LOOP)
		return;
	inner = po_node_child(analysis->tree, node, PO_ROLE_INNER);
	outer = po_node_child(analysis->tree, node, PO_ROLE_OUTER);
	if (inner == NULL || outer == NULL || !po_node_is_scan(inner))
		return;
	if (inner_loops(inner, outer) < NESTED_MIN_LOOPS || inner_part(node, outer) < NESTED_INNER_SHARE ||
		!is_wasteful_inner(analysis, inner) || po_finding_repeats(analysis, inner->relid))
		return;
	report_nested(analysis, node, outer, inner);
}

/* Returns the scan below one side of a join, past nodes that only store or hash; NULL for none. */
static const PoNode *
scan_below(const PoAnalysis *analysis, const PoNode *node)
{
	while (node != NULL && !po_node_is_scan(node))
	{
		if (node->kind != PO_NODE_MATERIALIZE && node->kind != PO_NODE_MEMOIZE &&
			node->kind != PO_NODE_HASH && node->kind != PO_NODE_SORT)
			return NULL;
		node = po_node_child(analysis->tree, node, PO_ROLE_OUTER);
	}
	return node;
}

/* join-filter: a join builds pairs of rows that its filter then throws away. */
void
po_rule_join_filter(PoAnalysis *analysis, const PoNode *node)
{
	double		pairs = node->total_rows + node->removed_filter;
	const PoNode *inner;
	PoFindingDraft draft;

	if (node->join_filter == NULL || node->removed_filter < JOIN_FILTER_MIN_ROWS ||
		node->removed_filter < JOIN_FILTER_REMOVED * pairs)
		return;
	draft = po_finding_begin(analysis, node, po_finding_share(analysis, node));
	po_json_float(&draft.evidence, "pairs_compared", pairs);
	po_json_float(&draft.evidence, "rows_removed", node->removed_filter);
	inner = scan_below(analysis, po_node_child(analysis->tree, node, PO_ROLE_INNER));
	if (inner != NULL)
		po_advice_prove(analysis, inner->relid, &draft);
	draft.finding->message =
		psprintf("%s compares %.0f pairs of rows and throws away %.0f by %s.", node->type, pairs,
				 node->removed_filter, node->join_filter);
	draft.finding->advice =
		pstrdup("Join by equality where the data allow it, or create an index on the compared column.");
	po_finding_end(analysis, &draft);
}

/*
 * Tells whether a nested loop hands values of its outer row to the inner side, or,
 * of a pasted plan, whether any condition on the inner side might use them.
 */
static bool
passes_parameters(const PoAnalysis *analysis, const PoNode *node, const PoNode *inner)
{
	if (node->plan != NULL)
		return ((NestLoop *) node->plan)->nestParams != NIL;
	for (int i = inner->id - 1; i < analysis->tree->nnodes; i++)
	{
		const PoNode *below = &analysis->tree->nodes[i];

		if (below != inner && below->depth <= inner->depth)
			break;
		if (!po_node_is_scan(below) && below->kind != PO_NODE_MATERIALIZE)
			return true;
		if (below->condition != NULL || below->filter != NULL)
			return true;
	}
	return false;
}

/* cartesian-product: a join without any condition multiplies its sides. */
void
po_rule_join_cartesian(PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *inner = po_node_child(analysis->tree, node, PO_ROLE_INNER);
	const PoNode *outer = po_node_child(analysis->tree, node, PO_ROLE_OUTER);
	double		inner_rows;
	double		outer_rows;
	double		rows;
	PoFindingDraft draft;

	if (node->kind != PO_NODE_NESTED_LOOP || inner == NULL || outer == NULL ||
		node->join_filter != NULL || node->jointype != JOIN_INNER ||
		passes_parameters(analysis, node, inner))
		return;
	inner_rows = inner->executed ? inner->actual_rows : inner->rows;
	outer_rows = outer->executed ? outer->actual_rows : outer->rows;
	rows = node->executed ? node->total_rows : node->rows;
	if (inner_rows < CARTESIAN_MIN_SIDE || outer_rows < CARTESIAN_MIN_SIDE ||
		rows < CARTESIAN_MIN_ROWS)
		return;
	draft = po_finding_begin(analysis, node, po_finding_subtree_share(analysis, node));
	po_json_float(&draft.evidence, "outer_rows", outer_rows);
	po_json_float(&draft.evidence, "inner_rows", inner_rows);
	po_json_float(&draft.evidence, "rows", rows);
	draft.finding->message =
		psprintf("Each of %.0f rows is combined with each of %.0f: the join has no condition.",
				 outer_rows, inner_rows);
	draft.finding->advice = pstrdup("Add the missing join condition, if every pair is not meant.");
	po_finding_end(analysis, &draft);
}

/* merge-join-sort: a merge join sorts a whole table first, an index would deliver the order. */
void
po_rule_join_merge_sort(PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *join = po_node_parent(analysis->tree, node);
	const PoNode *scan;
	PoFindingDraft draft;

	if (node->kind != PO_NODE_SORT || join == NULL || join->kind != PO_NODE_MERGE_JOIN)
		return;
	scan = scan_below(analysis, node);
	if (scan == NULL || po_finding_share(analysis, node) < MERGE_SORT_SHARE ||
		po_finding_repeats(analysis, scan->relid))
		return;
	draft = po_finding_begin(analysis, node, po_finding_share(analysis, node));
	draft.finding->relid = scan->relid;
	po_json_float(&draft.evidence, "rows_sorted", node->executed ? node->total_rows : node->rows);
	if (analysis->statement != NULL && !po_advice_prove(analysis, scan->relid, &draft))
		return;
	draft.finding->message = psprintf("A merge join sorts the rows of %s by %s first.",
									  po_finding_label(scan),
									  node->keys ? node->keys : "its join key");
	draft.finding->advice = pstrdup("Create an index on the join key.");
	po_finding_end(analysis, &draft);
}

/* Reports a foreign scan that fetches rows which a local filter then removes. */
static void
check_foreign_scan(PoAnalysis *analysis, const PoNode *node)
{
	PoFindingDraft draft;

	if (node->filter == NULL || (node->executed && node->removed_filter < FOREIGN_MIN_ROWS))
		return;
	draft = po_finding_begin(analysis, node, po_finding_share(analysis, node));
	po_json_text(&draft.evidence, "local_filter", node->filter);
	if (node->executed)
		po_json_float(&draft.evidence, "rows_removed", node->removed_filter);
	draft.finding->message = psprintf("%s fetches rows that %s then removes locally.",
									  po_finding_label(node), node->filter);
	draft.finding->advice =
		pstrdup("Use only built-in immutable operators and functions in the condition, so that the server there can apply it.");
	po_finding_end(analysis, &draft);
}

/* Returns the foreign server that a side of a join reads from, InvalidOid for none. */
static Oid
server_below(const PoAnalysis *analysis, const PoNode *node)
{
	while (node != NULL && node->kind != PO_NODE_FOREIGN_SCAN)
		node = po_node_child(analysis->tree, node, PO_ROLE_OUTER);
	return node != NULL && node->plan != NULL ? ((ForeignScan *) node->plan)->fs_server : InvalidOid;
}

/* foreign-not-pushed: a filter or a join is done here that the foreign server could do. */
void
po_rule_join_foreign(PoAnalysis *analysis, const PoNode *node)
{
	Oid			server;
	PoFindingDraft draft;

	if (node->kind == PO_NODE_FOREIGN_SCAN)
	{
		check_foreign_scan(analysis, node);
		return;
	}
	if (node->kind != PO_NODE_NESTED_LOOP && node->kind != PO_NODE_HASH_JOIN &&
		node->kind != PO_NODE_MERGE_JOIN)
		return;
	server = server_below(analysis, po_node_child(analysis->tree, node, PO_ROLE_OUTER));
	if (!OidIsValid(server) ||
		server != server_below(analysis, po_node_child(analysis->tree, node, PO_ROLE_INNER)))
		return;
	draft = po_finding_begin(analysis, node, po_finding_subtree_share(analysis, node));
	po_json_text(&draft.evidence, "server", GetForeignServer(server)->servername);
	draft.finding->message = psprintf("%s joins two tables of the foreign server %s here.",
									  node->type, GetForeignServer(server)->servername);
	draft.finding->advice =
		pstrdup("Join on built-in operators, map both tables to one user, and analyze them, so that the join is sent there.");
	po_finding_end(analysis, &draft);
}

/* memoize-misses: a cache of inner rows hardly ever hits, or throws out what it needs again. */
void
po_rule_join_memoize(PoAnalysis *analysis, const PoNode *node)
{
	double		lookups = node->cache_hits + node->cache_misses;
	double		ratio = lookups > 0 ? node->cache_hits / lookups : 0;
	PoFindingDraft draft;

	if (node->kind != PO_NODE_MEMOIZE || lookups < MEMOIZE_MIN_LOOPS ||
		(ratio >= MEMOIZE_HIT_RATIO && node->cache_evictions + node->cache_overflows == 0))
		return;
	draft = po_finding_begin(analysis, node, po_finding_share(analysis, node));
	po_json_float(&draft.evidence, "hits", node->cache_hits);
	po_json_float(&draft.evidence, "misses", node->cache_misses);
	po_json_float(&draft.evidence, "evictions", node->cache_evictions);
	po_json_float(&draft.evidence, "hit_ratio", ratio);
	draft.finding->message =
		psprintf("Memoize by %s answered %.0f of %.0f lookups and evicted %.0f entries.",
				 node->keys ? node->keys : "its key", node->cache_hits, lookups,
				 node->cache_evictions);
	draft.finding->advice = node->cache_evictions + node->cache_overflows > 0 ?
		pstrdup("Raise work_mem or hash_mem_multiplier, so that the cache holds all keys.") :
		pstrdup("Analyze the outer table or raise the key's n_distinct: the planner expects repeated keys.");
	po_finding_end(analysis, &draft);
}
