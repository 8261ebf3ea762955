/*
 * slots.c
 *	  Turning slots of jobs that are due into runs.
 *
 * Jobs are taken in batches, each with a few statements however many jobs it has.
 * Rows that a session holds locked, because it is changing the job, are passed
 * over: the end of its transaction wakes us.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "sched/job.h"
#include "sched/order.h"
#include "sched/run.h"
#include "sched/shared.h"
#include "sched/slots.h"
#include "sched/store.h"
#include "sched/timetable.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Jobs that one transaction takes. */
#define BATCH 1000
/* Missed slots of one job that get a row each; the rest share one. */
#define MAX_MISSED_ROWS 100
/* A slot that is this late is called a catch-up. */
#define LATE_US (60 * USECS_PER_SEC)
/* When to look again at jobs that are locked, should no wake-up come. */
#define LOCKED_RETRY_MS 5000

/* A run of a job that has not ended. */
typedef struct OpenRun
{
	int64		job_id;
	int64		run_id;
	bool		running;
	bool		retry;			/* waits for another attempt */
} OpenRun;

/* Jobs that are taken together, and what is to be stored for them. */
typedef struct Batch
{
	TimestampTz now;
	int			njobs;
	PoJob	  **jobs;
	OpenRun    *open;			/* by job */
	uint64		nopen;
	List	   *runs;			/* of PoNewRun */
	PoNextSlot *next;
	int			nnext;
} Batch;

/* Takes the jobs from the rows of the last statement. */
static void
begin_batch(Batch *batch, TimestampTz now, uint64 n)
{
	memset(batch, 0, sizeof(Batch));
	batch->now = now;
	batch->njobs = n;
	batch->jobs = palloc(sizeof(PoJob *) * Max(batch->njobs, 1));
	batch->next = palloc(sizeof(PoNextSlot) * Max(batch->njobs, 1));
	for (int i = 0; i < batch->njobs; i++)
		batch->jobs[i] = po_job_from_row(i, CurrentMemoryContext);
}

/* Loads jobs that a condition on $1 and $2 names, and locks them where asked; one batch of them. */
static void
load_jobs(Batch *batch, const char *condition, const char *locking, TimestampTz now, int64 job_id)
{
	PoStoreArgs args = {0};

	po_store_time(&args, now);
	po_store_int8(&args, job_id);
	po_store_int4(&args, BATCH);
	begin_batch(batch, now,
				po_store_run_planned(psprintf("SELECT " PO_JOB_COLUMNS " FROM perf_optimizer.job j WHERE " PO_JOB_OURS
											  " AND $1 IS NOT NULL AND $2 IS NOT NULL AND %s LIMIT $3 %s",
											  condition, locking), &args));
}

/* Loads the jobs that run after another; they are few, and asked for at the end of each run. */
static void
load_followers(Batch *batch, TimestampTz now, int64 job_id)
{
	PoStoreArgs args = {0};

	po_store_int8(&args, job_id);
	begin_batch(batch, now,
				po_store_run("SELECT " PO_JOB_COLUMNS " FROM perf_optimizer.job j WHERE " PO_JOB_OURS
							 " AND j.after_job = $1 AND j.enabled AND NOT j.paused", &args));
}

/* Loads the open runs of the batch's jobs: a job's running one first, waiting retries last. */
static void
load_open_runs(Batch *batch)
{
	PoStoreArgs args = {0};
	Datum	   *ids = palloc(sizeof(Datum) * Max(batch->njobs, 1));
	bool		isnull;

	for (int i = 0; i < batch->njobs; i++)
		ids[i] = Int64GetDatum(batch->jobs[i]->job_id);
	po_store_array(&args, INT8OID, ids, NULL, batch->njobs);
	batch->nopen = po_store_run_planned("SELECT r.job_id, r.run_id, r.status = 'running', r.attempt > 0 FROM perf_optimizer.job_run r"
										" WHERE r.job_id = ANY ($1) AND r.status IN ('queued', 'running')"
										" ORDER BY r.job_id, r.status = 'running' DESC, r.attempt > 0, r.run_id", &args);
	batch->open = palloc(sizeof(OpenRun) * Max(batch->nopen, 1));
	for (uint64 i = 0; i < batch->nopen; i++)
	{
		OpenRun    *run = &batch->open[i];

		run->job_id = po_store_get_int8(i, 1);
		run->run_id = po_store_get_int8(i, 2);
		run->running = DatumGetBool(po_store_datum(i, 3, &isnull));
		run->retry = DatumGetBool(po_store_datum(i, 4, &isnull));
	}
}

