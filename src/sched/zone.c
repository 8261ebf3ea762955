/*
 * zone.c
 *	  Schedules in the server's time zones.
 *
 * Ties due.c, which knows neither the server's clock nor its zones, to both.
 */
#include "postgres.h"

#include "sched/zone.h"
#include "utils/timestamp.h"

/* Seconds from 1970 to the server's epoch. */
#define EPOCH_SHIFT \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/* Finds a zone by its IANA name; NULL for a name that is none. */
pg_tz *
po_zone_find_or_null(const char *name)
{
	pg_tz	   *zone = pg_tzset(name);

	return zone != NULL && pg_tz_acceptable(zone) ? zone : NULL;
}

/* Finds a zone by its IANA name; raises 22023 for a name that is none. */
pg_tz *
po_zone_find(const char *name)
{
	pg_tz	   *zone = po_zone_find_or_null(name);

	if (zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" not recognized", name),
				 errhint("Pass an IANA name as \"timezone\", such as Europe/Berlin; pg_timezone_names lists them.")));
	return zone;
}

/* Reads a schedule; raises 22023 for a text that is none. */
void
po_zone_parse(const char *text, PoSchedule *schedule)
{
	PoScheduleError error;

	if (po_due_parse(text, schedule, &error))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is not a schedule", text),
			 error.field != NULL
			 ? errdetail("In the field \"%s\", %s.", error.field, error.problem)
			 : errdetail("Here, %s.", error.problem),
			 errhint("Pass as \"schedule\" a cron expression (minute hour day-of-month month day-of-week, or six fields with seconds first), or an interval such as \"every 5 minutes\".")));
}

/* The stretch of constant offset in which utc lies, for due.c. */
static void
zone_segment(const void *state, int64 utc, int *offset, int64 *end)
{
	const pg_tz *zone = state;
	pg_time_t	moment = utc;
	long		before_offset;
	long		after_offset;
	int			before_isdst;
	int			after_isdst;
	pg_time_t	boundary;
	int			found;

	found = pg_next_dst_boundary(&moment, &before_offset, &before_isdst, &boundary,
								 &after_offset, &after_isdst, zone);
	if (found < 0)
		elog(ERROR, "could not look up the offset of time zone \"%s\"", pg_get_timezone_name((pg_tz *) zone));
	*offset = before_offset;
	*end = found == 0 || boundary <= utc ? PG_INT64_MAX : boundary;
}

/*
 * Returns the first moment after the given one at which the schedule is due;
 * DT_NOEND when there is none (@reboot).  An interval keeps fractions of seconds.
 * Raises 22008 at the end of time.
 */
TimestampTz
po_zone_next(const PoSchedule *schedule, pg_tz *tz, TimestampTz after)
{
	PoZone		zone = {tz, zone_segment};
	int64		seconds = after / USECS_PER_SEC - (after % USECS_PER_SEC < 0);
	int64		next;
	TimestampTz result;

	if (schedule->type == PO_SCHEDULE_INTERVAL)
		result = after + schedule->interval_s * USECS_PER_SEC;
	else if (po_due_next(schedule, &zone, seconds + EPOCH_SHIFT, &next))
		result = (next - EPOCH_SHIFT) * USECS_PER_SEC;
	else
		return DT_NOEND;
	if (!IS_VALID_TIMESTAMP(result) || result <= after)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("the next run is beyond the range of timestamps")));
	return result;
}

/*
 * Returns the last slot that is not after until, given that from is a slot and
 * not after until.  Looks back from until in growing steps, so that a year of
 * missed seconds costs no more than a day of them.
 */
TimestampTz
po_zone_last(const PoSchedule *schedule, pg_tz *tz, TimestampTz from, TimestampTz until)
{
	int64		step = USECS_PER_SEC;
	TimestampTz slot;
	TimestampTz next;

	if (schedule->type == PO_SCHEDULE_INTERVAL)
		return from + (until - from) / (schedule->interval_s * USECS_PER_SEC) *
			(schedule->interval_s * USECS_PER_SEC);
	do
	{
		if (until - step <= from)
		{
			slot = from;
			break;
		}
		slot = po_zone_next(schedule, tz, until - step);
		step *= 2;
	} while (slot > until);
	while ((next = po_zone_next(schedule, tz, slot)) <= until)
		slot = next;
	return slot;
}
