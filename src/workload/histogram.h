/*
 * histogram.h
 *	  Log-linear latency histograms: where a latency falls, what a bucket stands for.
 */
#ifndef PO_WORKLOAD_HISTOGRAM_H
#define PO_WORKLOAD_HISTOGRAM_H

/*
 * A latency is counted in units of 256 ns.  Below 32 units each unit is a bucket;
 * above, each octave (a chunk) has 32 buckets of equal width, so that the middle of a bucket
 * is at most 1.6 % away from what fell into it.  The last chunk ends at 9.7 hours.
 */
#define PO_HISTOGRAM_UNIT_SHIFT 8
#define PO_HISTOGRAM_CHUNK_BITS 5
#define PO_HISTOGRAM_CHUNK_SIZE (1 << PO_HISTOGRAM_CHUNK_BITS)
#define PO_HISTOGRAM_CHUNKS 33
#define PO_HISTOGRAM_BUCKETS (PO_HISTOGRAM_CHUNKS * PO_HISTOGRAM_CHUNK_SIZE)

extern int	po_histogram_bucket(uint64 ns);
extern double po_histogram_middle_ms(int bucket);
extern void po_histogram_percentiles(const uint32 *const *chunks, int n, const double *fractions,
									 double *ms);

#endif							/* PO_WORKLOAD_HISTOGRAM_H */
