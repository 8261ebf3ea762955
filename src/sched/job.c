/*
 * job.c
 *	  The stored definitions of jobs.
 */
#include "postgres.h"

#include "core/clock.h"
#include "executor/spi.h"
#include "sched/due.h"
#include "sched/job.h"
#include "sched/store.h"
#include "sched/zone.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Microseconds of an interval column, a month counting 30 days; 0 for NULL. */
static int64
interval_us(uint64 row, int column)
{
	bool		isnull;
	Datum		value = po_store_datum(row, column, &isnull);
	Interval   *interval;

	if (isnull)
		return 0;
	interval = DatumGetIntervalP(value);
	return interval->time + (interval->day + (int64) interval->month * DAYS_PER_MONTH) * USECS_PER_DAY;
}

/* Returns an integer, oid or boolean column. */
static Datum
plain_column(uint64 row, int column)
{
	bool		isnull;

	return po_store_datum(row, column, &isnull);
}

/* Reads a job from a row that starts with PO_JOB_COLUMNS; everything is in memory. */
PoJob *
po_job_from_row(uint64 row, MemoryContext memory)
{
	PoJob	   *job = MemoryContextAllocZero(memory, sizeof(PoJob));
	bool		isnull;
	Datum		next;

	job->job_id = po_store_get_int8(row, 1);
	job->owner = DatumGetObjectId(plain_column(row, 2));
	job->name = po_store_get_text(row, 3, memory);
	job->kind = po_store_get_text(row, 4, memory);
	job->relid = DatumGetObjectId(plain_column(row, 5));
	job->target = po_store_get_text(row, 6, memory);
	job->action = po_store_get_text(row, 7, memory);
	job->command = po_store_get_text(row, 8, memory);
	job->schedule = po_store_get_text(row, 9, memory);
	job->timezone = po_store_get_text(row, 10, memory);
	job->timeout_us = interval_us(row, 11);
	job->max_attempts = DatumGetInt32(plain_column(row, 12));
	job->backoff_us = interval_us(row, 13);
	job->max_backoff_us = interval_us(row, 14);
	job->priority = DatumGetInt32(plain_column(row, 15));
	job->enabled = DatumGetBool(plain_column(row, 16));
	job->paused = DatumGetBool(plain_column(row, 17));
	job->retry_after_crash = DatumGetBool(plain_column(row, 18));
	next = po_store_datum(row, 19, &isnull);
	job->next_run = isnull ? DT_NOEND : DatumGetTimestampTz(next);
	return job;
}

/* Loads a job that is not held; NULL when there is none. */
PoJob *
po_job_load(int64 job_id, MemoryContext memory)
{
	PoStoreArgs args = {0};

	po_store_int8(&args, job_id);
	if (po_store_run("SELECT " PO_JOB_COLUMNS " FROM perf_optimizer.job j, " PO_JOB_OURS
					 " AND j.job_id = $1", &args) == 0)
		return NULL;
	return po_job_from_row(0, memory);
}

/* Returns the id of the owner's job of that name, 0 when there is none. */
int64
po_job_find(Oid owner, const char *name)
{
	PoStoreArgs args = {0};

	po_store_oid(&args, owner);
	po_store_text(&args, name);
	if (po_store_run("SELECT j.job_id FROM perf_optimizer.job j, " PO_JOB_OURS
					 " AND j.owner = $1 AND j.name = $2", &args) == 0)
		return 0;
	return po_store_get_int8(0, 1);
}

/* Adds the columns that a definition sets, in the order that po_job_save's statements use. */
static void
definition_args(const PoJob *job, PoStoreArgs *args)
{
	po_store_oid(args, job->owner);
	po_store_text(args, job->name);
	po_store_text(args, job->kind);
	po_store_oid(args, job->relid);
	po_store_text(args, job->target);
	po_store_text(args, job->action);
	po_store_text(args, job->command);
	po_store_text(args, job->schedule);
	po_store_text(args, job->timezone);
	po_store_interval(args, job->timeout_us);
	po_store_int4(args, job->max_attempts);
	po_store_interval(args, job->backoff_us);
	po_store_interval(args, job->max_backoff_us);
	po_store_int4(args, job->priority);
	po_store_bool(args, job->enabled);
	po_store_bool(args, job->retry_after_crash);
	po_store_time(args, job->next_run);
}

/*
 * Stores a job: a new one, or the new definition of the owner's job of that
 * name, whose row changes only where the definition does.  Fills job_id.  Raises
 * 42710 when that job is of another kind.
 */
