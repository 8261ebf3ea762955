/*
 * cache.c
 *	  Starting the result cache.
 */
#include "postgres.h"

#include "cache/cache.h"
#include "cache/result.h"
#include "cache/settings.h"
#include "cache/watch.h"
#include "core/writers.h"

/* Sets up settings, and shared memory and hooks when the cache is to have any; called once while preloading. */
void
po_cache_init(void)
{
	po_cache_settings_init();
	if (po_cache_size == 0)
		return;
	po_writers_init();
	po_result_init();
	po_watch_init();
}
