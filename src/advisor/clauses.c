/*
 * clauses.c
 *	  What statements ask of one table at a time: conditions that hold together, and groupings.
 */
#include "postgres.h"

#include "access/transam.h"
#include "advisor/clauses.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "core/compat.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/* Extended statistics have no more columns. */
#define MAX_SUBJECTS 8

/* What the walk over a statement carries along. */
typedef struct Collector
{
	const PoAdvisorQuery *query;
	List	   *sets;			/* PoClauseSet */
} Collector;

/* Tells whether a node depends on no row: it has neither columns nor volatile functions. */
static bool
is_constant(Node *node)
{
	return !contain_var_clause(node) && !contain_volatile_functions(node);
}

/* Tells whether an operator is an equality or a comparison, by how the planner estimates it. */
static bool
is_estimable(Oid operator)
{
	switch (get_oprrest(operator))
	{
		case F_EQSEL:
		case F_SCALARLTSEL:
		case F_SCALARLESEL:
		case F_SCALARGTSEL:
		case F_SCALARGESEL:
			return true;
		default:
			return false;
	}
}

/* Strips what only changes a type's name. */
static Node *
strip(Node *node)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/*
 * Returns the column or expression that a condition is about, and what it is compared
 * with (NULL: nothing) in *other; NULL for a condition that statistics say nothing about.
 */
Node *
po_clauses_subject(Node *clause, Node **other)
{
	List	   *args = NIL;

	*other = NULL;
	if (IsA(clause, Var))
		return clause;
	if (IsA(clause, NullTest))
		return strip((Node *) ((NullTest *) clause)->arg);
	if (IsA(clause, BoolExpr) && ((BoolExpr *) clause)->boolop == NOT_EXPR &&
		IsA(linitial(((BoolExpr *) clause)->args), Var))
		return (Node *) linitial(((BoolExpr *) clause)->args);
	if (IsA(clause, OpExpr) && is_estimable(((OpExpr *) clause)->opno))
		args = ((OpExpr *) clause)->args;
	else if (IsA(clause, ScalarArrayOpExpr) && ((ScalarArrayOpExpr *) clause)->useOr &&
			 is_estimable(((ScalarArrayOpExpr *) clause)->opno))
		args = ((ScalarArrayOpExpr *) clause)->args;
	if (list_length(args) != 2)
		return NULL;
	if (is_constant((Node *) lsecond(args)))
	{
		*other = (Node *) lsecond(args);
		return strip((Node *) linitial(args));
	}
	if (IsA(clause, OpExpr) && is_constant((Node *) linitial(args)))
	{
		*other = (Node *) linitial(args);
		return strip((Node *) lsecond(args));
	}
	return NULL;
}

/* Tells whether statistics can be about what a range table entry reads: a table of the user's with rows of its own, or partitions. */
static bool
has_statistics(const RangeTblEntry *rte)
{
	if (rte->rtekind != RTE_RELATION || rte->relid < FirstNormalObjectId)
		return false;
	if (rte->relkind == RELKIND_PARTITIONED_TABLE)
		return rte->inh;
	return (rte->relkind == RELKIND_RELATION || rte->relkind == RELKIND_MATVIEW) && !has_subclass(rte->relid);
}

/* Returns the range table index of the one table that an expression reads, 0 when it is not one. */
static int
only_relation(Query *query, Node *node)
{
	int			rti;

	if (checkExprHasSubLink(node) || contain_vars_of_level(node, 1) || contain_agg_clause(node) ||
		contain_windowfuncs(node) || !bms_get_singleton_member(pull_varnos(NULL, node), &rti))
		return 0;
	return has_statistics(rt_fetch(rti, query->rtable)) ? rti : 0;
}

/* Tells whether statistics can be about a column or expression. */
static bool
is_subject(Node *node)
{
	if (IsA(node, Var))
		return ((Var *) node)->varattno > 0;
	return !IsA(node, Const) && contain_var_clause(node) && !contain_mutable_functions(node) &&
		!expression_returns_set(node);
}

/* Adds what a condition or grouping is about to a set, with varno 1. */
static void
add_subject(PoClauseSet *set, Node *subject)
{
	if (list_length(set->subjects) < MAX_SUBJECTS)
		set->subjects = list_append_unique(set->subjects, subject);
}

