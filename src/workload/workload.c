/*
 * workload.c
 *	  Starting the tracking of statements.
 */
#include "postgres.h"

#include "core/compat.h"
#include "plan/sample.h"
#include "workload/capture.h"
#include "workload/parse.h"
#include "workload/settings.h"
#include "workload/track.h"
#include "workload/tracked.h"
#include "workload/waits.h"
#include "workload/workload.h"

/* Sets up shared memory, settings and hooks; called once from _PG_init while preloading. */
void
po_workload_init(void)
{
	/* Statements are told apart by the server's own identifiers. */
	EnableQueryId();
	po_settings_init();
	po_tracked_init();
	po_parse_init();
	po_track_init();
	po_waits_init();
	po_sample_register(po_capture_find);
}
