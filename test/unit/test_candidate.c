/*
 * test_candidate.c
 *	  Which B-tree keys are tried for what a statement needs.
 *
 * link: src/plan/candidate.c
 */
#include "postgres.h"

#include "plan/candidate.h"
#include "tap.h"

#define MAX_KEYS 400

/* Says whether a key of up to three columns was generated. */
static bool
has(const PoNeeds *needs, int a, int b, int c)
{
	PoKey		keys[MAX_KEYS];
	PoKey		key = {0, {a, b, c}};
	int			n = po_candidate_generate(needs, keys, MAX_KEYS);

	key.ncolumns = c ? 3 : b ? 2 : 1;
	for (int i = 0; i < n; i++)
	{
		if (po_candidate_equal(&keys[i], &key))
			return true;
	}
	return false;
}

/* Equality columns come in any sequence, then a range or an order. */
static void
test_equal_then_range(void)
{
	PoNeeds		needs = {.nequal = 2, .equal = {1, 2}, .nrange = 1, .range = {3}};

	ok(has(&needs, 1, 0, 0) && has(&needs, 2, 0, 0) && has(&needs, 3, 0, 0), "each column alone");
	ok(has(&needs, 1, 2, 0) && has(&needs, 2, 1, 0), "both equalities in either sequence");
	ok(has(&needs, 1, 2, 3) && has(&needs, 2, 1, 3), "the range last");
	ok(!has(&needs, 3, 1, 0) && !has(&needs, 1, 3, 2), "nothing after a range");
}

/* Orders keep their sequence and directions. */
static void
test_orders(void)
{
	PoNeeds		needs = {.nequal = 1, .equal = {1}};
	PoKey		order = {2, {-5, 6}};

	po_candidate_add_order(&needs, &order);
	ok(has(&needs, -5, 0, 0) && has(&needs, -5, 6, 0), "the order alone, and its beginning");
	ok(has(&needs, 1, -5, 6), "after an equality");
	ok(!has(&needs, 6, -5, 0) && !has(&needs, 5, 0, 0), "in no other sequence or direction");
	po_candidate_add_order(&needs, &order);
	is_int(needs.norders, 1, "the same order twice is one");
	order.ncolumns = 0;
	po_candidate_add_order(&needs, &order);
	is_int(needs.norders, 1, "no columns are no order");
}

/* Join columns are like equality columns. */
static void
test_joins(void)
{
	PoNeeds		needs = {.nequal = 1, .equal = {1}, .njoin = 1, .join = {2}};

	ok(has(&needs, 1, 2, 0) && has(&needs, 2, 1, 0), "a join column before or after an equality");
}

/* A column that is needed twice is in a key once; an order goes on behind an equality on its first column. */
static void
test_repeated(void)
{
	PoNeeds		needs = {.nequal = 1, .equal = {1}, .nrange = 1, .range = {1}, .norders = 1};

	needs.orders[0] = (PoKey) {2, {-1, 2}};
	ok(!has(&needs, 1, 1, 0), "no column twice");
	ok(has(&needs, 1, 2, 0), "an order column that is fixed is left out");
}

/* Limits hold. */
static void
test_limits(void)
{
	PoNeeds		needs = {0};
	PoKey		keys[MAX_KEYS];
	int			n;

	for (int i = 1; i <= 10; i++)
		po_candidate_add_column(needs.equal, &needs.nequal, i);
	is_int(needs.nequal, PO_NEEDS_COLUMNS, "a need keeps so many columns");
	po_candidate_add_column(needs.equal, &needs.nequal, 1);
	is_int(needs.nequal, PO_NEEDS_COLUMNS, "each once");
	n = po_candidate_generate(&needs, keys, MAX_KEYS);
	is_int(n, 6 + 6 * 5 + 6 * 5 * 4, "all sequences of one to three columns");
	is_int(po_candidate_generate(&needs, keys, 7), 7, "not more than asked for");
	is_int(po_candidate_generate(&(PoNeeds) {0}, keys, 7), 0, "nothing needed, nothing tried");
}

/* What one index does for another. */
static void
test_prefix(void)
{
	PoKey		a = {1, {1}};
	PoKey		desc = {1, {-1}};
	PoKey		ab = {2, {1, 2}};
	PoKey		ab_mixed = {2, {1, -2}};
	PoKey		ab_desc = {2, {-1, -2}};
	PoKey		nulls = {1, {1 + PO_COLUMN_NULLS}};

	ok(po_candidate_is_prefix(&a, &ab), "(a) begins (a, b)");
	ok(!po_candidate_is_prefix(&ab, &a), "not the other way");
	ok(po_candidate_is_prefix(&desc, &ab), "(a desc) is (a, b) read backward");
	ok(po_candidate_is_prefix(&ab, &ab_desc), "(a, b) is (a desc, b desc) read backward");
	ok(!po_candidate_is_prefix(&ab, &ab_mixed), "(a, b desc) gives another order than (a, b)");
	ok(!po_candidate_is_prefix(&nulls, &a), "nulls elsewhere are another order");
	is_int(PO_COLUMN_ATTNUM(-(7 + PO_COLUMN_NULLS)), 7, "an attribute number is found under its marks");
}

int
main(void)
{
	test_equal_then_range();
	test_orders();
	test_joins();
	test_repeated();
	test_limits();
	test_prefix();
	return done();
}
