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
#include "plan/fetched.h"
#include "plan/hypo_build.h"
#include "plan/inspection.h"
#include "plan/method.h"
#include "plan/whatif.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* How a clause uses a column. */
typedef enum ColumnUse
{
	USE_NONE,
	USE_EQUAL,
	USE_RANGE
} ColumnUse;

/* Says what the default B-tree operator class of a column can do with an operator (column on the left). */
static ColumnUse
operator_use(const PoInspection *inspection, int column, Oid operator, Oid inputcollid)
{
	Node	   *node = po_key_column_node(inspection->expressions, inspection->relid, column);
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

/* Reads a comparison of two operands; sets *column. */
static ColumnUse
use_of_operator(const PoInspection *inspection, OpExpr *clause, int *column)
{
	Node	   *left;
	Node	   *right;

	if (list_length(clause->args) != 2)
		return USE_NONE;
	left = (Node *) linitial(clause->args);
	right = (Node *) lsecond(clause->args);
	*column = po_inspection_column(inspection, left);
	if (*column != 0 && po_inspection_is_outside(inspection, right))
		return operator_use(inspection, *column, clause->opno, clause->inputcollid);
	*column = po_inspection_column(inspection, right);
	if (*column != 0 && po_inspection_is_outside(inspection, left))
		return operator_use(inspection, *column, get_commutator(clause->opno), clause->inputcollid);
	return USE_NONE;
}

/* Reads column op ANY (array). */
static ColumnUse
use_of_array(const PoInspection *inspection, ScalarArrayOpExpr *clause, int *column)
{
	*column = po_inspection_column(inspection, (Node *) linitial(clause->args));
	if (!clause->useOr || *column == 0 || !po_inspection_is_outside(inspection, (Node *) lsecond(clause->args)))
		return USE_NONE;
	return operator_use(inspection, *column, clause->opno, clause->inputcollid);
}

/* Reads a null test, a boolean test or a bare boolean column. */
static ColumnUse
use_of_test(const PoInspection *inspection, Node *clause, int *column)
{
	if (IsA(clause, NullTest))
	{
		*column = po_inspection_column(inspection, (Node *) ((NullTest *) clause)->arg);
		if (*column == 0 || ((NullTest *) clause)->argisrow)
			return USE_NONE;
		return ((NullTest *) clause)->nulltesttype == IS_NULL ? USE_EQUAL : USE_RANGE;
	}
	if (IsA(clause, BooleanTest))
		clause = (Node *) ((BooleanTest *) clause)->arg;
	else if (is_notclause(clause))
		clause = (Node *) get_notclausearg((Expr *) clause);
	*column = exprType(clause) == BOOLOID ? po_inspection_column(inspection, clause) : 0;
	return *column != 0 ? USE_EQUAL : USE_NONE;
}

/* Says which column a clause compares and how; *column is meaningful unless USE_NONE. */
static ColumnUse
use_of_clause(const PoInspection *inspection, Node *clause, int *column)
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
add_row_compare(const PoInspection *inspection, RowCompareExpr *clause, PoNeeds *needs)
{
	PoKey		key = {0};
	ListCell   *lc;

	foreach(lc, clause->largs)
	{
		int			column = po_inspection_column(inspection, (Node *) lfirst(lc));

		if (column == 0 || key.ncolumns == PO_KEY_COLUMNS)
			break;
		key.columns[key.ncolumns++] = column;
	}
	if (key.ncolumns > 0 && po_inspection_is_outside(inspection, (Node *) clause->rargs))
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
add_prefix_search(const PoInspection *inspection, OpExpr *clause, PoNeeds *needs)
{
	int			column;
	Node	   *pattern;
	Oid			collation;

	if ((clause->opno != OID_TEXT_LIKE_OP && clause->opno != OID_BPCHAR_LIKE_OP) ||
		list_length(clause->args) != 2)
		return;
	column = po_inspection_column(inspection, (Node *) linitial(clause->args));
	pattern = (Node *) lsecond(clause->args);
	if (column == 0 || !IsA(pattern, Const) || !has_prefix((Const *) pattern))
		return;
	collation = exprCollation(po_key_column_node(inspection->expressions,
												 inspection->relid, column));
	po_candidate_add_column(needs->range, &needs->nrange,
							po_collation_is_c(collation) ? column : column + PO_COLUMN_PATTERN);
}

static void save_access(const PoInspection *inspection, PoNeeds *needs, List *fetched, List *others);

/* Adds one restriction to the needs; each arm of an OR becomes an access of its own. */
static void
add_restriction(const PoInspection *inspection, Node *clause, PoNeeds *needs)
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
				save_access(inspection, &arm, NIL, NIL);
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
column_of_member(const PoInspection *inspection, Expr *member)
{
	Index		child = inspection->rel->relid;
	AppendRelInfo **links = inspection->root->append_rel_array;
	int			column = po_inspection_column(inspection, (Node *) member);
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
	return po_inspection_column(inspection, translated);
}

/* Returns the relation's column among the members of an equivalence class, or 0. */
static int
column_of_class(const PoInspection *inspection, const EquivalenceClass *class)
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
add_joins(const PoInspection *inspection, PoNeeds *needs)
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
add_order(const PoInspection *inspection, List *pathkeys, PoNeeds *needs)
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

/* Sorts columns by falling number of distinct values, equal ones by attribute number. */
static void
sort_columns(const PoInspection *inspection, int *columns, int n)
{
	double		distinct[PO_NEEDS_COLUMNS];

	for (int i = 0; i < n; i++)
	{
		int			column = columns[i];
		double		d = po_inspection_distinct(inspection, column);
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
save_access(const PoInspection *inspection, PoNeeds *needs, List *fetched, List *others)
{
	MemoryContext old;
	PoAccess   *access;
	ListCell   *lc;

	if (needs->nequal + needs->njoin + needs->nrange + needs->norders == 0 && fetched == NIL)
		return;
	sort_columns(inspection, needs->equal, needs->nequal);
	sort_columns(inspection, needs->join, needs->njoin);
	foreach(lc, *inspection->accesses)
	{
		access = (PoAccess *) lfirst(lc);
		if (access->relid == inspection->relid &&
			list_length(access->fetched) == list_length(fetched) && fetched == NIL &&
			memcmp(&access->needs, needs, sizeof(PoNeeds)) == 0)
			return;
	}
	old = MemoryContextSwitchTo(inspection->context);
	access = palloc(sizeof(PoAccess));
	access->relid = inspection->relid;
	access->needs = *needs;
	access->fetched = fetched;
	access->others = others;
	*inspection->accesses = lappend(*inspection->accesses, access);
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
	PoInspection inspection = *(const PoInspection *) arg;
	PoNeeds		needs = {0};
	ListCell   *lc;

	if (!is_described(root, rel, rte))
		return;
	inspection.root = root;
	inspection.rel = rel;
	inspection.relid = rte->relid;
	foreach(lc, rel->baserestrictinfo)
		add_restriction(&inspection, (Node *) lfirst(lc), &needs);
	add_joins(&inspection, &needs);
	add_order(&inspection, root->query_pathkeys, &needs);
	add_order(&inspection, root->group_pathkeys, &needs);
	add_order(&inspection, root->distinct_pathkeys, &needs);
	add_order(&inspection, root->sort_pathkeys, &needs);
	save_access(&inspection, &needs,
				inspection.expressions != NULL ? po_fetched_collect(&inspection) : NIL,
				inspection.expressions != NULL ? po_method_collect(&inspection) : NIL);
}

/*
 * Plans a statement once and returns a list of PoAccess, in the order in which the
 * planner came to the tables, in the current memory context; *cost gets the cost as
 * things are.  Raises what planning raises.
 */
List *
po_access_collect(PoStatement *statement, PoExpressions *expressions, double *cost)
{
	List	   *accesses = NIL;
	PoInspection inspection = {.expressions = expressions,.accesses = &accesses,.context = CurrentMemoryContext};

	inspection.constants = statement->source != PO_SOURCE_PARAMS && statement->source != PO_SOURCE_SAMPLE;
	*cost = po_whatif_visit(statement, inspect, &inspection);
	return accesses;
}
