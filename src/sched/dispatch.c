/*
 * dispatch.c
 *	  Handing waiting runs to runners, and taking back what runners dropped.
 *
 * A run goes to an idle runner of its role, else to a new one, else into the
 * queue, from which runners of that role take it when they have ended another.
 * Each look makes the queue anew from the tables, so it needs no repair.
 *
 * All functions run in the scheduler; those that read tables are called between
 * po_store_enter and po_store_leave.
 */
#include "postgres.h"

#include "core/clock.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "sched/crew.h"
#include "sched/dispatch.h"
#include "sched/job.h"
#include "sched/order.h"
#include "sched/run.h"
#include "sched/shared.h"
#include "sched/store.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/* When to look again when max_worker_processes is used up, or a run that others wait for was not found. */
#define LOOK_AGAIN_MS 1000
/* A runner that has not come to life after this time never will. */
#define START_LIMIT_MS 30000

/* What hand_out decides once for all runs of a look. */
typedef struct Round
{
	PoDatabase *db;
	bool		no_worker;		/* the server has none to spare */
	bool		held_back;		/* more could have been started */
} Round;

/*
 * Tells whether a runner of this database has the run in hand, or another of its
 * job, whose end is to be reported then; lock held.
 */
static bool
job_in_hand(const PoWaiting *run)
{
	for (int i = 0; i < po_sched->nrunners; i++)
	{
		PoRunner   *runner = &po_sched->runners[i];

		if (runner->phase == PO_RUNNER_FREE || runner->dboid != MyDatabaseId ||
			runner->job_id != run->job_id)
			continue;
		if (runner->run_id != run->run_id)
			runner->awaited = true;
		return true;
	}
	return false;
}

/* Gives a run to an idle runner of its role; false when there is none.  Lock held. */
static bool
give_to_idle(const PoWaiting *run)
{
	for (int i = 0; i < po_sched->nrunners; i++)
	{
		PoRunner   *runner = &po_sched->runners[i];

		if (runner->phase != PO_RUNNER_IDLE || runner->dismissed ||
			runner->dboid != MyDatabaseId || runner->roleid != run->roleid)
			continue;
		po_crew_give(runner, run);
		SetLatch(runner->latch);
		return true;
	}
	return false;
}

/* Has an idle runner of another role give its slot back; lock held. */
static void
dismiss_idle(void)
{
	for (int i = 0; i < po_sched->nrunners; i++)
	{
		PoRunner   *runner = &po_sched->runners[i];

		if (runner->phase != PO_RUNNER_IDLE)
			continue;
		if (!runner->dismissed)
			SetLatch(runner->latch);
		runner->dismissed = true;
		return;
	}
}

/* Notes that runs of a role without a runner wait for a slot; lock held. */
static void
note_starved(PoDatabase *db, int priority)
{
	db->starved_priority = db->starved ? Max(db->starved_priority, priority) : priority;
	db->starved = true;
}

/* Hands a run out as far as it goes without a new process; returns the slot that needs one, or -1.  Lock held. */
static int
place(Round *round, const PoWaiting *run)
{
	int			nrunners;
	int			index = -1;
	bool		wants_more;

	if (job_in_hand(run) || give_to_idle(run))
		return -1;
	nrunners = po_crew_count(run->roleid);
	wants_more = po_crew_wants_more(nrunners);
	if (!wants_more)
		round->held_back = true;
	else if (!round->no_worker)
		index = po_crew_reserve(run);
	if (index >= 0)
		return index;
	if (wants_more)
		dismiss_idle();
	if (nrunners == 0)
		note_starved(round->db, run->priority);
	else if (!po_shared_push_waiting(run))
		round->db->more_waiting = true;
	return -1;
}

/* Begins a round with an empty queue; lock held. */
static void
begin_round(Round *round)
{
	memset(round, 0, sizeof(Round));
	round->db = po_shared_find_database(MyDatabaseId);
	po_crew_begin_round(round->db);
	po_shared_drop_waiting(MyDatabaseId);
	round->db->starved = false;
}

