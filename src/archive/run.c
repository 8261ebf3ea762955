/*
 * run.c
 *	  Running an archive policy.
 *
 * A run is a chain of steps, each in a transaction of its own: the record that
 * it begins, the preflight, then whole leaves and batches of rows, then the
 * record that it ended.  A step runs inside a subtransaction, so that its error
 * is caught, recorded, and raised again after that record has been committed.
 * Between steps no snapshot and no lock on a table is held.
 *
 * A session-level advisory lock per policy keeps two runs apart; it goes away
 * with the session.
 */
#include "postgres.h"

#include "access/xact.h"
#include "archive/batch.h"
#include "archive/cutoff.h"
#include "archive/destination.h"
#include "archive/partition.h"
#include "archive/predicate.h"
#include "archive/preflight.h"
#include "archive/run.h"
#include "archive/runlog.h"
#include "archive/throttle.h"
#include "core/own.h"
#include "executor/instrument.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* First key of the advisory locks on policies; the second is the policy's id. */
#define ARCHIVE_LOCK_CLASS 0x706f6172

#define MAX_ATTEMPTS 10			/* of one step, when it is worth trying again */
#define FIRST_BACKOFF_MS 50
#define MAX_BACKOFF_MS 2000
#define BATCH_LOCK_TIMEOUT_MS 1000
#define REATTACH_LOCK_TIMEOUT_MS 50
#define MAX_PASSES 10			/* over a leaf from which rows slipped away */
#define MIN_BATCH_ROWS 100
#define FAST_BATCH_MS 50.0
#define SLOW_BATCH_MS 100.0
#define REPLICA_POLL_MS 500
#define MAX_REPLICA_WAIT_S 300

/* A run in progress. */
typedef struct ArchiveRun
{
	PoArchivePolicy *policy;
	PoCutoff	cutoff;
	Oid			role;			/* whose identity works on the tables */
	int64		run_id;
	int64		rows;
	int64		batches;
	int			max_batches;	/* 0: no limit */
	int			batch_rows;		/* size of the next batch */
	TimestampTz started;
	TimestampTz deadline;		/* 0: none */
	uint64		wal_at_start;
	List	   *leaves;			/* tables whose rows go in batches */
	List	   *whole;			/* leaves that go as a whole */
	MemoryContext context;		/* lives as long as the run */
	MemoryContext step_context; /* reset by each step */
	int			lock_timeout_ms;	/* of the next step; 0: the session's */
	/* what the current step works on */
	Oid			leaf;
	PoBatch    *batch;
	PoBatchResult result;
	long		sleep_ms;
	bool		lagging;
	const char *why_stopped;	/* NULL while it goes on */
	const char *status;
	const char *message;
} ArchiveRun;

typedef void (*RunStep) (ArchiveRun *run);

/*
 * Runs a step with the policy's settings and the identity that works on the
 * tables.  SPI calls leave their own memory context behind as the current one;
 * the connection of the step's own frees it.
 */
