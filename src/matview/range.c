/*
 * range.c
 *	  Keys that rise with a column: the values of the column that a key can come from.
 *
 * date_trunc of a timestamp, and casts of timestamps to dates: an index on the
 * column then finds a key's rows, where the expression itself has none.  Where no
 * time zone takes part the bounds are exact: the key, and the last microsecond before
 * the next one.  Else they may be too wide, never too narrow, and the key itself is
 * compared as well; they are wider by MARGIN, since a change of the zone's offset may
 * move midnight by up to a day.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "matview/range.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#define MARGIN "25 hours"

/* How long a unit of date_trunc lasts. */
typedef struct Unit
{
	const char *name;
	const char *length;
	bool		follows_zone;	/* its start depends on the offset of the time
								 * zone at that start */
} Unit;

static const Unit units[] = {
	{"day", "1 day", true},
	{"hour", "1 hour", false},
	{"minute", "1 minute", false},
	{"month", "1 month", true},
	{"quarter", "3 months", true},
	{"second", "1 second", false},
	{"week", "7 days", true},
	{"year", "1 year", true},
};

/* Returns the unit that a constant argument names, or NULL. */
static const Unit *
find_unit(Node *node)
{
	Const	   *argument = (Const *) node;
	char	   *name;

	if (!IsA(node, Const) || argument->constisnull || argument->consttype != TEXTOID)
		return NULL;
	name = TextDatumGetCString(argument->constvalue);
	for (int i = 0; i < lengthof(units); i++)
		if (pg_strcasecmp(units[i].name, name) == 0)
			return &units[i];
	return NULL;
}

/* Sets the bounds of a timestamp without time zone: all from start to the last microsecond of the length. */
static void
set_exact_bounds(PoRange *range, const char *start, const char *length)
{
	const char *last = "'294276-12-31 23:59:59.999999'::pg_catalog.timestamp";

	range->low = pstrdup(start);

	/*
	 * What begins less than the length before the end of the type, or is
	 * infinite, cannot have it added.
	 */
	range->high = psprintf("CASE WHEN %s OPERATOR(pg_catalog.>) (%s OPERATOR(pg_catalog.-) '%s'::pg_catalog.interval) THEN GREATEST(%s, %s) "
						   "ELSE (%s OPERATOR(pg_catalog.+) '%s'::pg_catalog.interval) OPERATOR(pg_catalog.-) '1 microsecond'::pg_catalog.interval END",
						   start, last, length, start, last, start, length);
	range->exact = true;
}

/*
 * Sets the bounds of a timestamp with time zone, from start to start + length, margin
 * wider on both sides; they do not leave the range of the type.
 */
static void
set_wide_bounds(PoRange *range, const char *start, const char *length, const char *margin)
{
	range->low = psprintf("CASE WHEN %s OPERATOR(pg_catalog.<) '4000-01-01 BC'::pg_catalog.timestamptz THEN '-infinity' "
						  "ELSE %s OPERATOR(pg_catalog.-) '%s'::pg_catalog.interval END",
						  start, start, margin);
	range->high = psprintf("CASE WHEN %s OPERATOR(pg_catalog.>) '200000-01-01'::pg_catalog.timestamptz THEN 'infinity' "
						   "ELSE %s OPERATOR(pg_catalog.+) '%s'::pg_catalog.interval OPERATOR(pg_catalog.+) '%s'::pg_catalog.interval END",
						   start, start, length, margin);
	range->exact = false;
}

/* Reads date_trunc(unit, argument). */
static bool
find_truncated(FuncExpr *call, const char *k, PoRange *range)
{
	const Unit *unit = find_unit(linitial(call->args));

	if (unit == NULL)
		return false;
	range->argument = lsecond(call->args);
	range->type = exprType((Node *) range->argument);
	if (range->type == TIMESTAMPTZOID)
		set_wide_bounds(range, k, unit->length, unit->follows_zone ? MARGIN : "0");
	else
		set_exact_bounds(range, k, unit->length);
	return true;
}

/* Reads a timestamp's cast to date. */
static bool
find_date(FuncExpr *call, const char *k, PoRange *range)
{
	range->argument = linitial(call->args);
	range->type = exprType((Node *) range->argument);
	if (range->type == TIMESTAMPTZOID)
		set_wide_bounds(range, psprintf("pg_catalog.timestamptz(%s)", k), "1 day", MARGIN);
	else
		set_exact_bounds(range, psprintf("pg_catalog.timestamp(%s)", k), "1 day");
	return true;
}

/* Where the argument is a date's cast, bounds the date: an index is on the date. */
static void
look_below_cast(PoRange *range)
{
	FuncExpr   *cast = (FuncExpr *) range->argument;

	if (!IsA(cast, FuncExpr) || (cast->funcid != F_TIMESTAMP_DATE && cast->funcid != F_TIMESTAMPTZ_DATE))
		return;
	range->argument = linitial(cast->args);
	range->type = DATEOID;
	range->exact = false;
	range->low = psprintf("CASE WHEN pg_catalog.isfinite(%s) THEN pg_catalog.date(%s) OPERATOR(pg_catalog.-) 1 ELSE '-infinity' END",
						  range->low, range->low);
	range->high = psprintf("CASE WHEN pg_catalog.isfinite(%s) THEN pg_catalog.date(%s) OPERATOR(pg_catalog.+) 1 ELSE 'infinity' END",
						   range->high, range->high);
}

/*
 * Finds the bounds of the argument of a key that rises with it; k is how SQL
 * calls the key.  The key is NULL only where the argument is.  Returns false for
 * other keys.
 */
bool
po_range_find(Expr *key, const char *k, PoRange *range)
{
	FuncExpr   *call = (FuncExpr *) key;
	bool		found;

	if (!IsA(key, FuncExpr))
		return false;
	switch (call->funcid)
	{
		case F_DATE_TRUNC_TEXT_TIMESTAMP:
		case F_DATE_TRUNC_TEXT_TIMESTAMPTZ:
			found = find_truncated(call, k, range);
			break;
		case F_DATE_TIMESTAMP:
		case F_DATE_TIMESTAMPTZ:
			found = find_date(call, k, range);
			break;
		default:
			found = false;
	}
	if (found)
		look_below_cast(range);
	return found;
}

/* Returns the operator >= or, lower off, <= of a type of bounds. */
Oid
po_range_operator(Oid type, bool lower)
{
	Oid			opclass = GetDefaultOpClass(type, BTREE_AM_OID);

	return get_opfamily_member(get_opclass_family(opclass), type, type,
							   lower ? BTGreaterEqualStrategyNumber : BTLessEqualStrategyNumber);
}
