/*
 * access.c
 *	  How a statement reaches into its tables: the columns that an index could serve.
 *
 * Read from the planner's own state while it plans the statement: by then views and
 * CTEs are expanded, sub-selects pulled up, constants folded, equalities closed
 * transitively, and each sub-select, set operation arm and DML target is seen in
 * turn.  What counts is whether the column's default B-tree operator family has the
 * operator, and whether the collation agrees.
 *
 * Partitions are left to the partitioned table that the statement names.  Other
 * appendrel children (inheritance, flattened UNION ALL) are tables of their own;
 * joins and orders of the parent are translated to them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "core/collation.h"
#include "core/compat.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "plan/access.h"
#include "plan/hypo_build.h"
#include "plan/whatif.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

/* What is collected, and where it lives. */
typedef struct Collection
{
	List	   *accesses;
	MemoryContext context;
	PoExpressions *expressions; /* NULL: only plain columns */
} Collection;

/* One relation under inspection. */
typedef struct Inspection
{
	PlannerInfo *root;
	RelOptInfo *rel;
	Oid			relid;
	Collection *collection;
} Inspection;

/* How a clause uses a column. */
typedef enum ColumnUse
{
	USE_NONE,
	USE_EQUAL,
	USE_RANGE
} ColumnUse;

/*
 * Tells whether an expression holds what no index can: parameters, aggregates, windows,
 * sub-selects, and other than plain columns.
 */
static bool
has_unindexable(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
			return ((Var *) node)->varlevelsup != 0 || ((Var *) node)->varattno <= 0;
		case T_Param:
		case T_PlaceHolderVar:
		case T_Aggref:
		case T_GroupingFunc:
		case T_WindowFunc:
		case T_SubLink:
		case T_SubPlan:
		case T_AlternativeSubPlan:
		case T_CurrentOfExpr:
		case T_SetToDefault:
		case T_NextValueExpr:
			return true;
		default:
			return expression_tree_walker(node, has_unindexable, context);
	}
}

/*
 * Returns the number of an expression over the relation's columns that an index could
 * hold, else 0.  An implicit cast is none: the statement should lose it instead.
 */
static int
key_expression(const Inspection *inspection, Node *node)
{
	PoExpressions *expressions = inspection->collection->expressions;
	int			varno;

	if (expressions == NULL || node == NULL || IsA(node, Const) || IsA(node, Param) ||
		exprType(node) == BOOLOID)
		return 0;
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcformat == COERCE_IMPLICIT_CAST)
		return 0;
	if (!bms_get_singleton_member(pull_varnos(inspection->root, node), &varno) ||
		varno != inspection->rel->relid || has_unindexable(node, NULL) ||
		expression_returns_set(node) || contain_mutable_functions(node) ||
		!OidIsValid(po_hypo_build_family(exprType(node), NULL)))
		return 0;
	return po_key_column_add(expressions, inspection->relid, node, varno);
}

/*
 * Returns the number of a key column when an expression is a column of the relation
 * that can be indexed, or an expression over such, else 0.
 */
static int
key_column(const Inspection *inspection, Node *node)
{
	Var		   *var;

	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	if (node == NULL || !IsA(node, Var))
		return key_expression(inspection, node);
	var = (Var *) node;
	if (var->varno != inspection->rel->relid || var->varlevelsup != 0 || var->varattno <= 0 ||
		!po_hypo_build_supported(inspection->relid, var->varattno))
		return 0;
	return var->varattno;
}

/* Says what the default B-tree operator class of a column can do with an operator (column on the left). */
static ColumnUse
operator_use(const Inspection *inspection, int column, Oid operator, Oid inputcollid)
{
	Node	   *node = po_key_column_node(inspection->collection->expressions, inspection->relid, column);
	Oid			collation = exprCollation(node);

	if (!OidIsValid(operator))
		return USE_NONE;
	if (OidIsValid(collation) && collation != inputcollid)
		return USE_NONE;
	switch (get_op_opfamily_strategy(operator, po_hypo_build_family(exprType(node), NULL)))
	{
		case InvalidStrategy:
			return USE_NONE;
		case BTEqualStrategyNumber:
			return USE_EQUAL;
		default:
			return USE_RANGE;
	}
}

/* Says whether a value to compare with is the same for the whole scan: of no column of the relation, not volatile. */
static bool
is_outside(const Inspection *inspection, Node *value)
{
	return !bms_is_member(inspection->rel->relid, pull_varnos(inspection->root, value)) &&
		!contain_volatile_functions(value);
}

