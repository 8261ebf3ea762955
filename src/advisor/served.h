/*
 * served.h
 *	  Whether an existing index already serves what a candidate would.
 */
#ifndef PO_SERVED_H
#define PO_SERVED_H

#include "plan/candidate.h"

extern bool po_served_by_existing(Oid relid, const PoKey *key);

#endif							/* PO_SERVED_H */
