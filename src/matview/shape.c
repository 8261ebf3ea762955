/*
 * shape.c
 *	  What of a view's query makes an incremental refresh possible.
 *
 * An output column can be a key where "rows with these keys" can be asked of the
 * join below grouping, DISTINCT, windows and set operations with the same effect
 * as above them: a grouping expression; any column where nothing is grouped; a
 * column in every PARTITION BY; the same column in every branch of UNION,
 * INTERSECT and EXCEPT.  A key is computed from rows that no outer join can
 * replace by NULLs, so that each changed row tells by itself, or by joining, the
 * keys it belongs to (delta.c).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "core/compat.h"
#include "core/relname.h"
#include "core/text.h"
#include "matview/key.h"
#include "matview/normalise.h"
#include "matview/shape.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "plan/stability.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

/* Looks into aggregates and window functions for columns. */
#define ALL_VARS (PVC_RECURSE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS | PVC_RECURSE_PLACEHOLDERS)

static List *level_refusals(Query *query, bool top);
static List *side_refusals(Query *query, Node *side);

/* Adds the branches of one side of a set operation. */
static List *
branches_of_side(Query *query, Node *side, List *branches)
{
	if (IsA(side, RangeTblRef))
		return list_concat(branches,
						   po_shape_branches(rt_fetch(((RangeTblRef *) side)->rtindex, query->rtable)->subquery));
	branches = branches_of_side(query, castNode(SetOperationStmt, side)->larg, branches);
	return branches_of_side(query, castNode(SetOperationStmt, side)->rarg, branches);
}

/* Returns the queries that a query combines by set operations; itself when there are none. */
List *
po_shape_branches(Query *query)
{
	check_stack_depth();
	if (query->setOperations == NULL)
		return list_make1(query);
	return branches_of_side(query, query->setOperations, NIL);
}

/* Adds the relations under a join tree node to a list, in the order of the join tree. */
static List *
occurrences_under(Query *level, Node *node, List *occurrences)
{
	if (node == NULL)
		return occurrences;
	if (IsA(node, RangeTblRef))
	{
		RangeTblEntry *rte = rt_fetch(((RangeTblRef *) node)->rtindex, level->rtable);

		if (rte->rtekind == RTE_RELATION)
			return lappend(occurrences, rte);
		if (rte->rtekind == RTE_SUBQUERY)
			return list_concat(occurrences, po_shape_occurrences(rte->subquery));
		return occurrences;
	}
	if (IsA(node, JoinExpr))
	{
		occurrences = occurrences_under(level, ((JoinExpr *) node)->larg, occurrences);
		return occurrences_under(level, ((JoinExpr *) node)->rarg, occurrences);
	}
	for (int i = 0; i < list_length(castNode(FromExpr, node)->fromlist); i++)
		occurrences = occurrences_under(level, list_nth(((FromExpr *) node)->fromlist, i), occurrences);
	return occurrences;
}

/*
 * Returns the entries of all relations that a level and the subqueries in its
 * FROM read.  The order is that of the join tree, so the n-th of a copy is the
 * n-th of the original.
 */
List *
po_shape_occurrences(Query *level)
{
	check_stack_depth();
	return occurrences_under(level, (Node *) level->jointree, NIL);
}

/* Returns the expression of a branch's output column. */
Expr *
po_shape_key(Query *branch, int output)
{
	return get_tle_by_resno(branch->targetList, output)->expr;
}

/* Tells whether a branch reads one relation, without joins, views or subqueries. */
bool
po_shape_is_single(Query *branch)
{
	List	   *from = branch->jointree->fromlist;

	return list_length(from) == 1 && IsA(linitial(from), RangeTblRef) &&
		rt_fetch(linitial_node(RangeTblRef, from)->rtindex, branch->rtable)->rtekind == RTE_RELATION;
}

/* Returns the range table indexes under a join tree node that an outer join may replace by NULLs. */
Bitmapset *
po_shape_nullable(Node *node, bool nullable)
{
	Bitmapset  *relids = NULL;

	if (IsA(node, RangeTblRef))
		return nullable ? bms_make_singleton(((RangeTblRef *) node)->rtindex) : NULL;
	if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;

		return bms_union(po_shape_nullable(join->larg, nullable || join->jointype == JOIN_RIGHT),
						 po_shape_nullable(join->rarg, nullable || join->jointype == JOIN_LEFT));
	}
	for (int i = 0; i < list_length(castNode(FromExpr, node)->fromlist); i++)
		relids = bms_union(relids, po_shape_nullable(list_nth(((FromExpr *) node)->fromlist, i), nullable));
	return relids;
}