/* Notes the next slot of a job. */
static void
set_next(Batch *batch, const PoJob *job, TimestampTz next, bool done)
{
	PoNextSlot *slot = &batch->next[batch->nnext++];

	slot->job_id = job->job_id;
	slot->next = next;
	slot->done = done;
}

/* Notes a run of a job; skipped is the reason when it is not to be run, or NULL. */
static void
add_run(Batch *batch, const PoJob *job, const char *cause, TimestampTz slot, char *skipped)
{
	PoNewRun   *run = palloc(sizeof(PoNewRun));

	run->job = job;
	run->cause = cause;
	run->slot = slot;
	run->skipped = skipped;
	batch->runs = lappend(batch->runs, run);
}

/* Stores what was noted. */
static void
store_batch(Batch *batch)
{
	po_run_store_new(batch->runs);
	po_order_runs(batch->runs);
	po_job_set_next(batch->next, batch->nnext);
}

/* Returns the first open run of a job, or NULL. */
static OpenRun *
find_open(const Batch *batch, int64 job_id)
{
	uint64		low = 0;
	uint64		high = batch->nopen;

	while (low < high)
	{
		uint64		middle = (low + high) / 2;

		if (batch->open[middle].job_id < job_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < batch->nopen && batch->open[low].job_id == job_id ? &batch->open[low] : NULL;
}

/*
 * Makes way for a new run of a job: returns NULL when there is none open, or one
 * that waits for a retry, which the new one supersedes; else the reason.
 */
static char *
clear_way(const Batch *batch, const PoJob *job, TimestampTz slot)
{
	OpenRun    *open = find_open(batch, job->job_id);

	if (open == NULL)
		return NULL;
	if (open->running)
		return psprintf("run " INT64_FORMAT " of the job is still running", open->run_id);
	if (!open->retry)
		return psprintf("run " INT64_FORMAT " of the job still waits for its turn", open->run_id);
	if (po_run_load(open->run_id, PO_RUN_SKIP_LOCKED, CurrentMemoryContext) == NULL)
		return psprintf("run " INT64_FORMAT " of the job is being changed", open->run_id);
	po_run_end_queued(open->run_id, PO_RUN_SKIPPED,
					  psprintf("superseded by the slot of %s", timestamptz_to_str(slot)));
	return NULL;
}

/* Gives jobs that were defined, changed or resumed their first slot, counted from now. */
static void
rebase_jobs(TimestampTz now)
{
	Batch		batch;

	do
	{
		load_jobs(&batch, "j.rebase", "FOR UPDATE OF j SKIP LOCKED", now, 0);
		for (int i = 0; i < batch.njobs; i++)
		{
			PoTimetable table;

			set_next(&batch, batch.jobs[i], po_timetable_read(batch.jobs[i], &table)
					 ? po_timetable_next(&table, now) : DT_NOEND, batch.jobs[i]->done);
		}
		store_batch(&batch);
	} while (batch.njobs == BATCH);
}

/*
 * Records the slots from *slot up to the last one not after now as missed, that
 * one excepted, and moves *slot there.  Returns whether there were any.
 */
static bool
skip_missed(Batch *batch, const PoJob *job, const PoTimetable *table, TimestampTz *slot)
{
	TimestampTz last = po_timetable_last(table, *slot, batch->now);
	bool		any = false;

	for (int i = 0; *slot < last; i++)
	{
		CHECK_FOR_INTERRUPTS();
		any = true;
		if (i == MAX_MISSED_ROWS)
		{
			add_run(batch, job, "slot", *slot, psprintf("missed, as were the slots up to that of %s",
														timestamptz_to_str(last)));
			*slot = last;
			break;
		}
		add_run(batch, job, "slot", *slot, "missed: the scheduler was not running, or was late");
		*slot = po_timetable_next(table, *slot);
	}
	return any;
}

/* Takes the slot of a job that is due: a run, or one that is skipped and says why. */
static void
take_slot(Batch *batch, const PoJob *job)
{
	PoTimetable table;
	TimestampTz slot = job->next_run;
	bool		missed;

	if (!po_timetable_read(job, &table))
	{
		add_run(batch, job, "slot", slot, "the job's schedule, time zone or window is not understood any more");
		set_next(batch, job, DT_NOEND, job->done);
		return;
	}
	missed = skip_missed(batch, job, &table, &slot);
	add_run(batch, job, missed || batch->now - slot > LATE_US ? "catch-up" : "slot", slot,
			clear_way(batch, job, slot));
	set_next(batch, job, table.once ? DT_NOEND : po_timetable_next(&table, slot), table.once);
}

/* Enqueues the jobs that run once after each start of the server. */
static void
enqueue_boot_jobs(TimestampTz now)
{
	int64		last = 0;
	Batch		batch;

	do
	{
		load_jobs(&batch, "j.job_id > $2 AND j.enabled AND NOT j.paused"
				  " AND pg_catalog.lower(pg_catalog.btrim(j.schedule)) = '@reboot' ORDER BY j.job_id", "", now, last);
		load_open_runs(&batch);
		for (int i = 0; i < batch.njobs; i++)
		{
			PoTimetable table;
			char	   *reason = clear_way(&batch, batch.jobs[i], now);

			if (reason == NULL && po_timetable_read(batch.jobs[i], &table) && !po_timetable_excludes(&table, now))
				add_run(&batch, batch.jobs[i], "start", now, NULL);
			last = batch.jobs[i]->job_id;
		}
		store_batch(&batch);
	} while (batch.njobs == BATCH);
}

/*
 * Enqueues a batch of what is due; at_boot says that this is the first look since
 * the server started.  Returns whether there may be more.
 */
bool
po_slots_take(TimestampTz now, bool at_boot)
{
	Batch		batch;

	rebase_jobs(now);
	if (at_boot)
		enqueue_boot_jobs(now);
	load_jobs(&batch, "j.enabled AND NOT j.paused AND NOT j.rebase AND j.next_run <= $1",
			  "FOR UPDATE OF j SKIP LOCKED", now, 0);
	load_open_runs(&batch);
	for (int i = 0; i < batch.njobs; i++)
		take_slot(&batch, batch.jobs[i]);
	store_batch(&batch);
	return batch.njobs == BATCH;
}

/*
 * Returns the moment at which the next slot is due, or jobs that are locked are
 * to be looked at again; DT_NOEND for none.
 */
TimestampTz
po_slots_next(TimestampTz now)
{
	TimestampTz next;

	if (po_job_next_due(now, &next))
		next = Min(next, TimestampTzPlusMilliseconds(now, LOCKED_RETRY_MS));
	return next;
}

/*
 * Enqueues the jobs that run after the given one has succeeded; returns whether
 * there are any.  They are read without a lock: one that is being changed runs
 * as it was.
 */
bool
po_slots_follow(int64 job_id, TimestampTz now)
{
	Batch		batch;

	load_followers(&batch, now, job_id);
	if (batch.njobs == 0)
		return false;
	load_open_runs(&batch);
	for (int i = 0; i < batch.njobs; i++)
	{
		PoTimetable table;
		char	   *reason;

		if (!po_timetable_read(batch.jobs[i], &table))
			reason = "the job's schedule, time zone or window is not understood any more";
		else if (po_timetable_excludes(&table, now))
			reason = "this moment lies in the job's excluded window";
		else
			reason = clear_way(&batch, batch.jobs[i], now);
		add_run(&batch, batch.jobs[i], "after", now, reason);
	}
	store_batch(&batch);
	return true;
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
