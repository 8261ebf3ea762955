/*
 * range.h
 *	  Keys that rise with a column: the values of the column that a key can come from.
 */
#ifndef PO_RANGE_H
#define PO_RANGE_H

#include "nodes/primnodes.h"

/* The bounds of a key's argument, as SQL expressions over a key called k. */
typedef struct PoRange
{
	Expr	   *argument;		/* what is between the bounds */
	Oid			type;			/* of argument and bounds */
	char	   *low;
	char	   *high;			/* both bounds are inclusive */
	bool		exact;			/* all that is between them has the key */
} PoRange;

extern bool po_range_find(Expr *key, const char *k, PoRange *range);
extern Oid	po_range_operator(Oid type, bool lower);

#endif							/* PO_RANGE_H */
