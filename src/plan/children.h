/*
 * children.h
 *	  The nodes below a node of a plan.
 */
#ifndef PO_CHILDREN_H
#define PO_CHILDREN_H

#include "nodes/plannodes.h"

extern List *po_children_list(const Plan *plan);
extern List *po_children_trees(const PlannedStmt *plan);

#endif							/* PO_CHILDREN_H */
