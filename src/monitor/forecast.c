/*
 * forecast.c
 *	  Where a series of figures is going.  Pure.
 *
 * The slope is Theil and Sen's, the median of the slopes between all pairs of
 * points, so that a few strange figures do not bend it.  Days of the week are
 * taken into account where they explain more than chance would.  How far figures
 * are off is read from the residuals' own quantiles; neighbouring figures that
 * resemble each other count for less than independent ones.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "monitor/figures.h"
#include "monitor/forecast.h"

#define TAIL 0.05				/* of the figures are beyond each end of the
								 * interval */
#define Z_TAIL 1.645			/* the normal distribution's quantile of that */
#define MIN_WEEKS 3
#define WEEKLY_F 4.0			/* an F of 6 and many degrees of freedom
								 * beyond chance */
#define CLIP 4.0				/* residuals count for at most so many robust
								 * deviations */
#define SEN_VARIANCE 1.1		/* of the slope, to that of least squares */
#define MAX_CORRELATION 0.95

/* Returns the quantile of sorted figures at a rank from 1 to n, between two of them where it falls there. */
static double
at_rank(const double *sorted, int n, double rank)
{
	int			below = (int) floor(Min(Max(rank, 1), n));
	double		part = Min(Max(rank, 1), n) - below;

	return below >= n ? sorted[n - 1] : sorted[below - 1] + part * (sorted[below] - sorted[below - 1]);
}

/* Sorts figures and returns their median. */
static double
median(double *figures, int n)
{
	po_figures_sort(figures, n);
	return at_rank(figures, n, (n + 1) / 2.0);
}

/* Returns the day of the week, 0 to 6, of a day since some Monday. */
static int
weekday_of(double day)
{
	int			rest = (int) fmod(floor(day), 7);

	return rest < 0 ? rest + 7 : rest;
}

/* Lays the line through the figures without what the days of the week add. */
static void
lay_line(const double *days, const double *values, int n, PoForecast *line)
{
	double	   *figures = palloc(sizeof(double) * n * (n - 1) / 2);
	int			nslopes = 0;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
			if (days[i] != days[j])
				figures[nslopes++] = (values[i] - line->weekday[weekday_of(days[i])] -
									  values[j] + line->weekday[weekday_of(days[j])]) / (days[i] - days[j]);
	line->slope = median(figures, nslopes);
	for (int i = 0; i < n; i++)
		figures[i] = values[i] - line->weekday[weekday_of(days[i])] - line->slope * (days[i] - line->middle);
	line->level = median(figures, n);
	pfree(figures);
}

/* Returns what the line expects of a day. */
static double
expected(const PoForecast *line, double day)
{
	return line->level + line->slope * (day - line->middle) + line->weekday[weekday_of(day)];
}

/* Fills how far each figure is off the line. */
static void
find_residuals(const double *days, const double *values, int n, const PoForecast *line, double *residuals)
{
	for (int i = 0; i < n; i++)
		residuals[i] = values[i] - expected(line, days[i]);
}

/* Returns the robust deviation of figures around 0. */
static double
deviation(const double *figures, int n)
{
	double	   *sizes = palloc(sizeof(double) * n);
	double		result;

	for (int i = 0; i < n; i++)
		sizes[i] = fabs(figures[i]);
	result = 1.4826 * median(sizes, n);
	pfree(sizes);
	return result;
}

/* Returns the sum of squares of figures, each clipped. */
static double
clipped_squares(const double *figures, int n, double limit)
{
	double		sum = 0;

	for (int i = 0; i < n; i++)
		sum += Min(fabs(figures[i]), limit) * Min(fabs(figures[i]), limit);
	return sum;
}

/* Fills the median residual of each day of the week, their mean taken off; false when a day has too few. */
static bool
weekday_medians(const double *days, const double *residuals, int n, double *result)
{
	double	   *group = palloc(sizeof(double) * n);
	double		mean = 0;

	for (int w = 0; w < 7; w++)
	{
		int			size = 0;

		for (int i = 0; i < n; i++)
			if (weekday_of(days[i]) == w)
				group[size++] = residuals[i];
		if (size < MIN_WEEKS)
			return false;
		result[w] = median(group, size);
		mean += result[w] / 7;
	}
	for (int w = 0; w < 7; w++)
		result[w] -= mean;
	pfree(group);
	return true;
}

