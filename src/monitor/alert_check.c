/*
 * alert_check.c
 *	  Checking alerts.
 *
 * A check reads all metrics once, as the current user sees them, and moves each of
 * that user's alerts on.
 */
#include "postgres.h"

#include <math.h>

#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "core/clock.h"
#include "core/json.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "monitor/alert_announce.h"
#include "monitor/alert_check.h"
#include "monitor/alert_store.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* One series of metrics(). */
typedef struct Series
{
	const char *name;
	Datum		labels;
	PoAlertSample sample;		/* selected is of the alert at hand */
} Series;

/*
 * Raises 42501 unless the current user may see everybody's statistics: an alert that
 * sees a part of the server stays quiet when it must not; and 25006 where nothing
 * can be written.
 */
void
po_alert_check_rights(void)
{
	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for alerts"),
				 errhint("GRANT pg_read_all_stats TO the role, or pg_monitor, which includes it.")));
	PreventCommandIfReadOnly("changing or checking alerts");
	if (RecoveryInProgress())
		PreventCommandDuringRecovery("changing or checking alerts");
}

/* Returns the bound of a histogram's bucket, NaN for other series. */
static double
bound_of(const char *text)
{
	char	   *end;
	double		bound;

	if (text == NULL)
		return NAN;
	if (strcmp(text, "+Inf") == 0)
		return INFINITY;
	bound = strtod(text, &end);
	return *end == '\0' && end != text ? bound : NAN;
}

/* Reads all metrics; returns their number.  They live until SPI_finish. */
static int
read_series(Series **series)
{
	int			n;

	if (SPI_execute("SELECT m.name, m.labels, m.value, m.kind, m.labels OPERATOR(pg_catalog.->>) 'le' FROM perf_optimizer.metrics() m WHERE m.value IS NOT NULL",
					false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the metrics");
	n = (int) SPI_processed;
	*series = palloc0(sizeof(Series) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	type = SPI_tuptable->tupdesc;
		Series	   *one = &(*series)[i];
		bool		isnull;

		one->name = SPI_getvalue(row, type, 1);
		one->labels = SPI_getbinval(row, type, 2, &isnull);
		one->sample.labels = SPI_getvalue(row, type, 2);
		one->sample.value = DatumGetFloat8(SPI_getbinval(row, type, 3, &isnull));
		one->sample.counter = strcmp(SPI_getvalue(row, type, 4), "gauge") != 0;
		one->sample.bound = bound_of(SPI_getvalue(row, type, 5));
	}
	return n;
}

/* Returns the labels that a metric asks for, as jsonb. */
static Datum
selector(const PoAlertMetric *metric)
{
	PoJson		json = {0};

	po_json_begin_object(&json, NULL);
	for (int i = 0; i < metric->nlabels; i++)
		po_json_text(&json, metric->keys[i], metric->values[i]);
	po_json_end_object(&json);
	return JsonbPGetDatum(po_json_finish(&json));
}

/* Copies the series of a metric's name into a new array and marks those that are selected; returns their number. */
static int
find_samples(const PoAlertMetric *metric, const Series *series, int n, PoAlertSample **samples)
{
	const char *name = metric->shape == PO_ALERT_PERCENTILE ? psprintf("%s_bucket", metric->name) : metric->name;
	Datum		wanted = selector(metric);
	int			found = 0;

	*samples = palloc(sizeof(PoAlertSample) * (n + 1));
	for (int i = 0; i < n; i++)
		if (strcmp(series[i].name, name) == 0)
		{
			PoAlertSample *sample = &(*samples)[found++];

			*sample = series[i].sample;
			sample->selected = metric->nlabels == 0 ||
				DatumGetBool(DirectFunctionCall2(jsonb_contains, series[i].labels, wanted));
		}
	return found;
}

/* Tells whether a metric has a series now.  SPI is connected. */
bool
po_alert_check_finds(const PoAlertMetric *metric)
{
	Series	   *series;
	PoAlertSample *samples;
	int			n = read_series(&series);

	n = find_samples(metric, series, n, &samples);
	for (int i = 0; i < n; i++)
		if (samples[i].selected)
			return true;
	return false;
}

/* Checks one alert against the series of now; returns whether it was announced. */
static bool
check_one(PoAlert *alert, const Series *series, int n, TimestampTz now)
{
	bool		began_anew = PgStartTime > alert->checked_at;
	PoAlertSample *samples;
	bool		announced;
	int			nsamples = find_samples(&alert->metric, series, n, &samples);

	alert->past.seconds = alert->checked_at == 0 ? 0 : (double) (now - alert->checked_at) / USECS_PER_SEC;
	po_alert_reading_take(&alert->metric, &alert->rule, samples, nsamples, &alert->past, &alert->reading);
	announced = po_alert_step(&alert->rule, &alert->state, &alert->reading, now, began_anew);
	alert->checked_at = now;
	po_alert_store_put_state(alert, samples, alert->metric.shape == PO_ALERT_LEVEL ? 0 : nsamples);
	if (announced)
		po_alert_announce(alert, now, NULL);
	return announced;
}

/*
 * Checks the current user's alerts and returns how many were announced; *checked
 * is how many there are.  Raises what po_alert_check_rights raises.
 */
int
po_alert_check_all(int *checked)
{
	PoAlert    *alerts;
	Series	   *series;
	TimestampTz now;
	int			announced = 0;

	po_alert_check_rights();
	SPI_connect();
	*checked = po_alert_store_lock(GetUserId(), NULL, &alerts);
	if (*checked > 0)
	{
		int			n = read_series(&series);

		now = po_clock_now();
		for (int i = 0; i < *checked; i++)
		{
			CHECK_FOR_INTERRUPTS();
			announced += check_one(&alerts[i], series, n, now);
		}
	}
	SPI_finish();
	return announced;
}
