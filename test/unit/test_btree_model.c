/*
 * test_btree_model.c
 *	  Pages and height of B-trees, against indexes that the server built.
 *
 * link: src/plan/btree_model.c
 */
#include "postgres.h"

#include <math.h>

#include "plan/btree_model.h"
#include "tap.h"

/* Checks the model against the pages and height of a built index. */
static void
check(const char *name, PoBtreeShape shape, double pages, int height)
{
	PoBtreeSize size = po_btree_model_size(&shape);

	if (!ok(fabs(size.pages / pages - 1) < 0.05, name))
		printf("# %.0f pages, the built index has %.0f\n", size.pages, pages);
	is_int(size.height, height, name);
}

/* Sizes as PostgreSQL 15 to 18 build them with 8 kB pages. */
static void
test_built(void)
{
	check("100000 different bigints",
		  (PoBtreeShape) {.tuples = 100000, .distinct = 100000, .key_width = 8, .fillfactor = 90, .deduplicate = true}, 276, 1);
	check("300000 different uuids",
		  (PoBtreeShape) {.tuples = 300000, .distinct = 300000, .key_width = 16, .fillfactor = 90, .deduplicate = true}, 1158, 2);
	check("300000 rows of 1000 integers, deduplicated",
		  (PoBtreeShape) {.tuples = 300000, .distinct = 1000, .key_width = 4, .fillfactor = 90, .deduplicate = true}, 257, 2);
	check("the same, not deduplicated",
		  (PoBtreeShape) {.tuples = 300000, .distinct = 1000, .key_width = 4, .fillfactor = 90, .deduplicate = false}, 827, 2);
	check("300000 rows of 1500 dates",
		  (PoBtreeShape) {.tuples = 300000, .distinct = 1500, .key_width = 4, .fillfactor = 90, .deduplicate = true}, 259, 2);
}

/* The model's limits and directions. */
static void
test_edges(void)
{
	PoBtreeShape shape = {.tuples = 0, .distinct = 0, .key_width = 4, .fillfactor = 90, .deduplicate = true};
	double		full;

	is_int((int) po_btree_model_size(&shape).pages, 1, "an empty index is its metapage");
	is_int(po_btree_model_size(&shape).height, 0, "and has no level");
	shape.tuples = shape.distinct = 1;
	is_int((int) po_btree_model_size(&shape).pages, 2, "one entry needs one page more");
	shape.tuples = shape.distinct = 1e6;
	full = po_btree_model_size(&shape).pages;
	shape.fillfactor = 50;
	ok(po_btree_model_size(&shape).pages > 1.6 * full, "a low fill factor needs more pages");
	shape.fillfactor = 90;
	shape.distinct = 1e9;
	ok(po_btree_model_size(&shape).pages == full, "no more distinct keys than entries");
	shape.null_fraction = 0.5;
	shape.key_width = 100;
	full = po_btree_model_size(&shape).pages;
	shape.null_fraction = 0;
	ok(full < po_btree_model_size(&shape).pages, "nulls need less room than long values");
	shape.key_width = 1e5;
	ok(po_btree_model_size(&shape).pages > 0, "keys longer than a page give a number too");
}

int
main(void)
{
	test_built();
	test_edges();
	return done();
}
