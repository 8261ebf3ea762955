/*
 * values.h
 *	  What an index would hold in a column, as far as some rows of the table tell.
 */
#ifndef PO_VALUES_H
#define PO_VALUES_H

#include "access/htup.h"
#include "plan/key_column.h"

/* Values of a column or an expression. */
typedef struct PoValues
{
	bool		failed;			/* the expression raises an error for some row */
	int			widest;			/* bytes of the widest value as an index entry
								 * holds it */
	HeapTuple	statistics;		/* of an expression, as in pg_statistic; else
								 * NULL */
} PoValues;

extern const PoValues *po_values_get(PoExpressions *expressions, Oid relid, int column);
extern HeapTuple po_values_statistics(const PoExpressions *expressions, Oid relid, int column);

#endif							/* PO_VALUES_H */
