/*
 * perf_optimizer.c
 *	  Loading of the extension: settings, shared memory, hooks and workers.
 *
 * The top floor: it calls each area's initialization and holds nothing else.
 */
#include "postgres.h"

#include "core/clock.h"
#include "core/guc.h"
#include "core/preload.h"
#include "core/shmem.h"
#include "fmgr.h"
#include "plan/hypo.h"
#include "plan/whatif.h"
#include "workload/workload.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

/* Called by the server when the library is loaded, preloaded or on first use. */
void
_PG_init(void)
{
	po_preload_init();
	po_guc_init();
	po_clock_init();
	po_hypo_init();
	po_whatif_init();
	if (po_preload_done())
	{
		po_shmem_init();
		po_workload_init();
	}
	po_guc_reserve();
}
