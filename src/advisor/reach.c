/*
 * reach.c
 *	  Which columns limit the part of one table that a statement reaches.
 *
 * Read from the planner's own state, as plan/access.c does, because there equalities
 * are closed transitively and sub-selects pulled up.  What is said holds for every use
 * of the table by the statement; in doubt a column is left out.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/table.h"
#include "advisor/reach.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "plan/access.h"
#include "plan/hypo_build.h"
#include "plan/whatif.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* A table with fewer rows than this share of the one in question can be on every shard. */
#define COPIED_SHARE 0.1

/* What the visits to a statement's relations gather. */
typedef struct Visits
{
	Oid			relid;
	MemoryContext context;
	int			nuses;			/* of the table */
	double		rows;			/* of the table */
	double		elsewhere;		/* of the largest table that is read where
								 * this one is not */
	PoReach    *reach;
} Visits;

/* Strips what only changes a type's name. */
static Node *
strip(Node *node)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/* Returns the attribute number if a node is a column of a relation of the query, else 0. */
static int
column_of(Node *node, Index rti)
{
	Var		   *var = (Var *) strip(node);

	if (var == NULL || !IsA(var, Var) || var->varno != rti || var->varlevelsup != 0)
		return 0;
	return Max(var->varattno, 0);
}

/* Tells whether a node holds a value that another part of the statement computes. */
static bool
is_computed(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var) || IsA(node, SubPlan) || IsA(node, AlternativeSubPlan) ||
		(IsA(node, Param) && ((Param *) node)->paramkind != PARAM_EXTERN))
		return true;
	return expression_tree_walker(node, is_computed, context);
}

/* Tells whether a node is known when the statement begins. */
static bool
is_value(Node *node)
{
	return !is_computed(node, NULL) && !contain_volatile_functions(node);
}

/* Returns the B-tree strategy that an operator is for a column on its left; InvalidStrategy if none. */
static int
strategy_of(Node *column, Oid operator, Oid collation)
{
	Oid			family = po_hypo_build_family(exprType(column), NULL);

	if (!OidIsValid(operator) || !OidIsValid(family) ||
		(OidIsValid(exprCollation(column)) && exprCollation(column) != collation))
		return InvalidStrategy;
	return get_op_opfamily_strategy(operator, family);
}

/* Says which strategy compares a column of a relation, whose number *column gets, with a value. */
static int
comparison(Node *clause, Index rti, int *column, Node **value)
{
	OpExpr	   *op = (OpExpr *) clause;
	Node	   *left;
	Node	   *right;

	if (!IsA(clause, OpExpr) || list_length(op->args) != 2)
		return InvalidStrategy;
	left = (Node *) linitial(op->args);
	right = (Node *) lsecond(op->args);
	*value = right;
	if ((*column = column_of(left, rti)) != 0 && is_value(right))
		return strategy_of(left, op->opno, op->inputcollid);
	*value = left;
	if ((*column = column_of(right, rti)) != 0 && is_value(left))
		return strategy_of(right, get_commutator(op->opno), op->inputcollid);
	return InvalidStrategy;
}

/* Tells whether a clause compares a column of a relation with a list of values; *column gets its number. */
static bool
is_list(Node *clause, Index rti, int *column)
{
	ScalarArrayOpExpr *op = (ScalarArrayOpExpr *) clause;
	Node	   *left;

	if (!IsA(clause, ScalarArrayOpExpr) || !op->useOr)
		return false;
	left = (Node *) linitial(op->args);
	*column = column_of(left, rti);
	return *column != 0 && is_value((Node *) lsecond(op->args)) &&
		strategy_of(left, op->opno, op->inputcollid) == BTEqualStrategyNumber;
}

/* Finds the columns that the conditions on one relation alone limit. */
static void
find_limits(const RelOptInfo *rel, Bitmapset **equal, Bitmapset **limited)
{
	ListCell   *lc;

	foreach(lc, rel->baserestrictinfo)
	{
		Node	   *clause = (Node *) lfirst_node(RestrictInfo, lc)->clause;
		int			column = 0;
		Node	   *value;
		int			strategy = comparison(clause, rel->relid, &column, &value);

		if (strategy == BTEqualStrategyNumber)
			*equal = bms_add_member(*equal, column);
		if (strategy != InvalidStrategy || is_list(clause, rel->relid, &column))
			*limited = bms_add_member(*limited, column);
	}
}

