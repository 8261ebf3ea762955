/*
 * capture.h
 *	  Noting the changed rows of tables that incrementally refreshed views read.
 */
#ifndef PO_CAPTURE_H
#define PO_CAPTURE_H

#include "executor/tuptable.h"
#include "utils/relcache.h"

extern void po_capture_init(void);
extern bool po_capture_wants(Relation rel, Oid base);
extern void po_capture_change(Relation rel, Oid base, TupleTableSlot *old, TupleTableSlot *new);
extern void po_capture_everything(Relation rel, Oid base);
extern void po_capture_copy(void);

#endif							/* PO_CAPTURE_H */
