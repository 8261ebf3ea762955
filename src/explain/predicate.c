/*
 * predicate.c
 *	  What a node's conditions say about the columns of its table.
 *
 * Conditions are read from the plan's expressions, where constants are folded
 * and implicit casts still stand.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "explain/predicate.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

/* The columns of one range table entry that an expression names. */
typedef struct ColumnSearch
{
	int			rti;
	AttrNumber	attnum;			/* the only one found so far */
	bool		several;		/* more than one column */
	bool		foreign;		/* columns of other relations, subqueries */
} ColumnSearch;

/* Collects the columns in an expression; an expression_tree_walker callback. */
static bool
search_columns(Node *node, ColumnSearch *search)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubPlan) || IsA(node, AlternativeSubPlan))
		search->foreign = true;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		if ((int) var->varno != search->rti || var->varattno <= 0)
			search->foreign = true;
		else if (search->attnum == 0)
			search->attnum = var->varattno;
		else if (search->attnum != var->varattno)
			search->several = true;
		return false;
	}
	return expression_tree_walker(node, search_columns, search);
}

/* Searches an expression for the columns of one range table entry. */
static ColumnSearch
find_columns(Node *node, int rti)
{
	ColumnSearch search = {.rti = rti};

	search_columns(node, &search);
	return search;
}

/* Takes off what changes a value's type in name only. */
static Node *
strip_relabels(Node *node)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/* Returns the B-tree strategy of an operator on a type, 0 for none. */
static int
btree_strategy(Oid opno, Oid type)
{
	TypeCacheEntry *entry = lookup_type_cache(getBaseType(type), TYPECACHE_BTREE_OPFAMILY);

	return OidIsValid(entry->btree_opf) ? get_op_opfamily_strategy(opno, entry->btree_opf) : 0;
}

/* Tells LIKE (true) and ILIKE (*ignores_case too) by the operator's function. */
static bool
is_like(Oid opfuncid, bool *ignores_case)
{
	switch (opfuncid)
	{
		case F_TEXTLIKE:
		case F_BPCHARLIKE:
		case F_NAMELIKE:
			*ignores_case = false;
			return true;
		case F_TEXTICLIKE:
		case F_BPCHARICLIKE:
		case F_NAMEICLIKE:
			*ignores_case = true;
			return true;
		default:
			return false;
	}
}

/* Fills in what kind of expression stands around the column. */
static void
classify_operand(PoPredicate *predicate, Node *operand)
{
	Node	   *inner = strip_relabels(operand);

	if (IsA(inner, FuncExpr) && ((FuncExpr *) inner)->funcformat == COERCE_IMPLICIT_CAST)
	{
		predicate->from_type = exprType((Node *) linitial(((FuncExpr *) inner)->args));
		predicate->to_type = ((FuncExpr *) inner)->funcresulttype;
		if (IsA(strip_relabels((Node *) linitial(((FuncExpr *) inner)->args)), Var))
		{
			predicate->kind = PO_PREDICATE_CAST;
			return;
		}
	}
	predicate->kind = PO_PREDICATE_WRAPPED;
}

/* Fills in a LIKE predicate's pattern. */
static void
fill_pattern(PoPredicate *predicate, Node *value)
{
	value = strip_relabels(value);
	if (IsA(value, Const) && !((Const *) value)->constisnull &&
		(((Const *) value)->consttype == TEXTOID || ((Const *) value)->consttype == BPCHAROID))
		predicate->pattern = TextDatumGetCString(((Const *) value)->constvalue);
}

/* Tells whether a LIKE asks for what begins with some characters, which a B-tree can find. */
bool
po_predicate_is_prefix(const PoPredicate *predicate)
{
	return predicate->pattern != NULL && !predicate->ignores_case &&
		predicate->pattern[0] != '%' && predicate->pattern[0] != '_' && predicate->pattern[0] != '\0';
}

/* Classifies "operand op value", the value free of the table's columns. */
static void
classify_comparison(PoPredicate *predicate, Oid opno, Node *operand, Node *value)
{
	Node	   *inner = strip_relabels(operand);
	int			strategy;

	predicate->operand = operand;
	predicate->value = strip_relabels(value);
	if (is_like(predicate->opfuncid, &predicate->ignores_case))
	{
		fill_pattern(predicate, value);
		predicate->kind = IsA(inner, Var) || !po_predicate_is_prefix(predicate) ?
			PO_PREDICATE_LIKE : PO_PREDICATE_WRAPPED;
		return;
	}
	strategy = btree_strategy(opno, exprType(operand));
	predicate->strategy = strategy;
	if (strategy == 0)
		return;
	if (!IsA(inner, Var))
		classify_operand(predicate, operand);
	else
		predicate->kind = strategy == BTEqualStrategyNumber ? PO_PREDICATE_EQUAL : PO_PREDICATE_RANGE;
}