/* Returns the columns of relation a that an equivalence class equates with any column of relation b. */
static Bitmapset *
tied_by_class(const EquivalenceClass *class, Index a, Index b)
{
	Bitmapset  *columns = NULL;
	bool		tied = false;
	ListCell   *lc;

	if (class->ec_has_volatile)
		return NULL;
	foreach(lc, class->ec_members)
	{
		Node	   *member = (Node *) ((EquivalenceMember *) lfirst(lc))->em_expr;
		int			column = column_of(member, a);

		if (column != 0)
			columns = bms_add_member(columns, column);
		tied = tied || column_of(member, b) != 0;
	}
	return tied ? columns : NULL;
}

/* Returns the column of relation a that a join clause equates with a column of relation b, or 0. */
static int
tied_by_clause(const RestrictInfo *info, Index a, Index b)
{
	OpExpr	   *op = (OpExpr *) info->clause;

	if (!IsA(op, OpExpr) || list_length(op->args) != 2 || info->mergeopfamilies == NIL)
		return 0;
	if (column_of((Node *) lsecond(op->args), b) != 0)
		return column_of((Node *) linitial(op->args), a);
	if (column_of((Node *) linitial(op->args), b) != 0)
		return column_of((Node *) lsecond(op->args), a);
	return 0;
}

/* Tells whether some column of a relation is compared for equality with a value. */
static bool
has_value(const RelOptInfo *rel, const Node *value)
{
	ListCell   *lc;

	foreach(lc, rel->baserestrictinfo)
	{
		int			column;
		Node	   *other;

		if (comparison((Node *) lfirst_node(RestrictInfo, lc)->clause, rel->relid, &column, &other) == BTEqualStrategyNumber &&
			equal(other, value))
			return true;
	}
	return false;
}

/*
 * Returns the columns of relation a that have the same value as a column of relation b.  From 16 on
 * that is all that the planner leaves of an outer join by columns one of which is compared with a value.
 */
static Bitmapset *
tied_by_value(const RelOptInfo *a, const RelOptInfo *b)
{
	Bitmapset  *columns = NULL;
	ListCell   *lc;

	foreach(lc, a->baserestrictinfo)
	{
		int			column;
		Node	   *value;

		if (comparison((Node *) lfirst_node(RestrictInfo, lc)->clause, a->relid, &column, &value) == BTEqualStrategyNumber &&
			has_value(b, value))
			columns = bms_add_member(columns, column);
	}
	return columns;
}

/* Returns the columns of a relation by which its rows are paired with those of another one. */
static Bitmapset *
tied_columns(const PlannerInfo *root, const RelOptInfo *rel, Index other)
{
	Bitmapset  *columns = tied_by_value(rel, root->simple_rel_array[other]);
	ListCell   *lc;

	foreach(lc, root->eq_classes)
		columns = bms_join(columns, tied_by_class((EquivalenceClass *) lfirst(lc), rel->relid, other));
	foreach(lc, rel->joininfo)
	{
		int			column = tied_by_clause(lfirst_node(RestrictInfo, lc), rel->relid, other);

		if (column != 0)
			columns = bms_add_member(columns, column);
	}
	return columns;
}

/* Tells whether a place of the range table is a table with too many rows to be on every shard. */
static bool
is_large(const PlannerInfo *root, int rti, double rows)
{
	const RelOptInfo *rel = root->simple_rel_array[rti];

	return rel != NULL && rel->reloptkind == RELOPT_BASEREL &&
		root->simple_rte_array[rti]->rtekind == RTE_RELATION && rel->tuples > rows * COPIED_SHARE;
}

/* Narrows a set that holds for all uses so far to what holds for one more. */
static void
narrow(const Visits *visits, Bitmapset **set, const Bitmapset *here)
{
	MemoryContext old = MemoryContextSwitchTo(visits->context);

	*set = visits->nuses == 1 ? bms_copy(here) : bms_int_members(*set, here);
	MemoryContextSwitchTo(old);
}