/* Returns the set of a table among those of one query level, which stand at its range table index; a new one if there is none. */
static PoClauseSet *
set_of(List **sets, int rti, const Collector *collector, Query *query)
{
	PoClauseSet *set;

	while (list_length(*sets) <= rti)
		*sets = lappend(*sets, NULL);
	set = (PoClauseSet *) list_nth(*sets, rti);
	if (set != NULL)
		return set;
	set = palloc0(sizeof(PoClauseSet));
	set->query = collector->query;
	set->relid = rt_fetch(rti, query->rtable)->relid;
	lfirst(list_nth_cell(*sets, rti)) = set;
	return set;
}

/* Adds one condition to the set of its table. */
static void
add_clause(List **sets, Query *query, Node *clause, const Collector *collector)
{
	int			rti = only_relation(query, clause);
	Node	   *copy;
	Node	   *subject;
	Node	   *other;
	PoClauseSet *set;

	if (rti == 0 || contain_volatile_functions(clause))
		return;
	copy = copyObject(clause);
	ChangeVarNodes(copy, rti, 1, 0);
	subject = po_clauses_subject(copy, &other);
	if (subject == NULL || !is_subject(subject))
		return;
	set = set_of(sets, rti, collector, query);
	set->clauses = lappend(set->clauses, copy);
	add_subject(set, subject);
}

/* Adds all conditions that are ANDed in an expression. */
static void
add_quals(List **sets, Query *query, Node *quals, const Collector *collector)
{
	ListCell   *lc;

	if (quals == NULL)
		return;
	check_stack_depth();
	if (!is_andclause(quals))
	{
		add_clause(sets, query, quals, collector);
		return;
	}
	foreach(lc, ((BoolExpr *) quals)->args)
		add_quals(sets, query, (Node *) lfirst(lc), collector);
}

/* Adds the conditions of a join tree. */
static void
add_jointree(List **sets, Query *query, Node *node, const Collector *collector)
{
	ListCell   *lc;

	if (node == NULL)
		return;
	check_stack_depth();
	if (IsA(node, FromExpr))
	{
		foreach(lc, ((FromExpr *) node)->fromlist)
			add_jointree(sets, query, (Node *) lfirst(lc), collector);
		add_quals(sets, query, ((FromExpr *) node)->quals, collector);
	}
	else if (IsA(node, JoinExpr))
	{
		add_jointree(sets, query, ((JoinExpr *) node)->larg, collector);
		add_jointree(sets, query, ((JoinExpr *) node)->rarg, collector);
		add_quals(sets, query, ((JoinExpr *) node)->quals, collector);
	}
}

/* Adds the columns that a query groups by, a set for each table with several of them. */
static void
add_grouping(List **sets, Query *query, const Collector *collector)
{
	ListCell   *lc;

	if (query->groupingSets != NIL)
		return;
	foreach(lc, query->groupClause)
	{
		Node	   *node = get_sortgroupclause_expr(lfirst_node(SortGroupClause, lc), query->targetList);
		int			rti;
		PoClauseSet *set;

		node = strip(copyObject(PO_FLATTEN_GROUP_EXPRS(query, node)));
		rti = only_relation(query, node);
		if (rti == 0 || !is_subject(node))
			continue;
		ChangeVarNodes(node, rti, 1, 0);
		set = set_of(sets, rti, collector, query);
		set->grouping = true;
		add_subject(set, node);
	}
}

/* Keeps the sets that are worth a look. */
static void
keep_sets(Collector *collector, List *sets)
{
	ListCell   *lc;

	foreach(lc, sets)
	{
		PoClauseSet *set = (PoClauseSet *) lfirst(lc);

		if (set != NULL && (!set->grouping || list_length(set->subjects) > 1))
			collector->sets = lappend(collector->sets, set);
	}
}

/* Walks over every query level of a statement. */
static bool
collect_walker(Node *node, void *arg)
{
	Collector  *collector = (Collector *) arg;
	List	   *conditions = NIL;
	List	   *groupings = NIL;
	Query	   *query = (Query *) node;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, collect_walker, arg);
	add_jointree(&conditions, query, (Node *) query->jointree, collector);
	add_grouping(&groupings, query, collector);
	keep_sets(collector, conditions);
	keep_sets(collector, groupings);
	return query_tree_walker(query, collect_walker, arg, 0);
}

/* Returns the PoClauseSets of an analysed statement, in the current memory context. */
List *
po_clauses_collect(const PoAdvisorQuery *query)
{
	Collector	collector = {query, NIL};
	ListCell   *lc;

	foreach(lc, query->statement->queries)
		(void) collect_walker((Node *) lfirst(lc), &collector);
	return collector.sets;
}
