/*
 * welch.c
 *	  Whether two means differ: Welch's t-test.
 *
 * Pure.  The tail of Student's distribution is a regularized incomplete beta
 * function, computed by its continued fraction (modified Lentz's method).
 */
#include "postgres.h"

#include <math.h>

#include "workload/welch.h"

#define ITERATIONS 300
#define PRECISION 1e-12
#define TINY 1e-300

/* Keeps a denominator away from zero. */
static double
not_zero(double value)
{
	return fabs(value) < TINY ? TINY : value;
}

/* Returns the continued fraction of the incomplete beta function. */
static double
beta_fraction(double a, double b, double x)
{
	double		c = 1;
	double		d = 1 / not_zero(1 - (a + b) * x / (a + 1));
	double		result = d;

	for (int m = 1; m <= ITERATIONS; m++)
	{
		double		even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double		odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double		step;

		d = 1 / not_zero(1 + even * d);
		c = not_zero(1 + even / c);
		result *= c * d;
		d = 1 / not_zero(1 + odd * d);
		c = not_zero(1 + odd / c);
		step = c * d;
		result *= step;
		if (fabs(step - 1) < PRECISION)
			break;
	}
	return result;
}

/* Returns the regularized incomplete beta function of x. */
static double
incomplete_beta(double a, double b, double x)
{
	double		front;

	if (x <= 0)
		return 0;
	if (x >= 1)
		return 1;
	front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/*
 * Returns how likely a rise of the mean as large as this one would be if nothing
 * had changed (one-sided); 1 where a sample is too small to say anything.
 */
double
po_welch_p_value(const PoMoments *before, const PoMoments *after)
{
	double		v1;
	double		v2;
	double		t;
	double		df;
	double		tail;

	if (before->n < 2 || after->n < 2)
		return 1;

	/*
	 * The deviations are of populations; the test wants the estimates of
	 * samples.
	 */
	v1 = before->stddev * before->stddev / (before->n - 1);
	v2 = after->stddev * after->stddev / (after->n - 1);
	if (v1 + v2 <= 0)
		return after->mean > before->mean ? 0 : 1;
	t = (after->mean - before->mean) / sqrt(v1 + v2);
	df = (v1 + v2) * (v1 + v2) / (v1 * v1 / (before->n - 1) + v2 * v2 / (after->n - 1));
	tail = incomplete_beta(df / 2, 0.5, df / (df + t * t)) / 2;
	return t > 0 ? tail : 1 - tail;
}
