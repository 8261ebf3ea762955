/*
 * leaf.h
 *	  The relations that hold the rows of one that may be partitioned.
 */
#ifndef PO_LEAF_H
#define PO_LEAF_H

#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

extern List *po_leaf_find(Oid relid, LOCKMODE lockmode);

#endif							/* PO_LEAF_H */
