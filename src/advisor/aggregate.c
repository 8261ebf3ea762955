/*
 * aggregate.c
 *	  Aggregates in statements, as the queries of materialized views.
 *
 * A condition on a column that differs from call to call cannot be part of a view; the
 * column becomes one of the view's, and the statement keeps the condition.  Compared by
 * equality that changes no group; otherwise several groups of the view make one of the
 * statement, which works for aggregates that can be aggregated further.
 */
#include "postgres.h"

#include "access/transam.h"
#include "advisor/aggregate.h"
#include "advisor/clauses.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "core/compat.h"
#include "core/setting.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/analyze.h"
#include "parser/parse_clause.h"
#include "parser/parse_oper.h"
#include "parser/parsetree.h"
#include "tcop/tcopprot.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

/* What the walk over a statement carries along. */
typedef struct Collector
{
	PoAdvisorQuery *query;
	bool		measured;
	Query	   *top;
	List	   *aggregates;		/* PoAggregate */
} Collector;

/* Tells whether an expression has a parameter. */
static bool
has_param(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		return ((Param *) node)->paramkind == PARAM_EXTERN;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, has_param, arg, 0);
	return expression_tree_walker(node, has_param, arg);
}

/* Tells whether a query reads anything that a view must not, or cannot: catalogs, temporary tables, CTEs of an outer query. */
static bool
reads_unsuitable(Node *node, void *arg)
{
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, reads_unsuitable, arg);
	foreach(lc, ((Query *) node)->rtable)
	{
		const RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_CTE && rte->ctelevelsup > 0)
			return true;
		if (rte->rtekind == RTE_RELATION &&
			(rte->relid < FirstNormalObjectId || isTempNamespace(get_rel_namespace(rte->relid)) ||
			 get_rel_persistence(rte->relid) == RELPERSISTENCE_TEMP))
			return true;
	}
	return query_tree_walker((Query *) node, reads_unsuitable, arg, 0);
}

/* Tells whether a query level is an aggregate that a view can hold. */
static bool
is_candidate(Query *query)
{
	return query->commandType == CMD_SELECT && (query->hasAggs || query->groupClause != NIL) &&
		query->groupingSets == NIL && query->distinctClause == NIL && query->setOperations == NULL &&
		!query->hasWindowFuncs && !query->hasTargetSRFs && !query->hasModifyingCTE &&
		query->rowMarks == NIL && query->cteList == NIL && !contain_volatile_functions((Node *) query) &&
		!contain_vars_of_level((Node *) query, 1) && !reads_unsuitable((Node *) query, NULL);
}

/* Returns the first table or view that a query reads, InvalidOid when there is none. */
static Oid
first_relation(const Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		const RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION)
			return rte->relid;
	}
	return InvalidOid;
}

