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

/* The size of the area: one slot a runner. */
static Size
shared_size(void)
{
	return offsetof(PoSchedShared, runners) + sizeof(PoRunner) * po_guc_max_workers;
}

/* Fills a new area. */
static void
shared_fill(void *area)
{
	PoSchedShared *shared = area;

	memset(shared, 0, shared_size());
	shared->nrunners = po_guc_max_workers;
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
	if (db != NULL)
		db->wanted = true;
	else
		po_sched->rescan = true;
	if (db != NULL && db->latch != NULL)
		SetLatch(db->latch);
	else if (po_sched->launcher_latch != NULL)
		SetLatch(po_sched->launcher_latch);
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

/* Wakes every scheduler that waits for a free runner; the caller holds the lock exclusively. */
void
po_shared_wake_starved(void)
{
	for (int i = 0; i < PO_MAX_DATABASES; i++)
	{
		PoDatabase *db = &po_sched->databases[i];

		if (db->state == PO_DB_UNUSED || !db->starved)
			continue;
		db->starved = false;
		if (db->latch != NULL)
			SetLatch(db->latch);
	}
}