/* Reads a comparison of two operands; sets *column. */
static ColumnUse
use_of_operator(const Inspection *inspection, OpExpr *clause, int *column)
{
	Node	   *left;
	Node	   *right;

	if (list_length(clause->args) != 2)
		return USE_NONE;
	left = (Node *) linitial(clause->args);
	right = (Node *) lsecond(clause->args);
	*column = key_column(inspection, left);
	if (*column != 0 && is_outside(inspection, right))
		return operator_use(inspection, *column, clause->opno, clause->inputcollid);
	*column = key_column(inspection, right);
	if (*column != 0 && is_outside(inspection, left))
		return operator_use(inspection, *column, get_commutator(clause->opno), clause->inputcollid);
	return USE_NONE;
}

/* Reads column op ANY (array). */
static ColumnUse
use_of_array(const Inspection *inspection, ScalarArrayOpExpr *clause, int *column)
{
	*column = key_column(inspection, (Node *) linitial(clause->args));
	if (!clause->useOr || *column == 0 || !is_outside(inspection, (Node *) lsecond(clause->args)))
		return USE_NONE;
	return operator_use(inspection, *column, clause->opno, clause->inputcollid);
}

/* Reads a null test, a boolean test or a bare boolean column. */
static ColumnUse
use_of_test(const Inspection *inspection, Node *clause, int *column)
{
	if (IsA(clause, NullTest))
	{
		*column = key_column(inspection, (Node *) ((NullTest *) clause)->arg);
		if (*column == 0 || ((NullTest *) clause)->argisrow)
			return USE_NONE;
		return ((NullTest *) clause)->nulltesttype == IS_NULL ? USE_EQUAL : USE_RANGE;
	}
	if (IsA(clause, BooleanTest))
		clause = (Node *) ((BooleanTest *) clause)->arg;
	else if (is_notclause(clause))
		clause = (Node *) get_notclausearg((Expr *) clause);
	*column = exprType(clause) == BOOLOID ? key_column(inspection, clause) : 0;
	return *column != 0 ? USE_EQUAL : USE_NONE;
}

/* Says which column a clause compares and how; *column is meaningful unless USE_NONE. */
static ColumnUse
use_of_clause(const Inspection *inspection, Node *clause, int *column)
{
	if (IsA(clause, RestrictInfo))
		clause = (Node *) ((RestrictInfo *) clause)->clause;
	switch (nodeTag(clause))
	{
		case T_OpExpr:
			return use_of_operator(inspection, (OpExpr *) clause, column);
		case T_ScalarArrayOpExpr:
			return use_of_array(inspection, (ScalarArrayOpExpr *) clause, column);
		case T_NullTest:
		case T_BooleanTest:
		case T_BoolExpr:
		case T_Var:
			return use_of_test(inspection, clause, column);
		default:
			return USE_NONE;
	}
}

/* Adds a row comparison like (a, b) < ($1, $2), the keyset of a pagination, as a wanted order. */
static void
add_row_compare(const Inspection *inspection, RowCompareExpr *clause, PoNeeds *needs)
{
	PoKey		key = {0};
	ListCell   *lc;

	foreach(lc, clause->largs)
	{
		int			column = key_column(inspection, (Node *) lfirst(lc));

		if (column == 0 || key.ncolumns == PO_KEY_COLUMNS)
			break;
		key.columns[key.ncolumns++] = column;
	}
	if (key.ncolumns > 0 && is_outside(inspection, (Node *) clause->rargs))
	{
		po_candidate_add_column(needs->range, &needs->nrange, key.columns[0]);
		po_candidate_add_order(needs, &key);
	}
}

/* Says whether a pattern of LIKE begins with characters that an index can look up. */
static bool
has_prefix(Const *pattern)
{
	char	   *start;

	if (pattern->constisnull || pattern->consttype != TEXTOID)
		return false;
	start = TextDatumGetCString(pattern->constvalue);
	return start[0] != '\0' && start[0] != '%' && start[0] != '_';
}

/*
 * Adds a column that is compared with the beginning of a pattern.  The default operator
 * class serves that in the C collation only, elsewhere it needs the one for patterns.
 */
static void
add_prefix_search(const Inspection *inspection, OpExpr *clause, PoNeeds *needs)
{
	int			column;
	Node	   *pattern;
	Oid			collation;

	if ((clause->opno != OID_TEXT_LIKE_OP && clause->opno != OID_BPCHAR_LIKE_OP) ||
		list_length(clause->args) != 2)
		return;
	column = key_column(inspection, (Node *) linitial(clause->args));
	pattern = (Node *) lsecond(clause->args);
	if (column == 0 || !IsA(pattern, Const) || !has_prefix((Const *) pattern))
		return;
	collation = exprCollation(po_key_column_node(inspection->collection->expressions,
												 inspection->relid, column));
	po_candidate_add_column(needs->range, &needs->nrange,
							po_collation_is_c(collation) ? column : column + PO_COLUMN_PATTERN);
}

