/*
 * settings.c
 *	  The settings of the result cache, sorted by name; they exist only while the library is preloaded.
 */
#include "postgres.h"

#include <limits.h>

#include "cache/settings.h"
#include "utils/guc.h"

int			po_cache_size = 16 * 1024;
bool		po_cache_stale = false;

/* Defines the settings; called once from _PG_init while preloading. */
void
po_cache_settings_init(void)
{
	DefineCustomIntVariable("perf_optimizer.result_cache_size",
							"Shared memory for the results of cached_query.",
							"Zero turns the cache and the counting of writers off.",
							&po_cache_size, 16 * 1024, 0, INT_MAX / 2,
							PGC_POSTMASTER, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomBoolVariable("perf_optimizer.result_cache_stale",
							 "Lets cached_query return results up to their age limit although their tables have changed.",
							 "Foreign tables and standby servers are cached with this setting only.",
							 &po_cache_stale, false,
							 PGC_USERSET, 0, NULL, NULL, NULL);
}
