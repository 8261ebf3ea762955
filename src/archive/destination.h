/*
 * destination.h
 *	  Making the table that archived rows go to.
 */
#ifndef PO_DESTINATION_H
#define PO_DESTINATION_H

#include "archive/policy.h"

extern void po_destination_add_columns(PoArchivePolicy *policy);
extern Oid	po_destination_create(PoArchivePolicy *policy);
extern void po_destination_add_leaf(PoArchivePolicy *policy, Oid leaf);
extern bool po_destination_is_like(Oid source, Oid destination);

#endif							/* PO_DESTINATION_H */
