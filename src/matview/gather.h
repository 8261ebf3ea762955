/*
 * gather.h
 *	  Reading a table's rows for many keys in the order in which the table has them.
 */
#ifndef PO_GATHER_H
#define PO_GATHER_H

#include "matview/compose.h"
#include "matview/fetch.h"

extern bool po_gather_rows(Oid relid, int varno, List *keys, PoComposeRows *wanted,
						   Bitmapset *used, PoComposeRows *rows, bool *exact);
extern bool po_gather_visit(Relation table, List *keys, PoComposeRows *wanted, PoFetchTake take, void *arg);
extern Query *po_gather_select(Oid relid, Bitmapset *used, RangeTblEntry *rows);

#endif							/* PO_GATHER_H */
