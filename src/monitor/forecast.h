/*
 * forecast.h
 *	  Where a series of figures is going.  Pure.
 */
#ifndef PO_FORECAST_H
#define PO_FORECAST_H

#define PO_FORECAST_MIN_POINTS 14
#define PO_FORECAST_MIN_DAYS 7
#define PO_FORECAST_MAX_POINTS 1000

/* A line through a series, with what days of the week add to it and how far figures are off. */
typedef struct PoForecast
{
	double		middle;			/* day around which the line turns */
	double		level;			/* of the line there */
	double		slope;			/* a day */
	bool		weekly;
	double		weekday[7];		/* what each day of the week adds, 0 unless
								 * weekly */
	double		below;			/* 5 % of the figures are further below */
	double		above;			/* 5 % of the figures are further above */
	double		level_error;	/* standard errors */
	double		slope_error;
} PoForecast;

/* What is expected of a moment: 90 % of figures are between lower and upper. */
typedef struct PoProjection
{
	double		value;
	double		lower;
	double		upper;
} PoProjection;

extern bool po_forecast_fit(const double *days, const double *values, int n, PoForecast *result);
extern PoProjection po_forecast_at(const PoForecast *forecast, double day);

#endif							/* PO_FORECAST_H */
