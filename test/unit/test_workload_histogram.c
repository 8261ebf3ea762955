/*
 * test_workload_histogram.c
 *	  Latency histograms: each latency from 10 us to hours is shown within 2 %.
 *
 * link: src/workload/histogram.c
 */
#include "postgres.h"

#include <math.h>

#include "tap.h"
#include "workload/histogram.h"

/* Returns the largest relative error of a bucket's middle over many latencies in a range. */
static double
worst_error(double from_ns, double to_ns)
{
	double		worst = 0;

	for (double ns = from_ns; ns <= to_ns; ns *= 1.0007)
	{
		double		shown = po_histogram_middle_ms(po_histogram_bucket((uint64) ns)) * 1e6;

		worst = Max(worst, fabs(shown - floor(ns)) / ns);
	}
	return worst;
}

/* Buckets follow each other without holes or steps back. */
static void
test_order(void)
{
	int			last = 0;
	int			broken = 0;

	for (uint64 ns = 0; ns < 100000000; ns += 97)
	{
		int			bucket = po_histogram_bucket(ns);

		broken += bucket < last || bucket > last + 1;
		last = bucket;
	}
	is_int(broken, 0, "a longer latency is in the same bucket or in the next");
	for (int i = 1; i < PO_HISTOGRAM_BUCKETS; i++)
		broken += po_histogram_middle_ms(i) <= po_histogram_middle_ms(i - 1);
	is_int(broken, 0, "the middles rise");
}

/* Percentiles of a known distribution. */
static void
test_percentiles(void)
{
	static uint32 counts[PO_HISTOGRAM_BUCKETS];
	const uint32 *chunks[PO_HISTOGRAM_CHUNKS] = {NULL};
	const double fractions[] = {0, 0.50, 0.99, 1};
	double		ms[4];

	po_histogram_percentiles(chunks, 4, fractions, ms);
	ok(isnan(ms[0]) && isnan(ms[3]), "nothing has no percentile");
	for (int i = 1; i <= 1000; i++)
	{
		int			bucket = po_histogram_bucket((uint64) i * 1000000);

		counts[bucket]++;
		chunks[bucket / PO_HISTOGRAM_CHUNK_SIZE] = &counts[bucket - bucket % PO_HISTOGRAM_CHUNK_SIZE];
	}
	po_histogram_percentiles(chunks, 4, fractions, ms);
	ok(fabs(ms[0] - 1) <= 0.02, "the first of 1 to 1000 ms is within 2 %");
	ok(fabs(ms[1] - 500) <= 10, "so is the median");
	ok(fabs(ms[2] - 990) <= 20, "the 99th percentile");
	ok(fabs(ms[3] - 1000) <= 20, "and the last");
}

/* Runs the tests. */
int
main(void)
{
	ok(worst_error(1e4, 3.4e13) <= 0.02, "from 10 us to 9.4 hours the error is at most 2 %");
	is_int(po_histogram_bucket(0), 0, "nothing is in the first bucket");
	is_int(po_histogram_bucket(PG_UINT64_MAX), PO_HISTOGRAM_BUCKETS - 1, "ages are in the last bucket");
	test_order();
	test_percentiles();
	return done();
}
