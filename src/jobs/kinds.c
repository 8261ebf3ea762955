/*
 * kinds.c
 *	  The kinds of scheduled work that there are.
 */
#include "postgres.h"

#include "jobs/kinds.h"

/* Makes every kind known to the scheduler; called once from _PG_init. */
void
po_kinds_register(void)
{
	po_kind_register(&po_alert_kind);
	po_kind_register(&po_apply_kind);
	po_kind_register(&po_archive_kind);
	po_kind_register(&po_command_kind);
	po_kind_register(&po_maintenance_kind);
	po_kind_register(&po_refresh_kind);
	po_kind_register(&po_snapshot_kind);
	po_kind_register(&po_tuning_kind);
	po_kind_register(&po_verify_kind);
}
