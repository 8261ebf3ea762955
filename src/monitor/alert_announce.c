/*
 * alert_announce.c
 *	  Telling people and programs of an alert.
 *
 * The log is written at once, the notification goes out when the transaction
 * commits.  Anybody may listen: the payload has figures and the names of series,
 * never the text of a statement.
 */
#include "postgres.h"

#include "commands/async.h"
#include "core/json.h"
#include "miscadmin.h"
#include "monitor/alert_announce.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#define CHANNEL "perf_optimizer_alert"
/*
 * A payload must have less than 8000 bytes: name and metric are bounded where they are
 * set, which leaves so much to the labels.
 */
#define MAX_LABELS 2000

/* Returns the sentence for people; why says what ended an alert by hand, or is NULL. */
static char *
sentence(const PoAlert *alert, const char *why)
{
	/* A metric with labels says already which series it is. */
	const char *labels = alert->metric.nlabels > 0 || alert->reading.labels == NULL ||
	strcmp(alert->reading.labels, "{}") == 0 ? "" : alert->reading.labels;

	if (why != NULL)
		return psprintf("alert \"%s\" is resolved: %s", alert->name, why);
	if (!alert->reading.known)
		return psprintf("alert \"%s\" has no data any more: %s", alert->name, alert->metric_text);
	if (alert->state.phase == PO_ALERT_FIRING)
		return psprintf("alert \"%s\" (%s) fires: %s%s is %.6g, which is %s %.6g", alert->name, alert->severity,
						alert->metric_text, labels, alert->reading.value, alert->comparison_text, alert->rule.threshold);
	return psprintf("alert \"%s\" is resolved: %s%s is %.6g", alert->name, alert->metric_text, labels, alert->reading.value);
}

/* Adds a moment as text. */
static void
put_moment(PoJson *json, const char *key, TimestampTz at)
{
	po_json_text(json, key, TextDatumGetCString(DirectFunctionCall2(timestamptz_to_char, TimestampTzGetDatum(at),
																	CStringGetTextDatum("YYYY-MM-DD\"T\"HH24:MI:SS.USTZH:TZM"))));
}

/* Returns the payload. */
static char *
payload(const PoAlert *alert, TimestampTz at, const char *message)
{
	const char *labels = alert->reading.known ? alert->reading.labels : NULL;
	PoJson		json = {0};
	Jsonb	   *value;

	po_json_begin_object(&json, NULL);
	po_json_text(&json, "name", alert->name);
	po_json_text(&json, "state", po_alert_phase_name(alert->state.phase));
	po_json_text(&json, "severity", alert->severity);
	po_json_text(&json, "comparison", alert->comparison_text);
	po_json_float(&json, "threshold", alert->rule.threshold);
	if (alert->reading.known)
		po_json_float(&json, "value", alert->reading.value);
	else
		po_json_null(&json, "value");
	put_moment(&json, "at", at);
	po_json_text(&json, "owner", GetUserNameFromId(GetUserId(), true));
	po_json_text(&json, "metric", alert->metric_text);
	if (labels != NULL && strlen(labels) <= MAX_LABELS)
		po_json_value(&json, "labels", DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(labels))));
	po_json_text(&json, "message", message);
	po_json_end_object(&json);
	value = po_json_finish(&json);
	return JsonbToCString(NULL, &value->root, VARSIZE(value));
}

/*
 * Announces the phase that an alert has entered: to its history, the log and
 * listeners.  why: what ended it by hand, or NULL.  SPI is connected.
 */
void
po_alert_announce(const PoAlert *alert, TimestampTz at, const char *why)
{
	char	   *message = sentence(alert, why);

	po_alert_store_put_event(alert, at, message);
	Async_Notify(CHANNEL, payload(alert, at, message));
	ereport(LOG,
			(errmsg_internal("%s", message), errhidestmt(true), errhidecontext(true)));
}
