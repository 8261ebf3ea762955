/*
 * srf.h
 *	  Returning rows from SQL-callable functions.
 */
#ifndef PO_SRF_H
#define PO_SRF_H

#include "access/tupdesc.h"
#include "fmgr.h"

/* One result row under construction: columns are set by position, left to right. */
typedef struct PoRow
{
	FunctionCallInfo fcinfo;
	TupleDesc	type;			/* of a single row */
	int			ncolumns;
	int			next;
	Datum	   *values;
	bool	   *nulls;
} PoRow;

extern void po_srf_begin(FunctionCallInfo fcinfo, PoRow *row);
extern void po_srf_begin_scalar(FunctionCallInfo fcinfo, PoRow *row);
extern void po_row_begin_single(FunctionCallInfo fcinfo, PoRow *row);
extern void po_srf_emit(PoRow *row);
extern Datum po_row_finish_single(PoRow *row);
extern void po_row_null(PoRow *row);
extern void po_row_datum(PoRow *row, Datum value);
extern void po_row_text(PoRow *row, const char *value);
extern void po_row_int4(PoRow *row, int32 value);
extern void po_row_int8(PoRow *row, int64 value);
extern void po_row_float8(PoRow *row, double value);
extern void po_row_bool(PoRow *row, bool value);
extern void po_row_oid(PoRow *row, Oid value);
extern void po_row_text_array(PoRow *row, char **values, int n);

#endif							/* PO_SRF_H */
