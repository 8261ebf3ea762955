/*
 * alert_check.h
 *	  Checking alerts.
 */
#ifndef PO_MONITOR_ALERT_CHECK_H
#define PO_MONITOR_ALERT_CHECK_H

#include "monitor/alert_metric.h"

extern void po_alert_check_rights(void);
extern bool po_alert_check_finds(const PoAlertMetric *metric);
extern int	po_alert_check_all(int *checked);

#endif							/* PO_MONITOR_ALERT_CHECK_H */
