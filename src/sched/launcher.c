/*
 * launcher.c
 *	  The process that starts a scheduler where one is needed.
 *
 * One for the cluster; it is connected to no database, so it is in nobody's way.
 * Which databases have jobs cannot be seen from outside, so after the start it
 * lets a scheduler look into each database, one after the other; a scheduler
 * that finds nothing to do soon ends and leaves the moment at which it is needed
 * again.  It sleeps until such a moment, or until a session or a scheduler wakes
 * it; it never polls.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "core/clock.h"
#include "core/guc.h"
#include "core/worker.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "sched/launcher.h"
#include "sched/shared.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Latch timeouts are monotonic: after a step of the clock we look again within this time. */
#define MAX_SLEEP_MS (5 * 60 * 1000)
/* How long to wait when max_worker_processes is used up. */
#define NO_WORKER_MS 1000
/* How long a scheduler that starts keeps others from starting; one may wait for a lock on its database. */
#define START_PATIENCE_US (5 * USECS_PER_SEC)

PGDLLEXPORT void perf_optimizer_launcher_main(Datum arg);

/* The scheduler that was asked for last. */
static BackgroundWorkerHandle *starting = NULL;
static Oid	starting_database = InvalidOid;

/* Forgets this process in shared memory. */
static void
launcher_exit(int code, Datum arg)
{
	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	po_sched->launcher_pid = 0;
	po_sched->launcher_latch = NULL;
	LWLockRelease(po_sched_lock);
}

/* Makes this process known. */
static void
announce_launcher(void)
{
	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	po_sched->launcher_pid = MyProcPid;
	po_sched->launcher_latch = MyLatch;
	po_sched->rescan = true;
	/* A launcher before us may have died while it started one. */
	for (int i = 0; i < PO_MAX_DATABASES; i++)
		if (po_sched->databases[i].state == PO_DB_STARTING && po_sched->databases[i].pid == 0)
			po_sched->databases[i].state = PO_DB_IDLE;
	LWLockRelease(po_sched_lock);
	on_shmem_exit(launcher_exit, (Datum) 0);
}

