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
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* Raises what po_refresh_parse_mode and po_refresh_check raise; brings the target's name up to date. */
static void
validate(PoJob *job)
{
	(void) po_refresh_parse_mode(job->action);
	po_refresh_check(job->relid, GetUserId());
	job->target = po_relname_qualified(job->relid);
}

/* Connects as the owner of the job; po_refresh_run works as the view's owner. */
static Oid
as_whom(const PoJob *job)
{
	return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(job->owner)) ? job->owner : InvalidOid;
}

/* A refresh waits for locks only. */
static bool
waits_for_snapshots(const PoJob *job)
{
	return false;
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
	.as_whom = as_whom,
	.waits_for_snapshots = waits_for_snapshots,
	.run = run,
};
