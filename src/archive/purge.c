/*
 * purge.c
 *	  Deleting archived rows that are old enough themselves.
 *
 * The end of a run whose policy has purge_after.  Of a partitioned archive whole
 * leaves are dropped, other rows are deleted in batches, on another server with
 * one statement; of files those go whose newest row is old enough.
 */
#include "postgres.h"

#include <unistd.h>

#include "archive/ddl.h"
#include "archive/file.h"
#include "archive/partition.h"
#include "archive/purge.h"
#include "archive/runlog.h"
#include "archive/take.h"
#include "catalog/pg_class.h"
#include "core/relname.h"
#include "executor/spi.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define DROP_LOCK_TIMEOUT_MS 50

/* Returns the policy that deletes from the archive of another. */
static PoArchivePolicy *
purging_policy(PoArchivePolicy *policy)
{
	PoArchivePolicy *result = palloc(sizeof(PoArchivePolicy));

	*result = *policy;
	result->older_than = policy->purge_after;
	if (policy->export_directory)
		return result;
	result->relation = policy->destination;
	result->destination = InvalidOid;
	result->strategy = PO_ARCHIVE_DELETE;
	result->predicate = NULL;
	result->time_type = po_policy_column_type(result->relation, policy->time_column);
	return result;
}

/* Step: finds the leaves that are old as a whole, and the others. */
static void
step_look(PoArchiveRun *run)
{
	List	   *whole;
	List	   *leaves;
	MemoryContext old;

	po_cutoff_freeze(run->policy, &run->cutoff);
	whole = po_partition_wholly_old(run->policy, &run->cutoff);
	leaves = po_partition_rest(run->policy, &run->cutoff, whole);
	old = MemoryContextSwitchTo(run->context);
	run->whole = list_copy(whole);
	run->leaves = list_copy(leaves);
	MemoryContextSwitchTo(old);
}

/* Step: drops a leaf and records its rows. */
static void
step_drop_leaf(PoArchiveRun *run)
{
	bool		estimated;

	run->result.archived = po_partition_rows(run->leaf, &estimated);
	po_ddl_run(psprintf("DROP TABLE %s", po_relname_qualified(run->leaf)));
	po_runlog_progress(run->run_id, run->rows, run->purged + run->result.archived, run->batches + 1, run->digest, run->expected);
	po_runlog_note_whole(run->run_id, estimated ? run->result.archived : 0);
}

/* Step: deletes the old rows of a table on another server. */
static void
step_delete_abroad(PoArchiveRun *run)
{
	po_cutoff_freeze(run->policy, &run->cutoff);
	po_ddl_run(psprintf("DELETE FROM %s f WHERE %s", po_relname_qualified(run->policy->relation),
						po_cutoff_condition(run->policy, "f", po_cutoff_literal(run->policy, run->cutoff.value))));
	run->result.archived = (int64) SPI_processed;
	po_runlog_progress(run->run_id, run->rows, run->purged + run->result.archived, run->batches, run->digest, run->expected);
	po_runlog_set_digest_of(run->run_id, NULL);
}

/* Step: removes the oldest file that is old as a whole; none is left when nothing was removed. */
static void
step_remove_file(PoArchiveRun *run)
{
	po_cutoff_freeze(run->policy, &run->cutoff);
	run->result.archived = po_file_remove_older(run->policy, run->cutoff.at);
	po_runlog_progress(run->run_id, run->rows, run->purged + Max(run->result.archived, 0), run->batches, 0, run->expected);
}

/* Removes the files that are old enough, one in a transaction. */
static void
purge_files(PoArchiveRun *run)
{
	for (;;)
	{
		po_steps_must(run, step_remove_file, true, "error");
		if (run->result.archived < 0)
			return;
		run->purged += run->result.archived;
	}
}

/* Purges tables of this database. */
static void
purge_tables(PoArchiveRun *run)
{
	ListCell   *cell;

	po_steps_must(run, step_look, true, "error");
	foreach(cell, run->whole)
	{
		if (!po_take_turn(run))
			return;
		run->leaf = lfirst_oid(cell);
		po_steps_insist(run, step_drop_leaf, DROP_LOCK_TIMEOUT_MS);
		run->purged += run->result.archived;
		run->batches++;
	}
	po_take_leaves(run);
}

/* Deletes what is old enough in the archive of the run's policy, which has purge_after. */
void
po_purge(PoArchiveRun *run)
{
	PoArchivePolicy *policy = run->policy;
	MemoryContext old = MemoryContextSwitchTo(run->context);

	run->policy = purging_policy(policy);
	MemoryContextSwitchTo(old);
	run->purging = true;
	if (policy->export_directory)
		purge_files(run);
	else if (get_rel_relkind(policy->destination) == RELKIND_FOREIGN_TABLE)
	{
		po_steps_must(run, step_delete_abroad, true, "error");
		run->purged += run->result.archived;
	}
	else
		purge_tables(run);
	run->purging = false;
	run->policy = policy;
}
