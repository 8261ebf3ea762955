/*
 * shared.h
 *	  What launcher, schedulers, runners and sessions know of each other.
 *
 * Everything in PoSchedShared is guarded by po_sched_lock, but the condition
 * variable, which guards itself.
 */
#ifndef PO_SHARED_H
#define PO_SHARED_H

#include "datatype/timestamp.h"
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
	bool		wanted;			/* something changed since the scheduler last looked */
	bool		starved;		/* runs wait for a free runner */
	bool		booted;			/* @reboot jobs have been enqueued since the start */
	int			held;			/* sessions that need the database without workers */
	int			failures;		/* schedulers that ended badly, one after the other */
	TimestampTz asked_at;		/* when the scheduler was asked for */
	TimestampTz not_before;		/* no scheduler is started before, after a bad end */
	TimestampTz next_due;		/* when a scheduler is needed again; DT_NOEND: never */
} PoDatabase;

typedef enum PoRunnerPhase
{
	PO_RUNNER_FREE = 0,
	PO_RUNNER_STARTING,			/* asked for, or connecting */
	PO_RUNNER_WORKING,			/* "running" is committed */
	PO_RUNNER_DONE,				/* the outcome is committed */
	PO_RUNNER_GONE				/* the process ended without storing an outcome */
} PoRunnerPhase;

/* How far a run has come. */
typedef struct PoProgress
{
	char		phase[64];		/* empty: not said */
	int64		done;
	int64		total;			/* 0: not known */
	TimestampTz since;			/* when the phase began */
} PoProgress;

/* A runner process and the run that it was given; owned by the database's scheduler. */
typedef struct PoRunner
{
	PoRunnerPhase phase;
	uint32		generation;		/* tells a late process that its slot was given away */
	Oid			dboid;
	Oid			roleid;
	int64		run_id;
	int64		job_id;
	pid_t		pid;			/* 0 before the process lives */
	TimestampTz assigned_at;
	bool		cancelled;		/* cancel_run was called */
	bool		timed_out;
	PoProgress	progress;
	char		sqlstate[6];	/* of the error that ended the process, or empty */
	char		message[512];
	char		detail[512];
	char		hint[256];
} PoRunner;

typedef struct PoSchedShared
{
	pid_t		launcher_pid;
	Latch	   *launcher_latch;
	bool		rescan;			/* the list of databases may have changed */
	ConditionVariable progress; /* a run ended, or a worker exited */
	int			nrunners;
	PoDatabase	databases[PO_MAX_DATABASES];
	PoRunner	runners[FLEXIBLE_ARRAY_MEMBER];
} PoSchedShared;

extern PoSchedShared *po_sched;
extern LWLock *po_sched_lock;

extern void po_shared_init(void);
extern PoDatabase *po_shared_find_database(Oid dboid);
extern PoDatabase *po_shared_add_database(Oid dboid);
extern void po_shared_wake_database(Oid dboid);
extern void po_shared_wake_launcher(bool rescan);
extern void po_shared_wake_starved(void);

#endif							/* PO_SHARED_H */