/* Returns what a column of a subquery in FROM stands for. */
static Node *
subquery_column(RangeTblEntry *rte, AttrNumber column)
{
	return (Node *) get_tle_by_resno(rte->subquery->targetList, column)->expr;
}

/*
 * Tells whether an expression reads one of relids, or a column that an outer
 * join inside a subquery may replace by NULL.
 */
bool
po_shape_touches(Query *level, Node *node, Bitmapset *relids)
{
	ListCell   *cell;

	foreach(cell, pull_var_clause(node, ALL_VARS))
	{
		Var		   *var = lfirst(cell);
		RangeTblEntry *rte = rt_fetch(var->varno, level->rtable);

		if (bms_is_member(var->varno, relids))
			return true;
		if (rte->rtekind == RTE_SUBQUERY && var->varattno > 0 &&
			po_shape_touches(rte->subquery, subquery_column(rte, var->varattno),
							 po_shape_nullable((Node *) rte->subquery->jointree, false)))
			return true;
	}
	return false;
}

/* Returns why a relation that is read directly has no incremental refresh, or NULL. */
static const char *
relation_refusal(RangeTblEntry *rte)
{
	char	   *name = po_relname_qualified(rte->relid);
	ListCell   *cell;

	if (rte->tablesample)
		return psprintf("it reads a sample of %s", name);
	if (rte->relid < FirstNormalObjectId)
		return psprintf("%s belongs to the server", name);
	if (rte->relkind == RELKIND_FOREIGN_TABLE)
		return psprintf("%s is a foreign table, whose changes are not seen here", name);
	if (rte->relkind != RELKIND_RELATION && rte->relkind != RELKIND_PARTITIONED_TABLE &&
		rte->relkind != RELKIND_MATVIEW)
		return psprintf("%s is not a table", name);
	if (get_rel_persistence(rte->relid) == RELPERSISTENCE_TEMP)
		return psprintf("%s is a temporary table", name);
	if (rte->relkind == RELKIND_RELATION && rte->inh && has_subclass(rte->relid))
		return psprintf("%s has inheritance children, whose changes its triggers do not see", name);
	if (rte->relkind == RELKIND_PARTITIONED_TABLE)
		foreach(cell, find_all_inheritors(rte->relid, AccessShareLock, NULL))
			if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_FOREIGN_TABLE)
			return psprintf("%s has a foreign partition, whose changes are not seen here", name);
	return NULL;
}

/* Adds a reason to a list, once; NULL is none. */
static List *
add_reason(List *reasons, const char *reason)
{
	ListCell   *cell;

	foreach(cell, reasons)
		if (reason && strcmp(lfirst(cell), reason) == 0)
		return reasons;
	return reason ? lappend(reasons, (void *) reason) : reasons;
}

/* Adds the reasons of another list. */
static List *
add_reasons(List *reasons, List *others)
{
	ListCell   *cell;

	foreach(cell, others)
		reasons = add_reason(reasons, lfirst(cell));
	return reasons;
}

/* Returns why an item of FROM that is no subquery has no incremental refresh, or NULL. */
static const char *
item_refusal(RangeTblEntry *rte)
{
	switch (rte->rtekind)
	{
		case RTE_RELATION:
			return relation_refusal(rte);
		case RTE_FUNCTION:
		case RTE_VALUES:
		case RTE_RESULT:
			return NULL;
		case RTE_CTE:
			return "it has a recursive WITH query";
		default:
			return "it has an item in FROM that is neither a table nor a subquery";
	}
}

/* Returns all reasons why an item of FROM has no incremental refresh. */
static List *
item_refusals(RangeTblEntry *rte)
{
	List	   *reasons = NIL;

	if (rte->lateral)
		reasons = add_reason(reasons, "it has a LATERAL item in FROM");
	if (rte->securityQuals)
		reasons = add_reason(reasons, "a table that it reads has row level security");
	if (rte->rtekind == RTE_SUBQUERY)
		return add_reasons(reasons, level_refusals(rte->subquery, false));
	return add_reason(reasons, item_refusal(rte));
}

