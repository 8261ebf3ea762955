/*
 * overlap.h
 *	  Which indexes of an inventory do what others do, or nothing.
 */
#ifndef PO_OVERLAP_H
#define PO_OVERLAP_H

#include "advisor/inventory.h"

/* What is found about an index. */
typedef struct PoIndexVerdict
{
	const PoInventoryIndex *index;
	int64		scans;			/* with its parts: of the index, of the
								 * tables, and the writes that it followed */
	int64		table_scans;
	int64		writes;
	bool		counted;		/* there is something to scan */
	bool		sole;			/* the only index of some foreign key */
	bool		unused;
	const PoInventoryIndex *twin;	/* the one of the same definition that is
									 * to stay */
	bool		duplicate;		/* and this one can go */
	const PoInventoryIndex *cover;	/* one that serves all that this one
									 * serves */
} PoIndexVerdict;

typedef struct PoOverlap
{
	PoIndexVerdict *verdicts;
	int			nverdicts;
	List	   *unserved;		/* of Oid: declared foreign keys without an
								 * index */
} PoOverlap;

extern PoOverlap *po_overlap_find(const PoInventory *inventory, Oid btree);

#endif							/* PO_OVERLAP_H */