void
po_job_save(PoJob *job)
{
	PoStoreArgs args = {0};

	definition_args(job, &args);
	if (po_store_run(
			"INSERT INTO perf_optimizer.job AS o (incarnation, owner, owner_name, name, kind, relid, target, action, command,"
			" schedule, timezone, timeout, max_attempts, backoff, max_backoff, priority, enabled, retry_after_crash, next_run)"
			" SELECT i.incarnation, $1, pg_catalog.pg_get_userbyid($1), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
			" coalesce($12, '0'), coalesce($13, '0'), $14, $15, $16, $17 FROM perf_optimizer.identity i"
			" ON CONFLICT (owner, name) DO UPDATE SET incarnation = EXCLUDED.incarnation, owner_name = EXCLUDED.owner_name,"
			" relid = EXCLUDED.relid, target = EXCLUDED.target, action = EXCLUDED.action, command = EXCLUDED.command,"
			" schedule = EXCLUDED.schedule, timezone = EXCLUDED.timezone, timeout = EXCLUDED.timeout,"
			" max_attempts = EXCLUDED.max_attempts, backoff = EXCLUDED.backoff, max_backoff = EXCLUDED.max_backoff,"
			" priority = EXCLUDED.priority, enabled = EXCLUDED.enabled, retry_after_crash = EXCLUDED.retry_after_crash,"
			/* What keeps its schedule keeps its next slot. */
			" next_run = CASE WHEN (o.schedule, o.timezone, o.enabled) = (EXCLUDED.schedule, EXCLUDED.timezone, EXCLUDED.enabled)"
			" THEN o.next_run ELSE EXCLUDED.next_run END,"
			" rebase = o.rebase OR (o.schedule, o.timezone, o.enabled) <> (EXCLUDED.schedule, EXCLUDED.timezone, EXCLUDED.enabled),"
			" changed_at = pg_catalog.now()"
			" WHERE o.kind = EXCLUDED.kind AND (o.incarnation, o.relid, o.target, o.action, o.command, o.schedule, o.timezone, o.timeout,"
			" o.max_attempts, o.backoff, o.max_backoff, o.priority, o.enabled, o.retry_after_crash)"
			" IS DISTINCT FROM (EXCLUDED.incarnation, EXCLUDED.relid, EXCLUDED.target, EXCLUDED.action, EXCLUDED.command,"
			" EXCLUDED.schedule, EXCLUDED.timezone, EXCLUDED.timeout, EXCLUDED.max_attempts, EXCLUDED.backoff,"
			" EXCLUDED.max_backoff, EXCLUDED.priority, EXCLUDED.enabled, EXCLUDED.retry_after_crash)"
			" RETURNING o.job_id", &args) == 1)
	{
		job->job_id = po_store_get_int8(0, 1);
		return;
	}
	args.n = 3;
	if (po_store_run("SELECT j.job_id FROM perf_optimizer.job j"
					 " WHERE j.owner = $1 AND j.name = $2 AND j.kind = $3", &args) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("a job named \"%s\" of another kind exists", job->name),
				 errhint("Pass another name as \"name\", or remove that job with SELECT perf_optimizer.unschedule(%s).",
						 quote_literal_cstr(job->name))));
	job->job_id = po_store_get_int8(0, 1);
}

/* Removes a job; false when it was gone already. */
bool
po_job_delete(int64 job_id)
{
	PoStoreArgs args = {0};

	po_store_int8(&args, job_id);
	return po_store_run("DELETE FROM perf_optimizer.job j WHERE j.job_id = $1", &args) > 0;
}

/*
 * Pauses or resumes a job; false when it was so already.  A resumed job counts
 * its slots from now on.
 */
bool
po_job_set_paused(int64 job_id, bool paused)
{
	PoStoreArgs args = {0};

	po_store_int8(&args, job_id);
	po_store_bool(&args, paused);
	return po_store_run("UPDATE perf_optimizer.job j SET paused = $2, rebase = true"
						" WHERE j.job_id = $1 AND j.paused <> $2", &args) > 0;
}

/* Stores the next slot of a job, DT_NOEND for none, as the scheduler computes it. */
void
po_job_set_next(int64 job_id, TimestampTz next)
{
	PoStoreArgs args = {0};

	po_store_int8(&args, job_id);
	po_store_time(&args, next);
	(void) po_store_run("UPDATE perf_optimizer.job j SET next_run = $2, rebase = false"
						" WHERE j.job_id = $1", &args);
}

/*
 * Finds the next slot of any job after now, DT_NOEND when there is none.
 * Returns how many jobs are due now or wait to be rebased, which after a look of
 * the scheduler are those whose rows another session holds locked.
 */
