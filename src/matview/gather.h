/*
 * gather.h
 *	  Reading a table's rows for many keys in the order in which the table has them.
 */
#ifndef PO_GATHER_H
#define PO_GATHER_H

#include "matview/compose.h"
#include "matview/fetch.h"

/* Whose rows are asked for. */
typedef struct PoGatherWish
{
	Oid			relid;			/* a table, perhaps partitioned */
	int			varno;			/* its range table entry in the keys */
	List	   *keys;			/* PoProbeKey *; some may be computed from
								 * other tables */
	Bitmapset  *used;			/* the columns that the rows are to have */
	bool		alone;			/* the keys are computed from this table only */
} PoGatherWish;

extern bool po_gather_rows(const PoGatherWish *wish, PoComposeRows *wanted, PoComposeRows *rows, bool *exact);
extern bool po_gather_visit(Relation table, List *keys, PoComposeRows *wanted, PoFetchTake take, void *arg);
extern Query *po_gather_select(Oid relid, Bitmapset *used, RangeTblEntry *rows);

#endif							/* PO_GATHER_H */
