/*
 * crew.c
 *	  The runners that the scheduler of a database has for a role: how many there
 *	  are to be, and starting them.
 *
 * Each role has one, and a few more are started at once for what waits.  Whether
 * that needs more processes, or is so short that they would only be in each other's
 * way, shows in what they take from the queue; so they are watched for as long as
 * more could be started.  For a
 * slot that many jobs have they are started before it, since starting a process
 * takes longer than most runs.
 */
#include "postgres.h"

#include <unistd.h>

#include "miscadmin.h"
#include "sched/crew.h"
#include "sched/runner.h"
#include "utils/timestamp.h"

/* How long to watch the first runners of a role before more are started for what waits. */
#define WATCH_MS 50
/* More are started when what waits would take the runners there are longer than this, */
#define PATIENCE_US USECS_PER_SEC
/* unless their runs are shorter than this: then they are busy, and a process more costs several runs. */
#define SHORT_RUN_US 5000

/* Since when the runners are watched, 0 when nothing waits for more; and how many of all roles will do. */
static TimestampTz watched_since = 0;
static int	enough = 0;

/* Returns how many runners are started at once. */
static int
first_runners(void)
{
	return 2 * Max((int) sysconf(_SC_NPROCESSORS_ONLN), 1);
}

/* Gives a run to a runner's slot, or with run_id 0 the prospect of one; lock held. */
void
po_crew_give(PoRunner *runner, const PoWaiting *run)
{
	runner->phase = PO_RUNNER_STARTING;
	runner->run_id = run->run_id;
	runner->job_id = run->job_id;
	runner->awaited = run->awaited;
	runner->assigned_at = GetCurrentTimestamp();
}

/* Reserves a free slot for a run and returns its index, -1 when there is none; lock held. */
int
po_crew_reserve(const PoWaiting *run)
{
	for (int i = 0; i < po_sched->nrunners; i++)
	{
		PoRunner   *runner = &po_sched->runners[i];
		uint32		generation = runner->generation + 1;

		if (runner->phase != PO_RUNNER_FREE)
			continue;
		memset(runner, 0, sizeof(PoRunner));
		runner->generation = generation;
		runner->dboid = MyDatabaseId;
		runner->roleid = run->roleid;
		po_crew_give(runner, run);
		return i;
	}
	return -1;
}

/* Starts the process of a reserved slot; gives the slot back and returns false when the server has no worker to spare. */
bool
po_crew_start(int index, uint32 generation)
{
	if (po_runner_start(index, generation))
		return true;
	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	po_sched->runners[index].phase = PO_RUNNER_FREE;
	LWLockRelease(po_sched_lock);
	return false;
}

/* Tells whether another runner could be started; lock held. */
static bool
has_free_slot(void)
{
	for (int i = 0; i < po_sched->nrunners; i++)
		if (po_sched->runners[i].phase == PO_RUNNER_FREE)
			return true;
	return false;
}

/* Tells whether a runner was asked for only just now and has not come to life; lock held. */
static bool
still_starting(TimestampTz now)
{
	for (int i = 0; i < po_sched->nrunners; i++)
		if (po_sched->runners[i].dboid == MyDatabaseId && po_sched->runners[i].phase == PO_RUNNER_STARTING &&
			now - po_sched->runners[i].assigned_at < PATIENCE_US)
			return true;
	return false;
}

/* Counts the runners of a role, InvalidOid for all, that will look into the queue once more; lock held. */
int
po_crew_count(Oid roleid)
{
	int			n = 0;

	for (int i = 0; i < po_sched->nrunners; i++)
	{
		PoRunner   *runner = &po_sched->runners[i];

		if (runner->dboid == MyDatabaseId && !runner->dismissed &&
			(!OidIsValid(roleid) || runner->roleid == roleid) &&
			runner->phase != PO_RUNNER_FREE && runner->phase != PO_RUNNER_GONE)
			n++;
	}
	return n;
}

/* Tells whether a role with so many runners is to have another: one in any case, more while all roles have few.  Lock held. */
bool
po_crew_wants_more(int nrunners)
{
	return nrunners == 0 || po_crew_count(InvalidOid) < enough;
}

