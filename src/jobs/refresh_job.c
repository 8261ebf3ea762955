/*
 * refresh_job.c
 *	  Scheduled refresh of a materialized view.
 */
#include "postgres.h"

#include "access/xact.h"
#include "core/relname.h"
#include "jobs/exec.h"
#include "jobs/kinds.h"
#include "matview/refresh.h"
#include "miscadmin.h"
#include "sched/store.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

/* Raises what po_refresh_parse_mode and po_refresh_check raise; brings the target's name up to date. */
static void
validate(PoJob *job)
{
	(void) po_refresh_parse_mode(job->action);
	po_refresh_check(job->relid, GetUserId());
	job->target = po_relname_qualified(job->relid);
}

/* The tables and materialized views that the view's query reads. */
static List *
reads(const PoJob *job)
{
	PoStoreArgs args = {0};
	List	   *result = NIL;
	bool		isnull;
	uint64		n;

	po_store_oid(&args, job->relid);
	n = po_store_run("SELECT b.relid::oid FROM unnest(perf_optimizer.matview_bases($1::regclass)) AS b(relid)", &args);
	for (uint64 i = 0; i < n; i++)
		result = lappend_oid(result, DatumGetObjectId(po_store_datum(i, 1, &isnull)));
	return result;
}

/* Refreshes the view in one transaction. */
static void
run(PoJobRun *run)
{
	PoRefreshResult result;

	po_exec_quiet_settings();
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	po_refresh_run(run->job->relid, po_refresh_parse_mode(run->job->action), &result);
	if (result.rows_deleted >= 0)
		run->rows_affected = result.rows_inserted + result.rows_updated + result.rows_deleted;
	else
		run->rows_affected = result.rows_inserted;
	run->detail = MemoryContextStrdup(run->memory,
									  psprintf("%s%s%s", result.mode_used, result.reason ? ": " : "",
											   result.reason ? result.reason : ""));
	PopActiveSnapshot();
	CommitTransactionCommand();
}

const PoJobKind po_refresh_kind = {
	.name = "refresh",
	.retry_after_crash = true,
	.validate = validate,
	.reads = reads,
	.run = run,
};
