/*
 * json.c
 *	  Building jsonb values field by field.
 *
 * A PoJson starts zeroed.  Inside an object every call gives a key, inside an
 * array (and for the outermost value) the key is NULL.  Everything is palloc'd
 * in the current memory context; keys are not copied, they must stay until the
 * value is finished.
 */
#include "postgres.h"

#include <math.h>

#include "core/json.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

/* Numbers with so few digits in all, of which so many after the point, are converted fast. */
#define MAX_FAST_VALUE 1e15
#define MAX_FAST_DIGITS 3

static const double powers_of_ten[] = {1, 10, 100, 1000};

/* Pushes the key of the next object field; nothing inside an array. */
static void
push_key(PoJson *json, const char *key)
{
	JsonbValue	v;

	if (key == NULL)
		return;
	v.type = jbvString;
	v.val.string.val = unconstify(char *, key);
	v.val.string.len = strlen(key);
	PO_JSONB_PUSH(json, WJB_KEY, &v);
}

/* Pushes a scalar as field value or array element, as the place demands. */
static void
push_scalar(PoJson *json, const char *key, JsonbValue *v)
{
	push_key(json, key);
	PO_JSONB_PUSH(json, key ? WJB_VALUE : WJB_ELEM, v);
}

/* Opens an object; close it with po_json_end_object. */
void
po_json_begin_object(PoJson *json, const char *key)
{
	push_key(json, key);
	PO_JSONB_PUSH(json, WJB_BEGIN_OBJECT, NULL);
}

/* Closes the innermost object. */
void
po_json_end_object(PoJson *json)
{
	PO_JSONB_PUSH(json, WJB_END_OBJECT, NULL);
}

/* Opens an array; close it with po_json_end_array. */
void
po_json_begin_array(PoJson *json, const char *key)
{
	push_key(json, key);
	PO_JSONB_PUSH(json, WJB_BEGIN_ARRAY, NULL);
}

/* Closes the innermost array. */
void
po_json_end_array(PoJson *json)
{
	PO_JSONB_PUSH(json, WJB_END_ARRAY, NULL);
}

/* Adds a string; a NULL value adds a JSON null. */
void
po_json_text(PoJson *json, const char *key, const char *value)
{
	JsonbValue	v;

	if (value == NULL)
	{
		po_json_null(json, key);
		return;
	}
	v.type = jbvString;
	v.val.string.val = pstrdup(value);
	v.val.string.len = strlen(value);
	push_scalar(json, key, &v);
}

/*
 * Converts a number.  Printing and parsing it, as the cast does, costs ten times as
 * much, and most numbers here have at most three digits after the point.
 */
static Numeric
float_to_numeric(double value)
{
	double		scaled = value;

	for (int digits = 0; digits <= MAX_FAST_DIGITS; digits++)
	{
		double		whole = rint(scaled);

		if (fabs(whole) >= MAX_FAST_VALUE)
			break;

		/*
		 * The nearest decimal of so many digits is the number itself, as
		 * printing it tells.
		 */
		if (whole / powers_of_ten[digits] == value)
			return digits == 0 ? int64_to_numeric((int64) whole) :
				int64_div_fast_to_numeric((int64) whole, digits);
		scaled = value * powers_of_ten[Min(digits + 1, MAX_FAST_DIGITS)];
	}
	return DatumGetNumeric(DirectFunctionCall1(float8_numeric, Float8GetDatum(value)));
}

/* Adds a number; NaN and infinities, which JSON lacks, become null. */
void
po_json_float(PoJson *json, const char *key, double value)
{
	JsonbValue	v;

	if (isnan(value) || isinf(value))
	{
		po_json_null(json, key);
		return;
	}
	v.type = jbvNumeric;
	v.val.numeric = float_to_numeric(value);
	push_scalar(json, key, &v);
}

/* Adds an integer. */
void
po_json_int(PoJson *json, const char *key, int64 value)
{
	JsonbValue	v;

	v.type = jbvNumeric;
	v.val.numeric = int64_to_numeric(value);
	push_scalar(json, key, &v);
}

/* Adds a boolean. */
void
po_json_bool(PoJson *json, const char *key, bool value)
{
	JsonbValue	v;

	v.type = jbvBool;
	v.val.boolean = value;
	push_scalar(json, key, &v);
}

/* Adds a JSON null. */
void
po_json_null(PoJson *json, const char *key)
{
	JsonbValue	v;

	v.type = jbvNull;
	push_scalar(json, key, &v);
}

/* Adds a finished jsonb as it stands; the value must stay allocated until po_json_finish. */
void
po_json_value(PoJson *json, const char *key, Jsonb *value)
{
	JsonbValue	v;

	if (JB_ROOT_IS_SCALAR(value))
	{
		JsonbExtractScalar(&value->root, &v);
		push_scalar(json, key, &v);
		return;
	}
	v.type = jbvBinary;
	v.val.binary.data = &value->root;
	v.val.binary.len = VARSIZE_ANY_EXHDR(value);
	push_scalar(json, key, &v);
}

/* Returns the finished value; the outermost object or array must be closed. */
Jsonb *
po_json_finish(PoJson *json)
{
	Assert(PO_JSONB_RESULT(json) != NULL);
	return JsonbValueToJsonb(PO_JSONB_RESULT(json));
}