/*
 * Hands out runs, the first of them first; more says that there are others.
 * Returns when to look again because the server has no worker to spare, DT_NOEND
 * when it has.
 */
static TimestampTz
hand_out(const PoWaiting *runs, uint64 n, bool more)
{
	Round		round;

	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	begin_round(&round);
	round.db->more_waiting = more;
	for (uint64 i = 0; i < n; i++)
	{
		int			index = place(&round, &runs[i]);
		uint32		generation;

		if (index < 0)
			continue;
		generation = po_sched->runners[index].generation;
		LWLockRelease(po_sched_lock);
		if (!po_crew_start(index, generation))
		{
			round.no_worker = true;
			i--;
		}
		LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	}
	po_crew_end_round(round.db, round.held_back);
	po_shared_note_worker(round.db, round.no_worker);
	LWLockRelease(po_sched_lock);
	return round.no_worker ? TimestampTzPlusMilliseconds(po_clock_now(), LOOK_AGAIN_MS) : DT_NOEND;
}

/* Ends a run whose owner does not exist any more. */
static void
fail_without_role(const PoWaiting *run)
{
	PoOutcome	outcome = {
		.state = PO_RUN_FAILED,
		.rows_affected = -1,
		.sqlstate = "42704",
		.message = "the role as which the job runs does not exist",
		.hint = "Remove the job with perf_optimizer.unschedule, and schedule it again.",
	};

	(void) po_run_settle(run->run_id, &outcome);
}

/*
 * Lists the waiting runs whose turn it is, highest priority first, at most limit
 * of them and one of each job.  Those that another run must precede are left out;
 * that other run wakes us when it ends.
 */
static uint64
list_waiting(TimestampTz now, int limit, PoWaiting **runs)
{
	PoStoreArgs args = {0};
	bool		isnull;
	uint64		n;

	po_store_time(&args, now);
	po_store_int4(&args, limit);
	n = po_store_run_planned("SELECT r.run_id, r.job_id, j.owner, r.priority FROM"
							 " (SELECT DISTINCT ON (w.job_id) w.* FROM perf_optimizer.job_run w"
							 " WHERE w.status = 'queued' AND w.not_before <= $1 ORDER BY w.job_id, w.run_id) r"
							 " JOIN perf_optimizer.job j ON j.job_id = r.job_id WHERE " PO_JOB_OURS
							 " AND (r.after_runs IS NULL OR NOT EXISTS (SELECT FROM perf_optimizer.job_run e"
							 " WHERE e.run_id = ANY (r.after_runs) AND (e.status = 'running' OR e.status = 'queued' AND e.attempt = 0)))"
							 " ORDER BY r.priority DESC, r.scheduled_for, r.run_id LIMIT $2", &args);
	*runs = palloc(sizeof(PoWaiting) * Max(n, 1));
	for (uint64 i = 0; i < n; i++)
	{
		PoWaiting  *run = &(*runs)[i];

		run->awaited = false;
		run->dboid = MyDatabaseId;
		run->run_id = po_store_get_int8(i, 1);
		run->job_id = po_store_get_int8(i, 2);
		run->roleid = DatumGetObjectId(po_store_datum(i, 3, &isnull));
		run->priority = DatumGetInt32(po_store_datum(i, 4, &isnull));
	}
	return n;
}

/* Ends the runs of roles that are gone; returns how many are left. */
static uint64
sort_out(PoWaiting *runs, uint64 n)
{
	uint64		kept = 0;

	for (uint64 i = 0; i < n; i++)
	{
		if (SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(runs[i].roleid)))
			runs[kept++] = runs[i];
		else
			fail_without_role(&runs[i]);
	}
	return kept;
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
 * Hands out the runs whose turn it is, as far as runners and room in the queue
 * go.  Returns the moment at which there is more to hand out, should nobody wake
 * us before.
 */
