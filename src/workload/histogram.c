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

/* Returns the sum of a chunk's counts; NULL stands for an empty one. */
static double
chunk_total(const uint32 *chunk)
{
	double		total = 0;

	for (int i = 0; chunk != NULL && i < PO_HISTOGRAM_CHUNK_SIZE; i++)
		total += chunk[i];
	return total;
}

/*
 * Writes for each of n rising fractions the latency in milliseconds that this
 * fraction of the executions does not exceed; chunks has PO_HISTOGRAM_CHUNKS
 * elements, NULL for empty ones.  NaN for an empty histogram.
 */
void
po_histogram_percentiles(const uint32 *const *chunks, int n, const double *fractions, double *ms)
{
	double		total = 0;
	double		seen = 0;
	int			done = 0;

	for (int c = 0; c < PO_HISTOGRAM_CHUNKS; c++)
		total += chunk_total(chunks[c]);
	for (int c = 0; c < PO_HISTOGRAM_CHUNKS && done < n; c++)
		for (int i = 0; chunks[c] != NULL && i < PO_HISTOGRAM_CHUNK_SIZE; i++)
		{
			seen += chunks[c][i];
			while (done < n && chunks[c][i] > 0 && seen >= Max(ceil(fractions[done] * total), 1))
				ms[done++] = po_histogram_middle_ms(c * PO_HISTOGRAM_CHUNK_SIZE + i);
		}
	while (done < n)
		ms[done++] = NAN;
}
