/*
 * attempt.c
 *	  The work of one attempt of a run, in a runner.
 *
 * Calls the job's kind with a timer of our own over it, and turns what comes of
 * it into an outcome.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "sched/attempt.h"
#include "sched/wake.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

/* How long a statement may ignore its cancellation. */
#define TERMINATE_AFTER_MS 10000

static PoRunner *slot = NULL;
static TimeoutId soft_timeout;
static TimeoutId hard_timeout;

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

/* Prepares the timers; called once in a runner that is connected. */
void
po_attempt_init(void)
{
	soft_timeout = RegisterTimeout(USER_TIMEOUT, soft_timeout_handler);
	hard_timeout = RegisterTimeout(USER_TIMEOUT, hard_timeout_handler);
}

/*
 * Lets what follows take its time although the run's is up: for a kind that puts
 * things back after an error.  A cancel or a termination still ends it.
 */
void
po_attempt_spare(void)
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
	ErrorContextCallback callback;
	PoJob		job = *run->job;

	callback.callback = error_context;
	callback.arg = run;
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

/* Ends the transaction that an error left, and says how the attempt ended. */
static void
clean_up_after_error(PoJobRun *run, PoOutcome *outcome)
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

/*
 * Works on a run that is marked as running, in the hands of the runner of the
 * given slot; fills the outcome, and raises no error.
 */
void
po_attempt_run(PoRunner *runner, PoJobRun *run, PoOutcome *outcome)
{
	slot = runner;
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
		clean_up_after_error(run, outcome);
	}
	PG_END_TRY();
	po_wake_be_quiet(true);
	disable_timeout(soft_timeout, false);
	disable_timeout(hard_timeout, false);
	outcome->rows_affected = run->rows_affected;
	if (outcome->state == PO_RUN_SUCCEEDED)
		outcome->detail = run->detail;
}