/* Returns all reasons why what is under a join tree node has no incremental refresh. */
static List *
from_refusals(Query *query, Node *node)
{
	List	   *reasons = NIL;

	if (IsA(node, RangeTblRef))
		return item_refusals(rt_fetch(((RangeTblRef *) node)->rtindex, query->rtable));
	if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;

		if (join->jointype != JOIN_INNER && join->jointype != JOIN_LEFT && join->jointype != JOIN_RIGHT)
			reasons = add_reason(reasons, "it has a FULL JOIN");
		reasons = add_reasons(reasons, from_refusals(query, join->larg));
		return add_reasons(reasons, from_refusals(query, join->rarg));
	}
	for (int i = 0; i < list_length(castNode(FromExpr, node)->fromlist); i++)
		reasons = add_reasons(reasons, from_refusals(query, list_nth(((FromExpr *) node)->fromlist, i)));
	return reasons;
}

/* Returns all reasons why a subquery in FROM has no incremental refresh although the same at the top would. */
static List *
nesting_refusals(Query *query)
{
	List	   *reasons = NIL;

	if (query->hasAggs || query->groupClause || query->havingQual)
		reasons = add_reason(reasons, "it has an aggregate in a subquery");
	if (query->distinctClause)
		reasons = add_reason(reasons, "it has a DISTINCT in a subquery");
	if (query->hasWindowFuncs)
		reasons = add_reason(reasons, "it has a window function in a subquery");
	if (query->setOperations)
		reasons = add_reason(reasons, "it has a set operation in a subquery");
	return reasons;
}

/* Returns all reasons why a query at the top or a branch of it, whose FROM has not been looked at, has no incremental refresh. */
static List *
clause_refusals(Query *query)
{
	const struct
	{
		bool		present;
		const char *reason;
	}			clauses[] = {
		{query->commandType != CMD_SELECT || query->rowMarks, "it is not a plain SELECT"},
		{query->cteList, "it has a recursive WITH query"},
		{query->hasRowSecurity, "a table that it reads has row level security"},
		{query->hasSubLinks, "it has a subquery outside FROM"},
		{query->limitCount || query->limitOffset, "it has LIMIT or OFFSET"},
		{query->groupingSets, "it has GROUPING SETS, ROLLUP or CUBE"},
		{query->hasTargetSRFs, "it has a function that returns a set in its SELECT list"},
		{query->hasDistinctOn, "it has DISTINCT ON"},
		{query->hasAggs && query->groupClause == NIL && query->groupingSets == NIL,
		"it aggregates without GROUP BY, so every change concerns its one row"}
	};
	List	   *reasons = NIL;

	for (int i = 0; i < lengthof(clauses); i++)
		if (clauses[i].present)
			reasons = add_reason(reasons, clauses[i].reason);
	return reasons;
}

/* Returns all reasons why one SELECT without set operations has no incremental refresh. */
static List *
level_refusals(Query *query, bool top)
{
	List	   *reasons = clause_refusals(query);

	check_stack_depth();
	if (!top)
		reasons = add_reasons(reasons, nesting_refusals(query));
	return add_reasons(reasons, from_refusals(query, (Node *) query->jointree));
}

/* Returns all reasons why the clauses and FROM items of a whole query allow no incremental refresh. */
static List *
query_refusals(Query *query)
{
	check_stack_depth();
	if (query->setOperations == NULL)
		return level_refusals(query, true);
	return add_reasons(clause_refusals(query), side_refusals(query, query->setOperations));
}

/* Returns all reasons why one side of a set operation allows no incremental refresh. */
static List *
side_refusals(Query *query, Node *side)
{
	if (IsA(side, RangeTblRef))
		return query_refusals(rt_fetch(((RangeTblRef *) side)->rtindex, query->rtable)->subquery);
	return add_reasons(side_refusals(query, castNode(SetOperationStmt, side)->larg),
					   side_refusals(query, castNode(SetOperationStmt, side)->rarg));
}

/* Tells whether a sort or group list has an expression. */
static bool
is_in_clauses(List *clauses, Expr *expr, List *target_list)
{
	ListCell   *cell;

	foreach(cell, clauses)
		if (equal(get_sortgroupclause_expr(lfirst_node(SortGroupClause, cell), target_list), expr))
		return true;
	return false;
}

/* Tells whether a type has an equality that rows can be grouped by. */
static bool
is_groupable(Oid type)
{
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR | TYPECACHE_HASH_PROC);

	return OidIsValid(entry->eq_opr) && (OidIsValid(entry->lt_opr) || OidIsValid(entry->hash_proc));
}

