/*
 * slots.c
 *	  Turning slots of jobs that are due into runs.
 *
 * All functions run between po_store_enter and po_store_leave, in the scheduler.
 * Rows that a session holds locked, because it is changing the job, are passed
 * over: the end of its transaction wakes us.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "sched/job.h"
#include "sched/run.h"
#include "sched/scheduler.h"
#include "sched/shared.h"
#include "sched/store.h"
#include "sched/zone.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Missed slots of one job that get a row each; the rest share one. */
#define MAX_MISSED_ROWS 100
/* A slot that is this late is called a catch-up. */
#define LATE_US (60 * USECS_PER_SEC)
/* When to look again at jobs that are locked, should no wake-up come. */
#define LOCKED_RETRY_MS 5000

/* Loads jobs that a condition names, and locks them. */
static int
load_jobs(const char *condition, TimestampTz now, PoJob ***jobs)
{
	PoStoreArgs args = {0};
	int			n;

	po_store_time(&args, now);
	n = po_store_run(psprintf("SELECT " PO_JOB_COLUMNS " FROM perf_optimizer.job j, " PO_JOB_OURS
							  " AND %s FOR UPDATE OF j SKIP LOCKED", condition), &args);
	*jobs = palloc(sizeof(PoJob *) * Max(n, 1));
	for (int i = 0; i < n; i++)
		(*jobs)[i] = po_job_from_row(i, CurrentMemoryContext);
	return n;
}

/*
 * Reads the schedule of a stored job; false when it is none, which can only come
 * from a zone that the server no longer knows, or from rows that were written by
 * hand.  One such job must not stop the others, so no error is raised.
 */
static bool
read_schedule(const PoJob *job, PoSchedule *schedule, pg_tz **zone)
{
	PoScheduleError error;

	*zone = po_zone_find_or_null(job->timezone);
	return *zone != NULL && po_due_parse(job->schedule, schedule, &error);
}

/* Gives jobs that were defined, changed or resumed their first slot, counted from now. */
static void
rebase_jobs(TimestampTz now)
{
	PoJob	  **jobs;
	int			n = load_jobs("j.rebase AND $1 IS NOT NULL", now, &jobs);

	for (int i = 0; i < n; i++)
	{
		PoSchedule	schedule;
		pg_tz	   *zone;

		po_job_set_next(jobs[i]->job_id, read_schedule(jobs[i], &schedule, &zone)
						? po_zone_next(&schedule, zone, now) : DT_NOEND);
	}
}

/*
 * Makes way for a new run of a job: true when there is none open, or one that
 * waits for a retry, which the new one supersedes.  Else fills *reason.
 */
static bool
clear_way(const PoJob *job, TimestampTz slot, char **reason)
{
	PoStoreArgs args = {0};
	uint64		n;

	po_store_int8(&args, job->job_id);
	n = po_store_run("SELECT r.run_id, r.status = 'running', r.attempt > 0 FROM perf_optimizer.job_run r"
					 " WHERE r.job_id = $1 AND r.status IN ('queued', 'running')"
					 " ORDER BY r.status = 'running' DESC, r.attempt > 0, r.run_id", &args);
	for (uint64 i = 0; i < n; i++)
	{
		int64		run_id = po_store_get_int8(i, 1);
		bool		isnull;

		if (DatumGetBool(po_store_datum(i, 2, &isnull)))
			*reason = psprintf("run " INT64_FORMAT " of the job is still running", run_id);
		else if (!DatumGetBool(po_store_datum(i, 3, &isnull)))
			*reason = psprintf("run " INT64_FORMAT " of the job still waits for its turn", run_id);
		else if (po_run_load(run_id, PO_RUN_SKIP_LOCKED, CurrentMemoryContext) == NULL)
			*reason = psprintf("run " INT64_FORMAT " of the job is being changed", run_id);
		else
		{
			po_run_end_queued(run_id, PO_RUN_SKIPPED,
							  psprintf("superseded by the slot of %s", timestamptz_to_str(slot)));
			return true;
		}
		return false;
	}
	return true;
}

/*
 * Records the slots from *slot up to the last one not after now as missed, that
 * one excepted, and moves *slot there.  Returns whether there were any.
 */
