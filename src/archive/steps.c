/*
 * steps.c
 *	  The steps of a run over an archive policy, each a transaction of its own.
 *
 * A run is a chain of steps: the record that it begins, its work, then the record
 * that it ended.  A step runs inside a subtransaction, so that its error is
 * caught, recorded, and raised again after that record has been committed.
 * Between steps no snapshot and no lock on a table is held.
 *
 * A session-level advisory lock per policy keeps two runs apart; it goes away
 * with the session.
 */
#include "postgres.h"

#include "access/xact.h"
#include "archive/policy_store.h"
#include "archive/preflight.h"
#include "archive/runlog.h"
#include "archive/steps.h"
#include "archive/throttle.h"
#include "core/own.h"
#include "core/setting.h"
#include "core/text.h"
#include "executor/instrument.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* First key of the advisory locks on policies; the second is the policy's id. */
#define ARCHIVE_LOCK_CLASS 0x706f6172

#define FIRST_BATCH_ROWS PO_MIN_BATCH_ROWS	/* later ones grow to the policy's
											 * size */
#define MAX_ATTEMPTS 10			/* of one step, when it is worth trying again */
#define FIRST_BACKOFF_MS 50
#define MAX_BACKOFF_MS 2000

/*
 * Runs a step with the policy's settings and the identity that works on the
 * tables.  SPI calls leave their own memory context behind as the current one;
 * the connection of the step's own frees it.
 */
static void
perform(PoArchiveRun *run, PoRunStep step)
{
	int			level = po_preflight_begin_settings(run->policy);
	char		timeout[32];
	PoOwnScope	scope;

	if (run->lock_timeout_ms > 0 && (LockTimeout == 0 || LockTimeout > run->lock_timeout_ms))
	{
		snprintf(timeout, sizeof(timeout), "%d", run->lock_timeout_ms);
		po_setting_for_level("lock_timeout", timeout);
	}

	/*
	 * the kernel is not to collect what the run writes, and write it all at
	 * once
	 */
	if (run->paced)
		po_setting_for_level("backend_flush_after", "512kB");
	SPI_connect();
	po_own_become(&scope, run->role);
	step(run);
	po_own_end(&scope);
	SPI_finish();
	po_preflight_end_settings(level);
}

/*
 * Commits a step's transaction.  One that may be lost as a whole in a crash, with all
 * that it wrote, does not wait for its WAL to be flushed.
 */
static void
commit(PoArchiveRun *run)
{
	if (run->unflushed)
		po_setting_for_transaction("synchronous_commit", "off");
	SPI_commit();				/* leaves some memory behind in the current
								 * context */
}

/*
 * Runs a step in a transaction of its own and commits it.  Returns NULL, or the
 * error that undid it; then a clean transaction is open.
 */
static ErrorData *
try_step(PoArchiveRun *run, PoRunStep step, bool needs_snapshot)
{
	MemoryContext old = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool open = false;
	ErrorData  *volatile error = NULL;

	MemoryContextReset(run->step_context);
	MemoryContextSwitchTo(run->step_context);
	PG_TRY();
	{
		if (needs_snapshot)
			PushActiveSnapshot(GetTransactionSnapshot());
		BeginInternalSubTransaction(NULL);
		open = true;
		MemoryContextSwitchTo(run->step_context);
		perform(run, step);
		ReleaseCurrentSubTransaction();
		open = false;
		CurrentResourceOwner = owner;
		MemoryContextSwitchTo(run->step_context);
		if (needs_snapshot)
			PopActiveSnapshot();
		commit(run);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(run->context);
		error = CopyErrorData();
		FlushErrorState();
		if (open)
		{
			RollbackAndReleaseCurrentSubTransaction();
			CurrentResourceOwner = owner;
			if (needs_snapshot)
				PopActiveSnapshot();
		}
	}
	PG_END_TRY();
	MemoryContextSwitchTo(run->step_context);
	if (error)
		SPI_commit();
	MemoryContextSwitchTo(old);
	return error;
}

/* Step: records how the run ended. */
static void
step_finish(PoArchiveRun *run)
{
	po_runlog_finish(run->run_id, run->status, run->why_stopped, run->message);
}

/* Records that the run failed and raises its error. */
static void
fail(PoArchiveRun *run, ErrorData *error, const char *why)
{
	ErrorData  *second;

	run->status = "failed";
	run->why_stopped = error->sqlerrcode == ERRCODE_QUERY_CANCELED ? "cancelled" : why;
	run->message = error->detail ? psprintf("%s: %s", error->message, error->detail) : error->message;
	run->lock_timeout_ms = 0;
	run->unflushed = false;
	second = try_step(run, step_finish, true);
	if (second)
		FreeErrorData(second);	/* the first error says more */
	ReThrowError(error);
}

/* Runs a step that is not worth trying again; its error ends the run. */
void
po_steps_must(PoArchiveRun *run, PoRunStep step, bool needs_snapshot, const char *why)
{
	ErrorData  *error = try_step(run, step, needs_snapshot);

	if (error)
		fail(run, error, why);
}

/* Tells whether an error goes away when the step is tried again. */
static bool
is_transient(ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE ||
		error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED ||
		error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
}

