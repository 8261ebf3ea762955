/*
 * srf.c
 *	  Returning rows from SQL-callable functions.
 *
 * A set-returning function calls po_srf_begin once, then for each row sets the
 * columns from left to right and calls po_srf_emit; the rows go to a tuplestore
 * that spills within work_mem.  A function that returns one composite value
 * uses po_row_begin_single and po_row_finish_single.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "core/srf.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

/* Allocates the arrays of a row of ncolumns columns. */
static void
init_row(FunctionCallInfo fcinfo, PoRow *row, int ncolumns)
{
	row->fcinfo = fcinfo;
	row->ncolumns = ncolumns;
	row->next = 0;
	row->values = palloc0(sizeof(Datum) * ncolumns);
	row->nulls = palloc0(sizeof(bool) * ncolumns);
}

/*
 * Prepares a materialized result set; raises 0A000 when the caller cannot take a
 * set.  The row struct lives in the caller's context.
 */
void
po_srf_begin(FunctionCallInfo fcinfo, PoRow *row)
{
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	init_row(fcinfo, row, ((ReturnSetInfo *) fcinfo->resultinfo)->setDesc->natts);
}

/* Like po_srf_begin, for a function that returns a set of one scalar column. */
void
po_srf_begin_scalar(FunctionCallInfo fcinfo, PoRow *row)
{
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	init_row(fcinfo, row, ((ReturnSetInfo *) fcinfo->resultinfo)->setDesc->natts);
}

/*
 * Returns the row type of the function's result.  In FROM the executor has it at
 * hand; elsewhere it is built from the catalog, which costs as much as planning a
 * simple statement.
 */
static TupleDesc
result_type(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	TupleDesc	tupdesc;

	if (rsinfo != NULL && IsA(rsinfo, ReturnSetInfo) && rsinfo->expectedDesc != NULL &&
		(rsinfo->expectedDesc->tdtypeid != RECORDOID || rsinfo->expectedDesc->tdtypmod >= 0))
		return rsinfo->expectedDesc;
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return BlessTupleDesc(tupdesc);
}

/* Prepares the single composite value that the function returns. */
void
po_row_begin_single(FunctionCallInfo fcinfo, PoRow *row)
{
	row->type = result_type(fcinfo);
	init_row(fcinfo, row, row->type->natts);
}

/* Puts the row, all of whose columns must be set, into the result set and starts the next. */
void
po_srf_emit(PoRow *row)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) row->fcinfo->resultinfo;

	Assert(row->next == row->ncolumns);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row->values, row->nulls);
	row->next = 0;
}

/* Returns the composite value; all columns must be set. */
Datum
po_row_finish_single(PoRow *row)
{
	Assert(row->next == row->ncolumns);
	return HeapTupleGetDatum(heap_form_tuple(row->type, row->values, row->nulls));
}

/* Sets the next column. */
static void
set_next(PoRow *row, Datum value, bool isnull)
{
	Assert(row->next < row->ncolumns);
	row->values[row->next] = value;
	row->nulls[row->next] = isnull;
	row->next++;
}

/* Sets the next column to NULL. */
void
po_row_null(PoRow *row)
{
	set_next(row, (Datum) 0, true);
}

/* Sets the next column to a Datum of the column's type. */
void
po_row_datum(PoRow *row, Datum value)
{
	set_next(row, value, false);
}

/* Sets the next column, of type text; a NULL pointer gives NULL. */
void
po_row_text(PoRow *row, const char *value)
{
	if (value == NULL)
		po_row_null(row);
	else
		set_next(row, CStringGetTextDatum(value), false);
}

/* Sets the next column, of type integer. */
void
po_row_int4(PoRow *row, int32 value)
{
	set_next(row, Int32GetDatum(value), false);
}

/* Sets the next column, of type bigint. */
void
po_row_int8(PoRow *row, int64 value)
{
	set_next(row, Int64GetDatum(value), false);
}

/* Sets the next column, of type double precision. */
void
po_row_float8(PoRow *row, double value)
{
	set_next(row, Float8GetDatum(value), false);
}

/* Sets the next column, of type boolean. */
void
po_row_bool(PoRow *row, bool value)
{
	set_next(row, BoolGetDatum(value), false);
}

/* Sets the next column, of type oid or a reg* type; InvalidOid gives NULL. */
void
po_row_oid(PoRow *row, Oid value)
{
	set_next(row, ObjectIdGetDatum(value), !OidIsValid(value));
}

/* Sets the next column, of type text[]; no elements give an empty array. */
void
po_row_text_array(PoRow *row, char **values, int n)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		elements[i] = CStringGetTextDatum(values[i]);
	set_next(row,
			 PointerGetDatum(construct_array(elements, n, TEXTOID, -1, false, TYPALIGN_INT)),
			 false);
}
