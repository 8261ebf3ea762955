/*
 * rule_join.c
 *	  Findings about how relations are joined.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "core/compat.h"
#include "explain/advice.h"
#include "explain/rule.h"
#include "foreign/fdwapi.h"
#include "foreign/foreign.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/prep.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

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
#define MEMOIZE_EVICTED 0.10

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
	bool		proven;
	PoFindingDraft draft = po_finding_begin(analysis, node,
											po_finding_subtree_share(analysis, node) *
											inner_part(node, outer));

	draft.finding->relid = inner->relid;
	po_json_float(&draft.evidence, "loops", loops);
	po_json_float(&draft.evidence, "inner_part_ratio", inner_part(node, outer));
	if (inner->executed)
		po_json_float(&draft.evidence, "inner_rows_removed", inner->removed_filter);

	/*
	 * Without counts, only a proof says that the repeated scan is worth a
	 * finding.
	 */
	proven = po_advice_prove(analysis, inner->relid, &draft);
	if (!proven && !inner->executed)
		return;
	draft.finding->message = psprintf("%s runs %.0f times inside a nested loop.",
									  po_finding_label(inner), loops);
	draft.finding->advice = proven || analysis->statement == NULL ?
		pstrdup("Create an index on the inner side's join key.") :
		pstrdup("No index was found that serves this join: see whether it can be written as an equality of columns.");
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

	if (node->join_filter == NULL || node->removed_join < JOIN_FILTER_MIN_ROWS ||
		node->removed_join < JOIN_FILTER_REMOVED * pairs || po_rule_or_is_join(node))
		return;
	draft = po_finding_begin(analysis, node, po_finding_share(analysis, node));
	po_json_float(&draft.evidence, "pairs_compared", pairs);
	po_json_float(&draft.evidence, "rows_removed", node->removed_join);
	inner = scan_below(analysis, po_node_child(analysis->tree, node, PO_ROLE_INNER));
	if (inner != NULL)
		po_advice_prove(analysis, inner->relid, &draft);
	draft.finding->message =
		psprintf("%s compares %.0f pairs of rows and throws away %.0f by %s.", node->type, pairs,
				 node->removed_join, node->join_filter);
	draft.finding->advice = draft.finding->suggested_sql != NULL ?
		pstrdup("Join by equality where the data allow it, or create an index on the compared column.") :
		pstrdup("Join by equality where the data allow it.");
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

/* Collects the range table entries that the scans of a subtree read; sets *tables when a table is among them. */
static Bitmapset *
scanned_entries(const PoAnalysis *analysis, const PoNode *top, bool *tables)
{
	Bitmapset  *entries = NULL;

	for (int i = top->id - 1; i < analysis->tree->nnodes; i++)
	{
		const PoNode *node = &analysis->tree->nodes[i];

		if (node != top && node->depth <= top->depth)
			break;
		if (node->rti > 0)
			entries = bms_add_member(entries, node->rti);
		*tables = *tables || node->relation != NULL;
	}
	return entries;
}

/* A side of a join, to be found as the right arm of a CROSS JOIN. */
typedef struct CrossSearch
{
	Bitmapset  *outer;
	Bitmapset  *inner;
} CrossSearch;

/* Finds a join without a condition that is written as such, between entries of the two sides. */
static bool
find_written_cross(Node *node, CrossSearch *search)
{
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (IsA(node, FromExpr))
	{
		foreach(lc, ((FromExpr *) node)->fromlist)
			if (find_written_cross(lfirst(lc), search))
			return true;
	}
	else if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;
		Bitmapset  *right = PO_RELIDS_IN_JOINTREE(join->rarg);

		if (join->quals == NULL && !join->isNatural &&
			(bms_overlap(right, search->inner) || bms_overlap(right, search->outer)))
			return true;
		return find_written_cross(join->larg, search) || find_written_cross(join->rarg, search);
	}
	return false;
}

/*
 * Tells whether the statement means every pair: it says CROSS JOIN, or multiplies by the
 * rows of a function or a list of values.
 */
