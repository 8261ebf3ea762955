/*
 * once.c
 *	  Jobs that run once, as soon as the transaction that asks for them commits.
 *
 * Such a job takes no slots; its one run is enqueued when it is stored.  With
 * preloading the scheduler hands that out like any other.  Without, there is no
 * scheduler, so the commit itself asks for a runner.
 */
#include "postgres.h"

#include "access/xact.h"
#include "core/clock.h"
#include "core/preload.h"
#include "miscadmin.h"
#include "sched/access.h"
#include "sched/job.h"
#include "sched/once.h"
#include "sched/run.h"
#include "sched/runner.h"
#include "sched/store.h"
#include "sched/timetable.h"
#include "utils/memutils.h"

/* Runs that the current transaction has enqueued and that no scheduler will find. */
static List *pending = NIL;

/* Starts a runner for each run that the transaction leaves; called when it has ended. */
static void
end_of_transaction(XactEvent event, void *arg)
{
	List	   *runs = pending;
	ListCell   *lc;

	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	/* The list lives in the transaction's memory. */
	pending = NIL;
	if (event != XACT_EVENT_COMMIT)
		return;
	foreach(lc, runs)
	{
		const PoLoneRun *run = (const PoLoneRun *) lfirst(lc);

		if (!po_runner_start_alone(run))
			ereport(WARNING,
					(errmsg("no background worker is free for run " INT64_FORMAT ", which stays queued", run->run_id),
					 errhint("Raise max_worker_processes, cancel the run and call the function again.")));
	}
}

/* Asks for a runner at the commit of this transaction. */
static void
start_at_commit(const PoJob *job, int64 run_id)
{
	static bool registered = false;
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	PoLoneRun  *run = palloc(sizeof(PoLoneRun));

	if (!registered)
		RegisterXactCallback(end_of_transaction, NULL);
	registered = true;
	run->dboid = MyDatabaseId;
	run->roleid = job->owner;
	run->run_id = run_id;
	run->job_id = job->job_id;
	pending = lappend(pending, run);
	MemoryContextSwitchTo(old);
}

/*
 * Validates a job, stores it as one that takes no slots and enqueues its run, which
 * starts when this transaction commits; returns the run's id.  The caller has filled
 * name, kind and what the kind needs.  Raises what storing jobs raises.
 */
int64
po_once_start(PoJob *job)
{
	PoStoreScope scope;
	int64		run_id;

	po_access_check_writable();
	job->owner = GetUserId();
	po_access_check_role(job->owner);
	job->schedule = PO_TIMETABLE_ONCE;
	job->at = DT_NOEND;
	job->timezone = "UTC";
	job->next_run = DT_NOEND;
	job->enabled = false;
	po_kind_find(job->kind)->validate(job);
	po_store_enter(&scope);
	po_job_save(job);
	run_id = po_run_enqueue(job, "request", po_clock_now());
	po_store_leave(&scope);
	if (!po_preload_done())
		start_at_commit(job, run_id);
	return run_id;
}
