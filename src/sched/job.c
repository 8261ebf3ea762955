/*
 * job.c
 *	  The stored definitions of jobs.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "sched/job.h"
#include "sched/store.h"
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

/* Returns a moment, DT_NOEND for NULL. */
static TimestampTz
time_column(uint64 row, int column)
{
	bool		isnull;
	Datum		value = po_store_datum(row, column, &isnull);

	return isnull ? DT_NOEND : DatumGetTimestampTz(value);
}

/* Reads a job from a row that starts with PO_JOB_COLUMNS; everything is in memory. */
PoJob *
po_job_from_row(uint64 row, MemoryContext memory)
{
	PoJob	   *job = MemoryContextAllocZero(memory, sizeof(PoJob));

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
	job->next_run = time_column(row, 19);
	job->after_job = po_store_get_int8(row, 20);
	job->exclude_window = po_store_get_text(row, 21, memory);
	job->at = time_column(row, 22);
	job->done = DatumGetBool(plain_column(row, 23));
	return job;
}

/* Loads a job that is not held; NULL when there is none. */
PoJob *
po_job_load(int64 job_id, MemoryContext memory)
{
	PoStoreArgs args = {0};

	po_store_int8(&args, job_id);
	if (po_store_run("SELECT " PO_JOB_COLUMNS " FROM perf_optimizer.job j WHERE " PO_JOB_OURS
					 " AND j.job_id = $1", &args) == 0)
		return NULL;
	return po_job_from_row(0, memory);
}

/* Loads a job that is not held and locks it against other changes; NULL when there is none. */
PoJob *
po_job_load_locked(int64 job_id, MemoryContext memory)
{
	PoStoreArgs args = {0};

	po_store_int8(&args, job_id);
	if (po_store_run("SELECT " PO_JOB_COLUMNS " FROM perf_optimizer.job j WHERE " PO_JOB_OURS
					 " AND j.job_id = $1 FOR UPDATE OF j", &args) == 0)
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
	if (po_store_run("SELECT j.job_id FROM perf_optimizer.job j WHERE " PO_JOB_OURS
					 " AND j.owner = $1 AND j.name = $2", &args) == 0)
		return 0;
	return po_store_get_int8(0, 1);
}

/* Adds the columns that a definition sets, in the order of DEFINITION. */
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
	po_store_int8_or_null(args, job->after_job, job->after_job == 0);
	po_store_text(args, job->exclude_window);
	po_store_time(args, job->at);
	po_store_time(args, job->next_run);
}

/* What a definition says of a job but who owns it and its kind; "n" and "o" are the new and the old row. */
#define DEFINITION(row) \
	"(" row ".relid, " row ".target, " row ".action, " row ".command, " row ".schedule, " row ".timezone, " \
	row ".timeout, " row ".max_attempts, " row ".backoff, " row ".max_backoff, " row ".priority, " row ".enabled, " \
	row ".retry_after_crash, " row ".after_job, " row ".exclude_window, " row ".at)"
/* What decides when a job is due. */
#define TIMES(row) \
	"(" row ".schedule, " row ".timezone, " row ".enabled, " row ".exclude_window, " row ".at)"