static void
perform(ArchiveRun *run, RunStep step)
{
	int			level = po_preflight_begin_settings(run->policy);
	char		timeout[32];
	PoOwnScope	scope;

	if (run->lock_timeout_ms > 0 && (LockTimeout == 0 || LockTimeout > run->lock_timeout_ms))
	{
		snprintf(timeout, sizeof(timeout), "%d", run->lock_timeout_ms);
		(void) set_config_option("lock_timeout", timeout, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	}
	SPI_connect();
	po_own_become(&scope, run->role);
	step(run);
	po_own_end(&scope);
	SPI_finish();
	po_preflight_end_settings(level);
}

/*
 * Runs a step in a transaction of its own and commits it.  Returns NULL, or the
 * error that undid it; then a clean transaction is open.
 */
static ErrorData *
try_step(ArchiveRun *run, RunStep step, bool needs_snapshot)
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
		SPI_commit();			/* leaves some memory behind in the current
								 * context */
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
step_finish(ArchiveRun *run)
{
	po_runlog_finish(run->run_id, run->status, run->why_stopped, run->message);
}

/* Records that the run failed and raises its error. */
static void
fail(ArchiveRun *run, ErrorData *error, const char *why)
{
	ErrorData  *second;

	run->status = "failed";
	run->why_stopped = error->sqlerrcode == ERRCODE_QUERY_CANCELED ? "cancelled" : why;
	run->message = error->detail ? psprintf("%s: %s", error->message, error->detail) : error->message;
	run->lock_timeout_ms = 0;
	second = try_step(run, step_finish, true);
	if (second)
		FreeErrorData(second);	/* the first error says more */
	ReThrowError(error);
}

/* Runs a step that is not worth trying again; its error ends the run. */
static void
must_step(ArchiveRun *run, RunStep step, bool needs_snapshot, const char *why)
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
step_sleep(ArchiveRun *run)
{
	po_throttle_sleep(run->sleep_ms);
}

/* Waits outside of any work. */
static void
pause_run(ArchiveRun *run, long ms)
{
	run->sleep_ms = ms;
	if (ms > 0)
		must_step(run, step_sleep, false, "error");
}

/*
 * Runs a step, again after a growing pause where its error is transient; each
 * such error halves the batch size.  The error of the last attempt ends the run.
 */
static void
insist_step(ArchiveRun *run, RunStep step, int lock_timeout_ms)
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
		run->batch_rows = Max(run->batch_rows / 2, Min(MIN_BATCH_ROWS, run->policy->batch_rows));
		pause_run(run, Min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS << attempt));
	}
}

/* Step: records that the run begins. */
static void
step_start(ArchiveRun *run)
{
	run->run_id = po_runlog_start(run->policy);
}

/* Raises 55000 with the blockers, if there are any. */
static void
raise_blockers(ArchiveRun *run, List *blockers)
{
	if (blockers != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("archive policy \"%s\" cannot run", run->policy->name),
				 errdetail("%s.", po_preflight_join(blockers)),
				 errhint("SELECT blockers FROM perf_optimizer.preview_archive(%s) shows them.",
						 quote_literal_cstr(run->policy->name))));
}

/* Step: checks everything, freezes the cutoff and decides what goes how. */
static void
step_prepare(ArchiveRun *run)
{
	PoPreflightCount count;
	MemoryContext old;
	List	   *leaves;
	List	   *whole;

	po_predicate_require_safe_path();
	raise_blockers(run, po_preflight_tables(run->policy));
	po_cutoff_freeze(run->policy, &run->cutoff);
	if (run->policy->max_share_pct > 0)
		po_preflight_count(run->policy, &run->cutoff, &count);
	raise_blockers(run, po_preflight_rows(run->policy, &run->cutoff,
										  run->policy->max_share_pct > 0 ? &count : NULL));
	po_runlog_set_cutoff(run->run_id, run->cutoff.at);
	leaves = po_partition_leaves(run->policy);
	whole = po_partition_whole(run->policy, &run->cutoff);
	old = MemoryContextSwitchTo(run->context);
	run->leaves = list_copy(leaves);
	run->whole = list_copy(whole);
	if (run->policy->predicate)
		run->policy->predicate = pstrdup(run->policy->predicate);
	MemoryContextSwitchTo(old);
}

/* Step: adds the validated CHECK to a leaf that goes as a whole. */
static void
step_prove_bound(ArchiveRun *run)
{
	po_partition_prove_bound(run->leaf);
}

/* Step: gives a leaf to the destination. */
static void
step_reattach(ArchiveRun *run)
{
	po_partition_reattach(run->policy, run->leaf);
}

/* Step: counts a leaf that went as a whole. */
static void
step_count_leaf(ArchiveRun *run)
{
	run->result.archived = po_partition_count(run->leaf);
	po_runlog_progress(run->run_id, run->rows + run->result.archived, run->batches + 1);
}