static bool
means_every_pair(const PoAnalysis *analysis, const PoNode *outer, const PoNode *inner)
{
	bool		outer_tables = false;
	bool		inner_tables = false;
	CrossSearch search;

	search.outer = scanned_entries(analysis, outer, &outer_tables);
	search.inner = scanned_entries(analysis, inner, &inner_tables);
	if (!outer_tables || !inner_tables)
		return true;
	return analysis->statement != NULL && analysis->statement->query != NULL &&
		find_written_cross((Node *) analysis->statement->query->jointree, &search);
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
		rows < CARTESIAN_MIN_ROWS || means_every_pair(analysis, outer, inner))
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

/* Stores a function that a foreign server is not asked to run; a check_functions_in_node callback. */
static bool
is_local_function(Oid funcid, void *context)
{
	if (funcid < FirstGenbkiObjectId && func_volatile(funcid) == PROVOLATILE_IMMUTABLE)
		return false;
	*(Oid *) context = funcid;
	return true;
}

/* Finds the first function in an expression that keeps it from being sent away. */
static bool
find_local_function(Node *node, Oid *funcid)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_local_function, funcid))
		return true;
	return expression_tree_walker(node, find_local_function, funcid);
}

/* Tells whether a foreign scan's wrapper sends conditions and joins away at all. */
static bool
wrapper_pushes(const ForeignScan *scan)
{
	return GetFdwRoutineByServerId(scan->fs_server)->GetForeignJoinPaths != NULL;
}

/* Fills in what keeps an expression from being sent to a foreign server. */
static void
advise_pushing(PoFindingDraft *draft, Oid funcid)
{
	po_json_text(&draft->evidence, "blocked_by",
				 OidIsValid(funcid) ? format_procedure(funcid) : NULL);
	if (!OidIsValid(funcid))
		draft->finding->advice =
			pstrdup("Use only built-in immutable operators and functions in the condition, so that the server there can apply it.");
	else if (funcid < FirstGenbkiObjectId)
		draft->finding->advice =
			psprintf("%s is not immutable, so it is not sent to the server there: compute its value first and pass it as a parameter.",
					 format_procedure(funcid));
	else
		draft->finding->advice =
			psprintf("%s is not built in, so it is not sent to the server there: write the condition with built-in functions, or name its extension in the foreign server's option \"extensions\".",
					 format_procedure(funcid));
}

/* Returns how many rows a foreign scan's local filter removes: measured, or the rows that the table is known to have. */
static double
rows_fetched_for_nothing(PoAnalysis *analysis, const PoNode *node)
{
	double		rows = 0;

	if (node->executed)
		return node->removed_filter;
	if (analysis->statement != NULL && OidIsValid(node->relid))
		rows = po_facts_get(analysis, node->relid)->tuples;
	return rows > 0 ? rows - node->rows : FOREIGN_MIN_ROWS;
}

/* Reports a foreign scan that fetches rows which a local filter then removes. */
static void
check_foreign_scan(PoAnalysis *analysis, const PoNode *node)
{
	Oid			funcid = InvalidOid;
	PoFindingDraft draft;

	if (node->filter == NULL ||
		(node->plan != NULL && !wrapper_pushes((ForeignScan *) node->plan)) ||
		rows_fetched_for_nothing(analysis, node) < FOREIGN_MIN_ROWS)
		return;
	if (node->plan != NULL)
		(void) find_local_function((Node *) node->plan->qual, &funcid);
	draft = po_finding_begin(analysis, node, po_finding_share(analysis, node));
	po_json_text(&draft.evidence, "local_filter", node->filter);
	if (node->executed)
		po_json_float(&draft.evidence, "rows_removed", node->removed_filter);
	draft.finding->message = psprintf("%s fetches rows that %s then removes locally.",
									  po_finding_label(node), node->filter);
	advise_pushing(&draft, funcid);
	po_finding_end(analysis, &draft);
}

