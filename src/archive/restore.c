/*
 * restore.c
 *	  Bringing archived rows back.
 *
 * A restore is a run in the other direction: the archive is the table to take
 * rows from, the table is the destination, and the rows are those of a range of
 * time.  The table's primary key refuses rows that are there already.  Files are
 * read back and stay as they are.
 */
#include "postgres.h"

#include "archive/columns.h"
#include "archive/digest.h"
#include "archive/file.h"
#include "archive/partition.h"
#include "archive/preflight.h"
#include "archive/restore.h"
#include "archive/runlog.h"
#include "archive/steps.h"
#include "archive/take.h"
#include "catalog/pg_class.h"
#include "core/leaf.h"
#include "core/relname.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* The range of time to restore. */
typedef struct Range
{
	TimestampTz from;
	TimestampTz until;
	List	   *files;			/* to restore from */
	int			next;			/* the next of them */
} Range;

/* Returns what stands against restoring from a policy at all. */
static List *
restore_blockers(PoArchivePolicy *policy)
{
	List	   *blockers = NIL;

	if (policy->strategy == PO_ARCHIVE_DELETE)
		blockers = lappend(blockers, "the policy deletes rows, so there is nothing to restore");
	else if (get_rel_relkind(policy->relation) == '\0')
		blockers = lappend(blockers, "the table does not exist any more: make it again and copy the rows by hand");
	else if (OidIsValid(policy->destination) && get_rel_relkind(policy->destination) == RELKIND_FOREIGN_TABLE)
		blockers = lappend(blockers, "the archive is on another server, where deleting is not part of our transaction: "
						   "INSERT the rows by hand, and DELETE them there when that has committed");
	else if (po_columns_key(policy->relation) == NULL)
		blockers = lappend(blockers, psprintf("%s has no primary key, which would refuse rows that are there already: add one",
											  po_relname_qualified(policy->relation)));
	return blockers;
}

/* Returns the condition that a row is not before a moment; the column is not qualified. */
static char *
not_before(PoArchivePolicy *policy, TimestampTz from)
{
	PoCutoff	begin;

	po_cutoff_set(policy, from, &begin);
	return psprintf("%s OPERATOR(pg_catalog.>=) %s", quote_identifier(policy->time_column),
					po_cutoff_literal(policy, begin.value));
}

/* Returns the policy in the other direction, for rows from a moment on. */
static PoArchivePolicy *
reverse(PoArchivePolicy *policy, TimestampTz from)
{
	PoArchivePolicy *result = palloc(sizeof(PoArchivePolicy));

	*result = *policy;
	result->reversed = true;
	result->relation = policy->destination;
	result->destination = policy->relation;
	result->time_type = po_policy_column_type(result->relation, policy->time_column);
	result->add_columns = false;
	result->fk_cascade = false;
	result->predicate = NULL;
	if (OidIsValid(result->time_type))
		result->predicate = not_before(result, from);
	return result;
}

/* Step: turns the policy around, and checks everything. */
static void
step_prepare_tables(PoArchiveRun *run)
{
	Range	   *range = run->arg;
	MemoryContext old = MemoryContextSwitchTo(run->context);
	PoArchivePolicy *reversed = reverse(run->policy, range->from);

	MemoryContextSwitchTo(old);
	po_steps_refuse(run, po_preflight_tables(reversed));
	old = MemoryContextSwitchTo(run->context);
	reversed->digest = po_digest_expression(run->policy);
	run->policy = reversed;
	reversed->predicate = pstrdup(reversed->predicate);
	po_cutoff_set(reversed, range->until, &run->cutoff);
	run->leaves = po_leaf_find(reversed->relation, AccessShareLock);
	MemoryContextSwitchTo(old);
	po_runlog_set_cutoff(run->run_id, range->until);
	run->expected = po_preflight_estimate(reversed, &run->cutoff);
	po_runlog_set_digest_of(run->run_id, reversed->digest);
}

/* Step: finds the files to restore from. */
static void
step_list_files(PoArchiveRun *run)
{
	Range	   *range = run->arg;
	MemoryContext old;

	po_cutoff_set(run->policy, range->until, &run->cutoff);
	po_runlog_set_cutoff(run->run_id, range->until);
	old = MemoryContextSwitchTo(run->context);
	range->files = po_file_list(run->policy, range->from, range->until);
	MemoryContextSwitchTo(old);
}

/* Raises 58P01 or 58030 unless a file is as it was written. */
static void
check_file(const PoFile *file)
{
	char	   *problem = po_file_problem(file);

	if (problem)
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("%s", problem),
				 errhint("SELECT * FROM perf_optimizer.verify_archive(...) checks all files of the policy.")));
}

/* Step: reads the rows of the range back from one file. */
static void
step_restore_file(PoArchiveRun *run)
{
	Range	   *range = run->arg;
	PoArchivePolicy *policy = run->policy;
	PoFile	   *file = list_nth(range->files, range->next);
	int			rc;

	check_file(file);
	rc = SPI_execute(psprintf("COPY %s (%s) FROM %s WITH (FORMAT csv, HEADER, ENCODING %s) WHERE %s AND %s OPERATOR(pg_catalog.<) %s",
							  po_relname_qualified(policy->relation), file->columns, quote_literal_cstr(file->path),
							  quote_literal_cstr(GetDatabaseEncodingName()), not_before(policy, range->from),
							  quote_identifier(policy->time_column), po_cutoff_literal(policy, run->cutoff.value)),
					 false, 0);
	if (rc < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(rc));
	run->result.archived = (int64) SPI_processed;
	po_file_set_restored(file->file_id, run->result.archived);
	po_runlog_progress(run->run_id, run->rows + run->result.archived, 0, run->batches + 1, 0, run->expected);
}

/* Restores from files, one in a transaction. */
static void
restore_files(PoArchiveRun *run)
{
	Range	   *range = run->arg;

	po_steps_must(run, step_list_files, true, "error");
	for (range->next = 0; range->next < list_length(range->files); range->next++)
	{
		if (!po_take_turn(run))
			return;
		po_steps_insist(run, step_restore_file, PO_STEP_LOCK_TIMEOUT_MS);
		run->rows += run->result.archived;
		run->batches++;
	}
}

/* Step: checks what stands against any restore. */
static void
step_check(PoArchiveRun *run)
{
	po_steps_refuse(run, restore_blockers(run->policy));
}

/* Does the work of a restore, whatever the limits of the policy's own runs. */
static void
restore(PoArchiveRun *run)
{
	run->policy->run_window = NULL;
	run->deadline = 0;
	po_steps_must(run, step_check, true, "blocked");
	if (run->policy->export_directory)
		restore_files(run);
	else
	{
		po_steps_must(run, step_prepare_tables, true, "blocked");
		po_take_leaves(run);
	}
}

/*
 * Brings the archived rows of a policy back whose time lies from one moment on and
 * before another, committing as it goes; obligations and errors as of
 * po_steps_run, and 23505 for a row whose key is in the table, 58030 for a file
 * that is not as it was written.
 */
void
po_restore_archive(const char *policy, TimestampTz from, TimestampTz until)
{
	Range		range = {.from = from,.until = until};

	po_steps_run(policy, 0, "restore", &range, restore);
}
