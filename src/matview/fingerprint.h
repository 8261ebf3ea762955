/*
 * fingerprint.h
 *	  Noticing that what a view's query means may have changed.
 */
#ifndef PO_FINGERPRINT_H
#define PO_FINGERPRINT_H

#include "nodes/parsenodes.h"

extern uint64 po_fingerprint_query(Oid matview, Query *query, List *bases);
extern uint64 po_fingerprint_view(Oid matview);

#endif							/* PO_FINGERPRINT_H */