/* Takes in one use of the table. */
static void
visit_table(PlannerInfo *root, RelOptInfo *rel, Visits *visits)
{
	PoReach    *reach = visits->reach;
	Bitmapset  *equal = NULL;
	Bitmapset  *limited = NULL;
	Bitmapset  *local;
	Bitmapset  *joined = NULL;
	int			njoins = 0;

	find_limits(rel, &equal, &limited);
	local = bms_copy(equal);
	for (int rti = 1; rti < root->simple_rel_array_size; rti++)
	{
		Bitmapset  *tied;

		if (rti == rel->relid || !is_large(root, rti, rel->tuples))
			continue;
		tied = tied_columns(root, rel, rti);
		local = bms_int_members(local, tied);
		joined = njoins++ == 0 ? bms_copy(tied) : bms_int_members(joined, tied);
	}
	visits->nuses++;
	visits->rows = rel->tuples;
	narrow(visits, &reach->equal, equal);
	narrow(visits, &reach->limited, limited);
	narrow(visits, &reach->local, local);
	narrow(visits, &reach->joined, joined);
	reach->njoins = Max(reach->njoins, njoins);
}

/* Tells whether a table is among the relations of a query. */
static bool
has_table(const PlannerInfo *root, Oid relid)
{
	for (int rti = 1; rti < root->simple_rel_array_size; rti++)
		if (root->simple_rel_array[rti] != NULL &&
			root->simple_rte_array[rti]->rtekind == RTE_RELATION && root->simple_rte_array[rti]->relid == relid)
			return true;
	return false;
}

/* The visitor: takes in one relation of the statement. */
static void
visit(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte, void *arg)
{
	Visits	   *visits = (Visits *) arg;

	if (rte->rtekind != RTE_RELATION || rel->reloptkind != RELOPT_BASEREL)
		return;
	if (rte->relid == visits->relid)
		visit_table(root, rel, visits);
	else if (!has_table(root, visits->relid))
		visits->elsewhere = Max(visits->elsewhere, rel->tuples);
}

/* Returns the SQL word of a statement's kind. */
static const char *
command_name(CmdType command)
{
	switch (command)
	{
		case CMD_INSERT:
			return "INSERT";
		case CMD_UPDATE:
			return "UPDATE";
		case CMD_DELETE:
			return "DELETE";
		case CMD_MERGE:
			return "MERGE";
		default:
			return "SELECT";
	}
}

/* Tells whether a query inserts into a table; *single: one row that is written there. */
static bool
inserts_into(const Query *query, Oid relid, bool *single)
{
	if (query->commandType != CMD_INSERT ||
		((RangeTblEntry *) list_nth(query->rtable, query->resultRelation - 1))->relid != relid)
		return false;
	*single = query->jointree->fromlist == NIL && query->cteList == NIL && !query->hasSubLinks;
	return true;
}

/* Returns the set of all columns of a table. */
static Bitmapset *
all_columns(Oid relid)
{
	Relation	table = table_open(relid, AccessShareLock);
	Bitmapset  *columns = bms_add_range(NULL, 1, RelationGetNumberOfAttributes(table));

	table_close(table, NoLock);
	return columns;
}

/* Visits the relations of a statement as the role that issued it. */
static void
visit_as_role(PoAdvisorQuery *query, Visits *visits)
{
	PoRoleScope scope;

	po_workload_enter_role(query, &scope);
	PG_TRY();
	{
		(void) po_whatif_visit(query->statement, visit, visits);
	}
	PG_FINALLY();
	{
		po_workload_leave_role(&scope);
	}
	PG_END_TRY();
}

/* Tells whether a statement of the workload reads or writes a table, as far as its accesses tell. */
static bool
mentions(const PoAdvisorQuery *query, Oid relid)
{
	ListCell   *lc;

	foreach(lc, query->accesses)
		if (((PoAccess *) lfirst(lc))->relid == relid)
		return true;
	return false;
}

/*
 * Finds how a statement of the workload reaches the rows of a table; false when it does
 * not.  The sets live in the current memory context.  Raises what planning raises.
 */
bool
po_reach_find(PoAdvisorQuery *query, Oid relid, PoReach *reach)
{
	Visits		visits = {.relid = relid,.context = CurrentMemoryContext,.reach = reach};
	bool		single = false;
	bool		inserts;

	memset(reach, 0, sizeof(PoReach));
	if (query->statement->query == NULL)
		return false;
	inserts = inserts_into(query->statement->query, relid, &single);
	if (!inserts && !mentions(query, relid))
		return false;
	reach->command = command_name(query->statement->query->commandType);
	if (inserts)
	{
		reach->local = single ? all_columns(relid) : NULL;
		return true;
	}
	visit_as_role(query, &visits);
	if (visits.elsewhere > visits.rows * COPIED_SHARE)
	{
		reach->local = reach->joined = NULL;
		reach->njoins++;
	}
	return visits.nuses > 0;
}
