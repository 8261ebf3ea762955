/*
 * welch.h
 *	  Whether two means differ: Welch's t-test.
 */
#ifndef PO_WORKLOAD_WELCH_H
#define PO_WORKLOAD_WELCH_H

/* A sample of a distribution. */
typedef struct PoMoments
{
	double		n;
	double		mean;
	double		stddev;
} PoMoments;

extern double po_welch_p_value(const PoMoments *before, const PoMoments *after);

#endif							/* PO_WORKLOAD_WELCH_H */
