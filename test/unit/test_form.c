/*
 * test_form.c
 *	  Which indexes are tried for what a statement needs and reads, and which serves which.
 *
 * link: src/plan/form.c src/plan/candidate.c
 */
#include "postgres.h"

#include "plan/form.h"
#include "tap.h"

#define MAX_FORMS 200

/* Returns a B-tree of up to two columns, with up to two included. */
static PoForm
tree(int a, int b, int included, int included_too)
{
	PoForm		form;

	memset(&form, 0, sizeof(form));
	form.key.ncolumns = b ? 2 : 1;
	form.key.columns[0] = a;
	form.key.columns[1] = b;
	if (included)
		form.included[form.nincluded++] = included;
	if (included_too)
		form.included[form.nincluded++] = included_too;
	return form;
}

/* Says whether a form is tried. */
static bool
is_tried(const PoNeeds *needs, const PoFetched *fetched, PoForm form)
{
	static PoForm forms[MAX_FORMS];
	int			n = po_form_generate(needs, fetched, forms, MAX_FORMS);

	form.predicate = fetched->predicate;
	for (int i = 0; i < n; i++)
	{
		if (po_form_equal(&forms[i], &form))
			return true;
	}
	return false;
}

/* What is read is included where an index can hold it. */
static void
test_covering(void)
{
	PoNeeds		needs = {.nequal = 1, .equal = {4}, .nrange = 1, .range = {5}};
	PoFetched	fetched = {.coverable = true, .ncolumns = 3, .columns = {2, 4, 5}};

	ok(is_tried(&needs, &fetched, tree(4, 0, 0, 0)), "the key alone");
	ok(is_tried(&needs, &fetched, tree(4, 0, 2, 5)), "with the rest that is read");
	ok(is_tried(&needs, &fetched, tree(4, 5, 2, 0)), "a wider key needs less beside it");
	fetched.coverable = false;
	ok(!is_tried(&needs, &fetched, tree(4, 0, 2, 5)), "but not what no index can hold");
}

/* A predicate takes the columns that it fixes from the key; without others it keeps one. */
static void
test_predicate(void)
{
	PoNeeds		needs = {.nequal = 2, .equal = {4, 6}};
	PoFetched	fetched = {.predicate = 3, .nfixed = 1, .fixed = {4}};

	ok(is_tried(&needs, &fetched, tree(6, 0, 0, 0)), "what is not fixed is the key");
	ok(!is_tried(&needs, &fetched, tree(4, 0, 0, 0)) && !is_tried(&needs, &fetched, tree(4, 6, 0, 0)), "what is fixed is not");
	needs.nequal = 1;
	ok(is_tried(&needs, &fetched, tree(4, 0, 0, 0)), "unless there is nothing else");
}

/* A table that is only read gets a narrow copy. */
static void
test_copy(void)
{
	PoNeeds		needs = {0};
	PoFetched	fetched = {.coverable = true, .ncolumns = 2, .columns = {3, 7}};

	ok(is_tried(&needs, &fetched, tree(3, 0, 7, 0)), "a copy of what is read");
	fetched.coverable = false;
	ok(!is_tried(&needs, &fetched, tree(3, 0, 0, 0)), "none where that is too much");
}

/* Which index makes which superfluous. */
static void
test_serves(void)
{
	PoForm		wide = tree(1, 2, 5, 0);
	PoForm		narrow = tree(1, 0, 0, 0);
	PoForm		other = tree(1, 0, 2, 5);
	PoForm		merged;

	ok(po_form_serves(&wide, &narrow) && !po_form_serves(&narrow, &wide), "a longer key serves a shorter one");
	ok(po_form_serves(&wide, &other), "a key column serves as an included one");
	other.included[1] = 6;
	ok(!po_form_serves(&wide, &other), "what is not there does not");
	ok(po_form_merge(&wide, &other, &merged) && merged.nincluded == 2 && merged.included[0] == 5 &&
	   merged.included[1] == 6 && po_form_serves(&merged, &wide) && po_form_serves(&merged, &other), "two become one that serves both");
	narrow.predicate = 1;
	ok(!po_form_serves(&wide, &narrow) && !po_form_merge(&wide, &narrow, &merged), "with another predicate it is another index");
	narrow.predicate = 0;
	narrow.method = 783;
	ok(!po_form_serves(&wide, &narrow), "and of another access method");
	narrow.method = 0;
	narrow.classes[0] = 99;
	ok(!po_form_serves(&wide, &narrow), "and of another operator class");
}

/* There is a limit to what is included, and its sequence does not matter. */
static void
test_include(void)
{
	PoForm		form = tree(1, 0, 0, 0);
	int			many[] = {9, 8, 7, 6, 5, 4, 3, 2, 1};

	ok(po_form_include(&form, many, 8) && form.nincluded == 8 && form.included[0] == 2 && form.included[7] == 9, "sorted");
	ok(po_form_include(&form, many, 9), "a key column takes no place");
	ok(!po_form_include(&form, &(int) {10}, 1), "one more is too many");
}

int
main(void)
{
	test_covering();
	test_predicate();
	test_copy();
	test_serves();
	test_include();
	return done();
}