/* Notes that runs are about to be handed out; lock held, and the queue as the last round left it. */
void
po_crew_begin_round(const PoDatabase *db)
{
	if (watched_since != 0 && db->nwaiting > 0)
		return;
	enough = first_runners();
	watched_since = 0;
}

/* Notes that runs were handed out, and whether some wait although more runners could be started; lock held. */
void
po_crew_end_round(PoDatabase *db, bool held_back)
{
	if (!held_back || !has_free_slot())
		watched_since = 0;
	else if (watched_since == 0)
	{
		watched_since = GetCurrentTimestamp();
		db->ntaken = 0;
	}
}

/* Returns a role of which runs are in the queue and that is to have another runner, InvalidOid for none; lock held. */
static Oid
find_short_of_runners(void)
{
	for (int i = po_sched->first_waiting; i < po_sched->nwaiting; i++)
	{
		const PoWaiting *run = &po_sched->waiting[i];

		if (run->run_id != 0 && run->dboid == MyDatabaseId && po_crew_wants_more(po_crew_count(run->roleid)))
			return run->roleid;
	}
	return InvalidOid;
}

/* Starts a runner of a role that takes a run from the queue or waits for one; false when it cannot be. */
static bool
start_waiting_runner(Oid roleid)
{
	PoWaiting	none = {.dboid = MyDatabaseId,.roleid = roleid};
	int			index;
	uint32		generation = 0;

	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	index = po_crew_reserve(&none);
	if (index >= 0)
		generation = po_sched->runners[index].generation;
	LWLockRelease(po_sched_lock);
	return index >= 0 && po_crew_start(index, generation);
}

/*
 * Starts runners for jobs that will be due soon, ncrowds roles with njobs of them
 * each.  They wait for their runs; nobody gives way to them.
 */
void
po_crew_prepare(const PoDueCount *crowds, int ncrowds)
{
	int64		total = 0;

	for (int i = 0; i < ncrowds; i++)
		total += crowds[i].njobs;
	for (int i = 0; i < ncrowds; i++)
	{
		/* They are no burden at the slot itself, so there are more of them. */
		int			n = Max(2 * first_runners() * crowds[i].njobs / total, 1);
		int			there;

		LWLockAcquire(po_sched_lock, LW_SHARED);
		there = po_crew_count(crowds[i].roleid);
		LWLockRelease(po_sched_lock);
		while (there < n && start_waiting_runner(crowds[i].roleid))
			there++;
	}
}

/* Decides whether more runners are to be started, and whether to go on watching; lock held. */
static bool
want_more(void)
{
	TimestampTz now = GetCurrentTimestamp();
	PoDatabase *db = po_shared_find_database(MyDatabaseId);
	double		elapsed = now - watched_since;
	int			nrunners = po_crew_count(InvalidOid);
	bool		more = false;

	if (elapsed >= WATCH_MS * 1000.0 && !still_starting(now))
	{
		more = db->nwaiting * elapsed > (double) PATIENCE_US * db->ntaken &&
			nrunners * elapsed > (double) SHORT_RUN_US * db->ntaken;
		if (more)
			enough = Min(Max(enough, nrunners) * 2, po_sched->nrunners);
		watched_since = now;
		db->ntaken = 0;
	}
	if (db->nwaiting == 0 || !has_free_slot())
		watched_since = 0;
	return more && watched_since != 0;
}

/*
 * Looks at what the watched runners get done, and starts more where that is too
 * little.  Reads no table.  Returns in how many milliseconds to come again, -1 when
 * there is nothing to watch.
 */
long
po_crew_watch(void)
{
	bool		more;

	if (watched_since == 0)
		return -1;
	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	more = want_more();
	LWLockRelease(po_sched_lock);
	while (more)
	{
		Oid			roleid;

		LWLockAcquire(po_sched_lock, LW_SHARED);
		roleid = find_short_of_runners();
		LWLockRelease(po_sched_lock);
		more = OidIsValid(roleid) && start_waiting_runner(roleid);
	}
	return watched_since != 0 ? WATCH_MS : -1;
}