/* Reads a comparison by a binary operator; the column may stand on either side. */
static void
read_operator(PoPredicate *predicate, OpExpr *clause, int rti)
{
	Node	   *left = linitial(clause->args);
	Node	   *right = lsecond(clause->args);
	ColumnSearch in_left = find_columns(left, rti);
	ColumnSearch in_right = find_columns(right, rti);

	if (in_left.several || in_right.several || in_left.foreign || in_right.foreign ||
		(in_left.attnum != 0 && in_right.attnum != 0))
		return;
	predicate->opfuncid = get_opcode(clause->opno);
	if (in_left.attnum != 0)
	{
		predicate->attnum = in_left.attnum;
		classify_comparison(predicate, clause->opno, left, right);
	}
	else if (in_right.attnum != 0 && OidIsValid(get_commutator(clause->opno)))
	{
		predicate->attnum = in_right.attnum;
		classify_comparison(predicate, get_commutator(clause->opno), right, left);
	}
}

/* Reads "column = ANY (values)". */
static void
read_array_operator(PoPredicate *predicate, ScalarArrayOpExpr *clause, int rti)
{
	Node	   *left = linitial(clause->args);
	ColumnSearch in_left = find_columns(left, rti);

	if (!clause->useOr || in_left.attnum == 0 || in_left.several || in_left.foreign)
		return;
	predicate->opfuncid = get_opcode(clause->opno);
	predicate->attnum = in_left.attnum;
	classify_comparison(predicate, clause->opno, left, lsecond(clause->args));
	predicate->strategy = 0;
	if (predicate->kind == PO_PREDICATE_RANGE)
		predicate->kind = PO_PREDICATE_OTHER;
}

/* Reads one condition. */
static PoPredicate *
read_clause(Node *clause, int rti)
{
	PoPredicate *predicate = palloc0(sizeof(PoPredicate));

	predicate->clause = clause;
	if (IsA(clause, OpExpr) && list_length(((OpExpr *) clause)->args) == 2)
		read_operator(predicate, (OpExpr *) clause, rti);
	else if (IsA(clause, ScalarArrayOpExpr))
		read_array_operator(predicate, (ScalarArrayOpExpr *) clause, rti);
	else if (is_orclause(clause) && find_columns(clause, rti).several)
		predicate->kind = PO_PREDICATE_OR;
	else if (IsA(clause, Var) || is_notclause(clause))
	{
		Node	   *inner = is_notclause(clause) ? (Node *) get_notclausearg((Expr *) clause) : clause;

		/* A boolean column by itself is "column = true". */
		if (IsA(inner, Var) && (int) ((Var *) inner)->varno == rti && ((Var *) inner)->varattno > 0)
		{
			predicate->kind = PO_PREDICATE_EQUAL;
			predicate->attnum = ((Var *) inner)->varattno;
			predicate->operand = inner;
		}
	}
	return predicate;
}

/* Returns a PoPredicate for each of the conditions, joined by AND, on one range table entry. */
List *
po_predicate_list(List *quals, int rti)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, quals)
		result = lappend(result, read_clause((Node *) lfirst(lc), rti));
	return result;
}

/* Returns the predicates in the filter of a scan; NIL for other nodes and for pasted plans. */
List *
po_predicate_of_scan(const PoNode *node)
{
	if (node->plan == NULL || node->rti == 0 || !po_node_is_scan(node) ||
		node->kind == PO_NODE_INDEX_ONLY_SCAN)
		return NIL;
	return po_predicate_list(node->plan->qual, node->rti);
}

/* Returns the columns of the predicates of one kind, each once, as an integer list. */
List *
po_predicate_columns(List *predicates, PoPredicateKind kind)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, predicates)
	{
		PoPredicate *predicate = lfirst(lc);

		if (predicate->kind == kind && predicate->attnum > 0)
			result = list_append_unique_int(result, predicate->attnum);
	}
	return result;
}

/* Returns the predicates that a scan hands to its index. */
List *
po_predicate_of_index(const PoNode *node)
{
	List	   *quals = NIL;

	if (node->plan == NULL || node->rti == 0)
		return NIL;
	if (IsA(node->plan, IndexScan))
		quals = ((IndexScan *) node->plan)->indexqualorig;
	else if (IsA(node->plan, BitmapHeapScan))
		quals = ((BitmapHeapScan *) node->plan)->bitmapqualorig;
	return po_predicate_list(quals, node->rti);
}

