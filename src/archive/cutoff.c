/*
 * cutoff.c
 *	  The moment before which rows are old enough, and the condition that says so.
 *
 * The age is subtracted from the wall clock of the policy's time zone, so that
 * "1 month" or "1 day" mean the same whoever runs it.  A column without time
 * zone is compared with that wall clock itself.
 */
#include "postgres.h"

#include "archive/cutoff.h"
#include "catalog/pg_type.h"
#include "core/clock.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

/* Returns a wall clock time of the policy's zone in the time column's type. */
static Datum
in_column_type(PoArchivePolicy *policy, Datum local, TimestampTz at)
{
	if (policy->time_type == TIMESTAMPTZOID)
		return TimestampTzGetDatum(at);
	if (policy->time_type == DATEOID)
		return DirectFunctionCall1(timestamp_date, local);
	return local;
}

/*
 * Fixes the cutoff for a run or a preview that begins now.  Raises 22023 when it
 * would not lie in the past, which an interval of mixed signs can cause.
 */
void
po_cutoff_freeze(PoArchivePolicy *policy, PoCutoff *cutoff)
{
	Datum		zone = CStringGetTextDatum(policy->timezone);
	TimestampTz now = po_clock_now();
	Datum		local = DirectFunctionCall2(timestamptz_zone, zone, TimestampTzGetDatum(now));

	local = DirectFunctionCall2(timestamp_mi_interval, local, IntervalPGetDatum(policy->older_than));
	cutoff->at = DatumGetTimestampTz(DirectFunctionCall2(timestamp_zone, zone, local));
	if (cutoff->at >= now)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the cutoff of archive policy \"%s\" is not in the past", policy->name),
				 errdetail("It would be %s.", timestamptz_to_str(cutoff->at)),
				 errhint("Pass an older_than that is longer than nothing in every month.")));
	cutoff->value = in_column_type(policy, local, cutoff->at);
}

/* Returns the minute of the week, from Sunday 00:00, that it is in the policy's zone. */
int
po_cutoff_minute_of_week(PoArchivePolicy *policy)
{
	Datum		now = TimestampTzGetDatum(po_clock_now());
	Timestamp	local = DatumGetTimestamp(DirectFunctionCall2(timestamptz_zone,
															  CStringGetTextDatum(policy->timezone), now));
	int64		minutes = local / USECS_PER_MINUTE - (local % USECS_PER_MINUTE < 0);

	/* The zero of time, 2000-01-01, was a Saturday. */
	minutes += 6 * MINS_PER_HOUR * HOURS_PER_DAY;
	return (int) (minutes % (7 * MINS_PER_HOUR * HOURS_PER_DAY));
}

/* Compares two values of a time type. */
int
po_cutoff_compare(Oid type, Datum a, Datum b)
{
	if (type == DATEOID)
		return DatumGetDateADT(a) < DatumGetDateADT(b) ? -1 : DatumGetDateADT(a) > DatumGetDateADT(b);
	return DatumGetTimestamp(a) < DatumGetTimestamp(b) ? -1 : DatumGetTimestamp(a) > DatumGetTimestamp(b);
}

/* Returns the moment that a value of the time column stands for. */
TimestampTz
po_cutoff_moment(PoArchivePolicy *policy, Datum value)
{
	if (policy->time_type == DATEOID)
		value = DirectFunctionCall1(date_timestamp, value);
	if (policy->time_type != TIMESTAMPTZOID)
		value = DirectFunctionCall2(timestamp_zone, CStringGetTextDatum(policy->timezone), value);
	return DatumGetTimestampTz(value);
}

/* Returns a value of the time column's type as SQL. */
char *
po_cutoff_literal(PoArchivePolicy *policy, Datum value)
{
	Oid			output;
	bool		varlena;

	getTypeOutputInfo(policy->time_type, &output, &varlena);
	return psprintf("%s::%s", quote_literal_cstr(OidOutputFunctionCall(output, value)),
					format_type_be_qualified(policy->time_type));
}

/*
 * Returns the condition that a row is old enough and matches the predicate; bound
 * is the cutoff as SQL, such as $1, of the column's type.  A NULL time never
 * matches.  The predicate's columns are not qualified, so no other relation may
 * be in its scope.
 */
char *
po_cutoff_condition(PoArchivePolicy *policy, const char *alias, const char *bound)
{
	char	   *aged = psprintf("%s.%s OPERATOR(pg_catalog.<) %s", alias,
								quote_identifier(policy->time_column), bound);

	/* The line break ends a comment that the predicate might close with. */
	return policy->predicate ? psprintf("%s AND (%s\n)", aged, policy->predicate) : aged;
}

/*
 * Sets a cutoff at a given moment, that of the first row that is not taken; rows
 * from an earlier moment on, as a predicate may say, go back in a restore.
 */
void
po_cutoff_set(PoArchivePolicy *policy, TimestampTz at, PoCutoff *cutoff)
{
	Datum		zone = CStringGetTextDatum(policy->timezone);

	cutoff->at = at;
	cutoff->value = in_column_type(policy, DirectFunctionCall2(timestamptz_zone, zone, TimestampTzGetDatum(at)), at);
}
