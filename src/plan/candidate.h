/*
 * candidate.h
 *	  From what a statement needs of a table to the B-tree keys worth trying.  Pure.
 */
#ifndef PO_CANDIDATE_H
#define PO_CANDIDATE_H

#include <stdbool.h>

#define PO_KEY_COLUMNS 3		/* widest key that is tried */
#define PO_NEEDS_COLUMNS 6		/* most columns that one kind of need keeps */
#define PO_NEEDS_ORDERS 4

/*
 * A column of a key: its attribute number, plus PO_COLUMN_NULLS when nulls are sorted
 * where the direction would not sort them by default, plus PO_COLUMN_PATTERN for the
 * operator class that compares strings character by character; negated for descending.
 */
#define PO_COLUMN_NULLS 0x10000
#define PO_COLUMN_PATTERN 0x20000
#define PO_COLUMN_ATTNUM(column) (((column) < 0 ? -(column) : (column)) % PO_COLUMN_NULLS)

/* The columns of a B-tree key, first to last. */
typedef struct PoKey
{
	int			ncolumns;
	int			columns[PO_KEY_COLUMNS];
} PoKey;

/* What one use of a table needs, most selective column first. */
typedef struct PoNeeds
{
	int			nequal;			/* compared for equality with a value, or IN,
								 * or IS NULL */
	int			equal[PO_NEEDS_COLUMNS];
	int			njoin;			/* compared for equality with another table's
								 * column */
	int			join[PO_NEEDS_COLUMNS];
	int			nrange;			/* compared with a range */
	int			range[PO_NEEDS_COLUMNS];
	int			norders;		/* wanted orders: ORDER BY, GROUP BY,
								 * DISTINCT, windows */
	PoKey		orders[PO_NEEDS_ORDERS];
} PoNeeds;

extern void po_candidate_add_column(int *columns, int *ncolumns, int column);
extern void po_candidate_add_order(PoNeeds *needs, const PoKey *order);
extern int	po_candidate_generate(const PoNeeds *needs, PoKey *keys, int max);
extern bool po_candidate_equal(const PoKey *a, const PoKey *b);
extern bool po_candidate_is_prefix(const PoKey *prefix, const PoKey *key);

#endif							/* PO_CANDIDATE_H */
