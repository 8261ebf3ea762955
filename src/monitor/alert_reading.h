/*
 * alert_reading.h
 *	  What an alert makes of the series that it looks at.
 */
#ifndef PO_MONITOR_ALERT_READING_H
#define PO_MONITOR_ALERT_READING_H

#include "monitor/alert.h"
#include "monitor/alert_metric.h"

/* One series of the metric's name. */
typedef struct PoAlertSample
{
	const char *labels;			/* as text, the same at each look */
	bool		selected;		/* it has the labels that are asked for */
	bool		counter;		/* it only grows until it is reset */
	double		bound;			/* of a histogram's bucket */
	double		value;
} PoAlertSample;

/* The series as the last look found them. */
typedef struct PoAlertPast
{
	double		seconds;		/* ago; 0: there was no look */
	int			n;
	char	  **labels;
	double	   *values;
} PoAlertPast;

extern void po_alert_reading_take(const PoAlertMetric *metric, const PoAlertRule *rule,
								  const PoAlertSample *samples, int n, const PoAlertPast *past,
								  PoAlertReading *reading);

#endif							/* PO_MONITOR_ALERT_READING_H */
