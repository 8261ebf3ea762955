/*
 * run_sql.c
 *	  SQL functions that start, cancel and wait for runs.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "core/args.h"
#include "core/clock.h"
#include "core/preload.h"
#include "core/srf.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "sched/access.h"
#include "sched/job.h"
#include "sched/kind.h"
#include "sched/run.h"
#include "sched/shared.h"
#include "sched/store.h"
#include "sched/wake.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

PG_FUNCTION_INFO_V1(perf_optimizer_run_job);
PG_FUNCTION_INFO_V1(perf_optimizer_retry_job);
PG_FUNCTION_INFO_V1(perf_optimizer_cancel_run);
PG_FUNCTION_INFO_V1(perf_optimizer_wait_for_run);
PG_FUNCTION_INFO_V1(perf_optimizer_await_run);

/* A wake-up cannot be lost; this bounds the wait should the clock of the test move. */
#define MAX_WAIT_MS 5000

/* SQL: run_job(job_id). */
Datum
perf_optimizer_run_job(PG_FUNCTION_ARGS)
{
	PoStoreScope scope;
	PoJob	   *job;
	int64		run_id;

	po_args_require(fcinfo, 0, "job_id");
	po_preload_require("running a job");
	po_access_check_writable();
	job = po_access_job(PG_GETARG_INT64(0));
	po_store_enter(&scope);
	run_id = po_run_enqueue(job, "request", po_clock_now());
	po_store_leave(&scope);
	PG_RETURN_INT64(run_id);
}

/* SQL: retry_job(job_id). */
Datum
perf_optimizer_retry_job(PG_FUNCTION_ARGS)
{
	PoStoreScope scope;
	PoJob	   *job;
	int64		run_id;

	po_args_require(fcinfo, 0, "job_id");
	po_preload_require("running a job");
	po_access_check_writable();
	job = po_access_job(PG_GETARG_INT64(0));
	po_store_enter(&scope);
	if (po_run_forget_dead(job->job_id) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("job " INT64_FORMAT " has no dead letter", job->job_id),
				 errhint("Use perf_optimizer.run_job to run it now.")));
	run_id = po_run_enqueue(job, "request", po_clock_now());
	po_store_leave(&scope);
	PG_RETURN_INT64(run_id);
}

/* Interrupts the runner that works on a run; false when there is none.  Takes the lock. */
static bool
interrupt_runner(int64 run_id)
{
	bool		found = false;

	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	for (int i = 0; i < po_sched->nrunners && !found; i++)
	{
		PoRunner   *runner = &po_sched->runners[i];

		if (runner->phase == PO_RUNNER_FREE || runner->dboid != MyDatabaseId ||
			runner->run_id != run_id)
			continue;
		found = runner->phase != PO_RUNNER_DONE;
		runner->cancelled = true;
		if (runner->phase == PO_RUNNER_WORKING && runner->pid != 0)
			kill(runner->pid, SIGINT);
	}
	LWLockRelease(po_sched_lock);
	return found;
}

/* SQL: cancel_run(run_id). */
Datum
perf_optimizer_cancel_run(PG_FUNCTION_ARGS)
{
	MemoryContext memory = CurrentMemoryContext;
	PoStoreScope scope;
	PoRun	   *run;

	po_args_require(fcinfo, 0, "run_id");
	po_access_check_writable();
	run = po_access_run(PG_GETARG_INT64(0));
	po_store_enter(&scope);

	/*
	 * The row of a running one stays free: its runner must be able to write
	 * it.
	 */
	if (run->state == PO_RUN_QUEUED)
		run = po_run_load(PG_GETARG_INT64(0), PO_RUN_WAIT, memory);
	if (run != NULL && run->state == PO_RUN_QUEUED)
		po_run_end_queued(run->run_id, PO_RUN_CANCELLED,
						  psprintf("cancelled by %s", GetUserNameFromId(scope.userid, false)));
	po_store_leave(&scope);
	if (run == NULL || run->state == PO_RUN_QUEUED)
		PG_RETURN_BOOL(run != NULL);
	PG_RETURN_BOOL(run->state == PO_RUN_RUNNING && po_preload_done() && interrupt_runner(run->run_id));
}

/* Raises 22023 unless the timeout argument is an interval of zero or more; returns milliseconds. */
static double
timeout_arg(FunctionCallInfo fcinfo)
{
	Interval   *interval;
	double		ms;

	po_args_require(fcinfo, 1, "timeout");
	interval = PG_GETARG_INTERVAL_P(1);
	ms = ((double) interval->month * DAYS_PER_MONTH + interval->day) * (USECS_PER_DAY / 1000.0) +
		interval->time / 1000.0;
	if (ms < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"timeout\" must not be negative"),
				 errhint("Pass an interval such as '1 minute' as \"timeout\".")));
	return ms;
}

