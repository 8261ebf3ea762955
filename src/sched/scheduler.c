/*
 * scheduler.c
 *	  The process that looks after the jobs of one database.
 *
 * It sleeps until the next slot or retry is due, or until somebody wakes it: a
 * session whose change of a job committed, or a runner that ended.  When nothing
 * is due soon it ends and leaves the moment to the launcher.  An error ends it
 * too; the launcher starts another after a pause.
 */
#include "postgres.h"

#include "access/xact.h"
#include "core/clock.h"
#include "core/guc.h"
#include "core/worker.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "sched/crew.h"
#include "sched/dispatch.h"
#include "sched/job.h"
#include "sched/run.h"
#include "sched/shared.h"
#include "sched/slots.h"
#include "sched/store.h"
#include "sched/wake.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* With nothing due for so long the process ends; also bounds a sleep, see launcher.c. */
#define LONG_SLEEP_MS (5 * 60 * 1000)
#define UNSETTLED_MS 5000
#define PRUNE_EVERY_US (60 * 60 * USECS_PER_SEC)
#define MAX_PAUSE_MS 60000
/* Runners are started so long before a slot that at least so many jobs of a role have; for so many roles at most. */
#define CROWD 20
#define AHEAD_MS 250
#define CROWDS 32

PGDLLEXPORT void perf_optimizer_scheduler_main(Datum arg);

static bool retired = false;
static MemoryContext look_context = NULL;

/* Notes in shared memory that this database has no scheduler any more, after a bad end. */
static void
scheduler_exit(int code, Datum arg)
{
	PoDatabase *db;

	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	db = po_shared_find_database(DatumGetObjectId(arg));
	if (db != NULL && !retired && db->pid == MyProcPid)
	{
		db->state = PO_DB_IDLE;
		db->pid = 0;
		db->latch = NULL;
		db->wanted = true;
		if (db->held == 0)
			db->failures = Min(db->failures + 1, 6);
		db->not_before = TimestampTzPlusMilliseconds(po_clock_now(),
													 Min(1000 << db->failures, MAX_PAUSE_MS));
	}
	LWLockRelease(po_sched_lock);
	po_shared_wake_launcher(true);
	ConditionVariableBroadcast(&po_sched->progress);
}

/* Makes this process known; ends it when the database is to be left alone. */
static void
announce_scheduler(Oid dboid)
{
	PoDatabase *db;
	bool		unwanted;

	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	db = po_shared_find_database(dboid);
	unwanted = db == NULL || db->state != PO_DB_STARTING || db->pid != 0;
	if (!unwanted)
	{
		db->pid = MyProcPid;
		db->latch = MyLatch;
		if (db->held > 0)
		{
			db->state = PO_DB_IDLE;
			db->pid = 0;
			db->latch = NULL;
			unwanted = true;
		}
	}
	LWLockRelease(po_sched_lock);
	if (unwanted)
	{
		po_shared_wake_launcher(false);
		proc_exit(0);
	}
	on_shmem_exit(scheduler_exit, ObjectIdGetDatum(dboid));
}

/* Ends the process, unless somebody wants it just now; a scheduler is needed again at next. */
static void
retire(TimestampTz next)
{
	PoDatabase *db;

	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	db = po_shared_find_database(MyDatabaseId);
	if (!db->wanted)
	{
		db->state = PO_DB_IDLE;
		db->pid = 0;
		db->latch = NULL;
		db->next_due = next;
		db->failures = 0;
		db->not_before = 0;
		retired = true;
	}
	LWLockRelease(po_sched_lock);
	if (retired)
		proc_exit(0);
}

/* Deletes old history and follows renames, at most once an hour and only when awake anyway. */
static void
keep_house(TimestampTz now)
{
	static TimestampTz last = 0;

	if (now - last < PRUNE_EVERY_US)
		return;
	last = now;
	po_run_prune(now - po_guc_history_retention * USECS_PER_MINUTE);
	po_job_follow_renames();
}

/* Settles what runners dropped, and a clock that was set back; false when the extension does not exist. */
static bool
settle_dropped(bool first)
{
	PoStoreScope scope;
	bool		set_back = po_clock_was_set_back();
	PoDatabase *db;

	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	db = po_shared_find_database(MyDatabaseId);
	set_back = set_back || db->set_back;
	db->set_back = false;
	LWLockRelease(po_sched_lock);

	if (!po_store_begin(&scope))
		return false;
	if (first)
		po_slots_recover();
	if (set_back)
	{
		po_job_rebase_all(po_clock_now());
		po_run_rebase_queued(po_clock_now());
	}
	po_dispatch_reap();
	po_store_commit(&scope);
	po_dispatch_free_settled();
	return true;
}

/*
 * Has runners ready for a slot that many jobs have.  Returns when to look: at the
 * slot, or shortly before it.
 */
