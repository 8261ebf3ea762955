/*
 * snapshot.c
 *	  Adding to the history of the workload.
 *
 * The work is done by perf_optimizer.record_snapshot(), in SQL, as the owner of
 * the extension: it reads everybody's statistics and writes tables of the
 * extension only.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "core/own.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "workload/snapshot.h"

/* Raises 42501 unless a role may see everybody's statistics, which a snapshot keeps. */
void
po_snapshot_check(Oid role)
{
	if (!has_privs_of_role(role, ROLE_PG_READ_ALL_STATS))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to take a snapshot of the workload"),
				 errhint("GRANT pg_read_all_stats TO the role, or pg_monitor, which includes it.")));
}

/*
 * Takes a snapshot and returns its number; in the caller's transaction.  Raises
 * 42501 as po_snapshot_check does, and 25006 on a standby.
 */
int64
po_snapshot_take(void)
{
	bool		isnull;
	int64		id;

	po_snapshot_check(GetUserId());
	PreventCommandIfReadOnly("take_snapshot()");
	if (RecoveryInProgress())
		PreventCommandDuringRecovery("take_snapshot()");
	SPI_connect();
	if (po_own_execute("SELECT perf_optimizer.record_snapshot()", 0, NULL, NULL, NULL) != 1)
		elog(ERROR, "the snapshot has no number");
	id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	return id;
}
