/*
 * runlog.c
 *	  The record of archive runs.
 *
 * A run's row is committed before its work begins, and its counters in the same
 * transaction as each batch, so what a killed run leaves behind is the truth.
 */
#include "postgres.h"

#include "archive/runlog.h"
#include "catalog/pg_type.h"
#include "core/own.h"
#include "core/progress.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/*
 * Records that a run begins, action being archive or restore, and returns its number.  Runs of the policy that are
 * still recorded as running have been killed, because the caller holds the
 * policy's lock.  The caller has connected SPI.
 */
int64
po_runlog_start(PoArchivePolicy *policy, const char *action)
{
	Oid			types[] = {INT4OID, TEXTOID, REGROLEOID, TEXTOID};
	Datum		values[] = {Int32GetDatum(policy->id), CStringGetTextDatum(policy->name),
	ObjectIdGetDatum(policy->owner), CStringGetTextDatum(action)};
	bool		isnull;

	po_own_execute("UPDATE perf_optimizer.archive_run SET status = 'crashed',"
				   " finished_at = pg_catalog.clock_timestamp(), why_stopped = 'crashed',"
				   " message = 'the backend or the server ended during the run'"
				   " WHERE policy_id OPERATOR(pg_catalog.=) $1 AND status OPERATOR(pg_catalog.=) 'running'",
				   1, types, values, NULL);
	po_own_execute("INSERT INTO perf_optimizer.archive_run (policy_id, policy, owner, action)"
				   " VALUES ($1, $2, $3, $4) RETURNING run_id", 4, types, values, NULL);
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/* Records a run's cutoff. */
void
po_runlog_set_cutoff(int64 run_id, TimestampTz cutoff)
{
	Oid			types[] = {INT8OID, TIMESTAMPTZOID};
	Datum		values[] = {Int64GetDatum(run_id), TimestampTzGetDatum(cutoff)};

	po_own_execute("UPDATE perf_optimizer.archive_run SET cutoff = $2 WHERE run_id OPERATOR(pg_catalog.=) $1",
				   2, types, values, NULL);
}

/* Records by which expression a run hashes rows; NULL when not all of its rows are hashed. */
void
po_runlog_set_digest_of(int64 run_id, const char *expression)
{
	Oid			types[] = {INT8OID, TEXTOID};
	Datum		values[] = {Int64GetDatum(run_id), expression ? CStringGetTextDatum(expression) : (Datum) 0};

	po_own_execute("UPDATE perf_optimizer.archive_run SET digest_of = $2 WHERE run_id OPERATOR(pg_catalog.=) $1",
				   2, types, values, expression ? NULL : " n");
}

/*
 * Records that a partition came or went as a whole: not all rows of the run are
 * hashed, and estimated of those in its totals were not counted.
 */
void
po_runlog_note_whole(int64 run_id, int64 estimated)
{
	Oid			types[] = {INT8OID, INT8OID};
	Datum		values[] = {Int64GetDatum(run_id), Int64GetDatum(estimated)};

	po_own_execute("UPDATE perf_optimizer.archive_run SET digest_of = NULL, rows_estimated = rows_estimated OPERATOR(pg_catalog.+) $2"
				   " WHERE run_id OPERATOR(pg_catalog.=) $1", 2, types, values, NULL);
}

/* Records the totals so far; part of the batch's transaction.  expected: how many rows there may be in all. */
void
po_runlog_progress(int64 run_id, int64 rows, int64 purged, int64 batches, int64 digest, int64 expected)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT8OID, INT8OID, INT8OID, INT8OID, INT8OID};
	Datum		values[] = {Int64GetDatum(run_id), Int64GetDatum(rows), Int64GetDatum(purged), Int64GetDatum(batches),
	Int64GetDatum(digest)};

	po_progress_report("working through batches", rows + purged, Max(expected, rows + purged));
	po_own_execute_again(&plan, "UPDATE perf_optimizer.archive_run SET rows_archived = $2, rows_purged = $3, batches = $4, digest = $5"
						 " WHERE run_id OPERATOR(pg_catalog.=) $1", 5, types, values, NULL);
}

/* Records how a run ended; message may be NULL. */
void
po_runlog_finish(int64 run_id, const char *status, const char *why, const char *message)
{
	Oid			types[] = {INT8OID, TEXTOID, TEXTOID, TEXTOID};
	Datum		values[] = {Int64GetDatum(run_id), CStringGetTextDatum(status), CStringGetTextDatum(why),
	message ? CStringGetTextDatum(message) : (Datum) 0};
	char		nulls[] = "    ";

	if (message == NULL)
		nulls[3] = 'n';
	po_own_execute("UPDATE perf_optimizer.archive_run SET status = $2, why_stopped = $3, message = $4,"
				   " finished_at = pg_catalog.clock_timestamp() WHERE run_id OPERATOR(pg_catalog.=) $1",
				   4, types, values, nulls);
}
