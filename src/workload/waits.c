/*
 * waits.c
 *	  What sessions wait for, sampled.
 *
 * A worker of its own looks at all sessions every perf_optimizer.sample_interval
 * and adds what it sees to two places in shared memory: a ring of looks, for load
 * over the last minutes, and counts by statement, of which snapshots keep the
 * growth.  It is connected to no database and writes nothing else, so it runs on
 * a standby, too.  While nobody is active it looks more seldom.
 *
 * waits_lock guards the area; only the worker writes.
 */
#include "postgres.h"

#include "core/clock.h"
#include "core/compat.h"
#include "core/shmem.h"
#include "core/worker.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"
#include "workload/settings.h"
#include "workload/waits.h"

#define TICKS 3600
#define COUNTS 2048
#define DATABASES 64
/* Without active sessions the pause grows up to this many times the interval. */
#define MAX_STRETCH 10
/* The longest pause in milliseconds. */
#define MAX_PAUSE (60 * 60 * 1000)

PGDLLEXPORT void perf_optimizer_sampler_main(Datum arg);

/* The area. */
typedef struct WaitsArea
{
	uint32		nticks;			/* written so far; the ring holds the last
								 * TICKS */
	PoWaitStats stats;			/* statements: how many of counts are in use */
	PoWaitTick	ticks[TICKS];
	PoWaitCount counts[COUNTS];
} WaitsArea;

static void *area_pointer = NULL;
static LWLock *waits_lock = NULL;

/* Tells the size of the area. */
static Size
area_size(void)
{
	return sizeof(WaitsArea);
}

/* Fills a new area. */
static void
area_init(void *area)
{
	WaitsArea  *waits = area;

	memset(waits, 0, sizeof(WaitsArea));
	waits->stats.max_statements = COUNTS;
}

static const PoShmemArea area = {
	.name = "perf_optimizer_waits",
	.size = area_size,
	.init = area_init,
	.pointer = &area_pointer,
	.lock = &waits_lock,
};

/* Asks for the area and the worker; called once from _PG_init while preloading. */
void
po_waits_init(void)
{
	BackgroundWorker worker = {0};

	po_shmem_register(&area);
	if (IsBinaryUpgrade)
		return;
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_restart_time = 10;
	snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "perf_optimizer");
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "perf_optimizer_sampler_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "perf_optimizer sampler");
	snprintf(worker.bgw_type, BGW_MAXLEN, "perf_optimizer sampler");
	RegisterBackgroundWorker(&worker);
}

/* Returns the name of a class of load as results show it. */
const char *
po_waits_class_name(PoWaitClass wait_class)
{
	static const char *const names[PO_WAIT_CLASSES] = {
		"cpu", "io", "wal", "lock", "lwlock", "ipc", "replication", "client", "other", "idle in transaction"
	};

	return names[wait_class];
}

/* ---- sampling ---- */

/* Tells whether a wait is for WAL to be written: by the session itself, or by another one before it. */
static bool
is_wal_wait(uint32 wait)
{
	return wait == WAIT_EVENT_WAL_WRITE || wait == WAIT_EVENT_WAL_SYNC ||
		wait == WAIT_EVENT_WAL_INIT_WRITE || wait == WAIT_EVENT_WAL_INIT_SYNC ||
		wait == (PG_WAIT_LWLOCK | LWTRANCHE_WAL_INSERT) || wait == (PG_WAIT_LWLOCK | WALWriteLock->tranche);
}

/* Returns the class of what an active session waits for. */
static PoWaitClass
classify(uint32 wait)
{
	if (is_wal_wait(wait))
		return PO_WAIT_WAL;
	if (wait == WAIT_EVENT_SYNC_REP)
		return PO_WAIT_REPLICATION;
	switch (wait & 0xFF000000)
	{
		case 0:
			return PO_WAIT_CPU;
		case PG_WAIT_IO:
			return PO_WAIT_IO;
		case PG_WAIT_LOCK:
			return PO_WAIT_LOCK;
		case PG_WAIT_LWLOCK:
		case PO_WAIT_BUFFER:
			return PO_WAIT_LWLOCK;
		case PG_WAIT_IPC:
			return PO_WAIT_IPC;
		case PG_WAIT_CLIENT:
			return PO_WAIT_CLIENT;
		default:
			return PO_WAIT_OTHER;
	}
}

/* Returns the class of a session's load; PO_WAIT_CLASSES for an idle one, or one of no database. */
static PoWaitClass
classify_session(const PgBackendStatus *status)
{
	PGPROC	   *proc;

	if (status->st_procpid <= 0 || !OidIsValid(status->st_databaseid) || status->st_procpid == MyProcPid)
		return PO_WAIT_CLASSES;
	if (status->st_state == STATE_IDLEINTRANSACTION || status->st_state == STATE_IDLEINTRANSACTION_ABORTED)
		return PO_WAIT_IDLE_IN_TRANSACTION;
	if (status->st_state != STATE_RUNNING && status->st_state != STATE_FASTPATH)
		return PO_WAIT_CLASSES;
	proc = BackendPidGetProc(status->st_procpid);
	return proc == NULL ? PO_WAIT_CLASSES : classify(*(volatile uint32 *) &proc->wait_event_info);
}

