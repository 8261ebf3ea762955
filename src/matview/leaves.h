/*
 * leaves.h
 *	  What the partitions of a table have: its columns, keys over them, its rows.
 */
#ifndef PO_LEAVES_H
#define PO_LEAVES_H

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

extern double po_leaves_rows(List *leaves);
extern List *po_leaves_keys(List *keys, int varno, Oid relid, Oid leaf);
extern Bitmapset *po_leaves_columns(Bitmapset *columns, Oid relid, Oid leaf);

#endif							/* PO_LEAVES_H */
