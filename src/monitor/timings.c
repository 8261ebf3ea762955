/*
 * timings.c
 *	  What a list of times says.  Pure.
 */
#include "postgres.h"

#include <math.h>

#include "monitor/figures.h"
#include "monitor/timings.h"

/* Times beyond so many quartile distances above the upper quartile stand out (Tukey's far out). */
#define OUTLIER_DISTANCES 3.0

/* Returns a percentile of sorted times by the nearest rank. */
static double
percentile(const double *times, int n, double fraction)
{
	int			rank = (int) ceil(fraction * n);

	return times[Max(rank, 1) - 1];
}

/* Returns the sample's standard deviation around the mean; 0 for one time. */
static double
deviation(const double *times, int n, double mean)
{
	double		squares = 0;

	for (int i = 0; i < n; i++)
		squares += (times[i] - mean) * (times[i] - mean);
	return n > 1 ? sqrt(squares / (n - 1)) : 0;
}

/* Sorts one or more times and fills the result. */
void
po_timings_summarize(double *times, int n, PoTimings *result)
{
	double		sum = 0;
	double		limit;

	po_figures_sort(times, n);
	for (int i = 0; i < n; i++)
		sum += times[i];
	result->n = n;
	result->mean = sum / n;
	result->stddev = deviation(times, n, result->mean);
	result->min = times[0];
	result->p50 = percentile(times, n, 0.50);
	result->p95 = percentile(times, n, 0.95);
	result->p99 = percentile(times, n, 0.99);
	result->max = times[n - 1];
	limit = percentile(times, n, 0.75);
	limit += OUTLIER_DISTANCES * (limit - percentile(times, n, 0.25));
	result->outliers = 0;
	while (result->outliers < n && times[n - 1 - result->outliers] > limit)
		result->outliers++;
}
