/*
 * alert_job.c
 *	  The scheduled check of a role's alerts.
 */
#include "postgres.h"

#include "access/xact.h"
#include "jobs/exec.h"
#include "jobs/kinds.h"
#include "monitor/alert_check.h"
#include "utils/snapmgr.h"

/* Raises 42501 unless the role may see everybody's statistics. */
static void
validate(PoJob *job)
{
	po_alert_check_rights();
}

/* Checks the alerts of the job's owner in one transaction. */
static void
run(PoJobRun *run)
{
	int			checked;
	int			announced;

	po_exec_quiet_settings();
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	announced = po_alert_check_all(&checked);
	run->rows_affected = checked;
	run->detail = MemoryContextStrdup(run->memory, psprintf("%d alerts, %d announced", checked, announced));
	PopActiveSnapshot();
	CommitTransactionCommand();
}

const PoJobKind po_alert_kind = {
	.name = "alert",
	.retry_after_crash = true,
	.validate = validate,
	.run = run,
};
