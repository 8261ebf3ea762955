/*
 * diff.h
 *	  The difference between a materialized view's rows and its query's rows.
 */
#ifndef PO_DIFF_H
#define PO_DIFF_H

#include "matview/apply.h"
#include "tcop/dest.h"

typedef struct PoDiff PoDiff;

extern PoDiff *po_diff_begin(Relation matview, Snapshot snapshot, PoApply *apply);
extern PoDiff *po_diff_begin_part(Relation matview, Snapshot snapshot, PoApply *apply);
extern DestReceiver *po_diff_receiver(PoDiff *diff);
extern DestReceiver *po_diff_old_receiver(PoDiff *diff);
extern void po_diff_add_old(TupleTableSlot *slot, void *diff);
extern void po_diff_finish(PoDiff *diff);

#endif							/* PO_DIFF_H */