/* Step: waits, holding no snapshot. */
static void
step_sleep(PoArchiveRun *run)
{
	po_throttle_sleep(run->sleep_ms);
}

/* Waits outside of any work. */
void
po_steps_pause(PoArchiveRun *run, long ms)
{
	run->sleep_ms = ms;
	if (ms > 0)
		po_steps_must(run, step_sleep, false, "error");
}

/*
 * Runs a step, again after a growing pause where its error is transient; each
 * such error halves the batch size.  The error of the last attempt ends the run.
 */
void
po_steps_insist(PoArchiveRun *run, PoRunStep step, int lock_timeout_ms)
{
	for (int attempt = 1;; attempt++)
	{
		ErrorData  *error;

		run->lock_timeout_ms = lock_timeout_ms;
		error = try_step(run, step, true);
		run->lock_timeout_ms = 0;
		if (error == NULL)
			return;
		if (!is_transient(error) || attempt == MAX_ATTEMPTS)
			fail(run, error, "error");
		FreeErrorData(error);
		run->batch_rows = Max(run->batch_rows / 2, Min(PO_MIN_BATCH_ROWS, run->policy->batch_rows));
		po_steps_pause(run, Min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS << attempt));
	}
}

/* Raises 55000 with the blockers, if there are any. */
void
po_steps_refuse(PoArchiveRun *run, List *blockers)
{
	char	   *name = quote_literal_cstr(run->policy->name);

	if (blockers == NIL)
		return;
	if (strcmp(run->action, "restore") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("archive policy \"%s\" cannot be restored from", run->policy->name),
				 errdetail("%s.", po_text_join(blockers, "; ")),
				 errhint("SELECT * FROM perf_optimizer.archive_policies WHERE policy = %s shows where the rows are.", name)));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("archive policy \"%s\" cannot run", run->policy->name),
			 errdetail("%s.", po_text_join(blockers, "; ")),
			 errhint("SELECT blockers FROM perf_optimizer.preview_archive(%s) shows them.", name)));
}

/* Takes or gives back the advisory lock on a policy; false when another session has it. */
static bool
lock_policy(PoArchivePolicy *policy, bool take)
{
	return DatumGetBool(take ?
						DirectFunctionCall2(pg_try_advisory_lock_int4, Int32GetDatum(ARCHIVE_LOCK_CLASS),
											Int32GetDatum(policy->id)) :
						DirectFunctionCall2(pg_advisory_unlock_int4, Int32GetDatum(ARCHIVE_LOCK_CLASS),
											Int32GetDatum(policy->id)));
}

/* Step: records that the run begins. */
static void
step_start(PoArchiveRun *run)
{
	run->run_id = po_runlog_start(run->policy, run->action);
}

/* Makes the run's state; the policy is loaded in its context. */
static PoArchiveRun *
begin_run(const char *policy, int max_batches)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer archive run",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	PoArchiveRun *run = palloc0(sizeof(PoArchiveRun));

	run->context = context;
	run->step_context = AllocSetContextCreate(context, "perf_optimizer archive step", ALLOCSET_DEFAULT_SIZES);
	run->policy = po_policy_store_load(policy);
	run->role = po_policy_run_as(run->policy);
	run->max_batches = max_batches;
	run->batch_rows = Min(run->policy->batch_rows, FIRST_BATCH_ROWS);
	run->started = GetCurrentTimestamp();
	run->wal_at_start = pgWalUsage.wal_bytes;
	if (run->policy->max_runtime)
		run->deadline = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
																TimestampTzGetDatum(run->started),
																IntervalPGetDatum(run->policy->max_runtime)));
	MemoryContextSwitchTo(old);
	return run;
}

/* Runs the steps; the policy's lock is held. */
static void
run_locked(PoArchiveRun *run, PoRunStep work)
{
	po_steps_must(run, step_start, true, "error");
	work(run);
	run->status = "succeeded";
	if (run->why_stopped == NULL)
		run->why_stopped = "nothing left";
	po_steps_must(run, step_finish, true, "error");
}

/*
 * Runs work, which consists of steps, over a policy; action is what archive_runs
 * calls it, arg what the work finds in the run.  The caller is a procedure
 * outside of any transaction block that has connected SPI for that.  Raises
 * 42704, 42501, 55P03 when the policy is running already, 55000 for blockers, and
 * what the work on the tables raises; all but the first three are recorded.
 */
void
po_steps_run(const char *policy, int max_batches, const char *action, void *arg, PoRunStep work)
{
	PoArchiveRun *run;

	PushActiveSnapshot(GetTransactionSnapshot());
	run = begin_run(policy, max_batches);
	PopActiveSnapshot();
	run->action = action;
	run->arg = arg;
	if (!lock_policy(run->policy, true))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("archive policy \"%s\" is running already", run->policy->name),
				 errhint("Wait for that run; perf_optimizer.archive_runs shows it.")));
	PG_TRY();
	{
		run_locked(run, work);
	}
	PG_FINALLY();
	{
		(void) lock_policy(run->policy, false);
	}
	PG_END_TRY();
}