/* Tells whether an output column can be a key of one branch. */
static bool
can_be_key(Query *branch, int output, Oid type)
{
	Expr	   *expr = po_shape_key(branch, output);
	ListCell   *cell;

	if (exprType((Node *) expr) != type || !is_groupable(type) || contain_aggs_of_level((Node *) expr, 0) ||
		contain_windowfuncs((Node *) expr))
		return false;
	if (branch->groupClause && !is_in_clauses(branch->groupClause, expr, branch->targetList))
		return false;
	foreach(cell, branch->windowClause)
		if (!is_in_clauses(lfirst_node(WindowClause, cell)->partitionClause, expr, branch->targetList))
		return false;
	return !po_shape_touches(branch, (Node *) expr, po_shape_nullable((Node *) branch->jointree, false));
}

/* Returns the output columns that can be keys in every branch; constants alone are none. */
static List *
find_candidates(PoShape *shape)
{
	List	   *candidates = NIL;
	bool		varies = false;
	ListCell   *cell;
	ListCell   *branch;

	foreach(cell, shape->query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, cell);
		bool		usable = !tle->resjunk;
		bool		reads_rows = false;

		foreach(branch, shape->branches)
		{
			usable = usable && can_be_key(lfirst(branch), tle->resno, exprType((Node *) tle->expr));
			reads_rows = reads_rows ||
				(usable && contain_var_clause((Node *) po_shape_key(lfirst(branch), tle->resno)));
		}
		if (usable)
			candidates = lappend_int(candidates, tle->resno);
		varies = varies || (usable && reads_rows);
	}
	return varies ? candidates : NIL;
}

/* Returns the columns of a unique index of a view that are all candidates, or NIL. */
static List *
unique_index_columns(Relation matview, List *candidates)
{
	List	   *keys = NIL;
	ListCell   *cell;

	foreach(cell, RelationGetIndexList(matview))
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);
		bool		usable = index->rd_index->indisunique && index->rd_index->indisvalid &&
		RelationGetIndexPredicate(index) == NIL;

		for (int i = 0; usable && i < index->rd_index->indnkeyatts; i++)
			usable = list_member_int(candidates, index->rd_index->indkey.values[i]);
		for (int i = 0; usable && i < index->rd_index->indnkeyatts; i++)
			keys = lappend_int(keys, index->rd_index->indkey.values[i]);
		index_close(index, AccessShareLock);
		if (keys)
			break;
	}
	return keys;
}

/* Returns the columns that the query makes unique, if all are candidates, or NIL. */
static List *
unique_columns(Relation matview, List *candidates)
{
	PoKey		key;
	List	   *keys = NIL;
	ListCell   *cell;

	po_key_find(RelationGetRelid(matview), &key);
	foreach(cell, key.columns)
	{
		AttrNumber	column = get_attnum(RelationGetRelid(matview), lfirst(cell));

		if (!list_member_int(candidates, column))
			return NIL;
		keys = lappend_int(keys, column);
	}
	return keys;
}

/*
 * Chooses the keys among the candidates of a view, or of one that is yet to be (NULL): any choice is right, one that an index
 * of the view finds and that few rows share is fast.
 */
static List *
choose_keys(Relation matview, List *candidates)
{
	List	   *keys = matview ? unique_index_columns(matview, candidates) : NIL;

	if (keys == NIL && matview != NULL)
		keys = unique_columns(matview, candidates);
	return keys ? keys : candidates;
}

/* Returns the entry of a base; NULL when the query does not read it. */
PoShapeBase *
po_shape_find_base(PoShape *shape, Oid relid)
{
	ListCell   *cell;

	foreach(cell, shape->bases)
		if (((PoShapeBase *) lfirst(cell))->relid == relid)
		return lfirst(cell);
	return NULL;
}

/* Returns the entry of a base, made on first use. */
static PoShapeBase *
get_base(PoShape *shape, Oid relid)
{
	PoShapeBase *base = po_shape_find_base(shape, relid);

	if (base)
		return base;
	base = palloc0(sizeof(PoShapeBase));
	base->relid = relid;
	shape->bases = lappend(shape->bases, base);
	return base;
}

/* Tells whether a column is computed when it is read, and so not in a trigger's row. */
static bool
is_virtual(Oid relid, AttrNumber column)
{
	return get_attgenerated(relid, column) == 'v';
}

