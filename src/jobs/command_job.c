/*
 * command_job.c
 *	  Scheduled SQL of a user's own.
 */
#include "postgres.h"

#include "core/guc.h"
#include "jobs/exec.h"
#include "jobs/kinds.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "tcop/tcopprot.h"

/* Raises 42601 when the text is no SQL, or holds no statement; 42501 for a superuser's where that is off. */
static void
validate(PoJob *job)
{
	if (pg_parse_query(job->command) == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the command holds no statement"),
				 errhint("Pass SQL as \"command\".")));
	if (superuser_arg(job->owner) && !po_guc_allow_superuser_jobs)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("commands of superusers are switched off"),
				 errhint("Schedule as another role, or set perf_optimizer.allow_superuser_jobs.")));
}

/* Tells whether a list of options asks for CONCURRENTLY. */
static bool
asks_concurrently(List *options)
{
	ListCell   *cell;

	foreach(cell, options)
		if (strcmp(lfirst_node(DefElem, cell)->defname, "concurrently") == 0)
			return true;
	return false;
}

/* Tells whether ALTER TABLE detaches a partition concurrently. */
static bool
detaches_concurrently(AlterTableStmt *stmt)
{
	ListCell   *cell;

	foreach(cell, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		if (cmd->subtype == AT_DetachPartition && castNode(PartitionCmd, cmd->def)->concurrent)
			return true;
	}
	return false;
}

/* Tells whether a statement waits until every older snapshot is gone. */
static bool
statement_waits(Node *stmt)
{
	if (IsA(stmt, IndexStmt))
		return ((IndexStmt *) stmt)->concurrent;
	if (IsA(stmt, DropStmt))
		return ((DropStmt *) stmt)->concurrent;
	if (IsA(stmt, ReindexStmt))
		return asks_concurrently(((ReindexStmt *) stmt)->params);
	return IsA(stmt, AlterTableStmt) && detaches_concurrently((AlterTableStmt *) stmt);
}

/* Some statements do, as far as they stand in the text itself and not in a function. */
static bool
waits_for_snapshots(const PoJob *job)
{
	ListCell   *cell;

	foreach(cell, pg_parse_query(job->command))
		if (statement_waits(lfirst_node(RawStmt, cell)->stmt))
			return true;
	return false;
}

/* Runs the text. */
static void
run(PoJobRun *run)
{
	PoExecResult result;

	po_exec_top_level(run->job->command, &result);
	run->rows_affected = result.rows_affected;
	run->detail = result.tags;
}

const PoJobKind po_command_kind = {
	.name = "command",
	.retry_after_crash = false,
	.validate = validate,
	.waits_for_snapshots = waits_for_snapshots,
	.run = run,
};
