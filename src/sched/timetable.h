/*
 * timetable.h
 *	  When a job is due: its schedule, time zone and excluded window, or its one moment.
 */
#ifndef PO_TIMETABLE_H
#define PO_TIMETABLE_H

#include "core/window.h"
#include "sched/kind.h"
#include "sched/zone.h"

/* The schedule of jobs that run once. */
#define PO_TIMETABLE_ONCE "@once"

typedef struct PoTimetable
{
	bool		scheduled;		/* false: no slots of its own */
	bool		once;			/* one slot, at "at" unless that is done */
	TimestampTz at;
	PoSchedule	schedule;
	pg_tz	   *zone;
	bool		has_window;
	PoWindow	window;			/* slots in it are none */
} PoTimetable;

extern bool po_timetable_read(const PoJob *job, PoTimetable *table);
extern void po_timetable_check(const PoJob *job, PoTimetable *table);
extern TimestampTz po_timetable_next(const PoTimetable *table, TimestampTz after);
extern TimestampTz po_timetable_last(const PoTimetable *table, TimestampTz from, TimestampTz until);
extern bool po_timetable_excludes(const PoTimetable *table, TimestampTz moment);

#endif							/* PO_TIMETABLE_H */
