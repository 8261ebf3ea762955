/*
 * runner.c
 *	  The process that works on one run.
 *
 * It connects as the role as which the job runs, never as a superuser that
 * changes its role: a trigger could change it back.  "running" is committed
 * before the work and the outcome in a transaction of its own after it, so a
 * crash in between is seen.  An error that ends the process, such as a role that
 * may not connect, is kept in the runner's slot, and the scheduler stores it.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "core/guc.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "core/compat.h"
#include "sched/job.h"
#include "sched/progress.h"
#include "sched/run.h"
#include "sched/runner.h"
#include "sched/shared.h"
#include "sched/store.h"
#include "sched/wake.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

/* How long a statement may ignore its cancellation. */
#define TERMINATE_AFTER_MS 10000

PGDLLEXPORT void perf_optimizer_runner_main(Datum arg);
PGDLLEXPORT void perf_optimizer_lone_runner_main(Datum arg);

static PoRunner *slot = NULL;
static uint32 slot_generation = 0;
static emit_log_hook_type prev_emit_log_hook = NULL;
static TimeoutId soft_timeout;
static TimeoutId hard_timeout;

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

/* Keeps the error that ends this process where the scheduler finds it. */
static void
keep_fatal_error(ErrorData *edata)
{
	if (prev_emit_log_hook)
		prev_emit_log_hook(edata);
	if (edata->elevel < FATAL || slot == NULL)
		return;
	snprintf(slot->sqlstate, sizeof(slot->sqlstate), "%s", unpack_sql_state(edata->sqlerrcode));
	snprintf(slot->message, sizeof(slot->message), "%s", edata->message ? edata->message : "");
	snprintf(slot->detail, sizeof(slot->detail), "%s", edata->detail ? edata->detail : "");
	snprintf(slot->hint, sizeof(slot->hint), "%s", edata->hint ? edata->hint : "");
}