/* Takes over a definition; what keeps its times keeps its next slot. */
#define TAKE_OVER(row) \
	" relid = " row ".relid, target = " row ".target, action = " row ".action, command = " row ".command," \
	" schedule = " row ".schedule, timezone = " row ".timezone, timeout = " row ".timeout," \
	" max_attempts = " row ".max_attempts, backoff = " row ".backoff, max_backoff = " row ".max_backoff," \
	" priority = " row ".priority, enabled = " row ".enabled, retry_after_crash = " row ".retry_after_crash," \
	" after_job = " row ".after_job, exclude_window = " row ".exclude_window, at = " row ".at," \
	" next_run = CASE WHEN " TIMES("o") " IS NOT DISTINCT FROM " TIMES(row) " THEN o.next_run ELSE " row ".next_run END," \
	" rebase = o.rebase OR " TIMES("o") " IS DISTINCT FROM " TIMES(row) "," \
	" done = o.done AND o.at IS NOT DISTINCT FROM " row ".at," \
	" changed_at = pg_catalog.now()"

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
	if (po_store_run("INSERT INTO perf_optimizer.job AS o (incarnation, owner, owner_name, name, kind, relid, target, action,"
					 " command, schedule, timezone, timeout, max_attempts, backoff, max_backoff, priority, enabled,"
					 " retry_after_crash, after_job, exclude_window, at, next_run)"
					 " SELECT i.incarnation, $1, pg_catalog.pg_get_userbyid($1), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
					 " coalesce($12, '0'), coalesce($13, '0'), $14, $15, $16, $17, $18, $19, $20 FROM perf_optimizer.identity i"
					 " ON CONFLICT (owner, name) DO UPDATE SET incarnation = EXCLUDED.incarnation,"
					 " owner_name = EXCLUDED.owner_name," TAKE_OVER("EXCLUDED")
					 " WHERE o.kind = EXCLUDED.kind AND (o.incarnation <> EXCLUDED.incarnation OR "
					 DEFINITION("o") " IS DISTINCT FROM " DEFINITION("EXCLUDED") ")"
					 " RETURNING o.job_id", &args) == 1)
	{
		job->job_id = po_store_get_int8(0, 1);
		return;
	}
	memset(&args, 0, sizeof(args));
	po_store_oid(&args, job->owner);
	po_store_text(&args, job->name);
	po_store_text(&args, job->kind);
	if (po_store_run("SELECT j.job_id FROM perf_optimizer.job j"
					 " WHERE j.owner = $1 AND j.name = $2 AND j.kind = $3", &args) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("a job named \"%s\" of another kind exists", job->name),
				 errhint("Pass another name as \"name\", or remove that job with SELECT perf_optimizer.unschedule(%s).",
						 quote_literal_cstr(job->name))));
	job->job_id = po_store_get_int8(0, 1);
}

/*
 * Stores the changed definition of a job that is loaded and locked; false when
 * nothing changes.  Raises 42710 when its owner has another job of that name.
 */
bool
po_job_alter(const PoJob *job)
{
	PoStoreArgs args = {0};

	po_store_oid(&args, job->owner);
	po_store_text(&args, job->name);
	po_store_int8(&args, job->job_id);
	if (po_store_run("SELECT FROM perf_optimizer.job j WHERE j.owner = $1 AND j.name = $2 AND j.job_id <> $3", &args) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("a job named \"%s\" exists", job->name),
				 errhint("Pass another name as \"name\".")));
	memset(&args, 0, sizeof(args));
	definition_args(job, &args);
	po_store_int8(&args, job->job_id);
	return po_store_run("UPDATE perf_optimizer.job o SET name = n.name," TAKE_OVER("n")
						" FROM (SELECT $1::oid AS owner, $2::text AS name, $3::text AS kind, $4::oid AS relid, $5::text AS target,"
						" $6::text AS action, $7::text AS command, $8::text AS schedule, $9::text AS timezone,"
						" $10::interval AS timeout, $11::int AS max_attempts, coalesce($12::interval, '0') AS backoff,"
						" coalesce($13::interval, '0') AS max_backoff, $14::int AS priority, $15::boolean AS enabled,"
						" $16::boolean AS retry_after_crash, $17::bigint AS after_job, $18::text AS exclude_window,"
						" $19::timestamptz AS at, $20::timestamptz AS next_run) n"
						" WHERE o.job_id = $21 AND (o.name <> n.name OR " DEFINITION("o") " IS DISTINCT FROM " DEFINITION("n") ")",
						&args) > 0;
}

