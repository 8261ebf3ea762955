/*
 * shared.h
 *	  What launcher, schedulers, runners and sessions know of each other.
 *
 * Everything in PoSchedShared is guarded by po_sched_lock, but the condition
 * variable, which guards itself.
 */
#ifndef PO_SHARED_H
#define PO_SHARED_H

#include "core/progress.h"
#include "datatype/timestamp.h"
#include "sched/state.h"
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

/* Databases that the launcher can look after at one time. */
#define PO_MAX_DATABASES 256

typedef enum PoDatabaseState
{
	PO_DB_UNUSED = 0,
	PO_DB_IDLE,					/* no scheduler */
	PO_DB_STARTING,				/* a scheduler was asked for */
	PO_DB_ACTIVE				/* it has looked at its jobs */
} PoDatabaseState;

typedef struct PoDatabase
{
	PoDatabaseState state;
	Oid			dboid;
	pid_t		pid;			/* the scheduler's, 0 before it lives */
	Latch	   *latch;			/* the scheduler's, NULL before it lives */
	bool		wanted;			/* something changed since the scheduler last
								 * looked */
	bool		starved;		/* runs of some role wait until a slot is free */
	int			starved_priority;	/* the highest of theirs */
	bool		more_waiting;	/* more runs wait than the queue has room for */
	int			nwaiting;		/* runs in the queue */
	int			ntaken;			/* runs taken from it since dispatch.c last
								 * asked */
	bool		set_back;		/* the clock was set back, so next runs may be
								 * too far away */
	bool		booted;			/* @reboot jobs have been enqueued since the
								 * start */
	TimestampTz no_worker_since;	/* the server has had no worker to spare
									 * since, 0 while it has */
	int			held;			/* sessions that need the database without
								 * workers */
	int			failures;		/* schedulers that ended badly, one after the
								 * other */
	TimestampTz asked_at;		/* when the scheduler was asked for */
	TimestampTz not_before;		/* no scheduler is started before, after a bad
								 * end */
	TimestampTz next_due;		/* when a scheduler is needed again; DT_NOEND:
								 * never */
	TimestampTz wake_at;		/* when the scheduler wakes by itself, 0 while
								 * it is awake */
} PoDatabase;

typedef enum PoRunnerPhase
{
	PO_RUNNER_FREE = 0,
	PO_RUNNER_STARTING,			/* given a run, by which it is asked for or
								 * woken */
	PO_RUNNER_WORKING,			/* "running" is committed */
	PO_RUNNER_DONE,				/* the work is over: the outcome is being
								 * stored, or is */
	PO_RUNNER_IDLE,				/* waits for a run; the process ends when none
								 * comes */
	PO_RUNNER_GONE				/* the process ended without storing an
								 * outcome */
} PoRunnerPhase;

/*
 * A runner process, the role as which it is connected, and the run that it has
 * in hand.  The database's scheduler gives it the first run, and later ones while
 * it is idle; others it takes from the queue.
 */
typedef struct PoRunner
{
	PoRunnerPhase phase;
	uint32		generation;		/* tells a late process that its slot was
								 * given away */
	Oid			dboid;
	Oid			roleid;
	int64		run_id;			/* 0 while idle */
	int64		job_id;
	pid_t		pid;			/* 0 before the process lives */
	Latch	   *latch;			/* NULL before the process lives */
	TimestampTz assigned_at;
	TimestampTz since;			/* when the process took the slot */
	bool		awaited;		/* something waits for the end of this run */
	bool		dismissed;		/* somebody else needs the slot */
	bool		cancelled;		/* cancel_run was called */
	bool		timed_out;
	bool		ended;			/* the work is over, with this outcome and
								 * error: */
	PoRunState	outcome;
	bool		settled;		/* the scheduler stores the end of the run */
	char		sqlstate[6];	/* of the run, or of the error that ended the
								 * process */
	char		message[512];
	char		detail[512];
	char		hint[256];
	PoProgress	progress;		/* written by the runner without the lock */
} PoRunner;

/* A run that waits for a runner of its role to be free; run_id is 0 once it is taken. */
typedef struct PoWaiting
{
	Oid			dboid;
	Oid			roleid;
	int64		run_id;
	int64		job_id;
	int			priority;
	bool		awaited;		/* another run waits for its end */
} PoWaiting;

/* Room in the queue for each runner. */
#define PO_WAITING_PER_RUNNER 64

typedef struct PoSchedShared
{
	pid_t		launcher_pid;
	Latch	   *launcher_latch;
	bool		rescan;			/* the list of databases may have changed */
	ConditionVariable progress; /* a run ended, or a worker exited */
	int			nrunners;
	int			first_waiting;	/* entries of the queue before this one are
								 * taken */
	int			nwaiting;		/* entries of the queue, taken ones included */
	PoWaiting  *waiting;		/* in the order in which they are to run */
	PoDatabase	databases[PO_MAX_DATABASES];
	PoRunner	runners[FLEXIBLE_ARRAY_MEMBER];
} PoSchedShared;

extern PoSchedShared *po_sched;
extern LWLock *po_sched_lock;

extern void po_shared_init(void);
extern PoDatabase *po_shared_find_database(Oid dboid);
extern PoDatabase *po_shared_add_database(Oid dboid);
extern void po_shared_wake_database(Oid dboid);
extern void po_shared_wake(PoDatabase *db);
extern void po_shared_wake_launcher(bool rescan);
extern void po_shared_note_worker(PoDatabase *db, bool lacking);
extern void po_shared_wake_starved(void);
extern bool po_shared_is_starved(int priority, bool any_priority);
extern bool po_shared_push_waiting(const PoWaiting *run);
extern bool po_shared_pop_waiting(Oid dboid, Oid roleid, PoWaiting *run);
extern const PoWaiting *po_shared_peek_waiting(Oid dboid, Oid roleid);
extern void po_shared_drop_waiting(Oid dboid);

#endif							/* PO_SHARED_H */
