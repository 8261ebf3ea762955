/*
 * runner.c
 *	  The process that works on runs, one after the other.
 *
 * It connects as the role as which jobs run, never as a superuser that changes
 * its role: a trigger could change it back.  The scheduler gives it a run; when
 * that has ended it takes the next of its role from the queue, lingers a while
 * when there is none, and ends.  It ends earlier when its rights have changed,
 * when somebody without a runner needs its slot, and after many runs.
 *
 * "running" is committed before the work and the outcome in a transaction of its
 * own after it, so a crash in between is seen.  An error that ends the process,
 * such as a role that may not connect, is kept in the runner's slot, as is an
 * outcome that could not be stored; the scheduler stores it then.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "core/clock.h"
#include "core/compat.h"
#include "core/guc.h"
#include "core/progress.h"
#include "core/worker.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "sched/attempt.h"
#include "sched/job.h"
#include "sched/run.h"
#include "sched/runner.h"
#include "sched/session.h"
#include "sched/shared.h"
#include "sched/slots.h"
#include "sched/store.h"
#include "sched/wake.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* How long a runner keeps its slot while runs of the same priority wait for one. */
#define TURN_US USECS_PER_SEC

PGDLLEXPORT void perf_optimizer_runner_main(Datum arg);
PGDLLEXPORT void perf_optimizer_lone_runner_main(Datum arg);

static PoRunner *slot = NULL;
static uint32 slot_generation = 0;
static emit_log_hook_type prev_emit_log_hook = NULL;

/* This process must not take another run. */
static bool leaving = false;

