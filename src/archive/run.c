/*
 * run.c
 *	  Running an archive policy: the preflight, whole leaves, batches of rows, the purge.
 */
#include "postgres.h"

#include "archive/cutoff.h"
#include "archive/destination.h"
#include "archive/digest.h"
#include "archive/hint.h"
#include "archive/partition.h"
#include "archive/predicate.h"
#include "archive/preflight.h"
#include "archive/purge.h"
#include "archive/run.h"
#include "archive/runlog.h"
#include "archive/steps.h"
#include "archive/take.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define REATTACH_LOCK_TIMEOUT_MS 50

/* Step: checks everything, freezes the cutoff and decides what goes how. */
static void
step_prepare(PoArchiveRun *run)
{
	PoPreflightCount count;
	MemoryContext old;
	List	   *leaves;
	List	   *whole;

	po_predicate_require_safe_path();
	po_steps_refuse(run, po_preflight_tables(run->policy));
	po_destination_add_columns(run->policy);
	po_cutoff_freeze(run->policy, &run->cutoff);
	if (run->policy->max_share_pct > 0)
		po_preflight_count(run->policy, &run->cutoff, &count);
	po_steps_refuse(run, po_preflight_rows(run->policy, &run->cutoff,
										   run->policy->max_share_pct > 0 ? &count : NULL));
	po_hint_report(run->policy);
	po_runlog_set_cutoff(run->run_id, run->cutoff.at);
	run->expected = po_preflight_estimate(run->policy, &run->cutoff);
	whole = po_partition_whole(run->policy, &run->cutoff);
	leaves = po_partition_rest(run->policy, &run->cutoff, whole);
	old = MemoryContextSwitchTo(run->context);
	run->leaves = list_copy(leaves);
	run->whole = list_copy(whole);
	if (run->policy->predicate)
		run->policy->predicate = pstrdup(run->policy->predicate);
	run->policy->digest = po_digest_expression(run->policy);
	MemoryContextSwitchTo(old);
	po_runlog_set_digest_of(run->run_id, run->policy->digest);
}

/* Step: gives a leaf to the destination and records its rows. */
static void
step_reattach(PoArchiveRun *run)
{
	bool		estimated;

	run->result.archived = po_partition_rows(run->leaf, &estimated);
	po_partition_reattach(run->policy, run->leaf);
	po_runlog_progress(run->run_id, run->rows + run->result.archived, run->purged, run->batches + 1, run->digest, run->expected);
	po_runlog_note_whole(run->run_id, estimated ? run->result.archived : 0);
}

/* Archives a leaf as a whole. */
static void
archive_whole_leaf(PoArchiveRun *run, Oid leaf)
{
	run->leaf = leaf;
	po_steps_insist(run, step_reattach, REATTACH_LOCK_TIMEOUT_MS);
	run->rows += run->result.archived;
	run->batches++;
}

/* Does the work of a run. */
static void
archive(PoArchiveRun *run)
{
	ListCell   *cell;

	po_steps_must(run, step_prepare, true, "blocked");
	foreach(cell, run->whole)
	{
		if (!po_take_turn(run))
			return;
		archive_whole_leaf(run, lfirst_oid(cell));
	}
	po_take_leaves(run);
	if (run->why_stopped == NULL && run->policy->purge_after)
		po_purge(run);
}

/*
 * Runs a policy to its end or to max_batches (0: no limit), committing as it
 * goes; obligations and errors as of po_steps_run.
 */
void
po_run_archive(const char *policy, int max_batches)
{
	po_steps_run(policy, max_batches, "archive", NULL, archive);
}