static void save_access(const Inspection *inspection, PoNeeds *needs);

/* Adds one restriction to the needs; each arm of an OR becomes an access of its own. */
static void
add_restriction(const Inspection *inspection, Node *clause, PoNeeds *needs)
{
	int			column;

	if (IsA(clause, RestrictInfo))
		clause = (Node *) ((RestrictInfo *) clause)->clause;
	if (is_orclause(clause) || is_andclause(clause))
	{
		ListCell   *lc;

		foreach(lc, ((BoolExpr *) clause)->args)
		{
			PoNeeds		arm = {0};

			add_restriction(inspection, (Node *) lfirst(lc), is_orclause(clause) ? &arm : needs);
			if (is_orclause(clause))
				save_access(inspection, &arm);
		}
		return;
	}
	if (IsA(clause, RowCompareExpr))
	{
		add_row_compare(inspection, (RowCompareExpr *) clause, needs);
		return;
	}
	if (IsA(clause, OpExpr))
		add_prefix_search(inspection, (OpExpr *) clause, needs);
	switch (use_of_clause(inspection, clause, &column))
	{
		case USE_EQUAL:
			po_candidate_add_column(needs->equal, &needs->nequal, column);
			break;
		case USE_RANGE:
			po_candidate_add_column(needs->range, &needs->nrange, column);
			break;
		case USE_NONE:
			break;
	}
}

/*
 * Returns the relation's column that an expression of the parent query is: its own
 * plain column, or one of an appendrel ancestor, translated.  0 when it is neither.
 */
