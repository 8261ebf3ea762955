/*
 * alert_store.c
 *	  Storing and loading alerts.
 *
 * The statements are functions of the extension (sql/schema/88_alerts.sql) that
 * only its owner may call.  All functions here need SPI, which the caller has
 * connected; what they return lives until SPI_finish.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "core/own.h"
#include "executor/spi.h"
#include "monitor/alert_store.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#define MAX_ARGS 10

/* The arguments of a statement. */
typedef struct Args
{
	int			n;
	Oid			types[MAX_ARGS];
	Datum		values[MAX_ARGS];
	char		nulls[MAX_ARGS];
} Args;

/* Adds an argument, NULL unless it is present. */
static void
put(Args *args, Oid type, Datum value, bool present)
{
	args->types[args->n] = type;
	args->values[args->n] = value;
	args->nulls[args->n] = present ? ' ' : 'n';
	args->n++;
}

/* Adds a text or NULL. */
static void
put_text(Args *args, const char *text)
{
	put(args, TEXTOID, text == NULL ? (Datum) 0 : CStringGetTextDatum(text), text != NULL);
}

/* Adds a moment, NULL for 0. */
static void
put_moment(Args *args, TimestampTz at)
{
	put(args, TIMESTAMPTZOID, TimestampTzGetDatum(at), at != 0);
}

/* Adds what was read. */
static void
put_reading(Args *args, const PoAlertReading *reading)
{
	put(args, FLOAT8OID, Float8GetDatum(reading->value), reading->known);
	put_text(args, reading->known ? reading->labels : NULL);
}

/* Adds the labels and values of series. */
static void
put_samples(Args *args, const PoAlertSample *samples, int n)
{
	Datum	   *labels = palloc(sizeof(Datum) * (n + 1));
	Datum	   *values = palloc(sizeof(Datum) * (n + 1));

	for (int i = 0; i < n; i++)
	{
		labels[i] = CStringGetTextDatum(samples[i].labels);
		values[i] = Float8GetDatum(samples[i].value);
	}
	put(args, TEXTARRAYOID, PointerGetDatum(construct_array(labels, n, TEXTOID, -1, false, TYPALIGN_INT)), true);
	put(args, FLOAT8ARRAYOID, PointerGetDatum(construct_array(values, n, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)), true);
}

/* Runs a statement as the owner of the extension. */
static void
run(const char *sql, Args *args)
{
	(void) po_own_execute(sql, args->n, args->types, args->values, args->nulls);
}

/* ---- loading ---- */

/* Returns a column of a loaded row by its number from 1; sets *isnull. */
static Datum
column(HeapTuple row, int number, bool *isnull)
{
	return SPI_getbinval(row, SPI_tuptable->tupdesc, number, isnull);
}

/* Returns a text column, NULL for NULL. */
static char *
text_column(HeapTuple row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* Returns a column of a moment, 0 for NULL. */
static TimestampTz
moment_column(HeapTuple row, int number)
{
	bool		isnull;
	Datum		value = column(row, number, &isnull);

	return isnull ? 0 : DatumGetTimestampTz(value);
}

/* Reads the series of the last check from two columns. */
static void
read_past(HeapTuple row, int number, PoAlertPast *past)
{
	bool		isnull;
	Datum	   *labels;
	Datum	   *values;
	int			nvalues;

	deconstruct_array(DatumGetArrayTypeP(column(row, number, &isnull)), TEXTOID, -1, false, TYPALIGN_INT,
					  &labels, NULL, &past->n);
	deconstruct_array(DatumGetArrayTypeP(column(row, number + 1, &isnull)), FLOAT8OID, sizeof(float8),
					  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values, NULL, &nvalues);
	past->n = Min(past->n, nvalues);
	past->labels = palloc(sizeof(char *) * (past->n + 1));
	past->values = palloc(sizeof(double) * (past->n + 1));
	for (int i = 0; i < past->n; i++)
	{
		past->labels[i] = TextDatumGetCString(labels[i]);
		past->values[i] = DatumGetFloat8(values[i]);
	}
}

/* Reads the rule of a row; raises an error for a metric or comparison that this version does not know. */
static void
read_rule(HeapTuple row, PoAlert *alert)
{
	bool		isnull;
	const char *problem;

	alert->metric_text = text_column(row, 5);
	alert->comparison_text = text_column(row, 6);
	problem = po_alert_metric_parse(alert->metric_text, &alert->metric);
	if (problem != NULL || !po_alert_comparison_parse(alert->comparison_text, &alert->rule.comparison))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("alert \"%s\" is not one that this version understands", alert->name),
				 errhint("Set it again with perf_optimizer.set_alert.")));
	alert->rule.threshold = DatumGetFloat8(column(row, 7, &isnull));
	alert->rule.resolve_threshold = DatumGetFloat8(column(row, 8, &isnull));
	alert->rule.has_resolve_threshold = !isnull;
	alert->rule.hold_us = DatumGetInt64(column(row, 9, &isnull));
}