/* Step: prepares a leaf's rows to go in batches. */
static void
step_begin_leaf(ArchiveRun *run)
{
	MemoryContext old;

	if (run->policy->strategy != PO_ARCHIVE_DELETE && run->leaf != run->policy->relation &&
		po_destination_is_like(run->policy->relation, run->policy->destination))
		po_destination_add_leaf(run->policy, run->leaf);
	old = MemoryContextSwitchTo(run->context);
	run->batch = po_batch_begin(run->policy, &run->cutoff, run->leaf);
	MemoryContextSwitchTo(old);
}

/* Step: takes a batch of rows and records the totals with it. */
static void
step_take(ArchiveRun *run)
{
	po_batch_take(run->batch, run->batch_rows, &run->result);
	if (run->result.matched > 0)
		po_runlog_progress(run->run_id, run->rows + run->result.archived, run->batches + 1);
}

/* Step: looks whether replicas are too far behind. */
static void
step_look_at_replicas(ArchiveRun *run)
{
	run->lagging = po_throttle_replicas_lag(run->policy);
}

/* Waits until the replicas have caught up, for a bounded time; then the run stops. */
static void
wait_for_replicas(ArchiveRun *run)
{
	TimestampTz give_up = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), MAX_REPLICA_WAIT_S * 1000L);

	if (run->policy->max_replica_lag == NULL)
		return;
	for (;;)
	{
		must_step(run, step_look_at_replicas, true, "error");
		if (!run->lagging)
			return;
		if (GetCurrentTimestamp() > give_up ||
			(run->deadline != 0 && GetCurrentTimestamp() > run->deadline))
		{
			run->why_stopped = "replica_lag";
			return;
		}
		pause_run(run, REPLICA_POLL_MS);
	}
}

/* Keeps to the rates and limits before the next piece of work; sets why_stopped at a limit. */
static void
wait_for_turn(ArchiveRun *run)
{
	double		elapsed_s = (GetCurrentTimestamp() - run->started) / (double) USECS_PER_SEC;

	if (run->max_batches > 0 && run->batches >= run->max_batches)
	{
		run->why_stopped = "max_batches";
		return;
	}
	pause_run(run, po_throttle_delay(run->policy, elapsed_s, run->rows, pgWalUsage.wal_bytes - run->wal_at_start));
	if (run->deadline != 0 && GetCurrentTimestamp() >= run->deadline)
		run->why_stopped = "max_runtime";
	else
		wait_for_replicas(run);
}

/* Sizes the next batch so that one takes 50 to 100 ms, up to the policy's size. */
static void
adapt_batch_size(ArchiveRun *run, double ms)
{
	int			lowest = Min(MIN_BATCH_ROWS, run->policy->batch_rows);

	if (ms > SLOW_BATCH_MS)
		run->batch_rows = Max(lowest, run->batch_rows / 2);
	else if (ms < FAST_BATCH_MS)
		run->batch_rows = Min(run->policy->batch_rows, run->batch_rows * 2);
}

/* Takes one batch and counts it. */
static void
take_batch(ArchiveRun *run)
{
	TimestampTz start = GetCurrentTimestamp();

	insist_step(run, step_take, BATCH_LOCK_TIMEOUT_MS);
	po_batch_advance(run->batch);
	run->rows += run->result.archived;
	run->batches += run->result.matched > 0;
	adapt_batch_size(run, (GetCurrentTimestamp() - start) / 1000.0);
}

/* Walks a leaf once; returns how many matching rows were not taken. */
static int64
pass_over_leaf(ArchiveRun *run)
{
	int64		slipped = 0;

	insist_step(run, step_begin_leaf, BATCH_LOCK_TIMEOUT_MS);
	while (!po_batch_is_done(run->batch))
	{
		wait_for_turn(run);
		if (run->why_stopped)
			break;
		take_batch(run);
		slipped += run->result.matched - run->result.archived;
	}
	po_batch_end(run->batch);
	return slipped;
}

