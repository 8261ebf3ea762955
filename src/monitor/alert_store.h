/*
 * alert_store.h
 *	  Storing and loading alerts.
 */
#ifndef PO_MONITOR_ALERT_STORE_H
#define PO_MONITOR_ALERT_STORE_H

#include "monitor/alert.h"
#include "monitor/alert_reading.h"
#include "utils/timestamp.h"

/* An alert with its state. */
typedef struct PoAlert
{
	Datum		id;
	bool		own;			/* of the role that asked, not of one whose
								 * rights it has */
	char	   *name;
	char	   *severity;
	char	   *metric_text;
	char	   *comparison_text;
	Interval   *hold;			/* when it is to be stored */
	PoAlertMetric metric;
	PoAlertRule rule;
	PoAlertState state;
	PoAlertReading reading;		/* of the last check */
	TimestampTz checked_at;		/* 0: never */
	PoAlertPast past;			/* seconds is not filled */
} PoAlert;

extern int	po_alert_store_lock(Oid role, const char *name, PoAlert **alerts);
extern void po_alert_store_put(Oid role, const PoAlert *known, const PoAlert *alert);
extern void po_alert_store_put_state(const PoAlert *alert, const PoAlertSample *samples, int n);
extern void po_alert_store_put_event(const PoAlert *alert, TimestampTz at, const char *message);
extern void po_alert_store_remove(const PoAlert *alert);

#endif							/* PO_MONITOR_ALERT_STORE_H */
