/*
 * dispatch.c
 *	  Handing waiting runs to runners, and taking back what runners dropped.
 *
 * All functions run in the scheduler; those that read tables are called between
 * po_store_enter and po_store_leave.
 */
#include "postgres.h"

#include "core/clock.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "sched/job.h"
#include "sched/run.h"
#include "sched/runner.h"
#include "sched/scheduler.h"
#include "sched/shared.h"
#include "sched/store.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* How long to wait when max_worker_processes is used up. */
#define NO_WORKER_MS 1000
/* A runner that has not come to life after this time never will. */
#define START_LIMIT_MS 30000

/* What became of the attempt to hand out a run. */
typedef enum Handed
{
	HANDED_OUT,
	HANDED_LATER,				/* its job has another run in hand */
	HANDED_NO_SLOT,				/* all runners are busy */
	HANDED_NO_WORKER			/* the server has no worker to spare */
} Handed;

/* Tells whether a job of this database is in some runner's hands; lock held. */
static bool
job_in_hand(int64 job_id)
{
	for (int i = 0; i < po_sched->nrunners; i++)
		if (po_sched->runners[i].phase != PO_RUNNER_FREE &&
			po_sched->runners[i].dboid == MyDatabaseId && po_sched->runners[i].job_id == job_id)
			return true;
	return false;
}

/* Reserves a runner's slot for a run; fills *index. */
static Handed
reserve_slot(int64 run_id, int64 job_id, Oid roleid, int *index)
{
	Handed		result = HANDED_NO_SLOT;

	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	if (job_in_hand(job_id))
		result = HANDED_LATER;
	for (int i = 0; i < po_sched->nrunners && result == HANDED_NO_SLOT; i++)
	{
		PoRunner   *runner = &po_sched->runners[i];
		uint32		generation = runner->generation + 1;

		if (runner->phase != PO_RUNNER_FREE)
			continue;
		memset(runner, 0, sizeof(PoRunner));
		runner->phase = PO_RUNNER_STARTING;
		runner->generation = generation;
		runner->dboid = MyDatabaseId;
		runner->roleid = roleid;
		runner->run_id = run_id;
		runner->job_id = job_id;
		runner->assigned_at = GetCurrentTimestamp();
		*index = i;
		result = HANDED_OUT;
	}
	if (result == HANDED_NO_SLOT)
		po_shared_find_database(MyDatabaseId)->starved = true;
	LWLockRelease(po_sched_lock);
	return result;
}

/* Gives a slot back that no process was found for. */
static void
free_slot(int index)
{
	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	po_sched->runners[index].phase = PO_RUNNER_FREE;
	LWLockRelease(po_sched_lock);
}

/* Hands a run to a new runner. */
static Handed
hand_out(int64 run_id, int64 job_id, Oid roleid)
{
	int			index;
	Handed		result = reserve_slot(run_id, job_id, roleid, &index);

	if (result == HANDED_OUT && !po_runner_start(index, po_sched->runners[index].generation))
	{
		free_slot(index);
		result = HANDED_NO_WORKER;
	}
	return result;
}

/* Ends a run that no runner can take: nobody knows as whom, or how. */
static void
fail_without_runner(int64 run_id, const PoJob *job, bool known_kind)
{
	PoOutcome	outcome = {
		.state = PO_RUN_FAILED,
		.rows_affected = -1,
		.sqlstate = "42704",
		.message = known_kind
		? psprintf("the role as which job \"%s\" runs does not exist", job->name)
		: psprintf("unknown kind of job \"%s\"", job->kind),
		.hint = "Remove the job with perf_optimizer.unschedule, and schedule it again.",
	};

	(void) po_run_settle(run_id, &outcome);
}

/*
 * Lists the waiting runs whose turn it is, highest priority first.  Those that a
 * session is changing are passed over: the end of its transaction wakes us.
 */
static uint64
list_waiting(TimestampTz now, int64 **run_ids, PoJob ***jobs)
{
	PoStoreArgs args = {0};
	uint64		n;

	po_store_time(&args, now);
	po_store_int4(&args, po_sched->nrunners * 2);
	n = po_store_run("SELECT " PO_JOB_COLUMNS ", r.run_id FROM perf_optimizer.job_run r"
					 " JOIN perf_optimizer.job j ON j.job_id = r.job_id CROSS JOIN " PO_JOB_OURS
					 " AND r.status = 'queued' AND r.not_before <= $1"
					 " AND NOT EXISTS (SELECT FROM perf_optimizer.job_run o WHERE o.job_id = r.job_id AND o.status = 'running')"
					 " AND NOT EXISTS (SELECT FROM perf_optimizer.job_run e WHERE e.job_id = r.job_id AND e.status = 'queued'"
					 " AND e.not_before <= $1 AND e.run_id < r.run_id)"
					 " ORDER BY r.priority DESC, r.scheduled_for, r.run_id LIMIT $2 FOR UPDATE OF r SKIP LOCKED", &args);
	*run_ids = palloc(sizeof(int64) * Max(n, 1));
	*jobs = palloc(sizeof(PoJob *) * Max(n, 1));
	for (uint64 i = 0; i < n; i++)
	{
		(*jobs)[i] = po_job_from_row(i, CurrentMemoryContext);
		(*run_ids)[i] = po_store_get_int8(i, PO_JOB_NCOLUMNS + 1);
	}
	return n;
}

/* Returns the moment at which the next retry is due, DT_NOEND when none waits. */
static TimestampTz
next_retry(TimestampTz now)
{
	PoStoreArgs args = {0};
	bool		isnull;
	Datum		value;

	po_store_time(&args, now);
	po_store_run("SELECT min(r.not_before) FROM perf_optimizer.job_run r"
				 " WHERE r.status = 'queued' AND r.not_before > $1", &args);
	value = po_store_datum(0, 1, &isnull);
	return isnull ? DT_NOEND : DatumGetTimestampTz(value);
}

