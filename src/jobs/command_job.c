/*
 * command_job.c
 *	  Scheduled SQL of a user's own.
 */
#include "postgres.h"

#include "core/guc.h"
#include "jobs/exec.h"
#include "jobs/kinds.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "tcop/tcopprot.h"
#include "utils/syscache.h"

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

/* A command runs as the job's owner. */
static Oid
as_whom(const PoJob *job)
{
	return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(job->owner)) ? job->owner : InvalidOid;
}

/* Anything may stand in a command, so it is not known to wait. */
static bool
waits_for_snapshots(const PoJob *job)
{
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
	.as_whom = as_whom,
	.waits_for_snapshots = waits_for_snapshots,
	.run = run,
};
