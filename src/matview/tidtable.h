/*
 * tidtable.h
 *	  A multiset of row locations by a 64-bit hash, within a memory limit.
 */
#ifndef PO_TIDTABLE_H
#define PO_TIDTABLE_H

#include "storage/itemptr.h"

typedef struct PoTidTable PoTidTable;

/* Decides whether the row at tid is the one that is looked for. */
typedef bool (*PoTidMatch) (ItemPointer tid, void *arg);

extern PoTidTable *po_tidtable_create(Size max_bytes);
extern void po_tidtable_reset(PoTidTable *table);
extern void po_tidtable_lift_limit(PoTidTable *table);
extern bool po_tidtable_add(PoTidTable *table, uint64 hash, ItemPointer tid);
extern bool po_tidtable_take(PoTidTable *table, uint64 hash, PoTidMatch match, void *arg,
							 ItemPointer tid);
extern bool po_tidtable_next_left(PoTidTable *table, int64 *position, ItemPointer tid);

#endif							/* PO_TIDTABLE_H */
