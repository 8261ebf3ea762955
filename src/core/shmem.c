/*
 * shmem.c
 *	  Areas of shared memory, and the locks that guard them.
 *
 * Each area has one lock, in a named tranche, so that waits show its name.
 */
#include "postgres.h"

#include "core/shmem.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#define MAX_AREAS 8

static const PoShmemArea *areas[MAX_AREAS];
static int	nareas = 0;

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

/*
 * Asks for an area; the struct must stay allocated.  Only while preloading, in
 * which case the pointers are set before any backend starts.
 */
void
po_shmem_register(const PoShmemArea *area)
{
	Assert(process_shared_preload_libraries_in_progress);
	if (nareas == MAX_AREAS)
		elog(ERROR, "too many areas of shared memory");
	areas[nareas++] = area;
}

/* Reserves the space and the locks. */
static void
request_areas(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();
	for (int i = 0; i < nareas; i++)
	{
		RequestAddinShmemSpace(areas[i]->size());
		RequestNamedLWLockTranche(areas[i]->name, 1);
	}
}

/* Creates the areas, or finds those that the postmaster created. */
static void
attach_areas(void)
{
	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (int i = 0; i < nareas; i++)
	{
		bool		found;

		*areas[i]->pointer = ShmemInitStruct(areas[i]->name, areas[i]->size(), &found);
		*areas[i]->lock = &GetNamedLWLockTranche(areas[i]->name)->lock;
		if (!found)
			areas[i]->init(*areas[i]->pointer);
	}
	LWLockRelease(AddinShmemInitLock);
}

/* Installs the hooks; called once from _PG_init while preloading. */
void
po_shmem_init(void)
{
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = request_areas;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = attach_areas;
}
