/*
 * btree_model.h
 *	  Arithmetic of a freshly built B-tree: pages and height.  Pure.
 */
#ifndef PO_BTREE_MODEL_H
#define PO_BTREE_MODEL_H

#include <stdbool.h>

/* What a B-tree holds. */
typedef struct PoBtreeShape
{
	double		tuples;			/* index entries */
	double		distinct;		/* different keys among them */
	double		key_width;		/* bytes of one key's data, alignment between
								 * columns included */
	bool		varying;		/* that is an average of different widths */
	double		null_fraction;	/* share of entries with at least one null
								 * column */
	double		null_width;		/* bytes of the data of those */
	int			fillfactor;		/* percent of a leaf page that the build fills */
	bool		deduplicate;	/* equal keys share one posting list */
} PoBtreeShape;

/* How large it is. */
typedef struct PoBtreeSize
{
	double		pages;			/* with the metapage */
	int			height;			/* levels above the leaves */
} PoBtreeSize;

extern PoBtreeSize po_btree_model_size(const PoBtreeShape *shape);

#endif							/* PO_BTREE_MODEL_H */