static bool
skip_missed(const PoJob *job, const PoSchedule *schedule, pg_tz *zone, TimestampTz now,
			TimestampTz *slot)
{
	TimestampTz last = po_zone_last(schedule, zone, *slot, now);
	bool		any = false;

	for (int i = 0; *slot < last; i++)
	{
		CHECK_FOR_INTERRUPTS();
		any = true;
		if (i == MAX_MISSED_ROWS)
		{
			po_run_skip_slot(job, *slot, psprintf("missed, as were the slots up to that of %s",
												  timestamptz_to_str(last)));
			*slot = last;
			break;
		}
		po_run_skip_slot(job, *slot, "missed: the scheduler was not running, or was late");
		*slot = po_zone_next(schedule, zone, *slot);
	}
	return any;
}

/* Takes the slot of a job that is due: a run, or a row that says why not. */
static void
take_slot(const PoJob *job, TimestampTz now)
{
	PoSchedule	schedule;
	pg_tz	   *zone;
	TimestampTz slot = job->next_run;
	char	   *reason = NULL;
	bool		missed;

	if (!read_schedule(job, &schedule, &zone))
	{
		po_run_skip_slot(job, slot, "the job's schedule or time zone is not understood any more");
		po_job_set_next(job->job_id, DT_NOEND);
		return;
	}
	missed = skip_missed(job, &schedule, zone, now, &slot);
	if (clear_way(job, slot, &reason))
		(void) po_run_enqueue(job, missed || now - slot > LATE_US ? "catch-up" : "slot", slot);
	else
		po_run_skip_slot(job, slot, reason);
	po_job_set_next(job->job_id, po_zone_next(&schedule, zone, slot));
}

/* Enqueues the jobs that run once after each start of the server. */
static void
enqueue_boot_jobs(TimestampTz now)
{
	PoJob	  **jobs;
	int			n = load_jobs("j.enabled AND NOT j.paused AND $1 IS NOT NULL"
							  " AND pg_catalog.lower(pg_catalog.btrim(j.schedule)) = '@reboot'", now, &jobs);
	char	   *reason;

	for (int i = 0; i < n; i++)
		if (clear_way(jobs[i], now, &reason))
			(void) po_run_enqueue(jobs[i], "start", now);
}

/*
 * Enqueues what is due; at_boot says that this is the first look since the server
 * started.  Returns the moment at which the next slot is due, DT_NOEND for none.
 */
TimestampTz
po_slots_take(TimestampTz now, bool at_boot)
{
	PoJob	  **jobs;
	TimestampTz next;
	int			n;

	rebase_jobs(now);
	if (at_boot)
		enqueue_boot_jobs(now);
	n = load_jobs("j.enabled AND NOT j.paused AND NOT j.rebase AND j.next_run <= $1", now, &jobs);
	for (int i = 0; i < n; i++)
		take_slot(jobs[i], now);
	if (po_job_next_due(now, &next) > 0)
		next = Min(next, TimestampTzPlusMilliseconds(now, LOCKED_RETRY_MS));
	return next;
}

/* Tells whether a runner of this database has a run in hand. */
static bool
has_runner(int64 run_id)
{
	bool		found = false;

	LWLockAcquire(po_sched_lock, LW_SHARED);
	for (int i = 0; i < po_sched->nrunners && !found; i++)
		found = po_sched->runners[i].phase != PO_RUNNER_FREE &&
			po_sched->runners[i].dboid == MyDatabaseId && po_sched->runners[i].run_id == run_id;
	LWLockRelease(po_sched_lock);
	return found;
}

/*
 * Marks runs as crashed that are running according to their row but that no
 * runner has in hand: shared memory is new after a crash, the rows are not.
 */
void
po_slots_recover(void)
{
	PoOutcome	crashed = {
		.state = PO_RUN_CRASHED,
		.rows_affected = -1,
		.sqlstate = "57P02",
		.message = "the server stopped while the run was in progress",
	};
	uint64		n = po_store_run("SELECT r.run_id FROM perf_optimizer.job_run r WHERE r.status = 'running'", NULL);
	int64	   *ids = palloc(sizeof(int64) * Max(n, 1));

	for (uint64 i = 0; i < n; i++)
		ids[i] = po_store_get_int8(i, 1);
	for (uint64 i = 0; i < n; i++)
		if (!has_runner(ids[i]))
			(void) po_run_settle(ids[i], &crashed);
}
