/*
 * test_workload_growth.c
 *	  What counters grew by: ordinary growth, resets, rounding, new counters.
 *
 * link: src/workload/growth.c
 */
#include "postgres.h"

#include "tap.h"
#include "workload/growth.h"

/* Tells whether three counters grow from last to present by what is expected. */
static bool
grows(const double present[3], const double *last, int nlast, const double expected[3])
{
	double		numbers[3] = {present[0], present[1], present[2]};

	po_growth_of(numbers, 3, last, nlast);
	for (int i = 0; i < 3; i++)
		if (numbers[i] < expected[i] - 1e-9 || numbers[i] > expected[i] + 1e-9)
			return false;
	return true;
}

/* Runs all. */
int
main(void)
{
	const double last[3] = {10, 2.5, 100};

	ok(grows((double[3]) {12, 3, 100}, last, 3, (double[3]) {2, 0.5, 0}), "counters grow");
	ok(grows((double[3]) {10, 2.5, 100}, last, 3, (double[3]) {0, 0, 0}), "or do not");
	ok(grows((double[3]) {3, 1, 5}, last, 3, (double[3]) {3, 1, 5}), "all fell: they were reset");
	ok(grows((double[3]) {20, 2, 300}, last, 3, (double[3]) {20, 2, 300}), "one fell: they were, and ran past the others since");
	ok(grows((double[3]) {12, 3, 99.99999}, last, 3, (double[3]) {2, 0.5, 0}), "a rounding error is no reset");
	ok(grows((double[3]) {12, 3, 7}, last, 2, (double[3]) {2, 0.5, 7}), "a counter that was not there counts from nothing");
	ok(grows((double[3]) {12, 3, 7}, NULL, 0, (double[3]) {12, 3, 7}), "so do all when there were none");
	return done();
}
