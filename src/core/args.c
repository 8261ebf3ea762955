/*
 * args.c
 *	  Reading and checking the arguments of SQL-callable functions.
 *
 * Functions with optional arguments cannot be STRICT, and a NULL where a value
 * is needed must be an error that names the argument, so each entry point asks
 * here for what it needs.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "core/args.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/*
 * Raises 22004 when argument argno (from 0) is NULL; name is the SQL argument's.
 */
void
po_args_require(FunctionCallInfo fcinfo, int argno, const char *name)
{
	if (PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name),
				 errhint("Pass a value for \"%s\".", name)));
}

/*
 * Returns a text argument as a palloc'd C string; raises 22004 when NULL.
 */
char *
po_args_text(FunctionCallInfo fcinfo, int argno, const char *name)
{
	po_args_require(fcinfo, argno, name);
	return text_to_cstring(PG_GETARG_TEXT_PP(argno));
}

/*
 * Returns a text argument as a palloc'd C string, or NULL when it is NULL.
 */
char *
po_args_text_or_null(FunctionCallInfo fcinfo, int argno)
{
	return PG_ARGISNULL(argno) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(argno));
}

/*
 * Returns an interval argument in microseconds, a month as 30 days; raises 22004 when
 * NULL and 22023 unless it is at least min.
 */
int64
po_args_interval_us(FunctionCallInfo fcinfo, int argno, const char *name, int64 min)
{
	Interval   *interval;
	double		days;
	double		us;

	po_args_require(fcinfo, argno, name);
	interval = PG_GETARG_INTERVAL_P(argno);
	days = (double) interval->month * DAYS_PER_MONTH + interval->day;
	us = days * USECS_PER_DAY + (double) interval->time;
	if (us < (double) min)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must %s", name, min > 0 ? "be positive" : "not be negative"),
				 errhint("Pass an interval such as '10 seconds' as \"%s\".", name)));
	if (us > (double) PG_INT64_MAX / 4)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is too long", name),
				 errhint("Pass a shorter interval as \"%s\".", name)));
	return (int64) us;
}

/* Raises 22004 for a NULL in an array argument; element counts from 0. */
void
po_args_refuse_null_element(const char *name, int element)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("argument \"%s\" must not contain nulls", name),
			 errdetail("Element %d is null.", element + 1)));
}

/*
 * Reads a one-dimensional text[] argument into *values and returns its length;
 * a NULL or empty array gives 0.  A NULL element becomes a NULL pointer when
 * null_elements is set and raises 22004 otherwise; more dimensions raise 2202E.
 */
int
po_args_text_array(FunctionCallInfo fcinfo, int argno, const char *name,
				   bool null_elements, char ***values)
{
	ArrayType  *array;
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	*values = NULL;
	if (PG_ARGISNULL(argno))
		return 0;
	array = PG_GETARG_ARRAYTYPE_P(argno);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("argument \"%s\" must be a one-dimensional array", name)));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	*values = palloc0(sizeof(char *) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			(*values)[i] = TextDatumGetCString(elements[i]);
		else if (!null_elements)
			po_args_refuse_null_element(name, i);
	}
	return n;
}
