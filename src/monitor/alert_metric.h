/*
 * alert_metric.h
 *	  Which series an alert looks at, as text.
 */
#ifndef PO_MONITOR_ALERT_METRIC_H
#define PO_MONITOR_ALERT_METRIC_H

#define PO_ALERT_MAX_LABELS 16

/* What is made of the series. */
typedef enum PoAlertShape
{
	PO_ALERT_LEVEL,				/* the value as it is */
	PO_ALERT_RATE,				/* what it grows by in a second */
	PO_ALERT_RATIO,				/* the selected ones' part of all of that name */
	PO_ALERT_PERCENTILE			/* of a histogram */
} PoAlertShape;

typedef struct PoAlertMetric
{
	PoAlertShape shape;
	double		fraction;		/* of a percentile, 0 to 1 */
	char	   *name;
	int			nlabels;		/* those that a series must have */
	char	   *keys[PO_ALERT_MAX_LABELS];
	char	   *values[PO_ALERT_MAX_LABELS];
} PoAlertMetric;

extern const char *po_alert_metric_parse(const char *text, PoAlertMetric *metric);

#endif							/* PO_MONITOR_ALERT_METRIC_H */
