/*
 * perf_optimizer.c
 *	  Loading of the extension: settings, shared memory, hooks and workers.
 *
 * The top floor: it calls each area's initialization and holds nothing else.
 */
#include "postgres.h"

#include "cache/cache.h"
#include "core/clock.h"
#include "core/guc.h"
#include "core/preload.h"
#include "core/shmem.h"
#include "fmgr.h"
#include "jobs/kinds.h"
#include "matview/capture.h"
#include "miscadmin.h"
#include "plan/hypo.h"
#include "plan/whatif.h"
#include "sched/launcher.h"
#include "sched/shared.h"
#include "sched/utility.h"
#include "sched/wake.h"
#include "workload/settings.h"
#include "workload/workload.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

/* Prepares what only a preloaded library can have: shared memory, hooks, workers. */
static void
init_workers(void)
{
	po_shmem_init();
	po_workload_init();
	po_cache_init();
	po_shared_init();
	po_wake_init();
	po_utility_init();
	/* pg_upgrade moves the files under us: nothing may run then. */
	if (!IsBinaryUpgrade)
		po_launcher_register();
}

/* Called by the server when the library is loaded, preloaded or on first use. */
void
_PG_init(void)
{
	po_preload_init();
	po_guc_init();
	po_clock_init();
	po_hypo_init();
	po_whatif_init();
	po_settings_init_history();
	po_kinds_register();
	po_capture_init();
	if (po_preload_done())
		init_workers();
	po_guc_reserve();
}
