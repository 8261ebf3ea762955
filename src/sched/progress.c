/*
 * progress.c
 *	  How far the run of a runner has come.
 *
 * A runner writes its own slot in shared memory; the view job_progress reads all.
 * Without preloading the slot is the process's own and nobody else sees it: the view
 * then shows what the server itself tells of the process.
 */
#include "postgres.h"

#include "core/preload.h"
#include "core/srf.h"
#include "miscadmin.h"
#include "sched/progress.h"
#include "utils/acl.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(perf_optimizer_runner_progress);

static PoRunner *own_slot = NULL;

/* Makes a slot the one that po_progress_report writes; called once by a runner. */
void
po_progress_attach(PoRunner *slot)
{
	own_slot = slot;
}

/*
 * Says what the current run is at, and how many units of how many are done (total 0:
 * not known).  May be called by any kind, as often as it likes; does nothing outside
 * a runner.
 */
void
po_progress_report(const char *phase, int64 done, int64 total)
{
	if (own_slot == NULL)
		return;
	if (po_sched_lock != NULL)
		LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	if (strcmp(own_slot->progress.phase, phase) != 0)
		own_slot->progress.since = GetCurrentTimestamp();
	snprintf(own_slot->progress.phase, sizeof(own_slot->progress.phase), "%s", phase);
	own_slot->progress.done = done;
	own_slot->progress.total = total;
	if (po_sched_lock != NULL)
		LWLockRelease(po_sched_lock);
}

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
