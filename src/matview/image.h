/*
 * image.h
 *	  Hashing and comparing rows by the stored image of their columns.
 */
#ifndef PO_IMAGE_H
#define PO_IMAGE_H

#include "executor/tuptable.h"
#include "nodes/bitmapset.h"

extern uint64 po_image_hash(TupleTableSlot *slot, Bitmapset *columns);
extern bool po_image_equal(TupleTableSlot *a, TupleTableSlot *b, Bitmapset *columns);

#endif							/* PO_IMAGE_H */