/* Gives the slot back, or leaves it to the scheduler when no outcome was stored; wakes who waits. */
static void
runner_exit(int code, Datum arg)
{
	PoDatabase *db;

	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	if (slot->generation == slot_generation)
	{
		slot->phase = slot->phase == PO_RUNNER_DONE ? PO_RUNNER_FREE : PO_RUNNER_GONE;
		slot->pid = 0;
		db = po_shared_find_database(slot->dboid);
		if (db != NULL)
		{
			db->wanted = true;
			if (db->latch != NULL)
				SetLatch(db->latch);
			else if (po_sched->launcher_latch != NULL)
				SetLatch(po_sched->launcher_latch);
		}
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
		slot->pid = MyProcPid;
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

/* Moves the slot on; without preloading it is this process's own. */
static void
set_phase(PoRunnerPhase phase)
{
	if (po_sched_lock != NULL)
		LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	slot->phase = phase;
	if (po_sched_lock != NULL)
		LWLockRelease(po_sched_lock);
}

/* Time is up: interrupts the statement, and later the process. */
static void
soft_timeout_handler(void)
{
	slot->timed_out = true;
	enable_timeout_after(hard_timeout, TERMINATE_AFTER_MS);
	kill(MyProcPid, SIGINT);
}

/* The statement went on: ends the process. */
static void
hard_timeout_handler(void)
{
	kill(MyProcPid, SIGTERM);
}

/*
 * Lets what follows take its time although the run's is up: for a kind that puts
 * things back after an error.  A cancel or a termination still ends it.
 */
void
po_runner_spare(void)
{
	if (slot == NULL)
		return;
	disable_timeout(soft_timeout, false);
	disable_timeout(hard_timeout, false);
}

/* Adds to errors whose work this is. */
static void
error_context(void *arg)
{
	PoJobRun   *run = arg;

	errcontext("perf_optimizer job " INT64_FORMAT ", run " INT64_FORMAT ", attempt %d",
			   run->job->job_id, run->run_id, run->attempt);
}

/* Validates the job again and does its work; errors are raised. */
static void
do_work(const PoJobKind *kind, PoJobRun *run)
{
	ErrorContextCallback callback = {.callback = error_context, .arg = run};
	PoJob		job = *run->job;

	callback.previous = error_context_stack;
	error_context_stack = &callback;
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	kind->validate(&job);
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(run->memory);
	kind->run(run);
	error_context_stack = callback.previous;
}

/* Says how an attempt ended that raised an error. */
static void
outcome_of_error(const ErrorData *error, PoOutcome *outcome)
{
	outcome->state = PO_RUN_FAILED;
	if (slot->timed_out)
		outcome->state = PO_RUN_TIMED_OUT;
	else if (slot->cancelled || error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		outcome->state = PO_RUN_CANCELLED;
	outcome->sqlstate = pstrdup(unpack_sql_state(error->sqlerrcode));
	outcome->message = outcome->state == PO_RUN_TIMED_OUT ? "the run took longer than its timeout"
		: error->message;
	outcome->detail = error->detail;
	outcome->hint = error->hint;
	outcome->context = error->context;
}

/* Works on a run that is marked as running; fills the outcome, and raises no error. */
static void
attempt_run(PoJobRun *run, PoOutcome *outcome)
{
	outcome->state = PO_RUN_SUCCEEDED;
	/* The work itself may schedule jobs. */
	po_wake_be_quiet(false);
	PG_TRY();
	{
		if (run->job->timeout_us > 0)
			enable_timeout_after(soft_timeout, Max(1, Min(run->job->timeout_us / 1000, PG_INT32_MAX)));
		do_work(po_kind_find(run->job->kind), run);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(run->memory);
		error = CopyErrorData();
		EmitErrorReport();
		AbortOutOfAnyTransaction();
		FlushErrorState();
		MemoryContextSwitchTo(run->memory);
		outcome_of_error(error, outcome);
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	po_wake_be_quiet(true);
	disable_timeout(soft_timeout, false);
	disable_timeout(hard_timeout, false);
	outcome->rows_affected = run->rows_affected;
	if (outcome->state == PO_RUN_SUCCEEDED)
		outcome->detail = run->detail;
}

/*
 * Stores the outcome.  A cancel that arrives now comes too late and must not
 * undo the bookkeeping; a termination still ends the process.
 */
static void
store_outcome(const PoJobRun *run, const PoOutcome *outcome)
{
	PoStoreScope scope;

	HOLD_CANCEL_INTERRUPTS();
	QueryCancelPending = false;
	if (po_store_begin(&scope))
	{
		(void) po_run_settle(run->run_id, outcome);
		po_store_commit(&scope);
	}
	QueryCancelPending = false;
	RESUME_CANCEL_INTERRUPTS();
}

/* Loads the run of the slot and commits that it is running; false when it is not waiting any more. */
static bool
begin_run(PoJobRun *run)
{
	PoStoreScope scope;
	PoJob	   *job;

	if (!po_store_begin(&scope))
		return false;
	job = po_job_load(slot->job_id, run->memory);
	run->job = job;
	run->run_id = slot->run_id;
	run->rows_affected = -1;
	run->attempt = job != NULL ? po_run_begin(run->run_id) : 0;
	po_store_commit(&scope);
	return run->attempt > 0;
}

/* Works on the run of the slot. */
static void
work_on_slot(void)
{
	PoJobRun	run = {0};
	PoOutcome	outcome = {0};

	run.memory = AllocSetContextCreate(TopMemoryContext, "perf_optimizer run", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(run.memory);
	if (begin_run(&run))
	{
		set_phase(PO_RUNNER_WORKING);
		MemoryContextSwitchTo(run.memory);
		SetConfigOption("application_name", psprintf("perf_optimizer: %s", run.job->name),
						PGC_USERSET, PGC_S_SESSION);
		if (slot->cancelled)
			kill(MyProcPid, SIGINT);
		attempt_run(&run, &outcome);
		store_outcome(&run, &outcome);
	}
	set_phase(PO_RUNNER_DONE);
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextDelete(run.memory);
}

/* Connects as the role of the slot's run and works on it, then ends the process. */
static void
connect_and_work(void)
{
	po_progress_attach(slot);
	po_wake_be_quiet(true);
	BackgroundWorkerInitializeConnectionByOid(slot->dboid, slot->roleid, PO_RUNNER_CONNECTION_FLAGS);
	soft_timeout = RegisterTimeout(USER_TIMEOUT, soft_timeout_handler);
	hard_timeout = RegisterTimeout(USER_TIMEOUT, hard_timeout_handler);
	work_on_slot();
	proc_exit(0);
}

/* Main function of a runner; arg is the index of its slot. */
void
perf_optimizer_runner_main(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	prev_emit_log_hook = emit_log_hook;
	emit_log_hook = keep_fatal_error;
	take_slot(DatumGetInt32(arg));
	connect_and_work();
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
	connect_and_work();
}
