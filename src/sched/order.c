/*
 * order.c
 *	  The order between runs of which one reads what the other writes.
 *
 * A materialized view that reads another is refreshed after it when both are due
 * together: its run is stored with the runs that go before it, and is handed out
 * once each of them has ended, or has failed its first attempt.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "sched/job.h"
#include "sched/order.h"
#include "sched/run.h"
#include "sched/store.h"

/* An open run of a job that is ordered by what it reads, and the relation that it writes. */
typedef struct Writer
{
	int64		run_id;
	Oid			relid;
} Writer;

/* Loads the open runs of the kinds that read relations; false unless there are two. */
static bool
load_writers(Writer **writers, uint64 *n)
{
	bool		isnull;

	*n = po_store_run("SELECT r.run_id, j.relid, j.kind FROM perf_optimizer.job_run r"
					  " JOIN perf_optimizer.job j ON j.job_id = r.job_id"
					  " WHERE r.status IN ('queued', 'running') AND j.relid <> 0", NULL);
	*writers = palloc(sizeof(Writer) * Max(*n, 1));
	for (uint64 i = 0; i < *n; i++)
	{
		const PoJobKind *kind = po_kind_find_or_null(po_store_get_text(i, 3, CurrentMemoryContext));

		(*writers)[i].run_id = po_store_get_int8(i, 1);
		(*writers)[i].relid = kind != NULL && kind->reads != NULL
			? DatumGetObjectId(po_store_datum(i, 2, &isnull)) : InvalidOid;
	}
	return *n > 1;
}

/* Stores which of the writers go before a run. */
static void
order_run(const PoNewRun *run, const PoJobKind *kind, const Writer *writers, uint64 n)
{
	List	   *read = kind->reads(run->job);
	Datum	   *before = palloc(sizeof(Datum) * Max(n, 1));
	PoStoreArgs args = {0};
	int			nbefore = 0;

	for (uint64 i = 0; i < n; i++)
		if (OidIsValid(writers[i].relid) && writers[i].run_id != run->run_id &&
			list_member_oid(read, writers[i].relid))
			before[nbefore++] = Int64GetDatum(writers[i].run_id);
	if (nbefore == 0)
		return;
	po_store_int8(&args, run->run_id);
	po_store_array(&args, INT8OID, before, NULL, nbefore);
	(void) po_store_run("UPDATE perf_optimizer.job_run r SET after_runs = $2 WHERE r.run_id = $1", &args);
}

/* Stores which runs go before the given new ones (of PoNewRun). */
void
po_order_runs(List *runs)
{
	Writer	   *writers = NULL;
	uint64		n = 0;
	ListCell   *cell;

	foreach(cell, runs)
	{
		PoNewRun   *run = lfirst(cell);
		const PoJobKind *kind = po_kind_find_or_null(run->job->kind);

		if (run->skipped != NULL || kind == NULL || kind->reads == NULL)
			continue;
		CHECK_FOR_INTERRUPTS();
		if (writers == NULL && !load_writers(&writers, &n))
			return;
		order_run(run, kind, writers, n);
	}
}

/* Has the runner that has a run in hand report its end; false when there is none.  Takes the lock. */
static bool
mark_in_hand(int64 run_id)
{
	bool		found = false;

	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	for (int i = 0; i < po_sched->nrunners; i++)
	{
		PoRunner   *runner = &po_sched->runners[i];

		if (runner->phase == PO_RUNNER_FREE || runner->dboid != MyDatabaseId || runner->run_id != run_id)
			continue;
		runner->awaited = true;
		found = true;
	}
	LWLockRelease(po_sched_lock);
	return found;
}

/*
 * Has the runs that others wait for report their end, those to be handed out and
 * those in hand.  Returns false when one of them was not found, and so may have
 * ended just now.
 */
bool
po_order_mark_awaited(PoWaiting *runs, uint64 n)
{
	uint64		nawaited = po_store_run("SELECT DISTINCT e.run_id FROM perf_optimizer.job_run r"
										" JOIN perf_optimizer.job_run e ON e.run_id = ANY (r.after_runs)"
										" WHERE r.status = 'queued' AND r.after_runs IS NOT NULL"
										" AND (e.status = 'running' OR e.status = 'queued' AND e.attempt = 0)", NULL);
	bool		all = true;

	for (uint64 i = 0; i < nawaited; i++)
	{
		int64		run_id = po_store_get_int8(i, 1);
		bool		found = mark_in_hand(run_id);

		for (uint64 k = 0; k < n && !found; k++)
			if (runs[k].run_id == run_id)
				found = runs[k].awaited = true;
		all = all && found;
	}
	return all;
}
