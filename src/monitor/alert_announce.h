/*
 * alert_announce.h
 *	  Telling people and programs of an alert.
 */
#ifndef PO_MONITOR_ALERT_ANNOUNCE_H
#define PO_MONITOR_ALERT_ANNOUNCE_H

#include "monitor/alert_store.h"

extern void po_alert_announce(const PoAlert *alert, TimestampTz at, const char *why);

#endif							/* PO_MONITOR_ALERT_ANNOUNCE_H */
