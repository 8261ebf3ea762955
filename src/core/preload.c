/*
 * preload.c
 *	  Whether the library was loaded by shared_preload_libraries.
 */
#include "postgres.h"

#include "core/preload.h"
#include "miscadmin.h"

static bool preloaded = false;

/* Notes whether _PG_init, the caller, runs in the postmaster's preloading. */
void
po_preload_init(void)
{
	preloaded = process_shared_preload_libraries_in_progress;
}

/* Tells whether the library was preloaded, so that shared memory and workers exist. */
bool
po_preload_done(void)
{
	return preloaded;
}

/*
 * Raises 55000 unless the library was preloaded; what is the thing that needs
 * it, as the subject of a sentence ("waiting for a run").
 */
void
po_preload_require(const char *what)
{
	if (!preloaded)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s needs perf_optimizer in shared_preload_libraries", what),
				 errhint("Set shared_preload_libraries = 'pg_stat_statements, perf_optimizer' in postgresql.conf and restart the server.")));
}
