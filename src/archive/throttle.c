/*
 * throttle.c
 *	  Waiting between the batches of an archive run.
 */
#include "postgres.h"

#include <math.h>

#include "archive/cutoff.h"
#include "archive/throttle.h"
#include "catalog/pg_type.h"
#include "core/own.h"
#include "core/window.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* Bytes of WAL per second of a policy that names no rate: an application beside it goes on as before. */
#define DEFAULT_WAL_RATE (8 * 1024 * 1024)
/* So many batches share what may be written in a second; where each makes a file or goes to another server, so many. */
#define BURSTS_PER_SECOND 256
#define BURSTS_ABROAD_PER_SECOND 32

/* Sleeps at least ms milliseconds; a cancel or termination interrupts it. */
void
po_throttle_sleep(long ms)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms);

	while (ms > 0)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);
	}
}

/* Returns how many bytes of WAL a run may write in a second, 0 for any number. */
static int64
wal_rate(const PoArchivePolicy *policy)
{
	if (policy->max_rows_per_second > 0 || policy->max_wal_bytes_per_second > 0)
		return policy->max_wal_bytes_per_second;
	return DEFAULT_WAL_RATE;
}

/*
 * Tells whether a batch that wrote so many bytes of WAL is larger than the policy's
 * rate allows at once: others wait while it has the processor, or for its flush.
 * local: its rows stay in this database.
 */
bool
po_throttle_is_burst(const PoArchivePolicy *policy, bool local, uint64 wal_bytes)
{
	int64		rate = wal_rate(policy);

	return rate > 0 && wal_bytes > rate / (local ? BURSTS_PER_SECOND : BURSTS_ABROAD_PER_SECOND);
}

/*
 * Returns for how many milliseconds to wait so that a run stays below its rates:
 * elapsed_s seconds after its start it has taken so many rows and written so much
 * WAL.
 */
long
po_throttle_delay(const PoArchivePolicy *policy, double elapsed_s, int64 rows, uint64 wal_bytes)
{
	double		due_s = 0;

	if (policy->max_rows_per_second > 0)
		due_s = (double) rows / policy->max_rows_per_second;
	if (wal_rate(policy) > 0)
		due_s = Max(due_s, (double) wal_bytes / wal_rate(policy));
	return due_s <= elapsed_s ? 0 : (long) ceil((due_s - elapsed_s) * 1000.0);
}

/* Tells whether a replica is further behind than the policy allows.  The caller has connected SPI. */
bool
po_throttle_replicas_lag(PoArchivePolicy *policy)
{
	Oid			types[] = {INTERVALOID};
	Datum		values[] = {IntervalPGetDatum(policy->max_replica_lag)};

	if (policy->max_replica_lag == NULL)
		return false;
	return po_own_execute("SELECT FROM pg_catalog.pg_stat_replication"
						  " WHERE replay_lag OPERATOR(pg_catalog.>) $1 LIMIT 1",
						  1, types, values, NULL) > 0;
}

/* Tells whether it is a time at which the policy may run. */
bool
po_throttle_in_window(PoArchivePolicy *policy)
{
	PoWindow	window;

	return policy->run_window == NULL || po_window_parse(policy->run_window, &window) != NULL ||
		po_window_contains(&window, po_cutoff_minute_of_week(policy));
}