static TimestampTz
prepare_slot(TimestampTz slot, TimestampTz now)
{
	TimestampTz ahead = TimestampTzPlusMilliseconds(slot, -AHEAD_MS);
	PoDueCount	crowds[CROWDS];
	int			n;

	if (slot - now > LONG_SLEEP_MS * INT64CONST(1000) || po_guc_runner_linger < 2 * AHEAD_MS)
		return slot;
	n = po_job_count_due(slot, CROWD, CROWDS, crowds);
	if (n > 0 && now < ahead)
		return ahead;
	po_crew_prepare(crowds, n);
	return slot;
}

/*
 * Enqueues a batch of what is due, and hands out what waits; clears *more when
 * that was all.  Fills the moment of the next look; false when the extension does
 * not exist.
 */
static bool
take_and_hand_out(TimestampTz now, bool at_boot, bool *more, TimestampTz *next)
{
	PoStoreScope scope;
	TimestampTz waiting;

	if (!po_store_begin(&scope))
		return false;
	*more = po_slots_take(now, at_boot);
	if (!*more)
	{
		*next = prepare_slot(po_slots_next(now), now);
		keep_house(now);
	}
	po_store_commit(&scope);

	/*
	 * Runners must find the rows of their runs, so this comes after the
	 * commit; and what was enqueued waits since a moment that is later than
	 * now.
	 */
	if (!po_store_begin(&scope))
		return false;
	waiting = po_dispatch_runs(po_clock_now());
	*next = Min(*next, waiting);
	po_store_commit(&scope);
	return true;
}

/*
 * Looks at the jobs once: settles what runners dropped, enqueues what is due,
 * hands out what waits.  Fills the moment of the next look; false when the
 * extension does not exist.
 */
static bool
look(bool first, bool at_boot, TimestampTz *next)
{
	TimestampTz now = po_clock_now();
	bool		more = po_guc_run_jobs;

	*next = DT_NOEND;
	if (!settle_dropped(first))
		return false;
	while (more)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(look_context);
		if (!take_and_hand_out(now, at_boot, &more, next))
			return false;
		at_boot = false;
	}
	return true;
}

/* Does one turn of the main loop; returns the moment of the next. */
static TimestampTz
turn(bool first)
{
	PoDatabase *db;
	bool		at_boot;
	bool		exists;
	TimestampTz next;

	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	db = po_shared_find_database(MyDatabaseId);
	db->wanted = false;
	db->wake_at = 0;
	at_boot = !db->booted;
	LWLockRelease(po_sched_lock);
	MemoryContextReset(look_context);
	MemoryContextSwitchTo(look_context);
	pgstat_report_activity(STATE_RUNNING, "looking for jobs that are due");
	exists = look(first, at_boot, &next);
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	/* Jobs that come with a later CREATE EXTENSION wait for the next start. */
	if (po_guc_run_jobs || !exists)
		db->booted = true;
	db->failures = 0;
	db->state = PO_DB_ACTIVE;
	LWLockRelease(po_sched_lock);
	if (!exists)
	{
		po_dispatch_forget();
		retire(DT_NOEND);
	}
	if (first)
		po_shared_wake_launcher(false);
	return next;
}

/* Waits until woken, or until the moment has come; watches the runners meanwhile. */
static void
sleep_until(TimestampTz next)
{
	TimestampTz now = po_clock_now();
	long		timeout = LONG_SLEEP_MS;
	bool		woken = false;

	if (next - now < LONG_SLEEP_MS * INT64CONST(1000))
		timeout = TimestampDifferenceMilliseconds(now, next);
	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	po_shared_find_database(MyDatabaseId)->wake_at = TimestampTzPlusMilliseconds(now, timeout);
	LWLockRelease(po_sched_lock);
	while (!woken && timeout >= 0)
	{
		long		watch = po_crew_watch();
		long		step = watch >= 0 ? Min(watch, timeout) : timeout;

		woken = po_worker_sleep(step);
		timeout -= Max(step, 1);
	}
}

/* Main function of a scheduler; arg is the database's OID. */
void
perf_optimizer_scheduler_main(Datum arg)
{
	Oid			dboid = DatumGetObjectId(arg);
	bool		first = true;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	announce_scheduler(dboid);
	po_wake_be_quiet(true);
	BackgroundWorkerInitializeConnectionByOid(dboid, InvalidOid, 0);
	pgstat_report_appname("perf_optimizer scheduler");
	look_context = AllocSetContextCreate(TopMemoryContext, "perf_optimizer scheduler",
										 ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		TimestampTz next = turn(first);

		first = false;
		if (po_guc_run_jobs && !po_dispatch_busy() &&
			next - po_clock_now() > LONG_SLEEP_MS * INT64CONST(1000))
			retire(next);
		if (po_dispatch_unsettled())
			next = Min(next, TimestampTzPlusMilliseconds(po_clock_now(), UNSETTLED_MS));
		sleep_until(next);
	}
}
