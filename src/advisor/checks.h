/*
 * checks.h
 *	  What foreign keys look up when rows that others refer to are deleted.
 */
#ifndef PO_CHECKS_H
#define PO_CHECKS_H

#include "advisor/workload.h"

extern void po_checks_add(PoWorkload *workload);

#endif							/* PO_CHECKS_H */
