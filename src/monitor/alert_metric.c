/*
 * alert_metric.c
 *	  Which series an alert looks at, as text.  Pure.
 *
 *	metric = selector | function "(" selector ")"
 *	function = "rate" | "ratio" | "p50" | "p90" | "p95" | "p99"
 *	selector = name [ "{" label "=" '"' value '"' { "," label "=" '"' value '"' } "}" ]
 *
 * Names and values are written as in Prometheus; white space may stand between the words.
 */
#include "postgres.h"

#include "monitor/alert_metric.h"

/* The functions of series. */
static const struct
{
	const char *name;
	PoAlertShape shape;
	double		fraction;
}			functions[] = {
	{"rate", PO_ALERT_RATE, 0},
	{"ratio", PO_ALERT_RATIO, 0},
	{"p50", PO_ALERT_PERCENTILE, 0.5},
	{"p90", PO_ALERT_PERCENTILE, 0.9},
	{"p95", PO_ALERT_PERCENTILE, 0.95},
	{"p99", PO_ALERT_PERCENTILE, 0.99},
};

/* Moves past white space. */
static void
skip_space(const char **at)
{
	while (**at == ' ' || **at == '\t' || **at == '\n')
		(*at)++;
}

/* Moves past a character and the white space around it; false when another one stands there. */
static bool
take(const char **at, char wanted)
{
	skip_space(at);
	if (**at != wanted)
		return false;
	(*at)++;
	skip_space(at);
	return true;
}

/* Tells whether a name may have this character, at its begin or further on. */
static bool
is_name_char(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
		(!first && c >= '0' && c <= '9');
}

/* Reads a name into a new string; NULL, and nothing read, when there is none. */
static char *
read_name(const char **at)
{
	const char *start = *at;

	while (is_name_char(**at, *at == start))
		(*at)++;
	return *at == start ? NULL : pnstrdup(start, *at - start);
}

/* Reads a value between quotes into a new string; NULL when there is none. */
static char *
read_value(const char **at)
{
	char	   *value;
	int			n = 0;

	if (**at != '"')
		return NULL;
	value = palloc(strlen(*at) + 1);
	for ((*at)++; **at != '"'; (*at)++)
	{
		/* Control characters would make a notification too long. */
		if ((unsigned char) **at < ' ')
			return NULL;
		if (**at != '\\')
		{
			value[n++] = **at;
			continue;
		}
		(*at)++;
		if (**at != '\\' && **at != '"' && **at != 'n')
			return NULL;
		value[n++] = **at == 'n' ? '\n' : **at;
	}
	(*at)++;
	value[n] = '\0';
	return value;
}

/* Reads the labels between braces; returns a problem or NULL. */
static const char *
read_labels(const char **at, PoAlertMetric *metric)
{
	do
	{
		int			n = metric->nlabels;

		if (n == PO_ALERT_MAX_LABELS)
			return "there are too many labels";
		skip_space(at);
		metric->keys[n] = read_name(at);
		if (metric->keys[n] == NULL)
			return "a label is missing between the braces";
		for (int i = 0; i < n; i++)
			if (strcmp(metric->keys[i], metric->keys[n]) == 0)
				return "a label is there twice";
		if (!take(at, '='))
			return "a label is not followed by =";
		metric->values[n] = read_value(at);
		if (metric->values[n] == NULL)
			return "the value of a label is not between double quotes";
		metric->nlabels++;
	} while (take(at, ','));
	return take(at, '}') ? NULL : "the closing brace is missing";
}

/* Takes a name before a parenthesis for a function; returns a problem or NULL. */
static const char *
take_function(const char *name, PoAlertMetric *metric)
{
	for (int i = 0; i < lengthof(functions); i++)
	{
		if (strcmp(functions[i].name, name) != 0)
			continue;
		metric->shape = functions[i].shape;
		metric->fraction = functions[i].fraction;
		return NULL;
	}
	return "the function is none of rate, ratio, p50, p90, p95, p99";
}

/*
 * Reads a metric; returns what is wrong with the text, or NULL.  Strings are made
 * in the current memory context.
 */
const char *
po_alert_metric_parse(const char *text, PoAlertMetric *metric)
{
	const char *at = text;
	const char *problem;
	bool		in_function;

	memset(metric, 0, sizeof(PoAlertMetric));
	skip_space(&at);
	metric->name = read_name(&at);
	if (metric->name == NULL)
		return "it begins with no name";
	in_function = take(&at, '(');
	if (in_function)
	{
		problem = take_function(metric->name, metric);
		if (problem != NULL)
			return problem;
		metric->name = read_name(&at);
		if (metric->name == NULL)
			return "the function has no metric";
	}
	if (take(&at, '{') && !take(&at, '}'))
	{
		problem = read_labels(&at, metric);
		if (problem != NULL)
			return problem;
	}
	if (in_function && !take(&at, ')'))
		return "the closing parenthesis is missing";
	return *at == '\0' ? NULL : "something follows its end";
}
