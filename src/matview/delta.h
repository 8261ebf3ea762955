/*
 * delta.h
 *	  Queries for the keys that logged changes concern.
 */
#ifndef PO_DELTA_H
#define PO_DELTA_H

#include "matview/shape.h"
#include "utils/relcache.h"

/* The unconsumed part of a base's log. */
typedef struct PoDelta
{
	PoShapeBase *base;
	Relation	log;			/* open and locked */
	int64		changes;		/* how many rows are not consumed */
	Datum		consumed;		/* the pg_snapshot of what is */
} PoDelta;

extern List *po_delta_key_queries(PoShape *shape, List *deltas);

#endif							/* PO_DELTA_H */
