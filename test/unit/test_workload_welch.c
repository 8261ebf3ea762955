/*
 * test_workload_welch.c
 *	  Welch's test against values computed elsewhere.
 *
 * link: src/workload/welch.c
 */
#include "postgres.h"

#include <math.h>

#include "tap.h"
#include "workload/welch.h"

/* Passes when the p-value of two samples, given with their population deviations, is as wanted. */
static void
check(PoMoments before, PoMoments after, double want, const char *name)
{
	double		got = po_welch_p_value(&before, &after);

	if (!ok(fabs(got - want) <= 1e-6 + 1e-4 * want, name))
		printf("# got %.9g, want %.9g\n", got, want);
}

/* Turns the deviation of a sample into that of a population, which the server's statistics keep. */
static double
population(double deviation, double n)
{
	return deviation * sqrt((n - 1) / n);
}

/* Runs the tests. */
int
main(void)
{
	check((PoMoments) {10, 20, population(2, 10)}, (PoMoments) {10, 20, population(2, 10)}, 0.5, "no difference");
	/* t = 2.2360680, df = 18: P(T > t) = 0.0191 from tables of Student's distribution. */
	check((PoMoments) {10, 20, population(2, 10)}, (PoMoments) {10, 22, population(2, 10)}, 0.019126, "equal deviations");
	check((PoMoments) {10, 22, population(2, 10)}, (PoMoments) {10, 20, population(2, 10)}, 0.980874, "a fall is no rise");
	/* With one degree of freedom each and equal deviations df = 2, where P(T > t) = 1/2 - t / (2 sqrt(2 + t^2)). */
	check((PoMoments) {2, 0, population(1, 2)}, (PoMoments) {2, 2, population(1, 2)}, 0.5 - 2 / (2 * sqrt(6)), "two degrees of freedom");
	check((PoMoments) {1, 1, 0}, (PoMoments) {1000, 9, 1}, 1, "one execution says nothing");
	check((PoMoments) {5, 1, 0}, (PoMoments) {5, 2, 0}, 0, "without deviation any rise is sure");
	check((PoMoments) {5, 2, 0}, (PoMoments) {5, 2, 0}, 1, "and no rise is none");
	check((PoMoments) {1e6, 1, 1}, (PoMoments) {1e6, 1.1, 1}, 0, "many executions make small rises sure");
	return done();
}
