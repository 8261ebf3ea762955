/*
 * inspection.c
 *	  What in a planned statement is a column or an expression of one relation.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "plan/candidate.h"
#include "plan/hypo_build.h"
#include "plan/inspection.h"
#include "rewrite/rewriteManip.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

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

/* Says whether an expression depends on nothing but stored columns of the relation, and at all times the same way. */
bool
po_inspection_is_own(const PoInspection *inspection, Node *node)
{
	int			varno;

	return bms_get_singleton_member(pull_varnos(inspection->root, node), &varno) &&
		varno == inspection->rel->relid && !has_unindexable(node, NULL) &&
		!expression_returns_set(node) && !contain_mutable_functions(node);
}

/*
 * Returns the number of an expression over the relation's columns that an index could
 * hold, else 0.  An implicit cast is none: the statement should lose it instead.
 */
static int
key_expression(const PoInspection *inspection, Node *node)
{
	if (inspection->expressions == NULL || node == NULL || IsA(node, Const) || IsA(node, Param) ||
		exprType(node) == BOOLOID)
		return 0;
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcformat == COERCE_IMPLICIT_CAST)
		return 0;
	if (!po_inspection_is_own(inspection, node) || !po_key_column_is_writable(node))
		return 0;
	return po_key_column_add(inspection->expressions, inspection->relid, node,
							 inspection->rel->relid);
}

/*
 * Returns the number of a key column when an expression is a column of the relation, or
 * an expression over such, else 0; whether its type can be a key is another question.
 */
int
po_inspection_any_column(const PoInspection *inspection, Node *node)
{
	Var		   *var;

	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	if (node == NULL || !IsA(node, Var))
		return key_expression(inspection, node);
	var = (Var *) node;
	if (var->varno != inspection->rel->relid || var->varlevelsup != 0 || var->varattno <= 0)
		return 0;
	return var->varattno;
}

/* Says whether an expression is a distance by which some access method can find the nearest: no key of its own. */
static bool
is_distance(Node *node)
{
	CatCList   *amops;
	bool		result = false;

	if (!IsA(node, OpExpr))
		return false;
	amops = SearchSysCacheList1(AMOPOPID, ObjectIdGetDatum(((OpExpr *) node)->opno));
	for (int i = 0; i < amops->n_members; i++)
		result |= ((Form_pg_amop) GETSTRUCT(&amops->members[i]->tuple))->amoppurpose == AMOP_ORDER;
	ReleaseCatCacheList(amops);
	return result;
}

/* Like po_inspection_any_column, for what a B-tree can have as a key. */
int
po_inspection_column(const PoInspection *inspection, Node *node)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	if (node == NULL)
		return 0;
	if (IsA(node, Var) ?
		((Var *) node)->varno != inspection->rel->relid || ((Var *) node)->varlevelsup != 0 ||
		!po_hypo_build_supported(inspection->relid, ((Var *) node)->varattno) :
		!OidIsValid(po_hypo_build_family(exprType(node), NULL)) || is_distance(node))
		return 0;
	return po_inspection_any_column(inspection, node);
}

/* Says whether a value to compare with is the same for the whole scan: of no column of the relation, not volatile. */
bool
po_inspection_is_outside(const PoInspection *inspection, Node *value)
{
	return !bms_is_member(inspection->rel->relid, pull_varnos(inspection->root, value)) &&
		!contain_volatile_functions(value);
}

/* Returns the number of distinct values of a key column, for putting columns in sequence. */
double
po_inspection_distinct(const PoInspection *inspection, int column)
{
	Node	   *node = copyObject(po_key_column_node(inspection->expressions,
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
