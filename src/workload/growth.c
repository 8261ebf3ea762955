/*
 * growth.c
 *	  What counters grew by since they were last looked at.
 *
 * Pure.  The counters of one object are reset together, so one that fell tells
 * that all began anew.
 */
#include "postgres.h"

#include "workload/growth.h"

/* Sums of squares are computed from deviations and may fall by a rounding error. */
#define ROUNDING 1e-6

/* Tells whether the counters began anew since they were last looked at. */
static bool
were_reset(const double *present, const double *last, int n)
{
	for (int i = 0; i < n; i++)
		if (present[i] < last[i] * (1 - ROUNDING))
			return true;
	return false;
}

/* Replaces n counters by what they grew by since their last values, of which there may be fewer: a counter without one counts from 0. */
void
po_growth_of(double *present, int n, const double *last, int nlast)
{
	int			common = Min(n, nlast);

	if (were_reset(present, last, common))
		return;
	for (int i = 0; i < common; i++)
		present[i] = Max(present[i] - last[i], 0);
}