/* Returns the foreign scan that a side of a join is, past nodes that only store, sort or hash; NULL for none. */
static const PoNode *
foreign_below(const PoAnalysis *analysis, const PoNode *node)
{
	while (node != NULL && (node->kind == PO_NODE_MATERIALIZE || node->kind == PO_NODE_HASH ||
							node->kind == PO_NODE_SORT))
		node = po_node_child(analysis->tree, node, PO_ROLE_OUTER);
	return node != NULL && node->kind == PO_NODE_FOREIGN_SCAN && node->plan != NULL ? node : NULL;
}

/* Finds what keeps a join of two foreign scans from being sent: a function in its condition. */
static bool
find_join_blocker(const PoNode *join, Oid *funcid)
{
	if (find_local_function((Node *) ((Join *) join->plan)->joinqual, funcid))
		return true;
	return IsA(join->plan, HashJoin) ?
		find_local_function((Node *) ((HashJoin *) join->plan)->hashclauses, funcid) :
		IsA(join->plan, MergeJoin) &&
		find_local_function((Node *) ((MergeJoin *) join->plan)->mergeclauses, funcid);
}

/* Reports a join of two tables of one foreign server that is done here, where it is known why. */
static void
check_foreign_join(PoAnalysis *analysis, const PoNode *node, const PoNode *outer, const PoNode *inner)
{
	Oid			server = ((ForeignScan *) outer->plan)->fs_server;
	Oid			funcid = InvalidOid;
	bool		blocked;
	PoFindingDraft draft;

	if (server != ((ForeignScan *) inner->plan)->fs_server ||
		!wrapper_pushes((ForeignScan *) outer->plan))
		return;
	blocked = find_join_blocker(node, &funcid);

	/*
	 * Without a reason in sight the planner chose to join here, and may be
	 * right.
	 */
	if (!blocked && outer->filter == NULL && inner->filter == NULL)
		return;
	draft = po_finding_begin(analysis, node, po_finding_subtree_share(analysis, node));
	po_json_text(&draft.evidence, "server", GetForeignServer(server)->servername);
	draft.finding->message = psprintf("%s joins two tables of the foreign server %s here.",
									  node->type, GetForeignServer(server)->servername);
	if (blocked)
		advise_pushing(&draft, funcid);
	else
		draft.finding->advice =
			psprintf("The local filter %s keeps the join from being sent there.",
					 outer->filter ? outer->filter : inner->filter);
	po_finding_end(analysis, &draft);
}

/* foreign-not-pushed: a filter or a join is done here that the foreign server could do. */
void
po_rule_join_foreign(PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *outer;
	const PoNode *inner;

	if (node->kind == PO_NODE_FOREIGN_SCAN)
	{
		check_foreign_scan(analysis, node);
		return;
	}
	if (node->plan == NULL || (node->kind != PO_NODE_NESTED_LOOP && node->kind != PO_NODE_HASH_JOIN &&
							   node->kind != PO_NODE_MERGE_JOIN))
		return;
	outer = foreign_below(analysis, po_node_child(analysis->tree, node, PO_ROLE_OUTER));
	inner = foreign_below(analysis, po_node_child(analysis->tree, node, PO_ROLE_INNER));
	if (outer != NULL && inner != NULL)
		check_foreign_join(analysis, node, outer, inner);
}

/* memoize-misses: a cache of inner rows hardly ever hits, or throws out what it needs again. */
void
po_rule_join_memoize(PoAnalysis *analysis, const PoNode *node)
{
	double		lookups = node->cache_hits + node->cache_misses;
	double		ratio = lookups > 0 ? node->cache_hits / lookups : 0;
	PoFindingDraft draft;

	if (node->kind != PO_NODE_MEMOIZE || lookups < MEMOIZE_MIN_LOOPS ||
		(ratio >= MEMOIZE_HIT_RATIO &&
		 node->cache_evictions + node->cache_overflows <= MEMOIZE_EVICTED * lookups))
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