/* Lists the databases that take connections and are no templates. */
static List *
list_databases(void)
{
	List	   *result = NIL;
	Relation	rel;
	TableScanDesc scan;
	HeapTuple	tuple;
	MemoryContext memory = CurrentMemoryContext;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(rel, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext old;

		/*
		 * A negative limit other than -1 marks a database that DROP left half
		 * done.
		 */
		if (!form->datallowconn || form->datistemplate || form->datconnlimit < -1)
			continue;
		old = MemoryContextSwitchTo(memory);
		result = lappend_oid(result, form->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
	return result;
}

/* Forgets a database that is gone, and the slots of its runners without a process; lock held. */
static void
forget_database(PoDatabase *db)
{
	for (int i = 0; i < po_sched->nrunners; i++)
		if (po_sched->runners[i].dboid == db->dboid && po_sched->runners[i].pid == 0)
			po_sched->runners[i].phase = PO_RUNNER_FREE;
	po_shared_drop_waiting(db->dboid);
	db->state = PO_DB_UNUSED;
}

/* Brings the list of databases in shared memory up to date; new ones want a look. */
static void
rescan_databases(void)
{
	List	   *oids = list_databases();
	ListCell   *cell;

	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	for (int i = 0; i < PO_MAX_DATABASES; i++)
	{
		PoDatabase *db = &po_sched->databases[i];

		if (db->state == PO_DB_IDLE && db->held == 0 && !list_member_oid(oids, db->dboid))
			forget_database(db);
	}
	foreach(cell, oids)
	{
		bool		known = po_shared_find_database(lfirst_oid(cell)) != NULL;
		PoDatabase *db = po_shared_add_database(lfirst_oid(cell));

		if (db != NULL && !known)
			db->wanted = true;
	}
	LWLockRelease(po_sched_lock);
	if (list_length(oids) > PO_MAX_DATABASES)
		ereport(LOG,
				(errmsg("perf_optimizer runs jobs in the first %d databases only", PO_MAX_DATABASES)));
	list_free(oids);
}

/* Asks the postmaster for the scheduler of a database; false when no worker is free. */
static bool
start_scheduler(Oid dboid)
{
	BackgroundWorker worker = {0};

	if (starting != NULL)
		pfree(starting);
	starting = NULL;
	starting_database = dboid;
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "perf_optimizer");
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "perf_optimizer_scheduler_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "perf_optimizer scheduler %u", dboid);
	snprintf(worker.bgw_type, BGW_MAXLEN, "perf_optimizer scheduler");
	worker.bgw_main_arg = ObjectIdGetDatum(dboid);
	worker.bgw_notify_pid = MyProcPid;
	return RegisterDynamicBackgroundWorker(&worker, &starting);
}

/* Notices a scheduler that ended before it could say anything: the postmaster could not fork. */
static void
check_starting(void)
{
	PoDatabase *db;
	pid_t		pid;

	if (starting == NULL || GetBackgroundWorkerPid(starting, &pid) != BGWH_STOPPED)
		return;
	pfree(starting);
	starting = NULL;
	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	db = po_shared_find_database(starting_database);
	if (db != NULL && db->state == PO_DB_STARTING && db->pid == 0)
	{
		db->state = PO_DB_IDLE;
		db->wanted = true;
		db->not_before = TimestampTzPlusMilliseconds(po_clock_now(), NO_WORKER_MS);
	}
	LWLockRelease(po_sched_lock);
}

/*
 * Picks the next database that needs a scheduler and marks it as starting.  One
 * at a time: many databases must not take all workers at once.  Lowers *wake to
 * the moment at which a scheduler is needed next.
 */
static Oid
pick_database(TimestampTz *wake)
{
	TimestampTz now = po_clock_now();
	PoDatabase *found = NULL;

	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	for (int i = 0; i < PO_MAX_DATABASES; i++)
	{
		PoDatabase *db = &po_sched->databases[i];
		TimestampTz when;

		/* It wakes us when it has looked, or has ended. */
		if (db->state == PO_DB_STARTING && now < db->asked_at + START_PATIENCE_US)
		{
			*wake = db->asked_at + START_PATIENCE_US;
			found = NULL;
			break;
		}
		if (db->state != PO_DB_IDLE || db->held > 0)
			continue;
		when = Max(db->wanted ? now : db->next_due, db->not_before);
		if (when <= now && found == NULL)
			found = db;
		else
			*wake = Min(*wake, when);
	}
	if (found != NULL)
	{
		found->state = PO_DB_STARTING;
		found->asked_at = now;
	}
	LWLockRelease(po_sched_lock);
	return found != NULL ? found->dboid : InvalidOid;
}

/* Starts schedulers that are needed; returns the moment to look again. */
static TimestampTz
start_schedulers(void)
{
	TimestampTz wake = DT_NOEND;
	Oid			dboid;

	check_starting();
	if (!po_guc_run_jobs)
		return DT_NOEND;
	dboid = pick_database(&wake);
	if (OidIsValid(dboid) && !start_scheduler(dboid))
	{
		PoDatabase *db;

		LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
		db = po_shared_find_database(dboid);
		if (db != NULL)
		{
			db->state = PO_DB_IDLE;
			po_shared_note_worker(db, true);
		}
		LWLockRelease(po_sched_lock);
		wake = Min(wake, TimestampTzPlusMilliseconds(po_clock_now(), NO_WORKER_MS));
	}
	return wake;
}

/* Has every database's next runs worked out again. */
static void
note_set_back(void)
{
	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	for (int i = 0; i < PO_MAX_DATABASES; i++)
	{
		PoDatabase *db = &po_sched->databases[i];

		if (db->state == PO_DB_UNUSED)
			continue;
		db->set_back = true;
		po_shared_wake(db);
	}
	LWLockRelease(po_sched_lock);
}

/* Waits until woken, or until the moment has come. */
static void
sleep_until(TimestampTz wake)
{
	long		timeout = -1;

	if (!TIMESTAMP_IS_NOEND(wake))
		timeout = Min(TimestampDifferenceMilliseconds(po_clock_now(), wake), MAX_SLEEP_MS);
	(void) po_worker_sleep(timeout);
}

/* Main function of the launcher. */
void
perf_optimizer_launcher_main(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	pgstat_report_appname("perf_optimizer launcher");
	announce_launcher();

	for (;;)
	{
		bool		rescan;

		LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
		rescan = po_sched->rescan;
		po_sched->rescan = false;
		LWLockRelease(po_sched_lock);
		if (rescan)
			rescan_databases();
		if (po_clock_was_set_back())
			note_set_back();
		sleep_until(start_schedulers());
	}
}

/* Registers the launcher; called once while preloading, never for pg_upgrade. */
void
po_launcher_register(void)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 5;
	snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "perf_optimizer");
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "perf_optimizer_launcher_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "perf_optimizer launcher");
	snprintf(worker.bgw_type, BGW_MAXLEN, "perf_optimizer launcher");
	RegisterBackgroundWorker(&worker);
}