/* Tells whether a job runs after another, directly or through others. */
bool
po_job_follows(int64 job_id, int64 other)
{
	PoStoreArgs args = {0};

	po_store_int8(&args, job_id);
	po_store_int8(&args, other);
	return po_store_run("WITH RECURSIVE before AS ("
						"SELECT j.after_job FROM perf_optimizer.job j WHERE j.job_id = $1 AND j.after_job IS NOT NULL"
						" UNION SELECT j.after_job FROM perf_optimizer.job j JOIN before b ON b.after_job = j.job_id"
						" WHERE j.after_job IS NOT NULL)"
						" SELECT FROM before b WHERE b.after_job = $2", &args) > 0;
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

/* Stores the next slots of jobs, as the scheduler computes them. */
void
po_job_set_next(const PoNextSlot *slots, int n)
{
	PoStoreArgs args = {0};
	Datum	   *values = palloc(sizeof(Datum) * Max(n, 1) * 3);
	bool	   *nulls = palloc(sizeof(bool) * Max(n, 1));

	if (n == 0)
		return;
	for (int i = 0; i < n; i++)
	{
		values[i] = Int64GetDatum(slots[i].job_id);
		values[n + i] = TimestampTzGetDatum(slots[i].next);
		nulls[i] = TIMESTAMP_IS_NOEND(slots[i].next);
		values[2 * n + i] = BoolGetDatum(slots[i].done);
	}
	po_store_array(&args, INT8OID, values, NULL, n);
	po_store_array(&args, TIMESTAMPTZOID, values + n, nulls, n);
	po_store_array(&args, BOOLOID, values + 2 * n, NULL, n);
	(void) po_store_run_planned("UPDATE perf_optimizer.job j SET next_run = u.next, done = u.done, rebase = false"
								" FROM unnest($1, $2, $3) AS u(job_id, next, done) WHERE j.job_id = u.job_id", &args);
}

/*
 * Finds the next slot of any job after now, DT_NOEND when there is none.
 * Returns whether jobs are due now or wait to be rebased, which after the
 * scheduler has taken all it can are those whose rows another session holds
 * locked.
 */
bool
po_job_next_due(TimestampTz now, TimestampTz *next)
{
	PoStoreArgs args = {0};
	bool		isnull;

	po_store_time(&args, now);
	po_store_run("SELECT (SELECT j.next_run FROM perf_optimizer.job j WHERE " PO_JOB_OURS
				 " AND j.enabled AND NOT j.paused AND j.next_run > $1 ORDER BY j.next_run LIMIT 1),"
				 " EXISTS (SELECT FROM perf_optimizer.job j WHERE " PO_JOB_OURS
				 " AND j.enabled AND NOT j.paused AND j.next_run <= $1)"
				 " OR EXISTS (SELECT FROM perf_optimizer.job j WHERE " PO_JOB_OURS " AND j.rebase)", &args);
	*next = time_column(0, 1);
	return DatumGetBool(po_store_datum(0, 2, &isnull));
}

/*
 * Fills the owners of the jobs that are due at a moment, the most jobs first, and
 * how many each has; those with fewer than least, and those that may not log in,
 * are left out.  Returns how many owners there are, limit of them at most.
 */
int
po_job_count_due(TimestampTz slot, int least, int limit, PoDueCount *counts)
{
	PoStoreArgs args = {0};
	bool		isnull;
	int			n;

	po_store_time(&args, slot);
	po_store_int4(&args, least);
	po_store_int4(&args, limit);
	n = po_store_run("SELECT j.owner, pg_catalog.count(*) FROM perf_optimizer.job j WHERE " PO_JOB_OURS
					 " AND j.enabled AND NOT j.paused AND j.next_run = $1"
					 " AND EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = j.owner AND r.rolcanlogin)"
					 " GROUP BY j.owner HAVING pg_catalog.count(*) >= $2 ORDER BY 2 DESC, 1 LIMIT $3", &args);
	for (int i = 0; i < n; i++)
	{
		counts[i].roleid = DatumGetObjectId(po_store_datum(i, 1, &isnull));
		counts[i].njobs = po_store_get_int8(i, 2);
	}
	return n;
}

/* Has the slots that lie in the future counted anew, because the clock was set back. */
void
po_job_rebase_all(TimestampTz now)
{
	PoStoreArgs args = {0};

	po_store_time(&args, now);
	(void) po_store_run_planned("UPDATE perf_optimizer.job j SET rebase = true WHERE j.next_run > $1", &args);
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