/* Fills what the workers of all runners have in common. */
static void
describe_worker(BackgroundWorker *worker, const char *function, const void *extra, Size size)
{
	memset(worker, 0, sizeof(BackgroundWorker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker->bgw_restart_time = BGW_NEVER_RESTART;
	snprintf(worker->bgw_library_name, sizeof(worker->bgw_library_name), "perf_optimizer");
	snprintf(worker->bgw_function_name, sizeof(worker->bgw_function_name), "%s", function);
	snprintf(worker->bgw_type, BGW_MAXLEN, "perf_optimizer runner");
	memcpy(worker->bgw_extra, extra, size);
}

/* Asks the postmaster for a runner of a reserved slot; false when no worker is free. */
bool
po_runner_start(int index, uint32 generation)
{
	BackgroundWorker worker;

	describe_worker(&worker, "perf_optimizer_runner_main", &generation, sizeof(generation));
	snprintf(worker.bgw_name, BGW_MAXLEN, "perf_optimizer runner %d", index);
	worker.bgw_main_arg = Int32GetDatum(index);
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

/*
 * Asks the postmaster for a runner that knows no scheduler; false when no worker is
 * free.  Raises no error, so it may be called after a commit.
 */
bool
po_runner_start_alone(const PoLoneRun *run)
{
	BackgroundWorker worker;

	StaticAssertStmt(sizeof(PoLoneRun) <= BGW_EXTRALEN, "a run does not fit into bgw_extra");
	describe_worker(&worker, "perf_optimizer_lone_runner_main", run, sizeof(PoLoneRun));
	snprintf(worker.bgw_name, BGW_MAXLEN, "perf_optimizer runner");
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

/* Writes an error into the slot; the strings may be NULL. */
static void
keep_error(const char *sqlstate, const char *message, const char *detail, const char *hint)
{
	strlcpy(slot->sqlstate, sqlstate ? sqlstate : "", sizeof(slot->sqlstate));
	strlcpy(slot->message, message ? message : "", sizeof(slot->message));
	strlcpy(slot->detail, detail ? detail : "", sizeof(slot->detail));
	strlcpy(slot->hint, hint ? hint : "", sizeof(slot->hint));
}

/* Keeps an error that ends this process where the scheduler finds it. */
static void
keep_last_error(const ErrorData *edata)
{
	if (slot != NULL && !slot->ended)
		keep_error(unpack_sql_state(edata->sqlerrcode), edata->message, edata->detail, edata->hint);
}

/* The hook on the log: keeps what is fatal. */
static void
keep_fatal_error(ErrorData *edata)
{
	if (prev_emit_log_hook)
		prev_emit_log_hook(edata);
	if (edata->elevel >= FATAL)
		keep_last_error(edata);
}

/*
 * Gives the slot back, or leaves it to the scheduler when a run is in hand whose
 * outcome is not stored; wakes who waits.
 */
static void
runner_exit(int code, Datum arg)
{
	PoDatabase *db;

	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	if (slot->generation == slot_generation)
	{
		slot->phase = slot->run_id == 0 ? PO_RUNNER_FREE : PO_RUNNER_GONE;
		slot->pid = 0;
		slot->latch = NULL;
		slot->progress.since = 0;
		db = po_shared_find_database(slot->dboid);
		if (db != NULL && slot->phase == PO_RUNNER_GONE)
			po_shared_wake(db);
		po_shared_wake_starved();
	}
	LWLockRelease(po_sched_lock);
	ConditionVariableBroadcast(&po_sched->progress);
}

/* Takes possession of the slot; ends the process when it was given away meanwhile. */
static void
take_slot(int index)
{
	bool		mine;
	PoDatabase *db;

	memcpy(&slot_generation, MyBgworkerEntry->bgw_extra, sizeof(slot_generation));
	slot = &po_sched->runners[index];
	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	mine = slot->generation == slot_generation && slot->phase == PO_RUNNER_STARTING &&
		slot->pid == 0;
	if (mine)
	{
		slot->pid = MyProcPid;
		slot->latch = MyLatch;
		slot->since = GetCurrentTimestamp();
	}
	db = mine ? po_shared_find_database(slot->dboid) : NULL;
	LWLockRelease(po_sched_lock);
	if (!mine)
		proc_exit(0);
	on_shmem_exit(runner_exit, (Datum) 0);
	if (db != NULL && db->held > 0)
		ereport(FATAL,
				(errcode(ERRCODE_ADMIN_SHUTDOWN),
				 errmsg("the database is wanted by a command on it")));
}

/* Locks the slots; without preloading the slot is this process's own. */
static void
lock_slots(LWLockMode mode)
{
	if (po_sched_lock != NULL)
		LWLockAcquire(po_sched_lock, mode);
}

/* Undoes lock_slots. */
static void
unlock_slots(void)
{
	if (po_sched_lock != NULL)
		LWLockRelease(po_sched_lock);
}

/* Moves the slot on. */
static void
set_phase(PoRunnerPhase phase)
{
	lock_slots(LW_EXCLUSIVE);
	slot->phase = phase;
	unlock_slots();
}

/*
 * Moves the slot on once the work is over, and keeps the outcome there: should
 * the history take no row now, the scheduler stores it later.
 */
static void
note_end(const PoOutcome *outcome)
{
	lock_slots(LW_EXCLUSIVE);
	slot->phase = PO_RUNNER_DONE;
	slot->ended = true;
	slot->outcome = outcome->state;
	keep_error(outcome->sqlstate, outcome->message, outcome->detail, outcome->hint);
	unlock_slots();
}

/* Has the scheduler look, unless it does by itself before the given moment. */
static void
wake_scheduler_for(TimestampTz when)
{
	PoDatabase *db;

	if (po_sched == NULL)
		return;
	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	db = po_shared_find_database(slot->dboid);
	if (db == NULL || db->wake_at == 0 || when < db->wake_at)
		po_shared_wake(db);
	LWLockRelease(po_sched_lock);
}

/* Tells whether the queue holds another run for this process. */
static bool
more_waits(void)
{
	bool		more;

	if (po_sched == NULL)
		return false;
	LWLockAcquire(po_sched_lock, LW_SHARED);
	more = !leaving && po_shared_peek_waiting(slot->dboid, slot->roleid) != NULL;
	LWLockRelease(po_sched_lock);
	return more;
}

/*
 * Stores the outcome, and what follows from it; nothing when the extension is
 * gone.  Cancels are held off: one that comes now is too late.
 */
static void
store_outcome(const PoJobRun *run, const PoOutcome *outcome)
{
	PoStoreScope scope;
	TimestampTz retry = DT_NOEND;
	bool		follow = (outcome->state == PO_RUN_SUCCEEDED);

	if (!po_store_begin(&scope))
	{
		leaving = true;
		return;
	}
	if (!po_run_succeed(run->run_id, run->job, run->attempt, outcome, &follow))
		retry = po_run_settle(run->run_id, outcome);
	if (follow)
		follow = po_slots_follow(run->job->job_id, po_clock_now());
	if (more_waits())
		po_store_commit_soon(&scope);
	else
		po_store_commit(&scope);
	if (follow || !TIMESTAMP_IS_NOEND(retry))
		wake_scheduler_for(follow ? 0 : retry);
}

/*
 * Loads the run of the slot and commits that it is running; false when it is not
 * waiting any more, or when this process may not take it.
 */
static bool
begin_run(PoJobRun *run)
{
	PoStoreScope scope;
	PoJob	   *job = NULL;

	if (!po_store_begin(&scope))
	{
		leaving = true;
		return false;
	}
	if (po_session_is_stale())
	{
		/* The run goes back to the scheduler. */
		leaving = true;
		slot->awaited = true;
	}
	run->run_id = slot->run_id;
	run->rows_affected = -1;
	if (!leaving)
		run->attempt = po_run_begin(run->run_id, &job, run->memory);
	run->job = job;
	po_store_commit(&scope);
	return run->attempt > 0;
}

/* Does begin_run; an error, which ends this process, is kept for the scheduler: the history may be full. */
static bool
begin_run_or_tell(PoJobRun *run)
{
	volatile bool begun = false;

	PG_TRY();
	{
		begun = begin_run(run);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(run->memory);
		keep_last_error(CopyErrorData());
		PG_RE_THROW();
	}
	PG_END_TRY();
	return begun;
}

/*
 * Works on the run of the slot, up to its stored outcome.  A cancel that arrives
 * after the work comes too late and must not undo the bookkeeping; a termination
 * still ends the process.
 */
static void
work_on_slot(void)
{
	PoJobRun	run = {0};
	PoOutcome	outcome = {0};

	run.memory = AllocSetContextCreate(TopMemoryContext, "perf_optimizer run", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(run.memory);
	HOLD_CANCEL_INTERRUPTS();
	if (begin_run_or_tell(&run))
	{
		MemoryContextSwitchTo(run.memory);
		po_progress_attach(&slot->progress);
		SetConfigOption("application_name", psprintf("perf_optimizer: %s", run.job->name),
						PGC_USERSET, PGC_S_SESSION);
		QueryCancelPending = false;
		set_phase(PO_RUNNER_WORKING);
		RESUME_CANCEL_INTERRUPTS();
		if (slot->cancelled)
			kill(MyProcPid, SIGINT);
		po_attempt_run(slot, &run, &outcome);
		HOLD_CANCEL_INTERRUPTS();
		note_end(&outcome);
		po_progress_attach(NULL);
		leaving = !po_session_reset() || leaving;
		store_outcome(&run, &outcome);
	}
	QueryCancelPending = false;
	RESUME_CANCEL_INTERRUPTS();
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextDelete(run.memory);
	pgstat_report_stat(false);
}

/* Tells whether somebody without a runner is to have the slot; lock held. */
static bool
gives_way(const PoWaiting *next)
{
	bool		had_turn = GetCurrentTimestamp() - slot->since > TURN_US;

	return po_shared_is_starved(next != NULL ? next->priority : PG_INT32_MIN, had_turn || next == NULL);
}

/* Takes the slot's run, if it has one, off its hands: it has ended, or still waits; lock held. */
static void
drop_run(PoDatabase *db)
{
	if (slot->awaited)
		po_shared_wake(db);
	slot->run_id = 0;
	slot->job_id = 0;
	slot->awaited = false;
	slot->cancelled = false;
	slot->timed_out = false;
	slot->ended = false;
	slot->progress.since = 0;
	slot->phase = PO_RUNNER_IDLE;
}

/* Ends the run in hand and takes the next from the queue; false when there is none for this process. */
static bool
take_next(void)
{
	PoDatabase *db;
	PoWaiting	next;
	bool		taken = false;

	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	db = po_shared_find_database(slot->dboid);
	drop_run(db);
	if (db == NULL || db->held > 0 || slot->dismissed ||
		gives_way(po_shared_peek_waiting(slot->dboid, slot->roleid)))
		leaving = true;
	if (leaving)
		slot->dismissed = true; /* from here on nobody gives it a run */
	else if (po_guc_run_jobs && po_shared_pop_waiting(slot->dboid, slot->roleid, &next))
	{
		slot->run_id = next.run_id;
		slot->job_id = next.job_id;
		slot->awaited = next.awaited;
		slot->phase = PO_RUNNER_STARTING;
		taken = true;
	}
	LWLockRelease(po_sched_lock);
	return taken;
}

/* Waits until the scheduler gives this process a run; false when the time is up or it must leave. */
static bool
linger(void)
{
	TimestampTz idle_since = GetCurrentTimestamp();

	pgstat_report_stat(true);
	pgstat_report_appname("perf_optimizer runner");
	while (!leaving)
	{
		TimestampTz end = TimestampTzPlusMilliseconds(idle_since, po_guc_runner_linger);
		long		timeout = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);
		bool		given;

		(void) po_worker_sleep(timeout);
		LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
		given = slot->phase == PO_RUNNER_STARTING;
		if (!given && (slot->dismissed || timeout <= 0))
		{
			slot->dismissed = true;
			leaving = true;
		}
		LWLockRelease(po_sched_lock);
		if (given)
			return true;
	}
	return false;
}

/* Connects as the role of the slot's run. */
static void
connect_as_role(void)
{
	po_wake_be_quiet(true);
	BackgroundWorkerInitializeConnectionByOid(slot->dboid, slot->roleid, PO_RUNNER_CONNECTION_FLAGS);
	po_session_watch_role(slot->dboid, slot->roleid);
	po_attempt_init();
}

/*
 * Prepares the statements that each run needs, by means of a run that does not
 * exist: this process was started before there is anything to do.
 */
static void
warm_up(void)
{
	PoStoreScope scope;
	PoJob	   *job = NULL;
	PoJob		none = {0};
	PoOutcome	outcome = {.state = PO_RUN_SUCCEEDED};
	bool		follow;

	if (!po_store_begin(&scope))
		return;
	(void) po_session_is_stale();
	(void) po_run_begin(0, &job, CurrentMemoryContext);
	(void) po_run_succeed(0, &none, 0, &outcome, &follow);
	po_store_commit(&scope);
}

/* Main function of a runner; arg is the index of its slot. */
void
perf_optimizer_runner_main(Datum arg)
{
	int			nruns = 0;
	bool		given;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	prev_emit_log_hook = emit_log_hook;
	emit_log_hook = keep_fatal_error;
	take_slot(DatumGetInt32(arg));
	connect_as_role();
	if (slot->run_id == 0)
		warm_up();
	for (given = slot->run_id != 0; given || take_next() || linger(); given = false)
	{
		po_worker_reload();
		work_on_slot();
		ConditionVariableBroadcast(&po_sched->progress);
		leaving = leaving || ++nruns >= po_guc_runner_max_runs;
	}
	proc_exit(0);
}

/* Main function of a runner without preloading: its run is in bgw_extra, its slot is its own. */
void
perf_optimizer_lone_runner_main(Datum arg)
{
	PoLoneRun	run;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	memcpy(&run, MyBgworkerEntry->bgw_extra, sizeof(run));
	slot = MemoryContextAllocZero(TopMemoryContext, sizeof(PoRunner));
	slot->phase = PO_RUNNER_STARTING;
	slot->dboid = run.dboid;
	slot->roleid = run.roleid;
	slot->run_id = run.run_id;
	slot->job_id = run.job_id;
	connect_as_role();
	work_on_slot();
	proc_exit(0);
}