static int
column_of_member(const Inspection *inspection, Expr *member)
{
	Index		child = inspection->rel->relid;
	AppendRelInfo **links = inspection->root->append_rel_array;
	int			column = key_column(inspection, (Node *) member);
	Node	   *node = (Node *) member;
	Node	   *translated;

	if (column != 0 || links == NULL || links[child] == NULL)
		return column;
	while (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	if (!IsA(node, Var) || ((Var *) node)->varno != links[child]->parent_relid ||
		((Var *) node)->varattno <= 0 ||
		((Var *) node)->varattno > list_length(links[child]->translated_vars))
		return 0;
	translated = (Node *) list_nth(links[child]->translated_vars, ((Var *) node)->varattno - 1);
	return key_column(inspection, translated);
}

/* Returns the relation's column among the members of an equivalence class, or 0. */
static int
column_of_class(const Inspection *inspection, const EquivalenceClass *class)
{
	ListCell   *lc;

	foreach(lc, class->ec_members)
	{
		int			column = column_of_member(inspection, ((EquivalenceMember *) lfirst(lc))->em_expr);

		if (column != 0)
			return column;
	}
	return 0;
}

/* Adds the columns that are joined by equality with columns of other relations. */
static void
add_joins(const Inspection *inspection, PoNeeds *needs)
{
	ListCell   *lc;
	int			column;

	foreach(lc, inspection->root->eq_classes)
	{
		EquivalenceClass *class = (EquivalenceClass *) lfirst(lc);

		if (class->ec_has_const || class->ec_has_volatile ||
			bms_membership(class->ec_relids) != BMS_MULTIPLE)
			continue;
		column = column_of_class(inspection, class);
		if (column != 0)
			po_candidate_add_column(needs->join, &needs->njoin, column);
	}
	foreach(lc, inspection->rel->joininfo)
	{
		switch (use_of_clause(inspection, (Node *) lfirst(lc), &column))
		{
			case USE_EQUAL:
				po_candidate_add_column(needs->join, &needs->njoin, column);
				break;
			case USE_RANGE:
				po_candidate_add_column(needs->range, &needs->nrange, column);
				break;
			case USE_NONE:
				break;
		}
	}
}

/* Adds as much of one wanted order as this relation alone can give. */
static void
add_order(const Inspection *inspection, List *pathkeys, PoNeeds *needs)
{
	PoKey		key = {0};
	ListCell   *lc;

	foreach(lc, pathkeys)
	{
		PathKey    *pathkey = lfirst_node(PathKey, lc);
		int			column = column_of_class(inspection, pathkey->pk_eclass);
		bool		desc = PO_PATHKEY_IS_DESC(pathkey);

		if (column == 0 || key.ncolumns == PO_KEY_COLUMNS)
			break;
		if (pathkey->pk_nulls_first != desc)
			column |= PO_COLUMN_NULLS;
		key.columns[key.ncolumns++] = desc ? -column : column;
	}
	po_candidate_add_order(needs, &key);
}

/* Returns the number of distinct values of a key column, for putting columns in sequence. */
static double
distinct_values(const Inspection *inspection, int column)
{
	Node	   *node = copyObject(po_key_column_node(inspection->collection->expressions,
													 inspection->relid, column));
	VariableStatData vardata;
	bool		isdefault;
	double		n;

	ChangeVarNodes(node, 1, inspection->rel->relid, 0);
	examine_variable(inspection->root, node, 0, &vardata);
	n = get_variable_numdistinct(&vardata, &isdefault);
	ReleaseVariableStats(vardata);
	return n;
}

/* Sorts columns by falling number of distinct values, equal ones by attribute number. */
static void
sort_columns(const Inspection *inspection, int *columns, int n)
{
	double		distinct[PO_NEEDS_COLUMNS];

	for (int i = 0; i < n; i++)
	{
		int			column = columns[i];
		double		d = distinct_values(inspection, column);
		int			j = i;

		for (; j > 0 && (distinct[j - 1] < d || (distinct[j - 1] == d && columns[j - 1] > column)); j--)
		{
			columns[j] = columns[j - 1];
			distinct[j] = distinct[j - 1];
		}
		columns[j] = column;
		distinct[j] = d;
	}
}

/* Keeps an access unless it needs nothing or is the same as one before. */
static void
save_access(const Inspection *inspection, PoNeeds *needs)
{
	Collection *collection = inspection->collection;
	MemoryContext old;
	PoAccess   *access;
	ListCell   *lc;

	if (needs->nequal + needs->njoin + needs->nrange + needs->norders == 0)
		return;
	sort_columns(inspection, needs->equal, needs->nequal);
	sort_columns(inspection, needs->join, needs->njoin);
	foreach(lc, collection->accesses)
	{
		access = (PoAccess *) lfirst(lc);
		if (access->relid == inspection->relid &&
			memcmp(&access->needs, needs, sizeof(PoNeeds)) == 0)
			return;
	}
	old = MemoryContextSwitchTo(collection->context);
	access = palloc(sizeof(PoAccess));
	access->relid = inspection->relid;
	access->needs = *needs;
	collection->accesses = lappend(collection->accesses, access);
	MemoryContextSwitchTo(old);
}

/*
 * Says whether a relation of a query is a table whose use we describe: no catalogue, not
 * one of this extension, no partition reached by its root.
 */
static bool
is_described(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
	AppendRelInfo *link = root->append_rel_array ? root->append_rel_array[rel->relid] : NULL;

	if (rte->rtekind != RTE_RELATION || rte->relid < FirstNormalObjectId)
		return false;
	if (rte->relkind != RELKIND_RELATION && rte->relkind != RELKIND_MATVIEW &&
		rte->relkind != RELKIND_PARTITIONED_TABLE)
		return false;
	if (get_rel_namespace(rte->relid) == get_namespace_oid("perf_optimizer", true))
		return false;
	return link == NULL ||
		root->simple_rte_array[link->parent_relid]->relkind != RELKIND_PARTITIONED_TABLE;
}

/* The visitor: describes the use of one relation of the statement. */
static void
inspect(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte, void *arg)
{
	Inspection	inspection = {root, rel, rte->relid, (Collection *) arg};
	PoNeeds		needs = {0};
	ListCell   *lc;

	if (!is_described(root, rel, rte))
		return;
	foreach(lc, rel->baserestrictinfo)
		add_restriction(&inspection, (Node *) lfirst(lc), &needs);
	add_joins(&inspection, &needs);
	add_order(&inspection, root->query_pathkeys, &needs);
	add_order(&inspection, root->group_pathkeys, &needs);
	add_order(&inspection, root->distinct_pathkeys, &needs);
	add_order(&inspection, root->sort_pathkeys, &needs);
	save_access(&inspection, &needs);
}

/*
 * Plans a statement once and returns a list of PoAccess, in the order in which the
 * planner came to the tables, in the current memory context; *cost gets the cost as
 * things are.  Raises what planning raises.
 */
List *
po_access_collect(PoStatement *statement, PoExpressions *expressions, double *cost)
{
	Collection	collection = {NIL, CurrentMemoryContext, expressions};

	*cost = po_whatif_visit(statement, inspect, &collection);
	return collection.accesses;
}
