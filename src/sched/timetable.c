/*
 * timetable.c
 *	  When a job is due: its schedule, time zone and excluded window, or its one moment.
 *
 * A slot that lies in the window of minutes of the week in which the job must not
 * start is no slot at all: it is neither taken nor missed.
 */
#include "postgres.h"

#include "sched/timetable.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

/* So many times a search jumps over excluded time before it says that there is no slot. */
#define MAX_JUMPS 10000
/* No zone changes its offset within such a stretch, counted from full hours. */
#define STRETCH_MIN 15

/*
 * Reads a stored job; false when its schedule is none, which can only come from a
 * zone that the server no longer knows, or from rows that were written by hand.
 * One such job must not stop the others, so no error is raised.
 */
bool
po_timetable_read(const PoJob *job, PoTimetable *table)
{
	PoScheduleError error;

	memset(table, 0, sizeof(PoTimetable));
	table->zone = po_zone_find_or_null(job->timezone);
	if (table->zone == NULL)
		return false;
	if (job->exclude_window != NULL)
	{
		table->has_window = true;
		if (po_window_parse(job->exclude_window, &table->window) != NULL)
			return false;
	}
	table->once = job->schedule != NULL && strcmp(job->schedule, PO_TIMETABLE_ONCE) == 0;
	table->at = job->at;
	table->scheduled = job->schedule != NULL && !(table->once && job->done);
	return job->schedule == NULL || table->once ||
		po_due_parse(job->schedule, &table->schedule, &error);
}

/* Raises 22023 for a window that is none. */
static void
check_window(const char *text)
{
	PoWindow	window;
	const char *problem = po_window_parse(text, &window);

	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"exclude_window\" is not a window: \"%s\"", text),
				 errdetail("Here, %s.", problem),
				 errhint("Pass for example '08:00-18:00' or 'mon-fri 08:00-18:00, sat 10:00-14:00'.")));
}

/*
 * Reads a job that is about to be stored.  Raises 22023 for what is wrong in its
 * schedule, zone or window, and when the window leaves it no slot.
 */
void
po_timetable_check(const PoJob *job, PoTimetable *table)
{
	(void) po_zone_find(job->timezone);
	if (job->exclude_window != NULL)
		check_window(job->exclude_window);
	if (job->schedule != NULL && strcmp(job->schedule, PO_TIMETABLE_ONCE) != 0)
		po_zone_parse(job->schedule, &table->schedule);
	if (!po_timetable_read(job, table))
		elog(ERROR, "could not read the schedule \"%s\" again", job->schedule);
	if (table->has_window && table->scheduled && !table->once &&
		table->schedule.type != PO_SCHEDULE_REBOOT &&
		TIMESTAMP_IS_NOEND(po_timetable_next(table, GetCurrentTimestamp())))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"exclude_window\" excludes every slot of the schedule"),
				 errhint("Pass a smaller window, or another schedule.")));
}

/* Returns the minute of the week, from Sunday at midnight, that a moment has in the zone. */
static int
minute_of_week(const PoTimetable *table, TimestampTz moment)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			tz;

	if (timestamp2tm(moment, &tz, &tm, &fsec, NULL, table->zone) != 0)
		return 0;
	return j2day(date2j(tm.tm_year, tm.tm_mon, tm.tm_mday)) * PO_MINUTES_PER_DAY +
		tm.tm_hour * 60 + tm.tm_min;
}

/* Tells whether a moment lies in the excluded window. */
bool
po_timetable_excludes(const PoTimetable *table, TimestampTz moment)
{
	return table->has_window && po_window_contains(&table->window, minute_of_week(table, moment));
}

/*
 * Returns a later moment before which all is excluded, given that the moment is:
 * the end of the window, or of the stretch in which the zone's offset is sure to
 * stay the same.
 */
static TimestampTz
end_of_excluded(const PoTimetable *table, TimestampTz moment)
{
	TimestampTz minute = moment - moment % USECS_PER_MINUTE - (moment % USECS_PER_MINUTE < 0 ? USECS_PER_MINUTE : 0);
	int			first = minute_of_week(table, moment);
	int			n = 1;

	while ((first + n) % STRETCH_MIN != 0 &&
		   po_window_contains(&table->window, (first + n) % PO_MINUTES_PER_WEEK))
		n++;
	return minute + n * USECS_PER_MINUTE;
}

/* Returns the first slot of the schedule at or after a moment, given an earlier slot or start. */
static TimestampTz
next_at_or_after(const PoTimetable *table, TimestampTz slot, TimestampTz moment)
{
	int64		step = table->schedule.interval_s * USECS_PER_SEC;

	if (table->schedule.type == PO_SCHEDULE_INTERVAL)
		return slot + (moment - slot + step - 1) / step * step;
	return po_zone_next(&table->schedule, table->zone, moment - 1);
}

/*
 * Returns the first slot after a moment, DT_NOEND when there is none; an interval
 * counts from that moment.  The one slot of a job that runs once comes whenever
 * that is, be it in the past.
 */
TimestampTz
po_timetable_next(const PoTimetable *table, TimestampTz after)
{
	TimestampTz slot;

	if (!table->scheduled)
		return DT_NOEND;
	if (table->once)
		return table->at;
	slot = po_zone_next(&table->schedule, table->zone, after);
	for (int i = 0; i < MAX_JUMPS; i++)
	{
		if (TIMESTAMP_IS_NOEND(slot) || !po_timetable_excludes(table, slot))
			return slot;
		slot = next_at_or_after(table, slot, end_of_excluded(table, slot));
	}
	return DT_NOEND;
}

/*
 * Returns the last slot that is not after until, given that from is a slot and
 * not after until.
 */
TimestampTz
po_timetable_last(const PoTimetable *table, TimestampTz from, TimestampTz until)
{
	TimestampTz last;

	if (table->once)
		return from;
	last = po_zone_last(&table->schedule, table->zone, from, until);
	for (int64 back = USECS_PER_MINUTE; last > from && po_timetable_excludes(table, last); back *= 2)
	{
		TimestampTz start = Max(from, last - back);
		TimestampTz slot = next_at_or_after(table, from, start);
		TimestampTz found = from;

		/*
		 * The last slot between start and last that counts; else further
		 * back.
		 */
		for (; slot < last; slot = po_timetable_next(table, slot))
			if (!po_timetable_excludes(table, slot))
				found = slot;
		if (found > from || start == from)
			return found;
	}
	return last;
}
