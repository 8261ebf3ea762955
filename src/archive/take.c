/*
 * take.c
 *	  Taking the rows of a list of tables in batches, within the limits of a policy.
 */
#include "postgres.h"

#include "archive/batch.h"
#include "archive/destination.h"
#include "archive/runlog.h"
#include "archive/take.h"
#include "archive/throttle.h"
#include "archive/writeback.h"
#include "executor/instrument.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define MAX_PASSES 10			/* over a leaf from which rows slipped away */
#define FAST_BATCH_MS 50.0
#define SLOW_BATCH_MS 100.0
#define REPLICA_POLL_MS 500
#define MAX_REPLICA_WAIT_S 300

/* Step: prepares a leaf's rows to go in batches. */
static void
step_begin_leaf(PoArchiveRun *run)
{
	MemoryContext old;

	if (OidIsValid(run->policy->destination) && run->leaf != run->policy->relation &&
		po_destination_is_like(run->policy->relation, run->policy->destination))
		po_destination_add_leaf(run->policy, run->leaf);
	old = MemoryContextSwitchTo(run->context);
	run->writeback = OidIsValid(run->policy->destination) ? po_writeback_begin(run->policy->destination) : NULL;
	run->batch = po_batch_begin(run->policy, &run->cutoff, run->leaf, run->run_id);
	MemoryContextSwitchTo(old);
}

/* Step: takes a batch of rows and records the totals with it. */
static void
step_take(PoArchiveRun *run)
{
	po_batch_take(run->batch, run->batch_rows, &run->result);
	if (run->result.matched == 0)
		return;
	if (run->writeback && run->paced)
		po_writeback_grown(run->writeback);
	po_runlog_progress(run->run_id, run->rows + (run->purging ? 0 : run->result.archived),
					   run->purged + (run->purging ? run->result.archived : 0), run->batches + 1,
					   run->digest ^ run->result.digest, run->expected);
}

/* Step: looks whether replicas are too far behind. */
static void
step_look_at_replicas(PoArchiveRun *run)
{
	run->lagging = po_throttle_replicas_lag(run->policy);
}

/* Waits until the replicas have caught up, for a bounded time; then the run stops. */
static void
wait_for_replicas(PoArchiveRun *run)
{
	TimestampTz give_up = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), MAX_REPLICA_WAIT_S * 1000L);

	if (run->policy->max_replica_lag == NULL)
		return;
	for (;;)
	{
		po_steps_must(run, step_look_at_replicas, true, "error");
		if (!run->lagging)
			return;
		if (GetCurrentTimestamp() > give_up ||
			(run->deadline != 0 && GetCurrentTimestamp() > run->deadline))
		{
			run->why_stopped = "replica_lag";
			return;
		}
		po_steps_pause(run, REPLICA_POLL_MS);
	}
}

/*
 * Keeps to the rates and limits before the next piece of work; false, with
 * why_stopped set, at a limit.
 */
bool
po_take_turn(PoArchiveRun *run)
{
	double		elapsed_s = (GetCurrentTimestamp() - run->started) / (double) USECS_PER_SEC;
	long		delay_ms;

	if (run->max_batches > 0 && run->batches >= run->max_batches)
	{
		run->why_stopped = "max_batches";
		return false;
	}
	delay_ms = po_throttle_delay(run->policy, elapsed_s, run->rows + run->purged,
								 pgWalUsage.wal_bytes - run->wal_at_start);
	run->paced = delay_ms > 0;
	po_steps_pause(run, delay_ms);
	if (run->deadline != 0 && GetCurrentTimestamp() >= run->deadline)
		run->why_stopped = "max_runtime";
	else if (!po_throttle_in_window(run->policy))
		run->why_stopped = "run_window";
	else
		wait_for_replicas(run);
	return run->why_stopped == NULL;
}

/*
 * Sizes the next batch, up to the policy's size, so that one takes 50 to 100 ms and
 * writes no more WAL than the policy allows at once.
 */
static void
adapt_batch_size(PoArchiveRun *run, double ms, uint64 wal_bytes)
{
	int			lowest = Min(PO_MIN_BATCH_ROWS, run->policy->batch_rows);
	bool		local = po_batch_is_local(run->batch);

	if (ms > SLOW_BATCH_MS || po_throttle_is_burst(run->policy, local, wal_bytes))
		run->batch_rows = Max(lowest, run->batch_rows / 2);
	else if (ms < FAST_BATCH_MS && !po_throttle_is_burst(run->policy, local, 2 * wal_bytes))
		run->batch_rows = Min(run->policy->batch_rows, run->batch_rows * 2);
}

/* Takes one batch and counts it. */
static void
take_batch(PoArchiveRun *run)
{
	TimestampTz start = GetCurrentTimestamp();
	uint64		wal_at_start = pgWalUsage.wal_bytes;

	run->unflushed = run->paced && po_batch_is_local(run->batch);
	po_steps_insist(run, step_take, PO_STEP_LOCK_TIMEOUT_MS);
	run->unflushed = false;
	po_batch_advance(run->batch);
	*(run->purging ? &run->purged : &run->rows) += run->result.archived;
	run->batches += run->result.matched > 0;
	run->digest ^= run->result.digest;
	adapt_batch_size(run, (GetCurrentTimestamp() - start) / 1000.0, pgWalUsage.wal_bytes - wal_at_start);
}

/* Walks a leaf once; returns how many matching rows were not taken. */
static int64
pass_over_leaf(PoArchiveRun *run)
{
	int64		slipped = 0;

	po_steps_insist(run, step_begin_leaf, PO_STEP_LOCK_TIMEOUT_MS);
	while (!po_batch_is_done(run->batch))
	{
		if (!po_take_turn(run))
			break;
		take_batch(run);
		slipped += run->result.matched - run->result.archived;
	}
	po_batch_end(run->batch);
	return slipped;
}

/*
 * Takes the rows of one table.  Rows that a concurrent change moved while they
 * were being taken are looked for in further passes; a copy leaves rows behind by
 * design, those that the destination has already.
 */
static void
take_leaf(PoArchiveRun *run, Oid leaf)
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

/* Takes the rows of the run's leaves, until there are none left or a limit is reached. */
void
po_take_leaves(PoArchiveRun *run)
{
	ListCell   *cell;

	foreach(cell, run->leaves)
	{
		take_leaf(run, lfirst_oid(cell));
		if (run->why_stopped)
			return;
	}
}
