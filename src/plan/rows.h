/*
 * rows.h
 *	  Some rows of a table, straight from its blocks.
 */
#ifndef PO_ROWS_H
#define PO_ROWS_H

#include "executor/tuptable.h"
#include "utils/rel.h"

/* How much is looked at. */
typedef struct PoRowsLimit
{
	double		rows;			/* about */
	BlockNumber blocks;			/* at most, of a heap */
} PoRowsLimit;

/* Called for each row. */
typedef void (*PoRowsTake) (TupleTableSlot *slot, void *arg);

extern bool po_rows_visit(Relation table, const PoRowsLimit *limit, PoRowsTake take, void *arg);

#endif							/* PO_ROWS_H */
