/*
 * fetched.c
 *	  What a statement reads of a table, and which of its conditions may limit an index.
 *
 * An index that holds every column that is read spares the visit to the table; what is
 * read is what the planner itself asks for before an index-only scan.  A condition may
 * become the predicate of a partial index when it is the same each time: one column
 * against another, a null test, a boolean, or equality with a constant where the
 * column has few values and they are names.  A constant of a captured execution is not the statement's
 * own, so none of those counts.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/sysattr.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "core/compat.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/plancat.h"
#include "plan/fetched.h"
#include "plan/form.h"
#include "plan/hypo_build.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Most conditions that are tried as predicates, one by one and together. */
#define MAX_CONDITIONS 3

/* Constants are compared with columns of at most so many values. */
#define MAX_DISTINCT 12

/* A predicate keeps at most this share of the rows. */
#define MAX_SELECTIVITY 0.7

/* An included value is on average, and by its type at most, so many bytes. */
#define MAX_AVERAGE_WIDTH 64
#define MAX_WIDTH 512

/* An index that holds all that is read is at most so large a share of its table. */
#define MAX_SHARE_OF_TABLE 0.5

/* Bytes of a table's row and of an index entry beside their values. */
#define ROW_OVERHEAD 28
#define ENTRY_OVERHEAD 12

/* Says whether an index entry has room for a column beside its key. */
static bool
is_storable(Oid relid, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attnum));
	Form_pg_attribute att;
	int32		max;
	bool		ok;

	if (!HeapTupleIsValid(tuple))
		return false;
	att = (Form_pg_attribute) GETSTRUCT(tuple);
	max = att->attlen > 0 ? att->attlen : type_maximum_size(att->atttypid, att->atttypmod);
	ok = !att->attisdropped && !PO_IS_VIRTUAL_COLUMN(att) &&
		(max > 0 ? max <= MAX_WIDTH : get_attavgwidth(relid, attnum) <= MAX_AVERAGE_WIDTH / 2) &&
		get_attavgwidth(relid, attnum) <= MAX_AVERAGE_WIDTH;
	ReleaseSysCache(tuple);
	return ok;
}

/* Returns the average bytes of a column's values, by its type where there are no statistics. */
static double
width_of(Oid relid, AttrNumber attnum)
{
	Oid			type;
	int32		typmod;
	Oid			collation;
	int32		width = get_attavgwidth(relid, attnum);

	if (width > 0)
		return width;
	get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
	return get_typavgwidth(type, typmod);
}

/* Says whether an index of the columns read is enough smaller than the table. */
static bool
is_narrow(const PoInspection *inspection, const PoFetched *fetched)
{
	double		width = ENTRY_OVERHEAD;

	for (int i = 0; i < fetched->ncolumns; i++)
		width += width_of(inspection->relid, fetched->columns[i]);
	return width <= MAX_SHARE_OF_TABLE * (ROW_OVERHEAD + get_relation_data_width(inspection->relid, NULL));
}

/* Fills in which columns are read where some conditions need not be checked. */
static void
set_columns(const PoInspection *inspection, const List *conditions, PoFetched *fetched)
{
	Bitmapset  *columns = NULL;
	int			member = -1;
	ListCell   *lc;

	pull_varattnos((Node *) inspection->rel->reltarget->exprs, inspection->rel->relid, &columns);
	foreach(lc, inspection->rel->baserestrictinfo)
	{
		RestrictInfo *restriction = lfirst_node(RestrictInfo, lc);

		if (!list_member_ptr(conditions, restriction->clause))
			pull_varattnos((Node *) restriction->clause, inspection->rel->relid, &columns);
	}
	fetched->coverable = true;
	while ((member = bms_next_member(columns, member)) >= 0 && fetched->coverable)
	{
		AttrNumber	attnum = member + FirstLowInvalidHeapAttributeNumber;

		fetched->coverable = attnum > 0 && fetched->ncolumns < lengthof(fetched->columns) &&
			is_storable(inspection->relid, attnum);
		if (fetched->coverable)
			fetched->columns[fetched->ncolumns++] = attnum;
	}
	fetched->coverable = fetched->coverable && is_narrow(inspection, fetched);
}

/* Says whether an operator is a type's equality. */
static bool
is_equality(Oid operator, Oid type)
{
	return OidIsValid(operator) &&
		get_op_opfamily_strategy(operator, po_hypo_build_family(type, NULL)) == BTEqualStrategyNumber;
}

/*
 * Returns the plain column of an equality, or of its negation, with a constant, or NULL;
 * *equal says which it is.  IN is an equality that fixes no value.
 */
static Var *
compared_column(Node *condition, bool *equal)
{
	bool		array = IsA(condition, ScalarArrayOpExpr);
	List	   *args = array ? ((ScalarArrayOpExpr *) condition)->args : ((OpExpr *) condition)->args;
	Oid			operator = array ? ((ScalarArrayOpExpr *) condition)->opno : ((OpExpr *) condition)->opno;
	Node	   *left = (Node *) linitial(args);

	*equal = false;
	if (list_length(args) != 2 || !IsA(lsecond(args), Const) ||
		(array && !((ScalarArrayOpExpr *) condition)->useOr))
		return NULL;
	while (IsA(left, RelabelType))
		left = (Node *) ((RelabelType *) left)->arg;
	if (!IsA(left, Var))
		return NULL;
	if (is_equality(operator, exprType(left)))
		*equal = !array;
	else if (!is_equality(get_negator(operator), exprType(left)))
		return NULL;
	return (Var *) left;
}

