/*
 * affected.h
 *	  Recomputing the rows of a view that logged changes concern.
 */
#ifndef PO_AFFECTED_H
#define PO_AFFECTED_H

#include "matview/apply.h"
#include "matview/delta.h"

extern bool po_affected_refresh(Relation matview, PoShape *shape, List *deltas, const char *text,
								double max_keys, PoApplyCounts *counts);

#endif							/* PO_AFFECTED_H */
