/*
 * policy_store.h
 *	  Storing and loading archive policies.
 */
#ifndef PO_POLICY_STORE_H
#define PO_POLICY_STORE_H

#include "archive/policy.h"

extern void po_policy_store_insert(PoArchivePolicy *policy);
extern void po_policy_store_update(PoArchivePolicy *policy);
extern PoArchivePolicy *po_policy_store_load(const char *name);
extern void po_policy_store_delete(PoArchivePolicy *policy);

#endif							/* PO_POLICY_STORE_H */
