/*
 * zone.h
 *	  Schedules in the server's time zones.
 */
#ifndef PO_ZONE_H
#define PO_ZONE_H

#include "datatype/timestamp.h"
#include "pgtime.h"
#include "sched/due.h"

extern pg_tz *po_zone_find_or_null(const char *name);
extern pg_tz *po_zone_find(const char *name);
extern void po_zone_parse(const char *text, PoSchedule *schedule);
extern TimestampTz po_zone_next(const PoSchedule *schedule, pg_tz *zone, TimestampTz after);
extern TimestampTz po_zone_last(const PoSchedule *schedule, pg_tz *zone, TimestampTz from,
								TimestampTz until);

#endif							/* PO_ZONE_H */
