/*
 * shared.c
 *	  What launcher, schedulers, runners and sessions know of each other.
 */
#include "postgres.h"

#include "core/guc.h"
#include "core/shmem.h"
#include "sched/shared.h"
#include "utils/timestamp.h"

PoSchedShared *po_sched = NULL;
LWLock	   *po_sched_lock = NULL;

/* The size of the slots of runners, behind which the queue lies. */
static Size
slots_size(void)
{
	return MAXALIGN(offsetof(PoSchedShared, runners) + sizeof(PoRunner) * po_guc_max_workers);
}

/* The size of the area: one slot a runner, and the queue. */
static Size
shared_size(void)
{
	return slots_size() + sizeof(PoWaiting) * PO_WAITING_PER_RUNNER * po_guc_max_workers;
}

/* Fills a new area. */
static void
shared_fill(void *area)
{
	PoSchedShared *shared = area;

	memset(shared, 0, shared_size());
	shared->nrunners = po_guc_max_workers;
	shared->waiting = (PoWaiting *) ((char *) area + slots_size());
	ConditionVariableInit(&shared->progress);
}

/* Asks for the area; called once while preloading. */
void
po_shared_init(void)
{
	static const PoShmemArea area = {
		.name = "perf_optimizer scheduler",
		.size = shared_size,
		.init = shared_fill,
		.pointer = (void **) &po_sched,
		.lock = &po_sched_lock,
	};

	po_shmem_register(&area);
}

/* Returns a database's slot, or NULL; the caller holds the lock. */
PoDatabase *
po_shared_find_database(Oid dboid)
{
	for (int i = 0; i < PO_MAX_DATABASES; i++)
		if (po_sched->databases[i].state != PO_DB_UNUSED && po_sched->databases[i].dboid == dboid)
			return &po_sched->databases[i];
	return NULL;
}

/*
 * Returns a database's slot, made when missing; NULL when all are taken.  The
 * caller holds the lock exclusively.
 */
PoDatabase *
po_shared_add_database(Oid dboid)
{
	PoDatabase *known = po_shared_find_database(dboid);

	if (known != NULL)
		return known;
	for (int i = 0; i < PO_MAX_DATABASES; i++)
	{
		PoDatabase *db = &po_sched->databases[i];

		if (db->state != PO_DB_UNUSED)
			continue;
		memset(db, 0, sizeof(PoDatabase));
		db->state = PO_DB_IDLE;
		db->dboid = dboid;
		db->next_due = DT_NOEND;
		return db;
	}
	return NULL;
}

/*
 * Wakes a database's scheduler, or the launcher when there is none; db is NULL for
 * a database that has no slot.  The caller holds the lock exclusively.
 */
void
po_shared_wake(PoDatabase *db)
{
	if (db != NULL)
		db->wanted = true;
	if (db != NULL && db->latch != NULL)
		SetLatch(db->latch);
	else if (po_sched->launcher_latch != NULL)
		SetLatch(po_sched->launcher_latch);
}

/*
 * Tells a database's scheduler, or the launcher when there is none, that jobs or
 * runs have changed.  Takes the lock; raises no error, so it may be called after
 * a commit.
 */
void
po_shared_wake_database(Oid dboid)
{
	PoDatabase *db;

	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	db = po_shared_add_database(dboid);
	if (db == NULL)
		po_sched->rescan = true;
	po_shared_wake(db);
	LWLockRelease(po_sched_lock);
}

/* Wakes the launcher; rescan asks it to read the list of databases again.  Takes the lock. */
void
po_shared_wake_launcher(bool rescan)
{
	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	if (rescan)
		po_sched->rescan = true;
	if (po_sched->launcher_latch != NULL)
		SetLatch(po_sched->launcher_latch);
	LWLockRelease(po_sched_lock);
}

/* Wakes every scheduler that can use a free slot; the caller holds the lock exclusively. */
void
po_shared_wake_starved(void)
{
	for (int i = 0; i < PO_MAX_DATABASES; i++)
	{
		PoDatabase *db = &po_sched->databases[i];

		if (db->state == PO_DB_UNUSED || (!db->starved && db->nwaiting == 0))
			continue;
		db->starved = false;
		po_shared_wake(db);
	}
}

/* Notes whether the server had a worker to spare for a database; the caller holds the lock exclusively. */
void
po_shared_note_worker(PoDatabase *db, bool lacking)
{
	if (!lacking)
		db->no_worker_since = 0;
	else if (db->no_worker_since == 0)
		db->no_worker_since = GetCurrentTimestamp();
}

/*
 * Tells whether runs wait until a slot is free whose priority is higher than the
 * given one, or any; the caller holds the lock.
 */
bool
po_shared_is_starved(int priority, bool any_priority)
{
	for (int i = 0; i < PO_MAX_DATABASES; i++)
	{
		PoDatabase *db = &po_sched->databases[i];

		if (db->state != PO_DB_UNUSED && db->starved && (any_priority || db->starved_priority > priority))
			return true;
	}
	return false;
}

/* Appends a run to the queue; false when it is full.  The caller holds the lock exclusively. */
bool
po_shared_push_waiting(const PoWaiting *run)
{
	PoDatabase *db = po_shared_find_database(run->dboid);

	if (db == NULL || po_sched->nwaiting == po_sched->nrunners * PO_WAITING_PER_RUNNER)
		return false;
	po_sched->waiting[po_sched->nwaiting++] = *run;
	db->nwaiting++;
	return true;
}

/* Returns the next run in the queue for a role in a database, or NULL; the caller holds the lock. */
const PoWaiting *
po_shared_peek_waiting(Oid dboid, Oid roleid)
{
	for (int i = po_sched->first_waiting; i < po_sched->nwaiting; i++)
	{
		const PoWaiting *run = &po_sched->waiting[i];

		if (run->run_id != 0 && run->dboid == dboid && run->roleid == roleid)
			return run;
	}
	return NULL;
}

/*
 * Takes the next run for a role in a database from the queue; false when there is
 * none.  Wakes the scheduler when the queue runs low and more runs wait.  The
 * caller holds the lock exclusively.
 */
bool
po_shared_pop_waiting(Oid dboid, Oid roleid, PoWaiting *run)
{
	PoDatabase *db = po_shared_find_database(dboid);
	const PoWaiting *found = po_shared_peek_waiting(dboid, roleid);

	if (found != NULL)
	{
		*run = *found;
		po_sched->waiting[found - po_sched->waiting].run_id = 0;
		while (po_sched->first_waiting < po_sched->nwaiting &&
			   po_sched->waiting[po_sched->first_waiting].run_id == 0)
			po_sched->first_waiting++;
		if (db != NULL)
		{
			db->nwaiting--;
			db->ntaken++;
		}
	}
	if (db != NULL && db->more_waiting &&
		db->nwaiting < po_sched->nrunners * PO_WAITING_PER_RUNNER / 4)
	{
		db->more_waiting = false;
		po_shared_wake(db);
	}
	return found != NULL;
}

/* Takes all runs of a database from the queue; the caller holds the lock exclusively. */
void
po_shared_drop_waiting(Oid dboid)
{
	PoDatabase *db = po_shared_find_database(dboid);
	int			kept = 0;

	for (int i = po_sched->first_waiting; i < po_sched->nwaiting; i++)
		if (po_sched->waiting[i].run_id != 0 && po_sched->waiting[i].dboid != dboid)
			po_sched->waiting[kept++] = po_sched->waiting[i];
	po_sched->first_waiting = 0;
	po_sched->nwaiting = kept;
	if (db != NULL)
		db->nwaiting = 0;
}
