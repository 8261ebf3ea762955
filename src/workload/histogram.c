/*
 * histogram.c
 *	  Log-linear latency histograms: where a latency falls, what a bucket stands for.
 *
 * Pure: reads and writes memory of the caller only.
 */
#include "postgres.h"

#include <math.h>

#include "port/pg_bitutils.h"
#include "workload/histogram.h"

/* Returns the bucket of a latency; what is longer than the last bucket falls into it. */
int
po_histogram_bucket(uint64 ns)
{
	uint64		units = ns >> PO_HISTOGRAM_UNIT_SHIFT;
	int			shift;
	int			bucket;

	if (units < PO_HISTOGRAM_CHUNK_SIZE)
		return (int) units;
	shift = pg_leftmost_one_pos64(units) - PO_HISTOGRAM_CHUNK_BITS;
	bucket = ((shift + 1) << PO_HISTOGRAM_CHUNK_BITS) +
		(int) ((units >> shift) & (PO_HISTOGRAM_CHUNK_SIZE - 1));
	return Min(bucket, PO_HISTOGRAM_BUCKETS - 1);
}

/* Returns the latency in the middle of a bucket, in milliseconds. */
double
po_histogram_middle_ms(int bucket)
{
	int			chunk = bucket >> PO_HISTOGRAM_CHUNK_BITS;
	int			shift = Max(chunk - 1, 0);
	double		first = bucket & (PO_HISTOGRAM_CHUNK_SIZE - 1);

	if (chunk > 0)
		first += PO_HISTOGRAM_CHUNK_SIZE;
	return ldexp(first + 0.5, shift + PO_HISTOGRAM_UNIT_SHIFT) / 1e6;
}

/*
 * Returns the latency in milliseconds that a fraction of the executions does not
 * exceed; counts has PO_HISTOGRAM_BUCKETS elements.  NaN for an empty histogram.
 */
double
po_histogram_percentile_ms(const uint32 *counts, double fraction)
{
	double		total = 0;
	double		wanted;
	double		seen = 0;

	for (int i = 0; i < PO_HISTOGRAM_BUCKETS; i++)
		total += counts[i];
	if (total == 0)
		return NAN;
	wanted = Max(ceil(fraction * total), 1);
	for (int i = 0; i < PO_HISTOGRAM_BUCKETS; i++)
	{
		seen += counts[i];
		if (seen >= wanted)
			return po_histogram_middle_ms(i);
	}
	return po_histogram_middle_ms(PO_HISTOGRAM_BUCKETS - 1);
}
