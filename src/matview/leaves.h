/*
 * leaves.h
 *	  The tables that hold the rows of a table that may be partitioned.
 */
#ifndef PO_LEAVES_H
#define PO_LEAVES_H

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

extern List *po_leaves_of(Oid relid);
extern double po_leaves_rows(List *leaves);
extern List *po_leaves_keys(List *keys, int varno, Oid relid, Oid leaf);
extern Bitmapset *po_leaves_columns(Bitmapset *columns, Oid relid, Oid leaf);

#endif							/* PO_LEAVES_H */