/* Tells whether an aggregate's results for parts give the result for the whole. */
static bool
adds_up(const Aggref *aggref)
{
	const char *name = get_func_name(aggref->aggfnoid);
	static const char *const names[] = {"count", "sum", "min", "max", "bool_and", "bool_or", "every"};

	if (aggref->aggfnoid >= FirstNormalObjectId || aggref->aggdistinct != NIL || name == NULL)
		return false;
	for (int i = 0; i < lengthof(names); i++)
	{
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

/* Tells whether a query has an aggregate that does not add up. */
static bool
has_other_aggregate(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (IsA(node, Aggref))
		return !adds_up((const Aggref *) node);
	return expression_tree_walker(node, has_other_aggregate, arg);
}

/* How a condition can leave a query for the column that it is about. */
typedef enum Lift
{
	LIFT_NONE,
	LIFT_EQUAL,
	LIFT_RANGE
} Lift;

/* Decides about one condition; constants: not only parameters differ from call to call.  Fills the column. */
static Lift
judge_condition(Node *clause, bool constants, Var **column)
{
	Node	   *other;
	Node	   *subject = po_clauses_subject(clause, &other);

	if (subject == NULL || !IsA(subject, Var) || ((Var *) subject)->varlevelsup > 0 || other == NULL ||
		!(has_param(other, NULL) || constants))
		return LIFT_NONE;
	*column = (Var *) subject;
	return IsA(clause, OpExpr) && get_oprrest(((OpExpr *) clause)->opno) == F_EQSEL ? LIFT_EQUAL : LIFT_RANGE;
}

/* Makes a column a key of the query's groups and of its result, unless it is one; returns its entry. */
static TargetEntry *
add_key(Query *query, Var *column)
{
	TargetEntry *entry = tlist_member((Expr *) column, query->targetList);
	SortGroupClause *clause;
	RangeTblEntry *rte = rt_fetch(column->varno, query->rtable);

	if (entry == NULL)
	{
		entry = makeTargetEntry((Expr *) copyObject(column), (AttrNumber) (list_length(query->targetList) + 1),
								pstrdup(get_rte_attribute_name(rte, column->varattno)), false);
		query->targetList = lappend(query->targetList, entry);
	}
	if (entry->ressortgroupref == 0 || get_sortgroupref_clause_noerr(entry->ressortgroupref, query->groupClause) == NULL)
	{
		clause = makeNode(SortGroupClause);
		clause->tleSortGroupRef = assignSortGroupRef(entry, query->targetList);
		get_sort_group_operators(exprType((Node *) column), false, true, false,
								 &clause->sortop, &clause->eqop, NULL, &clause->hashable);
		query->groupClause = lappend(query->groupClause, clause);
	}
	return entry;
}

/*
 * Takes the conditions that differ from call to call out of a query and makes their
 * columns keys.  Returns the entries of these; *equal says that all were equalities.
 */
static List *
lift_conditions(Query *query, bool constants, bool *equal)
{
	List	   *kept = NIL;
	List	   *entries = NIL;
	ListCell   *lc;

	*equal = true;
	foreach(lc, make_ands_implicit((Expr *) query->jointree->quals))
	{
		Var		   *column = NULL;
		Lift		lift = judge_condition((Node *) lfirst(lc), constants, &column);

		if (lift == LIFT_NONE || (lift == LIFT_RANGE && !has_param((Node *) lfirst(lc), NULL)))
		{
			kept = lappend(kept, lfirst(lc));
			continue;
		}
		if (lift == LIFT_RANGE)
			*equal = false;
		entries = list_append_unique_ptr(entries, add_key(query, column));
	}
	query->jointree->quals = kept == NIL ? NULL : (Node *) make_ands_explicit(kept);
	return entries;
}

/* Drops the order and the limit, and what the result holds for them alone; keys become columns of the result. */
static void
drop_order(Query *query)
{
	List	   *kept = NIL;
	ListCell   *lc;

	query->sortClause = NIL;
	query->limitCount = NULL;
	query->limitOffset = NULL;
	query->limitOption = LIMIT_OPTION_COUNT;
	foreach(lc, query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);
		bool		key = entry->ressortgroupref != 0 &&
		get_sortgroupref_clause_noerr(entry->ressortgroupref, query->groupClause) != NULL;

		if (entry->resjunk && !key)
			continue;
		entry->resjunk = false;
		if (!key)
			entry->ressortgroupref = 0;
		entry->resno = (AttrNumber) (list_length(kept) + 1);
		kept = lappend(kept, entry);
	}
	query->targetList = kept;
}

/* Tells whether an earlier column of the result has a name. */
static bool
name_taken(const Query *query, const TargetEntry *until, const char *name)
{
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		const TargetEntry *entry = lfirst_node(TargetEntry, lc);

		if (entry == until)
			return false;
		if (strcmp(entry->resname, name) == 0)
			return true;
	}
	return false;
}

/* Gives each column of the result a name of its own. */
static void
name_columns(Query *query)
{
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);
		const char *base = entry->resname;
		char	   *name;

		if (base == NULL || base[0] == '\0' || base[0] == '?')
			base = IsA(entry->expr, Var)
				? get_rte_attribute_name(rt_fetch(((Var *) entry->expr)->varno, query->rtable), ((Var *) entry->expr)->varattno)
				: "column";
		name = pstrdup(base);
		for (int i = 1; name_taken(query, entry, name); i++)
			name = psprintf("%.*s_%d", NAMEDATALEN - 12, base, i);
		entry->resname = name;
	}
}

/* Tells whether an entry of the result is a key of the groups. */
static bool
is_key(const TargetEntry *entry)
{
	return entry->ressortgroupref != 0;
}

/* Orders columns of a result: keys first, by name. */
static int
compare_columns(const ListCell *a, const ListCell *b)
{
	const TargetEntry *x = lfirst_node(TargetEntry, a);
	const TargetEntry *y = lfirst_node(TargetEntry, b);

	if (is_key(x) != is_key(y))
		return is_key(x) ? -1 : 1;
	return strcmp(x->resname, y->resname);
}