/*
 * Hands out the runs whose turn it is, as far as runners are free.  Returns the
 * moment at which there is more to hand out, should nobody wake us before.
 */
TimestampTz
po_dispatch_runs(TimestampTz now)
{
	int64	   *run_ids;
	PoJob	  **jobs;
	uint64		n = list_waiting(now, &run_ids, &jobs);

	for (uint64 i = 0; i < n; i++)
	{
		const PoJobKind *kind = po_kind_find_or_null(jobs[i]->kind);
		Oid			roleid = kind != NULL ? kind->as_whom(jobs[i]) : InvalidOid;
		Handed		handed;

		CHECK_FOR_INTERRUPTS();
		if (!OidIsValid(roleid))
		{
			fail_without_runner(run_ids[i], jobs[i], kind != NULL);
			continue;
		}
		handed = hand_out(run_ids[i], jobs[i]->job_id, roleid);
		if (handed == HANDED_NO_SLOT)
			break;
		if (handed == HANDED_NO_WORKER)
			return Min(next_retry(now), TimestampTzPlusMilliseconds(now, NO_WORKER_MS));
	}
	return next_retry(now);
}

/* Copies a slot of ours whose process is gone without an outcome; false when it is not so. */
static bool
is_gone(int index, PoRunner *copy)
{
	PoRunner   *runner = &po_sched->runners[index];
	TimestampTz limit = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), -START_LIMIT_MS);
	bool		gone = false;

	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	if (runner->dboid == MyDatabaseId)
	{
		if (runner->phase == PO_RUNNER_STARTING && runner->pid == 0 && runner->assigned_at < limit)
			runner->phase = PO_RUNNER_GONE;
		gone = runner->phase == PO_RUNNER_GONE;
		*copy = *runner;
	}
	LWLockRelease(po_sched_lock);
	return gone;
}

/*
 * Stores the outcome that a runner could not store itself; false when a session
 * has the run locked, so that it must be done later.
 */
static bool
settle_gone(const PoRunner *runner)
{
	PoRun	   *run = po_run_load(runner->run_id, PO_RUN_NO_LOCK, CurrentMemoryContext);
	PoOutcome	outcome = {
		.state = PO_RUN_FAILED,
		.rows_affected = -1,
		.sqlstate = runner->sqlstate[0] ? runner->sqlstate : "57P01",
		.message = runner->message[0] ? runner->message : "the runner ended without a message",
		.detail = runner->detail[0] ? runner->detail : NULL,
		.hint = runner->hint[0] ? runner->hint : NULL,
	};

	if (run == NULL || po_state_is_final(run->state))
		return true;
	/* Stopped before it began: the run still waits, and is handed out again. */
	if (run->state == PO_RUN_QUEUED && strcmp(outcome.sqlstate, "57P01") == 0)
		return true;
	run = po_run_load(runner->run_id, PO_RUN_SKIP_LOCKED, CurrentMemoryContext);
	if (run == NULL)
		return false;
	if (run->state == PO_RUN_RUNNING && runner->timed_out)
		outcome.state = PO_RUN_TIMED_OUT;
	else if (run->state == PO_RUN_RUNNING && runner->cancelled)
		outcome.state = PO_RUN_CANCELLED;
	else if (run->state == PO_RUN_RUNNING)
		outcome.state = PO_RUN_CRASHED; /* a stop of the server, seen in time or not, gives the same */
	(void) po_run_settle(runner->run_id, &outcome);
	return true;
}

/*
 * Settles the runs of runners that ended without an outcome and frees their
 * slots.  A slot is freed before our commit: should that fail, the next
 * scheduler finds the run without a runner.
 */
void
po_dispatch_reap(void)
{
	for (int i = 0; i < po_sched->nrunners; i++)
	{
		PoRunner	copy;

		CHECK_FOR_INTERRUPTS();
		if (is_gone(i, &copy) && settle_gone(&copy))
			free_slot(i);
	}
}

/* Frees the slots of runners that are gone, when there is no table to note it in. */
void
po_dispatch_forget(void)
{
	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	for (int i = 0; i < po_sched->nrunners; i++)
		if (po_sched->runners[i].dboid == MyDatabaseId && po_sched->runners[i].phase == PO_RUNNER_GONE)
			po_sched->runners[i].phase = PO_RUNNER_FREE;
	LWLockRelease(po_sched_lock);
}

/*
 * Tells whether a slot of ours needs another look soon: its process is gone and
 * could not be settled, or has not come to life yet.
 */
bool
po_dispatch_unsettled(void)
{
	bool		found = false;

	LWLockAcquire(po_sched_lock, LW_SHARED);
	for (int i = 0; i < po_sched->nrunners && !found; i++)
		found = po_sched->runners[i].dboid == MyDatabaseId &&
			(po_sched->runners[i].phase == PO_RUNNER_GONE ||
			 (po_sched->runners[i].phase == PO_RUNNER_STARTING && po_sched->runners[i].pid == 0));
	LWLockRelease(po_sched_lock);
	return found;
}

/* Tells whether runners of this database are at work. */
bool
po_dispatch_busy(void)
{
	bool		busy = false;

	LWLockAcquire(po_sched_lock, LW_SHARED);
	for (int i = 0; i < po_sched->nrunners && !busy; i++)
		busy = po_sched->runners[i].phase != PO_RUNNER_FREE &&
			po_sched->runners[i].dboid == MyDatabaseId;
	LWLockRelease(po_sched_lock);
	return busy;
}
