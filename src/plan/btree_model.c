/*
 * btree_model.c
 *	  Arithmetic of a freshly built B-tree: pages and height.
 *
 * CREATE INDEX sorts the entries and fills leaf pages from left to right up to the
 * fill factor.  Entries with equal keys are merged into posting lists (since 13),
 * each at most a tenth of a page.  What it takes to place them is counted here as
 * nbtsort.c and nbtdedup.c do.  Pure: no catalogue, no server state.
 */
#include "postgres.h"

#include <math.h>

#include "access/itup.h"
#include "plan/btree_model.h"
#include "storage/bufpage.h"

/* The page's header and the B-tree's special space. */
#define LEAF_SPACE ((double) (BLCKSZ - SizeOfPageHeaderData - MAXALIGN(sizeof(uint32) * 4)))

/* What alignment adds to tuples of different lengths, on average; at least. */
#define AVERAGE_PADDING ((MAXIMUM_ALIGNOF - 1) / 2.0)

/* Bytes of one heap pointer in a posting list. */
#define POINTER_BYTES ((double) sizeof(ItemPointerData))

/* A posting list is limited to a tenth of a page. */
#define MAX_POSTING_BYTES ((double) (MAXALIGN_DOWN((BLCKSZ * 10) / 100) - sizeof(ItemIdData)))

/* Share of an inner page that the build fills. */
#define INNER_FILL 0.70

/* Average bytes of an index tuple without a posting list: header, null bitmap, data, aligned. */
static double
tuple_bytes(const PoBtreeShape *shape)
{
	double		data = sizeof(IndexTupleData) + shape->key_width;
	double		plain = Max(MAXALIGN((Size) ceil(data)), shape->varying ? data + AVERAGE_PADDING : 0);
	double		with_bitmap = MAXALIGN((Size) ceil(MAXALIGN(sizeof(IndexTupleData) +
															sizeof(IndexAttributeBitMapData)) +
												   shape->null_width));

	return plain * (1 - shape->null_fraction) + with_bitmap * shape->null_fraction;
}

/* Most heap pointers of one posting list. */
static double
posting_capacity(double tuple)
{
	return floor((MAX_POSTING_BYTES - tuple) / POINTER_BYTES);
}

/* Bytes on leaf pages of n entries with the same key, line pointers included. */
static double
group_bytes(double tuple, double n)
{
	double		capacity = posting_capacity(tuple);
	double		full;
	double		rest;
	double		bytes;

	if (n <= 1 || capacity < 2)
		return n * (tuple + sizeof(ItemIdData));
	full = floor(n / capacity);
	rest = n - full * capacity;
	bytes = full * (MAXALIGN((Size) (tuple + capacity * POINTER_BYTES)) + sizeof(ItemIdData));
	if (rest >= 2)
		bytes += MAXALIGN((Size) (tuple + rest * POINTER_BYTES)) + sizeof(ItemIdData);
	else if (rest > 0)
		bytes += tuple + sizeof(ItemIdData);
	return bytes;
}

/*
 * Average bytes of an inner entry, line pointer included.  Where a page ends within
 * equal keys, the entry needs a heap pointer to tell them apart.
 */
static double
pivot_bytes(const PoBtreeShape *shape, double tuple)
{
	double		per_item = shape->deduplicate ? Max(1, posting_capacity(tuple)) : 1;
	double		items = Max(1, ceil(shape->tuples / shape->distinct / per_item));

	return tuple + MAXALIGN(sizeof(ItemPointerData)) * (1 - 1 / items) + sizeof(ItemIdData);
}

/* Bytes of all leaf entries: groups of equal keys have the average size, rounded up or down. */
static double
leaf_bytes(const PoBtreeShape *shape, double tuple)
{
	double		average = shape->tuples / shape->distinct;
	double		small = floor(average);
	double		share_large = average - small;

	if (!shape->deduplicate)
		return shape->tuples * (tuple + sizeof(ItemIdData));
	return shape->distinct * ((1 - share_large) * group_bytes(tuple, small) +
							  share_large * group_bytes(tuple, small + 1));
}

/*
 * Returns pages and height of a B-tree right after its build.  tuples may be 0;
 * distinct is clamped to 1 .. tuples.
 */
PoBtreeSize
po_btree_model_size(const PoBtreeShape *shape)
{
	PoBtreeShape s = *shape;
	PoBtreeSize size = {1, 0};
	double		tuple = tuple_bytes(&s);
	double		pivot;
	double		fanout;
	double		level;

	if (s.tuples < 1)
		return size;
	s.distinct = Max(1, Min(s.distinct, s.tuples));
	pivot = pivot_bytes(&s, tuple);
	fanout = Max(2, floor(LEAF_SPACE * INNER_FILL / pivot));

	/*
	 * One high key a leaf; a page is closed when less than the unfilled share
	 * is left.
	 */
	level = ceil(leaf_bytes(&s, tuple) /
				 Max(pivot, LEAF_SPACE - BLCKSZ * (100.0 - s.fillfactor) / 100 - pivot));
	size.pages += level;
	while (level > 1)
	{
		level = ceil(level / fanout);
		size.pages += level;
		size.height++;
	}
	return size;
}
