/*
 * test_timings.c
 *	  What a list of times says.
 *
 * link: src/monitor/timings.c src/monitor/figures.c
 */
#include "postgres.h"

#include <math.h>

#include "monitor/timings.h"
#include "tap.h"

#undef snprintf
#undef printf

/* Whether two figures are the same but for rounding. */
static int
near(double a, double b)
{
	return fabs(a - b) < 1e-9;
}

int
main(void)
{
	double		one[] = {7};
	double		hundred[100];
	double		far[] = {10, 11, 12, 13, 14, 11, 12, 13, 90, 1};
	PoTimings	t;

	po_timings_summarize(one, 1, &t);
	ok(t.n == 1 && t.mean == 7 && t.stddev == 0 && t.min == 7 && t.p50 == 7 && t.p99 == 7 && t.max == 7 && t.outliers == 0, "one time");
	for (int i = 0; i < 100; i++)
		hundred[i] = (i * 37) % 100 + 1;
	po_timings_summarize(hundred, 100, &t);
	ok(near(t.mean, 50.5), "the mean of 1 to 100");
	ok(near(t.stddev, sqrt(100.0 * 101 / 12)), "its deviation");
	ok(t.min == 1 && t.p50 == 50 && t.p95 == 95 && t.p99 == 99 && t.max == 100, "percentiles by the nearest rank");
	is_int(t.outliers, 0, "no outlier among them");
	po_timings_summarize(far, 10, &t);
	is_int(t.outliers, 1, "a slow one stands out, a fast one does not count");
	return done();
}
