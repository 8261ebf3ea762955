/*
 * improve.h
 *	  Building a choice of candidates, and making it better.  Pure.
 */
#ifndef PO_IMPROVE_H
#define PO_IMPROVE_H

#include "advisor/choice.h"

extern void po_improve_fill(PoChoice *choice, bool per_byte, int banned);
extern void po_improve_drop(PoChoice *choice);
extern void po_improve_merge(PoChoice *choice);
extern void po_improve_shrink(PoChoice *choice);
extern void po_improve_exchange(PoChoice *choice);
extern void po_improve_refill(PoChoice *choice);

#endif							/* PO_IMPROVE_H */