/*
 * Archives the rows of one table.  Rows that a concurrent change moved while they
 * were being taken are looked for in further passes; a copy leaves rows behind by
 * design, those that the destination has already.
 */
static void
archive_leaf(ArchiveRun *run, Oid leaf)
{
	int			pass = 0;
	int64		slipped;

	run->leaf = leaf;
	do
	{
		slipped = pass_over_leaf(run);
	} while (slipped > 0 && run->policy->strategy != PO_ARCHIVE_COPY && !run->why_stopped &&
			 ++pass < MAX_PASSES);
	if (pass == MAX_PASSES)
		run->message = psprintf("rows of %s match but could not be taken; a trigger may keep them",
								get_rel_name(leaf));
}

/* Archives a leaf as a whole. */
static void
archive_whole_leaf(ArchiveRun *run, Oid leaf)
{
	run->leaf = leaf;
	insist_step(run, step_prove_bound, BATCH_LOCK_TIMEOUT_MS);
	insist_step(run, step_reattach, REATTACH_LOCK_TIMEOUT_MS);
	must_step(run, step_count_leaf, true, "error");
	run->rows += run->result.archived;
	run->batches++;
}

/* Does the work between the preflight and the end. */
static void
archive_all(ArchiveRun *run)
{
	ListCell   *cell;

	foreach(cell, run->whole)
	{
		wait_for_turn(run);
		if (run->why_stopped)
			return;
		archive_whole_leaf(run, lfirst_oid(cell));
	}
	foreach(cell, run->leaves)
	{
		if (list_member_oid(run->whole, lfirst_oid(cell)))
			continue;
		archive_leaf(run, lfirst_oid(cell));
		if (run->why_stopped)
			return;
	}
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

/* Runs the steps; the policy's lock is held. */
static void
run_locked(ArchiveRun *run)
{
	must_step(run, step_start, true, "error");
	must_step(run, step_prepare, true, "blocked");
	archive_all(run);
	run->status = "succeeded";
	if (run->why_stopped == NULL)
		run->why_stopped = "nothing left";
	must_step(run, step_finish, true, "error");
}

/* Makes the run's state; the policy is loaded in its context. */
static ArchiveRun *
begin_run(const char *policy, int max_batches)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer archive run",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ArchiveRun *run = palloc0(sizeof(ArchiveRun));

	run->context = context;
	run->step_context = AllocSetContextCreate(context, "perf_optimizer archive step", ALLOCSET_DEFAULT_SIZES);
	run->policy = po_policy_load(policy);
	run->role = po_policy_run_as(run->policy);
	run->max_batches = max_batches;
	run->batch_rows = run->policy->batch_rows;
	run->started = GetCurrentTimestamp();
	run->wal_at_start = pgWalUsage.wal_bytes;
	if (run->policy->max_runtime)
		run->deadline = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
																TimestampTzGetDatum(run->started),
																IntervalPGetDatum(run->policy->max_runtime)));
	MemoryContextSwitchTo(old);
	return run;
}

/*
 * Runs a policy to its end or to max_batches (0: no limit), committing as it
 * goes.  The caller is a procedure outside of any transaction block that has
 * connected SPI for that.  Raises 42704, 42501, 55P03 when the policy is running
 * already, 55000 for blockers, and what the work on the tables raises; all but
 * the first three are recorded in archive_runs.
 */
void
po_run_archive(const char *policy, int max_batches)
{
	ArchiveRun *run;

	PushActiveSnapshot(GetTransactionSnapshot());
	run = begin_run(policy, max_batches);
	PopActiveSnapshot();
	if (!lock_policy(run->policy, true))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("archive policy \"%s\" is running already", run->policy->name),
				 errhint("Wait for that run; perf_optimizer.archive_runs shows it.")));
	PG_TRY();
	{
		run_locked(run);
	}
	PG_FINALLY();
	{
		(void) lock_policy(run->policy, false);
	}
	PG_END_TRY();
}
