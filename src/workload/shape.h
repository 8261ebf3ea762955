/*
 * shape.h
 *	  The shape of a plan as one number.
 */
#ifndef PO_WORKLOAD_SHAPE_H
#define PO_WORKLOAD_SHAPE_H

#include "nodes/plannodes.h"

extern uint64 po_shape_hash(const PlannedStmt *stmt);

#endif							/* PO_WORKLOAD_SHAPE_H */
