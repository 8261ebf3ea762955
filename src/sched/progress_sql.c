/*
 * progress_sql.c
 *	  SQL functions that tell how far the runs of the runners have come, and why
 *	  others do not begin.
 *
 * A runner writes its own slot in shared memory; the view job_progress reads all.
 * Without preloading the slot is the process's own and nobody else sees it: the view
 * then shows what the server itself tells of the process.
 */
#include "postgres.h"

#include "core/preload.h"
#include "core/srf.h"
#include "miscadmin.h"
#include "sched/shared.h"
#include "utils/acl.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(perf_optimizer_runner_progress);
PG_FUNCTION_INFO_V1(perf_optimizer_no_worker_since);

/* Emits one runner's progress. */
static void
put_progress(PoRow *row, const PoRunner *runner)
{
	po_row_int8(row, runner->run_id);
	po_row_text(row, runner->progress.phase);
	po_row_int8(row, runner->progress.done);
	po_row_int8(row, runner->progress.total);
	po_row_datum(row, TimestampTzGetDatum(runner->progress.since));
	po_srf_emit(row);
}

/* SQL: runner_progress(): what the runners of this database are at, as far as the caller may see their runs. */
Datum
perf_optimizer_runner_progress(PG_FUNCTION_ARGS)
{
	PoRow		row;
	PoRunner   *copies;
	int			n = 0;

	po_srf_begin(fcinfo, &row);
	if (!po_preload_done())
		return (Datum) 0;
	copies = palloc(sizeof(PoRunner) * po_sched->nrunners);
	LWLockAcquire(po_sched_lock, LW_SHARED);
	for (int i = 0; i < po_sched->nrunners; i++)
		if (po_sched->runners[i].phase == PO_RUNNER_WORKING && po_sched->runners[i].dboid == MyDatabaseId &&
			po_sched->runners[i].progress.phase[0] != '\0')
			copies[n++] = po_sched->runners[i];
	LWLockRelease(po_sched_lock);
	for (int i = 0; i < n; i++)
		if (has_privs_of_role(GetUserId(), copies[i].roleid))
			put_progress(&row, &copies[i]);
	return (Datum) 0;
}

/* SQL: no_worker_since(): since when max_worker_processes has left no worker for what waits in this database; NULL while it does. */
Datum
perf_optimizer_no_worker_since(PG_FUNCTION_ARGS)
{
	PoDatabase *db;
	TimestampTz since = 0;

	if (po_preload_done())
	{
		LWLockAcquire(po_sched_lock, LW_SHARED);
		db = po_shared_find_database(MyDatabaseId);
		if (db != NULL)
			since = db->no_worker_since;
		LWLockRelease(po_sched_lock);
	}
	if (since == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(since);
}