/* Returns the count of a statement; a full table forgets the one with the least load. */
static PoWaitCount *
find_count(WaitsArea *waits, const PgBackendStatus *status)
{
	PoWaitCount *least = NULL;
	double		least_load = 0;

	for (int i = 0; i < waits->stats.statements; i++)
	{
		PoWaitCount *count = &waits->counts[i];
		double		load = 0;

		if (count->queryid == (uint64) status->st_query_id && count->dbid == status->st_databaseid &&
			count->userid == status->st_userid)
			return count;
		for (int c = 0; c < PO_WAIT_CLASSES; c++)
			load += count->seconds[c];
		if (least == NULL || load < least_load)
		{
			least = count;
			least_load = load;
		}
	}
	if (waits->stats.statements < COUNTS)
		least = &waits->counts[waits->stats.statements++];
	else
		waits->stats.evicted++;
	memset(least, 0, sizeof(PoWaitCount));
	least->queryid = (uint64) status->st_query_id;
	least->dbid = status->st_databaseid;
	least->userid = status->st_userid;
	return least;
}

/* Returns this look's tick of a database, of n so far; NULL when there are too many databases. */
static PoWaitTick *
find_tick(PoWaitTick *ticks, int *n, Oid dbid)
{
	for (int i = 0; i < *n; i++)
		if (ticks[i].dbid == dbid)
			return &ticks[i];
	if (*n == DATABASES)
		return NULL;
	memset(&ticks[*n], 0, sizeof(PoWaitTick));
	ticks[*n].dbid = dbid;
	ticks[*n].at = po_clock_now();
	return &ticks[(*n)++];
}

/* Looks at all sessions; each that is seen counts for the seconds since the last look.  Returns how many were active. */
static int
look(double seconds)
{
	static PoWaitTick ticks[DATABASES];
	WaitsArea  *waits = area_pointer;
	int			nticks = 0;
	int			active = 0;
	int			backends;

	pgstat_clear_backend_activity_snapshot();
	backends = pgstat_fetch_stat_numbackends();
	LWLockAcquire(waits_lock, LW_EXCLUSIVE);
	for (int i = 1; i <= backends; i++)
	{
		const PgBackendStatus *status = &PO_BACKEND_STATUS(i)->backendStatus;
		PoWaitClass wait_class = classify_session(status);
		PoWaitTick *tick;

		if (wait_class == PO_WAIT_CLASSES)
			continue;
		active += wait_class != PO_WAIT_IDLE_IN_TRANSACTION;
		find_count(waits, status)->seconds[wait_class] += seconds;
		tick = find_tick(ticks, &nticks, status->st_databaseid);
		if (tick != NULL)
			tick->sessions[wait_class]++;
	}
	for (int i = 0; i < nticks; i++)
		waits->ticks[waits->nticks++ % TICKS] = ticks[i];
	waits->stats.looks++;
	waits->stats.last_look = GetCurrentTimestamp();
	LWLockRelease(waits_lock);
	return active;
}

/* Waits until the next look, if there will be one. */
static void
pause_for(int milliseconds, bool sampling)
{
	WaitsArea  *waits = area_pointer;

	LWLockAcquire(waits_lock, LW_EXCLUSIVE);
	waits->stats.pause_ms = sampling ? milliseconds : 0;
	LWLockRelease(waits_lock);
	(void) po_worker_sleep(milliseconds);
}

/*
 * Returns for how many seconds what is seen now has lasted, as far as is known:
 * an idle period does not count for what is found at its end, nor a clock that jumps.
 */
static double
seconds_since(TimestampTz last, TimestampTz now, int interval, int stretch)
{
	double		elapsed = (double) (now - last) / USECS_PER_SEC;
	double		most = interval / 1000.0 * (stretch > 1 ? 1 : MAX_STRETCH);

	return Max(Min(elapsed, most), 0);
}

/* The sampler. */
void
perf_optimizer_sampler_main(Datum arg)
{
	TimestampTz last = GetCurrentTimestamp();
	int			stretch = 1;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	for (;;)
	{
		TimestampTz now;
		int			interval = po_settings_sample_interval;

		if (interval == 0)
		{
			/*
			 * Off: only a reload of the settings or the end of the server
			 * wakes us.
			 */
			pause_for(MAX_PAUSE, false);
			last = GetCurrentTimestamp();
			continue;
		}
		pause_for(Min(interval * stretch, MAX_PAUSE), true);
		now = GetCurrentTimestamp();
		if (look(seconds_since(last, now, interval, stretch)) > 0)
			stretch = 1;
		else
			stretch = Min(stretch + 1, MAX_STRETCH);
		last = now;
	}
}

/* ---- reading ---- */

/* Copies this database's looks, oldest first, into an array in the current memory context; returns their number. */
int
po_waits_ticks(PoWaitTick **ticks)
{
	WaitsArea  *waits = area_pointer;
	int			n = 0;

	*ticks = palloc(sizeof(PoWaitTick) * TICKS);
	if (waits == NULL)
		return 0;
	LWLockAcquire(waits_lock, LW_SHARED);
	for (uint32 i = waits->nticks > TICKS ? waits->nticks - TICKS : 0; i < waits->nticks; i++)
		if (waits->ticks[i % TICKS].dbid == MyDatabaseId)
			(*ticks)[n++] = waits->ticks[i % TICKS];
	LWLockRelease(waits_lock);
	return n;
}

/* Copies this database's counts into an array in the current memory context; returns their number. */
int
po_waits_counts(PoWaitCount **counts)
{
	WaitsArea  *waits = area_pointer;
	int			n = 0;

	*counts = palloc(sizeof(PoWaitCount) * COUNTS);
	if (waits == NULL)
		return 0;
	LWLockAcquire(waits_lock, LW_SHARED);
	for (int i = 0; i < waits->stats.statements; i++)
		if (waits->counts[i].dbid == MyDatabaseId)
			(*counts)[n++] = waits->counts[i];
	LWLockRelease(waits_lock);
	return n;
}

/* Tells how the sampler does. */
void
po_waits_stats(PoWaitStats *stats)
{
	WaitsArea  *waits = area_pointer;

	LWLockAcquire(waits_lock, LW_SHARED);
	*stats = waits->stats;
	LWLockRelease(waits_lock);
}