/* Returns the columns that a scan's own index conditions compare, equalities first. */
List *
po_predicate_index_columns(const PoNode *node)
{
	List	   *predicates = po_predicate_of_index(node);

	return list_concat_unique_int(po_predicate_columns(predicates, PO_PREDICATE_EQUAL),
								  po_predicate_columns(predicates, PO_PREDICATE_RANGE));
}

/* Returns the columns that a scan's index conditions and filter compare with values, each once. */
List *
po_predicate_compared_columns(const PoNode *node)
{
	List	   *predicates = po_predicate_of_scan(node);

	return list_concat_unique_int(po_predicate_index_columns(node),
								  list_concat_unique_int(po_predicate_columns(predicates, PO_PREDICATE_EQUAL),
														 po_predicate_columns(predicates, PO_PREDICATE_RANGE)));
}

/*
 * Returns what a column of a plan node's expressions stands for in the node below it that
 * computes it, and sets *plan to that node; NULL when that cannot be told.
 */
static Node *
target_below(Plan **plan, const Var *var)
{
	List	   *targets = NIL;

	if (var->varno == INDEX_VAR)
		targets = IsA(*plan, IndexOnlyScan) ? ((IndexOnlyScan *) *plan)->indextlist : NIL;
	else
	{
		*plan = var->varno == OUTER_VAR ? outerPlan(*plan) : innerPlan(*plan);
		targets = *plan ? (*plan)->targetlist : NIL;
	}
	if (var->varattno < 1 || var->varattno > list_length(targets))
		return NULL;
	return strip_relabels((Node *) ((TargetEntry *) list_nth(targets, var->varattno - 1))->expr);
}

/*
 * Follows a column of a plan node's expressions down to the table column that it
 * stands for; returns false when it is something else.
 */
bool
po_predicate_resolve(Plan *plan, const Var *var, int *rti, AttrNumber *attnum)
{
	while (plan != NULL && IS_SPECIAL_VARNO(var->varno))
	{
		Node	   *expr = target_below(&plan, var);

		if (expr == NULL || !IsA(expr, Var))
			return false;
		var = (Var *) expr;
	}
	*rti = var->varno;
	*attnum = var->varattno;
	return plan != NULL && var->varattno > 0;
}

/* Returns the column beneath an implicit cast of a column. */
static Var *
cast_column(Node *cast)
{
	return (Var *) strip_relabels(linitial(((FuncExpr *) strip_relabels(cast))->args));
}

/*
 * Reads one side of a join's equality; returns the predicate when it is an implicit cast of
 * a table's column, perhaps computed further down, else NULL.
 */
static PoPredicate *
read_joined_cast(Plan *plan, Node *operand, int *rti)
{
	PoPredicate *predicate = palloc0(sizeof(PoPredicate));
	Var		   *column;

	while (operand != NULL && IsA(operand, Var) && plan != NULL && IS_SPECIAL_VARNO(((Var *) operand)->varno))
		operand = target_below(&plan, (Var *) operand);
	if (operand == NULL || plan == NULL)
		return NULL;
	classify_operand(predicate, operand);
	if (predicate->kind != PO_PREDICATE_CAST)
		return NULL;

	/*
	 * As it stands in a scan's condition, so that indexes on the expression
	 * can be told.
	 */
	predicate->operand = copyObject(operand);
	column = cast_column(predicate->operand);
	if (!po_predicate_resolve(plan, column, rti, &predicate->attnum))
		return NULL;
	column->varno = *rti;
	column->varattno = predicate->attnum;
	return predicate;
}

/*
 * Returns the predicate about a table's column that an equality among the conditions of a
 * join casts implicitly, and sets *rti to the table's entry; NULL for another condition.
 */
PoPredicate *
po_predicate_joined_cast(Plan *join, Node *clause, int *rti)
{
	ListCell   *lc;

	if (!IsA(clause, OpExpr) || list_length(((OpExpr *) clause)->args) != 2)
		return NULL;
	foreach(lc, ((OpExpr *) clause)->args)
	{
		Node	   *operand = strip_relabels(lfirst(lc));
		PoPredicate *predicate;

		if (btree_strategy(((OpExpr *) clause)->opno, exprType(operand)) != BTEqualStrategyNumber)
			return NULL;
		predicate = read_joined_cast(join, operand, rti);
		if (predicate != NULL)
			return predicate;
	}
	return NULL;
}