TimestampTz
po_dispatch_runs(TimestampTz now)
{
	int			limit = po_sched->nrunners * (PO_WAITING_PER_RUNNER + 2);
	PoWaiting  *runs;
	uint64		n = list_waiting(now, limit, &runs);
	bool		more = n == limit;
	bool		all_known;
	TimestampTz retry;
	TimestampTz next;

	n = sort_out(runs, n);
	retry = next_retry(now);
	all_known = po_order_mark_awaited(runs, n);
	next = hand_out(runs, n, more);
	next = Min(next, retry);
	return all_known ? next : Min(next, TimestampTzPlusMilliseconds(now, LOOK_AGAIN_MS));
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
		.sqlstate = runner->sqlstate[0] ? runner->sqlstate : NULL,
		.message = runner->message[0] ? runner->message : NULL,
		.detail = runner->detail[0] ? runner->detail : NULL,
		.hint = runner->hint[0] ? runner->hint : NULL,
	};

	if (run == NULL || po_state_is_final(run->state))
		return true;
	if (!runner->ended && outcome.message == NULL)
	{
		outcome.sqlstate = "57P01";
		outcome.message = "the runner ended without a message";
	}
	/* Stopped before it began: the run still waits, and is handed out again. */
	if (run->state == PO_RUN_QUEUED && !runner->ended && strcmp(outcome.sqlstate, "57P01") == 0)
		return true;
	run = po_run_load(runner->run_id, PO_RUN_SKIP_LOCKED, CurrentMemoryContext);
	if (run == NULL)
		return false;
	if (runner->ended)
		outcome.state = runner->outcome;
	else if (run->state == PO_RUN_RUNNING && runner->timed_out)
		outcome.state = PO_RUN_TIMED_OUT;
	else if (run->state == PO_RUN_RUNNING && runner->cancelled)
		outcome.state = PO_RUN_CANCELLED;
	else if (run->state == PO_RUN_RUNNING)
		outcome.state = PO_RUN_CRASHED; /* a stop of the server, seen in time
										 * or not, gives the same */
	(void) po_run_settle(runner->run_id, &outcome);
	return true;
}

/*
 * Settles the runs of runners that ended without storing an outcome.  Their slots
 * are freed by po_dispatch_free_settled, after the commit.
 */
void
po_dispatch_reap(void)
{
	for (int i = 0; i < po_sched->nrunners; i++)
	{
		PoRunner	copy;

		CHECK_FOR_INTERRUPTS();
		if (is_gone(i, &copy))
			po_sched->runners[i].settled = settle_gone(&copy);
	}
}

/* Frees the slots whose runs po_dispatch_reap has settled. */
void
po_dispatch_free_settled(void)
{
	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	for (int i = 0; i < po_sched->nrunners; i++)
	{
		PoRunner   *runner = &po_sched->runners[i];

		if (runner->dboid == MyDatabaseId && runner->phase == PO_RUNNER_GONE && runner->settled)
			runner->phase = PO_RUNNER_FREE;
	}
	LWLockRelease(po_sched_lock);
}

/* Forgets what waits, and runners that are gone, when there is no table to note it in. */
void
po_dispatch_forget(void)
{
	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	po_shared_drop_waiting(MyDatabaseId);
	po_shared_find_database(MyDatabaseId)->starved = false;
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

/* Tells whether runs of this database are in hand, or wait for a runner. */
bool
po_dispatch_busy(void)
{
	PoDatabase *db;
	bool		busy;

	LWLockAcquire(po_sched_lock, LW_SHARED);
	db = po_shared_find_database(MyDatabaseId);
	busy = db->nwaiting > 0 || db->starved;
	for (int i = 0; i < po_sched->nrunners && !busy; i++)
		busy = po_sched->runners[i].phase != PO_RUNNER_FREE &&
			po_sched->runners[i].phase != PO_RUNNER_IDLE &&
			po_sched->runners[i].dboid == MyDatabaseId;
	LWLockRelease(po_sched_lock);
	return busy;
}