int64
po_job_next_due(TimestampTz now, TimestampTz *next)
{
	PoStoreArgs args = {0};
	bool		isnull;
	Datum		value;

	po_store_time(&args, now);
	po_store_run("SELECT (SELECT min(j.next_run) FROM perf_optimizer.job j, " PO_JOB_OURS
				 " AND j.enabled AND NOT j.paused AND j.next_run > $1),"
				 " (SELECT count(*) FROM perf_optimizer.job j, " PO_JOB_OURS
				 " AND j.enabled AND NOT j.paused AND j.next_run <= $1)"
				 " + (SELECT count(*) FROM perf_optimizer.job j, " PO_JOB_OURS " AND j.rebase)", &args);
	value = po_store_datum(0, 1, &isnull);
	*next = isnull ? DT_NOEND : DatumGetTimestampTz(value);
	return po_store_get_int8(0, 2);
}

/*
 * Returns the first slot of a job that was defined, changed or resumed now;
 * DT_NOEND for @reboot.  Raises 22023 when schedule or zone are wrong.
 */
TimestampTz
po_job_first_slot(const PoJob *job, TimestampTz now)
{
	PoSchedule	schedule;

	po_zone_parse(job->schedule, &schedule);
	return po_zone_next(&schedule, po_zone_find(job->timezone), now);
}

/*
 * Brings the names of owners and targets up to date, which a dump will need
 * where the numbers mean nothing.  Passes over rows that are locked.
 */
void
po_job_follow_renames(void)
{
	(void) po_store_run("UPDATE perf_optimizer.job j SET owner_name = s.owner_name, target = s.target FROM ("
						"SELECT j.job_id, r.rolname AS owner_name,"
						" CASE WHEN c.oid IS NULL THEN j.target ELSE pg_catalog.format('%I.%I', n.nspname, c.relname) END AS target"
						" FROM perf_optimizer.job j"
						" JOIN perf_optimizer.identity i ON i.incarnation = j.incarnation"
						" JOIN pg_catalog.pg_roles r ON r.oid = j.owner"
						" LEFT JOIN pg_catalog.pg_class c ON c.oid = j.relid"
						" LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
						" FOR UPDATE OF j SKIP LOCKED) s"
						" WHERE s.job_id = j.job_id AND (j.owner_name, j.target) IS DISTINCT FROM (s.owner_name, s.target)", NULL);
}

/* Pauses every job that the role may alter; returns how many were not paused. */
int
po_job_pause_all(Oid roleid)
{
	PoStoreArgs args = {0};

	po_store_oid(&args, roleid);
	return po_store_run("UPDATE perf_optimizer.job j SET paused = true WHERE NOT j.paused"
						" AND EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = j.owner)"
						" AND pg_catalog.pg_has_role($1, j.owner, 'USAGE')", &args);
}

/*
 * Resumes every job that the role may alter, and takes over those that came with
 * a dump or a copy: owner and target are looked up by name, and what is not
 * found stays held.  Returns how many jobs changed.
 */
int
po_job_resume_all(Oid roleid)
{
	PoStoreArgs args = {0};
	bool		was_copy;

	po_store_oid(&args, roleid);
	was_copy = po_store_run("UPDATE perf_optimizer.identity i SET database = d.oid FROM pg_catalog.pg_database d, pg_catalog.pg_roles r"
						" WHERE d.datname = pg_catalog.current_database() AND i.database <> d.oid"
						" AND r.oid = $1 AND r.rolsuper", &args) > 0;
	po_store_bool(&args, was_copy);
	return po_store_run(
						"UPDATE perf_optimizer.job j SET paused = false, rebase = true, incarnation = i.incarnation,"
						" owner = r.oid, relid = coalesce(c.oid, 0)"
						" FROM perf_optimizer.job o"
						" CROSS JOIN perf_optimizer.identity i"
						" JOIN pg_catalog.pg_roles r ON CASE WHEN o.incarnation = i.incarnation THEN r.oid = o.owner"
						" ELSE r.rolname = o.owner_name END"
						" LEFT JOIN pg_catalog.pg_class c ON c.oid = CASE WHEN o.relid = 0 THEN 0"
						" WHEN o.incarnation = i.incarnation THEN o.relid ELSE pg_catalog.to_regclass(o.target) END"
						" WHERE o.job_id = j.job_id AND (o.paused OR o.incarnation <> i.incarnation OR $2)"
						" AND (o.relid = 0 OR c.oid IS NOT NULL)"
						" AND pg_catalog.pg_has_role($1, r.oid, 'USAGE')", &args);
}
