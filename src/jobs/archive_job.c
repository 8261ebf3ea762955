/*
 * archive_job.c
 *	  Scheduled runs of an archive policy.
 *
 * The job calls the procedure run_archive, which commits a batch at a time and
 * takes care of whose identity works on the tables.
 */
#include "postgres.h"

#include "access/xact.h"
#include "archive/policy_store.h"
#include "executor/spi.h"
#include "jobs/exec.h"
#include "jobs/kinds.h"
#include "sched/store.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

/* Raises 42704 when there is no such policy, 42501 when it is not the current role's. */
static void
validate(PoJob *job)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	(void) po_policy_store_load(job->target);
	SPI_finish();
}

/* Connects as the owner of the job. */
static Oid
as_whom(const PoJob *job)
{
	return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(job->owner)) ? job->owner : InvalidOid;
}

/* Archival waits for locks only. */
static bool
waits_for_snapshots(const PoJob *job)
{
	return false;
}

/* Takes what the run of the policy has recorded about itself into the job's history. */
static void
read_record(PoJobRun *run)
{
	PoStoreScope scope;
	PoStoreArgs args = {0};

	if (!po_store_begin(&scope))
		return;
	po_store_text(&args, run->job->target);
	if (po_store_run("SELECT a.rows_archived, a.why_stopped FROM perf_optimizer.archive_run a"
					 " WHERE a.policy = $1 ORDER BY a.run_id DESC LIMIT 1", &args) == 1)
	{
		run->rows_affected = po_store_get_int8(0, 1);
		run->detail = po_store_get_text(0, 2, run->memory);
	}
	po_store_commit(&scope);
}

/* Runs the policy. */
static void
run(PoJobRun *run)
{
	PoExecResult result;

	po_exec_quiet_settings();
	po_exec_top_level(psprintf("CALL perf_optimizer.run_archive(%s)",
							   quote_literal_cstr(run->job->target)), &result);
	read_record(run);
}

const PoJobKind po_archive_kind = {
	.name = "archive",
	.retry_after_crash = true,
	.validate = validate,
	.as_whom = as_whom,
	.waits_for_snapshots = waits_for_snapshots,
	.run = run,
};
