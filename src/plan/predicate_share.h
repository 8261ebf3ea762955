/*
 * predicate_share.h
 *	  What share of a table's rows the predicate of an index keeps.
 */
#ifndef PO_PREDICATE_SHARE_H
#define PO_PREDICATE_SHARE_H

#include "nodes/pathnodes.h"

/* What is known of one predicate; indexes of the same predicate have it in common. */
typedef struct PoPredicateShares
{
	List	   *looks;			/* of each table that was looked at */
} PoPredicateShares;

extern PoPredicateShares *po_predicate_share_create(void);
extern double po_predicate_share_get(PoPredicateShares *shares, PlannerInfo *root, Oid relid, List *conditions);

#endif							/* PO_PREDICATE_SHARE_H */