/* Brings columns and grouping into an order of their own, so that like queries become the same text. */
static void
order_columns(Query *query)
{
	List	   *grouping = NIL;
	ListCell   *lc;

	list_sort(query->targetList, compare_columns);
	foreach(lc, query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);

		entry->resno = (AttrNumber) (foreach_current_index(lc) + 1);
		if (is_key(entry))
			grouping = lappend(grouping, get_sortgroupref_clause(entry->ressortgroupref, query->groupClause));
	}
	query->groupClause = grouping;
}

/* Returns a query as SQL whose names are qualified. */
static char *
deparse(const Query *query)
{
	int			guc_level = NewGUCNestLevel();
	char	   *sql;

	po_setting_for_level("search_path", "pg_catalog");
	sql = pg_get_querydef(copyObject(unconstify(Query *, query)), false);
	AtEOXact_GUC(false, guc_level);
	return sql + strspn(sql, " ");
}

/* Returns the names of some entries of the result. */
static List *
names_of(List *entries)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, entries)
		names = lappend(names, lfirst_node(TargetEntry, lc)->resname);
	return names;
}

/* Fills the names of the columns that are unique together: the keys, or one column of the only row. */
static void
find_keys(const Query *query, PoAggregateView *view)
{
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);

		if (is_key(entry))
			view->keys = lappend(view->keys, entry->resname);
	}
	if (view->keys == NIL && query->targetList != NIL)
		view->keys = list_make1(linitial_node(TargetEntry, query->targetList)->resname);
}

/* Makes the query of a view from an aggregate; without one sql stays NULL. */
static void
make_view(const Query *aggregate, bool constants, PoAggregateView *view)
{
	Query	   *query = copyObject(unconstify(Query *, aggregate));
	List	   *entries;

	PO_DROP_GROUP_RTE(query);
	drop_order(query);
	entries = lift_conditions(query, constants, &view->looked_up);
	if (has_param((Node *) query, NULL) || query->targetList == NIL)
		return;
	if (!view->looked_up && (query->havingQual != NULL || has_other_aggregate((Node *) query->targetList, NULL)))
		return;
	name_columns(query);
	order_columns(query);
	find_keys(query, view);
	view->filters = names_of(entries);
	view->sql = deparse(query);
}

/* Adds an aggregate to what was collected, if a view can answer it. */
static void
add_aggregate(Collector *collector, Query *query)
{
	PoAggregate *aggregate = palloc0(sizeof(PoAggregate));

	aggregate->query = collector->query;
	aggregate->whole = query == collector->top;
	aggregate->sorted = query->sortClause != NIL;
	aggregate->relid = first_relation(query);
	if (!OidIsValid(aggregate->relid))
		return;
	make_view(query, collector->measured, &aggregate->fixed);
	make_view(query, true, &aggregate->open);
	if (aggregate->fixed.sql == NULL || aggregate->open.sql == NULL)
		return;
	aggregate->sql = deparse(query);
	collector->aggregates = lappend(collector->aggregates, aggregate);
}

/* Walks over the query levels of a statement; what is below an aggregate is part of it. */
static bool
collect_walker(Node *node, void *arg)
{
	Collector  *collector = (Collector *) arg;

	if (node == NULL)
		return false;
	check_stack_depth();
	if (!IsA(node, Query))
		return expression_tree_walker(node, collect_walker, arg);
	if (is_candidate((Query *) node))
	{
		add_aggregate(collector, (Query *) node);
		return false;
	}
	return query_tree_walker((Query *) node, collect_walker, arg, 0);
}

/*
 * Returns the PoAggregates of a statement, in the current memory context.  Called as
 * the role that the statement belongs to.
 */
List *
po_aggregate_collect(PoAdvisorQuery *query, bool measured)
{
	Collector	collector = {query, measured, NULL, NIL};
	const PoStatement *statement = query->statement;
	List	   *parsed = pg_parse_query(statement->text);
	Oid		   *types = NULL;
	int			ntypes = statement->nparams;

	if (list_length(parsed) != 1 || !IsA(linitial_node(RawStmt, parsed)->stmt, SelectStmt) ||
		((SelectStmt *) linitial_node(RawStmt, parsed)->stmt)->intoClause != NULL)
		return NIL;
	if (ntypes > 0)
	{
		types = palloc(sizeof(Oid) * ntypes);
		memcpy(types, statement->param_types, sizeof(Oid) * ntypes);
	}
	collector.top = parse_analyze_varparams(linitial_node(RawStmt, parsed), statement->text, &types, &ntypes, NULL);
	(void) collect_walker((Node *) collector.top, &collector);
	return collector.aggregates;
}