/* Reads one row of lock_alerts. */
static void
read_alert(HeapTuple row, PoAlert *alert)
{
	bool		isnull;
	Datum		value;

	alert->id = column(row, 1, &isnull);
	alert->own = DatumGetBool(column(row, 2, &isnull));
	alert->name = text_column(row, 3);
	alert->severity = text_column(row, 4);
	read_rule(row, alert);
	alert->state.phase = po_alert_phase_of(text_column(row, 10));
	alert->state.since = moment_column(row, 11);
	alert->state.run_since = moment_column(row, 12);
	alert->state.open = DatumGetBool(column(row, 13, &isnull));
	value = column(row, 14, &isnull);
	alert->reading.known = !isnull;
	alert->reading.value = isnull ? 0 : DatumGetFloat8(value);
	alert->reading.labels = text_column(row, 15);
	alert->checked_at = moment_column(row, 16);
	read_past(row, 17, &alert->past);
}

/*
 * Locks and loads a role's alerts that nobody else has locked or, with a name, those
 * of that name whose owner's rights it has, its own first.  Returns their number.
 */
int
po_alert_store_lock(Oid role, const char *name, PoAlert **alerts)
{
	Args		args = {0};
	int			n;

	put(&args, OIDOID, ObjectIdGetDatum(role), true);
	put_text(&args, name);
	run("SELECT * FROM perf_optimizer.lock_alerts($1, $2)", &args);
	n = (int) SPI_processed;
	*alerts = palloc0(sizeof(PoAlert) * (n + 1));
	for (int i = 0; i < n; i++)
		read_alert(SPI_tuptable->vals[i], &(*alerts)[i]);
	return n;
}

/* ---- storing ---- */

/* Stores a role's alert, in the place of a known one or, where that is NULL, as a new one. */
void
po_alert_store_put(Oid role, const PoAlert *known, const PoAlert *alert)
{
	Args		args = {0};

	put(&args, OIDOID, ObjectIdGetDatum(role), true);
	put(&args, UUIDOID, known == NULL ? (Datum) 0 : known->id, known != NULL);
	put_text(&args, alert->name);
	put_text(&args, alert->metric_text);
	put_text(&args, alert->comparison_text);
	put(&args, FLOAT8OID, Float8GetDatum(alert->rule.threshold), true);
	put(&args, INTERVALOID, IntervalPGetDatum(alert->hold), true);
	put_text(&args, alert->severity);
	put(&args, FLOAT8OID, Float8GetDatum(alert->rule.resolve_threshold), alert->rule.has_resolve_threshold);
	run("SELECT perf_optimizer.put_alert($1, $2, $3, $4, $5, $6, $7, $8, $9)", &args);
}

/* Stores where an alert stands after a check, and the n series that it found. */
void
po_alert_store_put_state(const PoAlert *alert, const PoAlertSample *samples, int n)
{
	Args		args = {0};

	put(&args, UUIDOID, alert->id, true);
	put_text(&args, po_alert_phase_name(alert->state.phase));
	put_moment(&args, alert->state.since);
	put_moment(&args, alert->state.run_since);
	put(&args, BOOLOID, BoolGetDatum(alert->state.open), true);
	put_reading(&args, &alert->reading);
	put_moment(&args, alert->checked_at);
	put_samples(&args, samples, n);
	run("SELECT perf_optimizer.put_alert_state($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", &args);
}

/* Adds what an alert announces to its history. */
void
po_alert_store_put_event(const PoAlert *alert, TimestampTz at, const char *message)
{
	Args		args = {0};

	put(&args, UUIDOID, alert->id, true);
	put_moment(&args, at);
	put_text(&args, po_alert_phase_name(alert->state.phase));
	put_reading(&args, &alert->reading);
	put_text(&args, message);
	run("SELECT perf_optimizer.put_alert_event($1, $2, $3, $4, $5, $6)", &args);
}

/* Removes an alert. */
void
po_alert_store_remove(const PoAlert *alert)
{
	Args		args = {0};

	put(&args, UUIDOID, alert->id, true);
	run("SELECT perf_optimizer.remove_alert($1)", &args);
}
