/*
 * gather.h
 *	  Reading a table's rows for many keys in the order in which the table has them.
 */
#ifndef PO_GATHER_H
#define PO_GATHER_H

#include "matview/compose.h"

extern bool po_gather_rows(Oid relid, int varno, List *keys, PoComposeRows *wanted,
						   Bitmapset *used, PoComposeRows *rows);
extern Query *po_gather_select(Oid relid, Bitmapset *used, RangeTblEntry *rows);

#endif							/* PO_GATHER_H */
