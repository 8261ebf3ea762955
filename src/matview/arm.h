/*
 * arm.h
 *	  Making a base note its changes: triggers and log.
 */
#ifndef PO_ARM_H
#define PO_ARM_H

#include "nodes/pg_list.h"

extern Oid	po_arm_base_of_trigger(const char *name);
extern bool po_arm_is_ready(List *bases);
extern const char *po_arm_try(List *bases);
extern bool po_arm_remove(Oid base);

#endif							/* PO_ARM_H */
