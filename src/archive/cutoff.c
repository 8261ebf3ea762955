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

/*
 * Returns the condition that a row is old enough and matches the predicate; $1 is
 * the cutoff in the column's type.  A NULL time never matches.  The predicate's
 * columns are not qualified, so no other relation may be in its scope.
 */
char *
po_cutoff_condition(PoArchivePolicy *policy, const char *alias)
{
	char	   *aged = psprintf("%s.%s OPERATOR(pg_catalog.<) $1", alias,
								quote_identifier(policy->time_column));

	/* The line break ends a comment that the predicate might close with. */
	return policy->predicate ? psprintf("%s AND (%s\n)", aged, policy->predicate) : aged;
}
