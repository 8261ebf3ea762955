/*
 * size.h
 *	  How large an index that does not exist would be.
 */
#ifndef PO_SIZE_H
#define PO_SIZE_H

#include "plan/hypo.h"

extern const PoHypoSize *po_size_estimate(PoHypoIndex *index, Oid relid);
extern int64 po_size_bytes(PoHypoIndex *index);

#endif							/* PO_SIZE_H */
