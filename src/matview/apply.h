/*
 * apply.h
 *	  Writing the difference between old and new rows into a materialized view.
 */
#ifndef PO_APPLY_H
#define PO_APPLY_H

#include "executor/tuptable.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

typedef struct PoApply PoApply;

/* How many rows were written. */
typedef struct PoApplyCounts
{
	int64		inserted;
	int64		updated;
	int64		deleted;
} PoApplyCounts;

extern PoApply *po_apply_begin(Relation matview, Snapshot snapshot);
extern void po_apply_add_new(PoApply *apply, TupleTableSlot *slot);
extern void po_apply_add_gone(PoApply *apply, ItemPointer tid);
extern void po_apply_finish(PoApply *apply, PoApplyCounts *counts);

#endif							/* PO_APPLY_H */