/* Returns the state of a run as of now, whatever the isolation level; rights were checked before. */
static PoRunState
state_now(int64 run_id)
{
	PoStoreScope scope;
	PoRunState	state = PO_RUN_CANCELLED;
	SPIPlanPtr	plan;
	Oid			type = INT8OID;
	Datum		value = Int64GetDatum(run_id);

	po_store_enter(&scope);
	plan = SPI_prepare("SELECT r.status FROM perf_optimizer.job_run r WHERE r.run_id = $1", 1, &type);
	if (plan == NULL ||
		SPI_execute_snapshot(plan, &value, NULL, GetLatestSnapshot(), InvalidSnapshot, true, false, 1) < 0)
		elog(ERROR, "could not read the status of a run");
	if (SPI_processed == 1)
		(void) po_state_parse(po_store_get_text(0, 1, CurrentMemoryContext), &state);
	po_store_leave(&scope);
	return state;
}

/*
 * Refuses to wait where waiting cannot end: for a run that this transaction has
 * enqueued, and, when a snapshot is held, for one that waits for snapshots.
 */
static void
check_can_wait(const PoRun *run, bool holds_snapshot)
{
	PoStoreScope scope;
	PoJob	   *job;
	const PoJobKind *kind;
	bool		waits;

	if (run->own_transaction)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("run " INT64_FORMAT " was enqueued by this transaction and starts when it commits",
						run->run_id),
				 errhint("Commit first, then wait.")));
	if (!holds_snapshot || po_state_is_final(run->state))
		return;
	po_store_enter(&scope);
	job = po_job_load(run->job_id, CurrentMemoryContext);
	kind = job != NULL ? po_kind_find(job->kind) : NULL;
	waits = kind != NULL && kind->waits_for_snapshots != NULL && kind->waits_for_snapshots(job);
	po_store_leave(&scope);
	if (waits)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("run " INT64_FORMAT " waits for the snapshot that this statement holds", run->run_id),
				 errhint("CALL perf_optimizer.await_run(" INT64_FORMAT "), which holds none.", run->run_id)));
}

/* Sleeps until some run ends, or until the end; false when the end has come. */
static bool
sleep_for_progress(TimestampTz end)
{
	TimestampTz now = GetCurrentTimestamp();

	if (now >= end)
		return false;
	(void) ConditionVariableTimedSleep(&po_sched->progress,
									   Max(1, Min((end - now) / 1000, MAX_WAIT_MS)),
									   PG_WAIT_EXTENSION);
	return true;
}

/* The moment at which a wait of so many milliseconds ends. */
static TimestampTz
end_of_wait(double ms)
{
	return GetCurrentTimestamp() + (int64) Min(ms * 1000.0, (double) PG_INT64_MAX / 4);
}

/* SQL: wait_for_run(run_id, timeout). */
Datum
perf_optimizer_wait_for_run(PG_FUNCTION_ARGS)
{
	TimestampTz end;
	PoRunState	state;
	PoRun	   *run;

	po_args_require(fcinfo, 0, "run_id");
	end = end_of_wait(timeout_arg(fcinfo));
	po_preload_require("waiting for a run");
	run = po_access_run(PG_GETARG_INT64(0));
	check_can_wait(run, true);
	ConditionVariablePrepareToSleep(&po_sched->progress);
	do
	{
		CHECK_FOR_INTERRUPTS();
		state = state_now(run->run_id);
	} while (!po_state_is_final(state) && sleep_for_progress(end));
	ConditionVariableCancelSleep();
	PG_RETURN_TEXT_P(cstring_to_text(po_state_name(state)));
}

/* Raises 2D000 inside a transaction block or a function, where a procedure may not commit. */
static void
require_nonatomic(FunctionCallInfo fcinfo)
{
	if (fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("await_run cannot be called inside a transaction block"),
				 errhint("CALL it by itself, outside BEGIN.")));
}

/* Ends the current transaction and starts another, so that no snapshot is held. */
static void
commit_and_go_on(void)
{
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	SPI_commit();
	SPI_finish();
}

/* SQL: CALL await_run(run_id, timeout, status). */
Datum
perf_optimizer_await_run(PG_FUNCTION_ARGS)
{
	TimestampTz end;
	PoRunState	state;
	PoRun	   *run;
	PoRow		row;
	int64		run_id;

	po_args_require(fcinfo, 0, "run_id");
	run_id = PG_GETARG_INT64(0);
	end = end_of_wait(timeout_arg(fcinfo));
	po_preload_require("waiting for a run");
	require_nonatomic(fcinfo);
	commit_and_go_on();
	run = po_access_run(run_id);
	check_can_wait(run, false);
	for (;;)
	{
		bool		more;

		CHECK_FOR_INTERRUPTS();
		ConditionVariablePrepareToSleep(&po_sched->progress);
		state = state_now(run_id);
		if (po_state_is_final(state))
			break;
		/* Sleep in a transaction that has neither snapshot nor locks. */
		commit_and_go_on();
		more = sleep_for_progress(end);
		if (!more)
			break;
	}
	ConditionVariableCancelSleep();
	po_row_begin_single(fcinfo, &row);
	po_row_text(&row, po_state_name(state));
	return po_row_finish_single(&row);
}
