/*
 * alert_sql.c
 *	  SQL functions of alerts.
 */
#include "postgres.h"

#include <math.h>

#include "core/args.h"
#include "core/clock.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "monitor/alert_announce.h"
#include "monitor/alert_check.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(perf_optimizer_check_alerts);
PG_FUNCTION_INFO_V1(perf_optimizer_drop_alert);
PG_FUNCTION_INFO_V1(perf_optimizer_store_alert);

/* So that names fit into log lines, and metrics into payloads. */
#define MAX_NAME_LEN 200
#define MAX_METRIC_LEN 1000

/* Returns the name argument; raises 22004 and, for one that is empty, too long, or would break a log line, 22023. */
static char *
name_arg(FunctionCallInfo fcinfo, int argno)
{
	char	   *name = po_args_text(fcinfo, argno, "name");
	bool		wrong = name[0] == '\0' || strlen(name) > MAX_NAME_LEN;

	for (const char *c = name; *c != '\0' && !wrong; c++)
		wrong = (unsigned char) *c < ' ';
	if (wrong)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"name\" must have between 1 and %d bytes and no control characters", MAX_NAME_LEN),
				 errhint("Pass a name such as 'connections' as \"name\".")));
	return name;
}

/* Reads the metric argument; raises 22004 and 22023. */
static void
read_metric(FunctionCallInfo fcinfo, int argno, PoAlert *alert)
{
	const char *problem;

	alert->metric_text = po_args_text(fcinfo, argno, "metric");
	problem = strlen(alert->metric_text) > MAX_METRIC_LEN ? "it is too long" : po_alert_metric_parse(alert->metric_text, &alert->metric);
	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"metric\" is not a metric: %s", problem),
				 errdetail("\"metric\" is \"%.100s\".", alert->metric_text),
				 errhint("Pass a name of perf_optimizer.metrics(), such as perf_optimizer_connections_used_ratio, or rate(perf_optimizer_deadlocks_total), or ratio(perf_optimizer_blocks_total{source=\"hit\"}).")));
}

/* Returns a finite number; raises 22004 and 22023. */
static double
number_arg(FunctionCallInfo fcinfo, int argno, const char *name)
{
	double		value;

	po_args_require(fcinfo, argno, name);
	value = PG_GETARG_FLOAT8(argno);
	if (isnan(value) || isinf(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a finite number", name),
				 errhint("Pass a figure that the metric can reach as \"%s\".", name)));
	return value;
}

/* Raises 22023 unless the threshold at which an alert resolves is on the good side of the one at which it fires. */
static void
check_resolve_threshold(const PoAlertRule *rule)
{
	bool		right = false;

	if (rule->comparison == PO_OVER || rule->comparison == PO_AT_LEAST)
		right = rule->resolve_threshold <= rule->threshold;
	else if (rule->comparison == PO_UNDER || rule->comparison == PO_AT_MOST)
		right = rule->resolve_threshold >= rule->threshold;
	if (!right)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"resolve_threshold\" does not fit the comparison and the threshold"),
				 errhint("Pass a figure below the threshold for > and >=, above it for < and <=, and NULL for = and <>.")));
}

/* Reads what makes an alert fire; raises 22004 and 22023. */
static void
read_rule(FunctionCallInfo fcinfo, PoAlert *alert)
{
	PoAlertRule *rule = &alert->rule;

	alert->comparison_text = po_args_text(fcinfo, 2, "comparison");
	if (!po_alert_comparison_parse(alert->comparison_text, &rule->comparison))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown comparison \"%s\"", alert->comparison_text),
				 errhint("Pass as \"comparison\" one of >, >=, <, <=, =, <>.")));
	rule->threshold = number_arg(fcinfo, 3, "threshold");
	rule->hold_us = po_args_interval_us(fcinfo, 4, "hold", 0);
	alert->hold = PG_GETARG_INTERVAL_P(4);
	rule->has_resolve_threshold = !PG_ARGISNULL(6);
	if (!rule->has_resolve_threshold)
		return;
	rule->resolve_threshold = number_arg(fcinfo, 6, "resolve_threshold");
	check_resolve_threshold(rule);
}

/* Reads the severity; raises 22004 and 22023. */
static char *
severity_arg(FunctionCallInfo fcinfo, int argno)
{
	char	   *severity = po_args_text(fcinfo, argno, "severity");

	if (strcmp(severity, "info") != 0 && strcmp(severity, "warning") != 0 && strcmp(severity, "critical") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown severity \"%s\"", severity),
				 errhint("Pass as \"severity\" one of info, warning, critical.")));
	return severity;
}

/* Tells whether two alerts of one name are defined alike. */
static bool
same_definition(const PoAlert *a, const PoAlert *b)
{
	return strcmp(a->metric_text, b->metric_text) == 0 && strcmp(a->severity, b->severity) == 0 &&
		a->rule.comparison == b->rule.comparison && a->rule.threshold == b->rule.threshold &&
		a->rule.has_resolve_threshold == b->rule.has_resolve_threshold &&
		(!a->rule.has_resolve_threshold || a->rule.resolve_threshold == b->rule.resolve_threshold) &&
		a->rule.hold_us == b->rule.hold_us;
}

/* Announces the end of an alert that is taken away while it fires. */
static void
close_alert(PoAlert *alert, const char *why)
{
	if (!alert->state.open)
		return;
	alert->state.phase = PO_ALERT_RESOLVED;
	po_alert_announce(alert, po_clock_now(), why);
}

/* store_alert(name, metric, comparison, threshold, hold, severity, resolve_threshold). */
Datum
perf_optimizer_store_alert(PG_FUNCTION_ARGS)
{
	PoAlert		alert = {0};
	PoAlert    *known;
	int			n;

	alert.name = name_arg(fcinfo, 0);
	read_metric(fcinfo, 1, &alert);
	read_rule(fcinfo, &alert);
	alert.severity = severity_arg(fcinfo, 5);
	po_alert_check_rights();
	SPI_connect();
	n = po_alert_store_lock(GetUserId(), alert.name, &known);
	if (n == 0 || !known->own)
		known = NULL;
	if (known == NULL || !same_definition(known, &alert))
	{
		if (known != NULL)
			close_alert(known, "it was changed");
		po_alert_store_put(GetUserId(), known, &alert);
		if (!po_alert_check_finds(&alert.metric))
			ereport(NOTICE,
					(errmsg("no series of \"%s\" exists now", alert.metric_text),
					 errhint("The alert is unknown until there is one; SELECT name, labels FROM perf_optimizer.metrics() shows what there is.")));
	}
	SPI_finish();
	PG_RETURN_VOID();
}

/* drop_alert(name). */
Datum
perf_optimizer_drop_alert(PG_FUNCTION_ARGS)
{
	char	   *name = po_args_text(fcinfo, 0, "name");
	PoAlert    *alerts;
	int			n;

	PreventCommandIfReadOnly("drop_alert()");
	SPI_connect();
	n = po_alert_store_lock(GetUserId(), name, &alerts);
	if (n > 1 && !alerts->own)
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_FUNCTION),
				 errmsg("several roles have an alert \"%s\"", name),
				 errhint("SET ROLE to the owner of the one that is meant.")));
	if (n > 0)
	{
		close_alert(alerts, "it was dropped");
		po_alert_store_remove(alerts);
	}
	SPI_finish();
	PG_RETURN_BOOL(n > 0);
}

/* check_alerts(). */
Datum
perf_optimizer_check_alerts(PG_FUNCTION_ARGS)
{
	int			checked;

	PG_RETURN_INT32(po_alert_check_all(&checked));
}
