/*
 * wrapper.c
 *	  Advice for a column that a condition wraps into an expression.
 *
 * What helps depends on the wrapper: a rounded time is a range of the column, a cast or
 * an arithmetic belongs to the other side, and only where neither can be is an index on
 * the expression the way.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "explain/advice.h"
#include "explain/wrapper.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/* Returns the value that is compared with as text, or NULL when it is not a constant or a parameter. */
static char *
value_text(const PoNode *node, const PoPredicate *predicate)
{
	Node	   *value = predicate->value;

	if (value == NULL || !(IsA(value, Const) ||
						   (IsA(value, Param) && ((Param *) value)->paramkind == PARAM_EXTERN)))
		return NULL;
	return po_advice_expression(node, value);
}

/* Returns the unit of a call of date_trunc, or NULL when it is no constant that an interval can name. */
static char *
truncation_unit(const FuncExpr *call)
{
	static const char *const units[] = {"second", "minute", "hour", "day", "week", "month", "year"};
	Node	   *unit = linitial(call->args);
	char	   *word;

	if (!IsA(unit, Const) || ((Const *) unit)->constisnull)
		return NULL;
	word = TextDatumGetCString(((Const *) unit)->constvalue);
	for (int i = 0; i < lengthof(units); i++)
		if (pg_strcasecmp(word, units[i]) == 0)
			return pstrdup(units[i]);
	return NULL;
}

/* Returns what reaches from a value to the end of the range that the wrapper rounds to it, NULL for no such wrapper. */
static char *
range_width(const FuncExpr *call)
{
	char	   *unit;

	switch (call->funcid)
	{
		case F_DATE_TRUNC_TEXT_TIMESTAMP:
		case F_DATE_TRUNC_TEXT_TIMESTAMPTZ:
			unit = truncation_unit(call);
			return unit ? psprintf("interval '1 %s'", unit) : NULL;
		case F_DATE_TIMESTAMP:
		case F_DATE_TIMESTAMPTZ:
			return pstrdup("1");
		default:
			return NULL;
	}
}

/* Advises a call of a function. */
static char *
advise_function(const PoNode *node, const PoPredicate *predicate, const FuncExpr *call,
				const char *column)
{
	char	   *width = range_width(call);
	char	   *value = value_text(node, predicate);

	if (width != NULL && value != NULL && predicate->strategy == BTEqualStrategyNumber)
		return psprintf("Write the range: %s >= %s AND %s < %s + %s.", column, value, column, value,
						width);
	if (width != NULL)
		return psprintf("Write a range of %s itself, from the beginning of the period to the beginning of the next.",
						column);
	if (call->funcformat == COERCE_EXPLICIT_CAST)
		return psprintf("Cast the other side: compare %s with a value of type %s.", column,
						format_type_be(get_atttype(node->relid, predicate->attnum)));
	return NULL;
}

/* Tells whether an operator is one of arithmetic, by its name. */
static bool
is_arithmetic(Oid opno)
{
	char	   *name = get_opname(opno);

	return name != NULL && strlen(name) == 1 && strchr("+-*/", name[0]) != NULL;
}

/* Returns advice that is right for the wrapper, or NULL. */
static char *
advise_wrapper(const PoNode *node, const PoPredicate *predicate, const char *column)
{
	Node	   *operand = predicate->operand;

	while (IsA(operand, RelabelType))
		operand = (Node *) ((RelabelType *) operand)->arg;
	switch (nodeTag(operand))
	{
		case T_FuncExpr:
			return advise_function(node, predicate, (FuncExpr *) operand, column);
		case T_CoerceViaIO:
			return psprintf("Cast the other side: compare %s with a value of type %s.", column,
							format_type_be(get_atttype(node->relid, predicate->attnum)));
		case T_OpExpr:
			return is_arithmetic(((OpExpr *) operand)->opno) ?
				psprintf("Move the arithmetic to the other side, so that %s stands alone.", column) : NULL;
		case T_CoalesceExpr:
			return psprintf("Compare %s itself, and add OR %s IS NULL where a missing value is to match.",
							column, column);
		default:
			return NULL;
	}
}

/*
 * Returns what to do about a wrapped column, palloc'd; proven tells that an index on the
 * expression is suggested beside it.
 */
char *
po_wrapper_advice(const PoNode *node, const PoPredicate *predicate, bool proven)
{
	char	   *column = po_advice_column(node->relid, predicate->attnum);
	char	   *advice = advise_wrapper(node, predicate, column);

	if (advice != NULL)
		return proven ? psprintf("%s Or create an index on the expression.", advice) : advice;
	if (proven)
		return pstrdup("Create an index on the expression, which serves the condition as it is written.");
	return psprintf("Compare %s itself, where the condition can be written so.", column);
}
