/*
 * alert_reading.c
 *	  What an alert makes of the series that it looks at.  Pure.
 *
 * A series that the last look did not see, and a counter that fell, say nothing
 * about what happened since: they are left out this time.
 */
#include "postgres.h"

#include <math.h>

#include "monitor/alert_reading.h"

/* One bucket of a histogram: executions since the last look up to a bound. */
typedef struct Bucket
{
	double		bound;
	double		count;
} Bucket;

/* Returns what a series grew by since the last look, NaN where that is not known. */
static double
growth(const PoAlertSample *sample, const PoAlertPast *past)
{
	if (past->seconds <= 0)
		return NAN;
	for (int i = 0; i < past->n; i++)
		if (strcmp(past->labels[i], sample->labels) == 0)
		{
			double		grown = sample->value - past->values[i];

			return sample->counter && grown < 0 ? NAN : grown;
		}
	return NAN;
}

/* Takes the worst level or rate of the selected series. */
static void
take_worst(const PoAlertMetric *metric, const PoAlertRule *rule, const PoAlertSample *samples, int n,
		   const PoAlertPast *past, PoAlertReading *reading)
{
	for (int i = 0; i < n; i++)
	{
		double		value = samples[i].value;

		if (!samples[i].selected)
			continue;
		if (metric->shape == PO_ALERT_RATE)
			value = growth(&samples[i], past) / past->seconds;
		if (isnan(value) || (reading->known && !po_alert_worse(rule, value, reading->value)))
			continue;
		reading->known = true;
		reading->value = value;
		reading->labels = samples[i].labels;
	}
}

/* Takes the selected series' part of all: of their growth where they count, else of their levels. */
static void
take_ratio(const PoAlertSample *samples, int n, const PoAlertPast *past, PoAlertReading *reading)
{
	double		part = 0;
	double		whole = 0;
	bool		any = false;

	for (int i = 0; i < n; i++)
	{
		double		value = samples[i].counter ? growth(&samples[i], past) : samples[i].value;

		if (isnan(value))
			continue;
		whole += value;
		if (samples[i].selected)
			part += value;
		any = any || samples[i].selected;
	}
	reading->known = any && whole > 0;
	reading->value = reading->known ? part / whole : 0;
}

/* Adds a series to the bucket of its bound; buckets stay in the order of their bounds. */
static void
add_to_bucket(Bucket *buckets, int *n, double bound, double count)
{
	int			place = *n;

	while (place > 0 && buckets[place - 1].bound > bound)
		place--;
	if (place > 0 && buckets[place - 1].bound == bound)
	{
		buckets[place - 1].count += count;
		return;
	}
	memmove(&buckets[place + 1], &buckets[place], sizeof(Bucket) * (*n - place));
	buckets[place].bound = bound;
	buckets[place].count = count;
	(*n)++;
}

/* Returns the figure that a fraction of what buckets count does not exceed; within a bucket all is spread evenly. */
static double
percentile(const Bucket *buckets, int n, double fraction)
{
	double		wanted = fraction * buckets[n - 1].count;

	for (int i = 0; i < n; i++)
	{
		double		below = i == 0 ? 0 : buckets[i - 1].bound;
		double		before = i == 0 ? 0 : buckets[i - 1].count;

		if (buckets[i].count < wanted)
			continue;
		/* Beyond the last bound nothing more is known. */
		if (isinf(buckets[i].bound))
			return below;
		return below + (buckets[i].bound - below) * (wanted - before) / (buckets[i].count - before);
	}
	return buckets[n - 1].bound;
}

/* Takes a percentile of what the selected buckets counted since the last look. */
static void
take_percentile(const PoAlertMetric *metric, const PoAlertSample *samples, int n,
				const PoAlertPast *past, PoAlertReading *reading)
{
	Bucket	   *buckets = palloc(sizeof(Bucket) * (n + 1));
	int			nbuckets = 0;

	for (int i = 0; i < n; i++)
	{
		double		count = growth(&samples[i], past);

		if (samples[i].selected && !isnan(count) && !isnan(samples[i].bound))
			add_to_bucket(buckets, &nbuckets, samples[i].bound, count);
	}
	reading->known = nbuckets > 1 && isinf(buckets[nbuckets - 1].bound) && buckets[nbuckets - 1].count > 0;
	if (reading->known)
		reading->value = percentile(buckets, nbuckets, metric->fraction);
	pfree(buckets);
}

/*
 * Reads a metric from n series of its name.  What cannot be told from them and from
 * those of the last look is not known.  Labels are those of the caller's samples.
 */
void
po_alert_reading_take(const PoAlertMetric *metric, const PoAlertRule *rule, const PoAlertSample *samples,
					  int n, const PoAlertPast *past, PoAlertReading *reading)
{
	memset(reading, 0, sizeof(PoAlertReading));
	switch (metric->shape)
	{
		case PO_ALERT_LEVEL:
		case PO_ALERT_RATE:
			take_worst(metric, rule, samples, n, past, reading);
			break;
		case PO_ALERT_RATIO:
			take_ratio(samples, n, past, reading);
			break;
		case PO_ALERT_PERCENTILE:
			take_percentile(metric, samples, n, past, reading);
			break;
	}
}
