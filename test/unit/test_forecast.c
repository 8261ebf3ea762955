/*
 * test_forecast.c
 *	  Forecasts of series whose truth is known.
 *
 * link: src/monitor/forecast.c src/monitor/figures.c
 */
#include "postgres.h"

#include <math.h>

#include "monitor/forecast.h"
#include "tap.h"

#define SERIES 300

/* How a series is made. */
typedef struct Recipe
{
	const char *name;
	int			n;
	int			ahead;			/* days */
	double		slope;
	double		week;			/* what weekends take away */
	double		outliers;		/* share of figures that are far off, in the past only */
	double		correlation;
	bool		uniform;		/* noise, else normal */
} Recipe;

static uint64 seed = 42;

/* Returns a number between 0 and 1, the same ones in each run. */
static double
chance(void)
{
	seed = seed * UINT64CONST(6364136223846793005) + UINT64CONST(1442695040888963407);
	return ((seed >> 11) + 0.5) / 9007199254740992.0;
}

/* Returns noise of deviation 1. */
static double
noise(const Recipe *recipe)
{
	if (recipe->uniform)
		return (chance() - 0.5) * sqrt(12);
	return sqrt(-2 * log(chance())) * cos(2 * M_PI * chance());
}

/* Returns what a series is on a day, without noise. */
static double
truth(const Recipe *recipe, int day)
{
	return 100 + recipe->slope * day - (day % 7 >= 5 ? recipe->week : 0);
}

/* Makes one series and looks ahead; returns whether the figure that comes is in the interval. */
static bool
covers(const Recipe *recipe, double *error, bool *weekly)
{
	double		days[PO_FORECAST_MAX_POINTS];
	double		values[PO_FORECAST_MAX_POINTS];
	double		off = noise(recipe);
	PoForecast	forecast;
	PoProjection projection;
	int			target = recipe->n - 1 + recipe->ahead;
	double		next = 0;

	for (int i = 0; i <= target; i++)
	{
		off = recipe->correlation * off + sqrt(1 - recipe->correlation * recipe->correlation) * noise(recipe);
		next = truth(recipe, i) + off + (chance() < recipe->outliers ? 50 : 0);
		if (i >= recipe->n)
			continue;
		days[i] = i;
		values[i] = next;
	}
	if (!po_forecast_fit(days, values, recipe->n, &forecast))
		return false;
	projection = po_forecast_at(&forecast, target);
	*error += projection.value - truth(recipe, target);
	*weekly = forecast.weekly;
	return projection.lower <= next && next <= projection.upper;
}

/* Passes when the intervals of many series cover as they say, and the projections are off by nothing on average. */
static void
check(const Recipe *recipe)
{
	int			inside = 0;
	int			weeks = 0;
	double		error = 0;

	for (int i = 0; i < SERIES; i++)
	{
		bool		weekly = false;

		inside += covers(recipe, &error, &weekly);
		weeks += weekly;
	}
	if (!ok(inside >= 0.85 * SERIES && inside <= 0.95 * SERIES, recipe->name))
		printf("# %.1f %% are inside\n", 100.0 * inside / SERIES);
	if (!ok(fabs(error / SERIES) < 0.5, "the projection is right on average"))
		printf("# it is off by %g\n", error / SERIES);
	if (!ok(recipe->week > 0 ? weeks > 0.95 * SERIES : weeks < 0.05 * SERIES, "the week is seen where it is there"))
		printf("# in %d of %d series\n", weeks, SERIES);
}

/* Passes when series that say nothing are refused, and the simplest are exact. */
static void
check_edges(void)
{
	double		days[40];
	double		values[40];
	PoForecast	forecast;
	PoProjection projection;

	for (int i = 0; i < 40; i++)
	{
		days[i] = i;
		values[i] = 3 * i;
	}
	ok(!po_forecast_fit(days, values, PO_FORECAST_MIN_POINTS - 1, &forecast), "too few points are refused");
	ok(po_forecast_fit(days, values, PO_FORECAST_MIN_POINTS, &forecast), "just enough are not");
	ok(po_forecast_fit(days, values, 40, &forecast), "a line without noise");
	projection = po_forecast_at(&forecast, 100);
	ok(fabs(projection.value - 300) < 1e-9 && fabs(projection.upper - projection.lower) < 1e-9 && !forecast.weekly, "goes on as it is");
	for (int i = 0; i < 40; i++)
		values[i] = 7;
	ok(po_forecast_fit(days, values, 40, &forecast) && po_forecast_at(&forecast, 400).upper == 7, "a constant stays");
	for (int i = 0; i < 40; i++)
		days[i] = i / 24.0;
	ok(!po_forecast_fit(days, values, 40, &forecast), "a day and a half is too short");
	for (int i = 0; i < 40; i++)
		days[i] = 5 + i;
	days[1] = days[0];
	ok(po_forecast_fit(days, values, 40, &forecast), "two figures of one moment do no harm");
}

int
main(void)
{
	const Recipe recipes[] = {
		{"a line with noise, 30 days ahead", 90, 30, 0.5},
		{"a line with noise, 90 days ahead", 90, 90, 0.5},
		{"no slope", 60, 30, 0},
		{"few points", 20, 20, 1},
		{"a falling line", 180, 180, -0.3},
		{"uniform noise", 90, 30, 0.5, .uniform = true},
		{"one figure in twenty far off", 120, 30, 0.5, .outliers = 0.04},
		{"weeks", 90, 30, 0.5, .week = 5},
		{"weak weeks", 180, 60, 0.2, .week = 2},
		{"figures that resemble the one before", 120, 30, 0.5, .correlation = 0.6},
	};

	for (int i = 0; i < lengthof(recipes); i++)
		check(&recipes[i]);
	check_edges();
	return done();
}
