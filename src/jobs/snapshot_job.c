/*
 * snapshot_job.c
 *	  Scheduled snapshots of the workload.
 */
#include "postgres.h"

#include "access/xact.h"
#include "jobs/exec.h"
#include "jobs/kinds.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "workload/snapshot.h"

/* Raises 42501 unless the role may see everybody's statistics. */
static void
validate(PoJob *job)
{
	po_snapshot_check(GetUserId());
}

/* Connects as the owner of the job. */
static Oid
as_whom(const PoJob *job)
{
	return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(job->owner)) ? job->owner : InvalidOid;
}

/* A snapshot of the workload waits for nobody. */
static bool
waits_for_snapshots(const PoJob *job)
{
	return false;
}

/* Takes a snapshot in one transaction. */
static void
run(PoJobRun *run)
{
	po_exec_quiet_settings();
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	run->detail = MemoryContextStrdup(run->memory, psprintf("snapshot " INT64_FORMAT, po_snapshot_take()));
	PopActiveSnapshot();
	CommitTransactionCommand();
}

const PoJobKind po_snapshot_kind = {
	.name = "snapshot",
	.retry_after_crash = true,
	.validate = validate,
	.as_whom = as_whom,
	.waits_for_snapshots = waits_for_snapshots,
	.run = run,
};
