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
#include "workload/snapshot.h"

/* Raises 42501 unless the role may see everybody's statistics. */
static void
validate(PoJob *job)
{
	po_snapshot_check(GetUserId());
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
	.run = run,
};
