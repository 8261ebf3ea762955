/*
 * command_job.c
 *	  Scheduled SQL of a user's own.
 */
#include "postgres.h"

#include "jobs/exec.h"
#include "jobs/kinds.h"
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
	po_exec_check_superuser(job->owner);
}

/* Some statements wait until every older snapshot is gone. */
static bool
waits_for_snapshots(const PoJob *job)
{
	return po_exec_waits_for_snapshots(job->command);
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
