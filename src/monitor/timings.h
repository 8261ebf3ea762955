/*
 * timings.h
 *	  What a list of times says.  Pure.
 */
#ifndef PO_TIMINGS_H
#define PO_TIMINGS_H

/* Times in milliseconds; the percentiles are by the nearest rank. */
typedef struct PoTimings
{
	int			n;
	double		mean;
	double		stddev;			/* of the sample */
	double		min;
	double		p50;
	double		p95;
	double		p99;
	double		max;
	int			outliers;		/* beyond three quartile distances above the
								 * upper quartile */
} PoTimings;

extern void po_timings_summarize(double *times, int n, PoTimings *result);

#endif							/* PO_TIMINGS_H */
