/*
 * test_alert_reading.c
 *	  The text of an alert's metric, and what is read from series by it.
 *
 * link: src/monitor/alert.c src/monitor/alert_metric.c src/monitor/alert_reading.c
 */
#include "postgres.h"

#include <math.h>

#include "monitor/alert_reading.h"
#include "tap.h"

#undef snprintf
#undef printf

/* Whether a text is refused with a problem that holds some words. */
static void
refused(const char *text, const char *words)
{
	PoAlertMetric metric;
	const char *problem = po_alert_metric_parse(text, &metric);

	if (!ok(problem != NULL && strstr(problem, words) != NULL, text))
		printf("# %s\n", problem ? problem : "taken");
}

/* What is a metric and what is none. */
static void
test_text(void)
{
	PoAlertMetric m;

	ok(po_alert_metric_parse("a_metric:sum2", &m) == NULL && m.shape == PO_ALERT_LEVEL && m.nlabels == 0 && strcmp(m.name, "a_metric:sum2") == 0, "a name");
	ok(po_alert_metric_parse(" m { a = \"x\" , b=\"y \\\"\\\\\\n\" } ", &m) == NULL && m.nlabels == 2, "with labels and blanks");
	is_str(m.keys[1], "b", "a label");
	is_str(m.values[1], "y \"\\\n", "its value, escapes resolved");
	ok(po_alert_metric_parse("rate(m)", &m) == NULL && m.shape == PO_ALERT_RATE && strcmp(m.name, "m") == 0, "a rate");
	ok(po_alert_metric_parse("ratio( m{a=\"b\"} )", &m) == NULL && m.shape == PO_ALERT_RATIO && m.nlabels == 1, "a ratio");
	ok(po_alert_metric_parse("p95(m)", &m) == NULL && m.shape == PO_ALERT_PERCENTILE && m.fraction == 0.95, "a percentile");
	ok(po_alert_metric_parse("m{}", &m) == NULL && m.nlabels == 0, "empty braces");
	refused("", "no name");
	refused("1m", "no name");
	refused("sum(m)", "none of rate");
	refused("rate()", "no metric");
	refused("rate(m", "parenthesis");
	refused("m)", "follows");
	refused("m{a}", "followed by =");
	refused("m{a=b}", "double quotes");
	refused("m{a=\"b}", "double quotes");
	refused("m{a=\"\\q\"}", "double quotes");
	refused("m{a=\"\001\"}", "double quotes");
	refused("m{a=\"b\" c=\"d\"}", "brace");
	refused("m{a=\"b\",}", "label is missing");
	refused("m{a=\"b\",a=\"c\"}", "twice");
	refused("m > 3", "follows");
}

/* Reads by a metric's text. */
static PoAlertReading
reading_of(const char *text, PoComparison comparison, double threshold, const PoAlertSample *samples, int n, const PoAlertPast *past)
{
	PoAlertMetric metric;
	PoAlertRule rule = {.comparison = comparison,.threshold = threshold};
	PoAlertReading reading;

	(void) po_alert_metric_parse(text, &metric);
	po_alert_reading_take(&metric, &rule, samples, n, past, &reading);
	return reading;
}

/* Levels, rates and ratios. */
static void
test_levels(void)
{
	PoAlertSample s[] = {{"x", true, true, 0, 30}, {"y", true, true, 0, 100}, {"z", false, true, 0, 1000}, {"nan", true, true, 0, NAN}};
	char	   *labels[] = {"y", "x", "z"};
	double		values[] = {40, 20, 900};
	PoAlertPast past = {10, 3, labels, values};
	PoAlertPast none = {0};
	PoAlertReading r;

	r = reading_of("m", PO_OVER, 0, s, 4, &none);
	ok(r.known && r.value == 100 && strcmp(r.labels, "y") == 0, "the highest of the selected");
	r = reading_of("m", PO_AT_MOST, 0, s, 4, &none);
	ok(r.known && r.value == 30, "the lowest");
	ok(reading_of("m", PO_EQUAL, 40, s, 4, &none).value == 30 && reading_of("m", PO_UNEQUAL, 40, s, 4, &none).value == 100, "the nearest, and the farthest");
	ok(!reading_of("m", PO_OVER, 0, s, 0, &none).known && !reading_of("m", PO_OVER, 0, &s[2], 2, &none).known, "no series, no data");
	r = reading_of("rate(m)", PO_OVER, 0, s, 4, &past);
	ok(r.known && r.value == 6 && strcmp(r.labels, "y") == 0, "growth in a second");
	ok(!reading_of("rate(m)", PO_OVER, 0, s, 4, &none).known, "not known at the first look");
	r = reading_of("ratio(m)", PO_OVER, 0, s, 4, &past);
	ok(r.known && fabs(r.value - 70.0 / 170) < 1e-9 && r.labels == NULL, "a part of the growth of all");
	values[0] = 101;
	r = reading_of("rate(m)", PO_OVER, 0, s, 4, &past);
	ok(r.known && r.value == 1 && strcmp(r.labels, "x") == 0, "a counter that fell says nothing");
	for (int i = 0; i < 4; i++)
		s[i].counter = false;
	r = reading_of("rate(m)", PO_UNDER, 0, s, 4, &past);
	ok(r.known && fabs(r.value + 0.1) < 1e-9, "a gauge may fall");
	r = reading_of("ratio(m)", PO_OVER, 0, s, 4, &none);
	ok(r.known && fabs(r.value - 130.0 / 1130) < 1e-9, "a part of the levels");
	s[0].value = s[1].value = s[2].value = 0;
	ok(!reading_of("ratio(m)", PO_OVER, 0, s, 3, &none).known, "of nothing there is no part");
}

/* Percentiles of histograms: by hand, and against the sorted values. */
static void
test_percentiles(void)
{
	PoAlertSample s[] = {{"inf", true, true, INFINITY, 200}, {"1", true, true, 1, 150}, {"2", true, true, 2, 190}, {"2b", true, true, 2, 10}, {"infb", true, true, INFINITY, 10}, {"x", false, true, 3, 9999}};
	char	   *labels[] = {"inf", "1", "2", "2b", "infb"};
	double		values[] = {100, 100, 100, 0, 0};
	PoAlertPast past = {60, 5, labels, values};
	PoAlertReading r = reading_of("p50(m)", PO_OVER, 0, s, 6, &past);

	/* 110 executions: 50 up to 1, 100 up to 2, 110 in all. */
	ok(r.known && fabs(r.value - 1.1) < 1e-9, "within a bucket, spread evenly");
	ok(reading_of("p99(m)", PO_OVER, 0, s, 6, &past).value == 2, "beyond the last bound: that bound");
	values[0] = 200;
	values[4] = 10;
	ok(!reading_of("p50(m)", PO_OVER, 0, s, 6, &past).known, "nothing executed, no data");
	ok(!reading_of("p50(m)", PO_OVER, 0, s, 1, &past).known, "no histogram, no data");
}

int
main(void)
{
	test_text();
	test_levels();
	test_percentiles();
	return done();
}
