/*
 * fetch.h
 *	  Reading the rows at given locations of a table.
 */
#ifndef PO_FETCH_H
#define PO_FETCH_H

#include "executor/tuptable.h"
#include "utils/rel.h"

/* Takes a row, which is valid during the call. */
typedef void (*PoFetchTake) (TupleTableSlot *slot, void *arg);

extern void po_fetch_rows(Relation table, uint64 *locations, int64 nlocations, PoFetchTake take, void *arg);

/* Returns a location as a number that sorts as locations do. */
static inline uint64
po_fetch_location(ItemPointer tid)
{
	return (uint64) ItemPointerGetBlockNumber(tid) << 16 | ItemPointerGetOffsetNumber(tid);
}

#endif							/* PO_FETCH_H */