/* Takes days of the week into the line where they explain more than chance. */
static void
find_week(const double *days, const double *values, int n, PoForecast *line)
{
	PoForecast	with = *line;
	double	   *residuals = palloc(sizeof(double) * n);
	double		limit;
	double		without;
	double		rest;

	find_residuals(days, values, n, line, residuals);
	limit = CLIP * deviation(residuals, n);
	without = clipped_squares(residuals, n, limit);
	if (weekday_medians(days, residuals, n, with.weekday))
	{
		find_residuals(days, values, n, &with, residuals);
		rest = clipped_squares(residuals, n, limit);
		if ((without - rest) / 6 > WEEKLY_F * rest / (n - 8))
		{
			with.weekly = true;
			*line = with;
			lay_line(days, values, n, line);
		}
	}
	pfree(residuals);
}

/* Returns how much a residual resembles the one before, 0 to MAX_CORRELATION, less what fitting hid. */
static double
correlation(const double *residuals, int n, double limit)
{
	double		products = 0;
	double		result;

	for (int i = 1; i < n; i++)
		products += Min(Max(residuals[i], -limit), limit) * Min(Max(residuals[i - 1], -limit), limit);
	result = products / Max(clipped_squares(residuals, n, limit), DBL_MIN);
	if (result > 2 / sqrt(n))
		result += (2 + 4 * result) / n;
	else
		result = 0;				/* what chance makes */
	return Min(result, MAX_CORRELATION);
}

/* Reads the interval around the line, and how sure the line is, from the residuals. */
static void
judge(const double *days, const double *values, int n, PoForecast *line)
{
	double	   *residuals = palloc(sizeof(double) * n);
	double		parameters = line->weekly ? 8 : 2;
	double		limit;
	double		rho;
	double		independent;
	double		sigma;
	double		spread = 0;

	find_residuals(days, values, n, line, residuals);
	limit = CLIP * deviation(residuals, n);
	rho = correlation(residuals, n, limit);
	independent = Max(n * (1 - rho) / (1 + rho), parameters + 2);
	for (int i = 0; i < n; i++)
		spread += (days[i] - line->middle) * (days[i] - line->middle);
	/* A fitted line is nearer to its own points than to others. */
	sigma = sqrt(independent / (independent - parameters));
	po_figures_sort(residuals, n);
	line->below = Max(-at_rank(residuals, n, TAIL * (n + 1)) * sigma, 0);
	line->above = Max(at_rank(residuals, n, (1 - TAIL) * (n + 1)) * sigma, 0);
	sigma = (line->below + line->above) / 2 / Z_TAIL;
	line->level_error = sigma * sqrt(1 / independent);
	line->slope_error = sigma * sqrt(SEN_VARIANCE * n / independent / spread);
	pfree(residuals);
}

/*
 * Fits a line to figures of n moments, in days since some Monday, ascending.
 * Returns false when there are too few of them, or they span too few days, to say
 * anything.
 */
bool
po_forecast_fit(const double *days, const double *values, int n, PoForecast *result)
{
	memset(result, 0, sizeof(PoForecast));
	if (n < PO_FORECAST_MIN_POINTS || days[n - 1] - days[0] < PO_FORECAST_MIN_DAYS)
		return false;
	for (int i = 0; i < n; i++)
		result->middle += days[i] / n;
	lay_line(days, values, n, result);
	if (days[n - 1] - days[0] >= 7 * MIN_WEEKS - 1)
		find_week(days, values, n, result);
	judge(days, values, n, result);
	return true;
}

/* Returns what is expected of a day. */
PoProjection
po_forecast_at(const PoForecast *forecast, double day)
{
	double		distance = day - forecast->middle;
	double		error = Z_TAIL * sqrt(forecast->level_error * forecast->level_error +
									  forecast->slope_error * forecast->slope_error * distance * distance);
	PoProjection result;

	result.value = expected(forecast, day);
	result.lower = result.value - sqrt(forecast->below * forecast->below + error * error);
	result.upper = result.value + sqrt(forecast->above * forecast->above + error * error);
	return result;
}