/* Says whether a type's values are names of kinds or states, not numbers or dates that differ from one execution to the next. */
static bool
is_kind(Oid type)
{
	char		category;
	bool		preferred;

	get_type_category_preferred(type, &category, &preferred);
	return category == TYPCATEGORY_STRING || category == TYPCATEGORY_ENUM;
}

/* Says whether a condition is the same in every execution. */
static bool
is_lasting(const PoInspection *inspection, Node *condition)
{
	Var		   *column;
	bool		equal;

	switch (nodeTag(condition))
	{
		case T_NullTest:
			return IsA(((NullTest *) condition)->arg, Var);
		case T_Var:
			return true;
		case T_BoolExpr:
			return is_notclause(condition) && IsA(get_notclausearg((Expr *) condition), Var);
		case T_OpExpr:
		case T_ScalarArrayOpExpr:
			break;
		default:
			return false;
	}
	if (IsA(condition, OpExpr) && list_length(((OpExpr *) condition)->args) == 2 &&
		IsA(linitial(((OpExpr *) condition)->args), Var) && IsA(lsecond(((OpExpr *) condition)->args), Var))
		return true;
	if (!inspection->constants)
		return false;
	column = compared_column(condition, &equal);
	return column != NULL && is_kind(column->vartype) && po_inspection_distinct(inspection, column->varattno) <= MAX_DISTINCT;
}

/* Collects the conditions that may be predicates, at most MAX_CONDITIONS, the most selective first. */
static List *
collect_conditions(const PoInspection *inspection)
{
	List	   *conditions = NIL;
	double		selectivities[MAX_CONDITIONS + 1];
	ListCell   *lc;

	foreach(lc, inspection->rel->baserestrictinfo)
	{
		RestrictInfo *restriction = lfirst_node(RestrictInfo, lc);
		double		selectivity;
		int			place = 0;

		if (restriction->pseudoconstant || restriction->orclause != NULL ||
			!po_inspection_is_own(inspection, (Node *) restriction->clause) ||
			!is_lasting(inspection, (Node *) restriction->clause) ||
			!po_key_column_is_writable((Node *) restriction->clause))
			continue;
		selectivity = clause_selectivity(inspection->root, (Node *) restriction, 0, JOIN_INNER, NULL);
		if (selectivity > MAX_SELECTIVITY)
			continue;
		while (place < list_length(conditions) && selectivities[place] <= selectivity)
			place++;
		memmove(&selectivities[place + 1], &selectivities[place],
				sizeof(double) * (list_length(conditions) - place));
		selectivities[place] = selectivity;
		conditions = list_insert_nth(conditions, place, restriction->clause);
		conditions = list_truncate(conditions, MAX_CONDITIONS);
	}
	return conditions;
}

/* Returns the column that a condition fixes at one value, or NULL. */
static Var *
fixed_column(Node *condition)
{
	Var		   *column;
	bool		equal;

	switch (nodeTag(condition))
	{
		case T_Var:
			return (Var *) condition;
		case T_BoolExpr:
			return (Var *) get_notclausearg((Expr *) condition);
		case T_NullTest:
			return ((NullTest *) condition)->nulltesttype == IS_NULL ? (Var *) ((NullTest *) condition)->arg : NULL;
		default:
			column = compared_column(condition, &equal);
			return equal ? column : NULL;
	}
}

/* Notes which columns the conditions compare with one value: a key need not have them. */
static void
set_fixed(const List *conditions, PoFetched *fetched)
{
	ListCell   *lc;

	foreach(lc, conditions)
	{
		Var		   *column = fixed_column((Node *) lfirst(lc));

		if (column != NULL)
			po_candidate_add_column(fetched->fixed, &fetched->nfixed, column->varattno);
	}
}

/* Returns what is read by way of an index that is limited by some conditions, or (NIL) by none. */
static PoFetched *
describe(const PoInspection *inspection, List *conditions)
{
	PoFetched  *fetched = MemoryContextAllocZero(inspection->context, sizeof(PoFetched));

	set_columns(inspection, conditions, fetched);
	if (conditions == NIL)
		return fetched;
	set_fixed(conditions, fetched);
	fetched->predicate = po_key_column_add_predicate(inspection->expressions, inspection->relid,
													 conditions, inspection->rel->relid);
	return fetched;
}

/*
 * Returns a list of PoFetched for the relation inspected: without predicate first, then
 * with each that is worth trying; it lives in the inspection's context.
 */
List *
po_fetched_collect(const PoInspection *inspection)
{
	List	   *conditions = collect_conditions(inspection);
	List	   *variants = list_make1(describe(inspection, NIL));
	ListCell   *lc;
	MemoryContext old;

	foreach(lc, conditions)
		variants = lappend(variants, describe(inspection, list_make1(lfirst(lc))));
	if (list_length(conditions) > 1)
		variants = lappend(variants, describe(inspection, conditions));
	old = MemoryContextSwitchTo(inspection->context);
	variants = list_copy(variants);
	MemoryContextSwitchTo(old);
	return variants;
}