/* Notes a base column that an expression reads; sets the refusal for what cannot be captured. */
static void
note_column(PoShape *shape, Oid relid, AttrNumber column, bool logged)
{
	PoShapeBase *base = get_base(shape, relid);

	if (column == InvalidAttrNumber)
		shape->refusal = psprintf("it uses whole rows of %s", po_relname_qualified(relid));
	else if (column < 0)
		shape->refusal = psprintf("it uses a system column of %s", po_relname_qualified(relid));
	else if (is_virtual(relid, column))
		shape->refusal = psprintf("it uses a virtual generated column of %s", po_relname_qualified(relid));
	else
	{
		base->used = bms_add_member(base->used, column);
		if (logged)
			base->logged = bms_add_member(base->logged, column);
	}
}

/* Notes the base columns that an expression of a level reads, through subqueries. */
static void
note_columns(PoShape *shape, Query *level, Node *node, bool logged)
{
	ListCell   *cell;

	foreach(cell, pull_var_clause(node, ALL_VARS))
	{
		Var		   *var = lfirst(cell);
		RangeTblEntry *rte = rt_fetch(var->varno, level->rtable);

		if (rte->rtekind == RTE_RELATION)
			note_column(shape, rte->relid, var->varattno, logged);
		else if (rte->rtekind == RTE_SUBQUERY && var->varattno > 0)
			note_columns(shape, rte->subquery, subquery_column(rte, var->varattno), logged);
		else if (rte->rtekind == RTE_SUBQUERY)
			shape->refusal = "it uses whole rows of a subquery";
	}
}

/* What the walk over a level's conditions needs. */
typedef struct ConditionContext
{
	PoShape    *shape;
	Query	   *level;
	bool		logged;
} ConditionContext;

static void note_conditions(PoShape *shape, Query *level, bool logged);

/* Notes the columns of the conditions under a join tree node, and of subqueries there. */
static void
note_conditions_under(ConditionContext *context, Node *node)
{
	if (IsA(node, RangeTblRef))
	{
		RangeTblEntry *rte = rt_fetch(((RangeTblRef *) node)->rtindex, context->level->rtable);

		if (rte->rtekind == RTE_RELATION)
			(void) get_base(context->shape, rte->relid);
		else if (rte->rtekind == RTE_SUBQUERY)
			note_conditions(context->shape, rte->subquery, context->logged);
	}
	else if (IsA(node, JoinExpr))
	{
		note_columns(context->shape, context->level, ((JoinExpr *) node)->quals, context->logged);
		note_conditions_under(context, ((JoinExpr *) node)->larg);
		note_conditions_under(context, ((JoinExpr *) node)->rarg);
	}
	else
	{
		note_columns(context->shape, context->level, castNode(FromExpr, node)->quals, context->logged);
		for (int i = 0; i < list_length(((FromExpr *) node)->fromlist); i++)
			note_conditions_under(context, list_nth(((FromExpr *) node)->fromlist, i));
	}
}

/* Notes the columns of a level's conditions. */
static void
note_conditions(PoShape *shape, Query *level, bool logged)
{
	ConditionContext context = {shape, level, logged};

	note_conditions_under(&context, (Node *) level->jointree);
}

/* Fills in which columns of which relations matter. */
static void
find_bases(PoShape *shape)
{
	ListCell   *cell;
	ListCell   *key;

	foreach(cell, shape->branches)
	{
		Query	   *branch = lfirst_node(Query, cell);

		note_columns(shape, branch, (Node *) branch->targetList, false);
		note_columns(shape, branch, branch->havingQual, false);
		note_conditions(shape, branch, !po_shape_is_single(branch));
		foreach(key, shape->keys)
			note_columns(shape, branch, (Node *) po_shape_key(branch, lfirst_int(key)), true);
	}
	if (shape->bases == NIL && shape->refusal == NULL)
		shape->refusal = "it reads no table";
}

/*
 * Analyses a view's query, which has been rewritten (and is normalised in
 * place); the locks on what it reads are held.  When there is a refusal the
 * other fields may be incomplete.
 */
void
po_shape_analyse(Relation matview, Query *query, PoShape *shape)
{
	List	   *candidates;

	memset(shape, 0, sizeof(*shape));
	po_normalise_query(query);
	shape->query = query;
	shape->branches = po_shape_branches(query);
	shape->refusal = po_text_join(add_reason(query_refusals(query), po_stability_refusal(query, false)), "; ");
	if (shape->refusal)
		return;
	candidates = find_candidates(shape);
	if (candidates == NIL)
		shape->refusal = "no output column tells which of its rows a change concerns";
	shape->keys = choose_keys(matview, candidates);
	find_bases(shape);
}
