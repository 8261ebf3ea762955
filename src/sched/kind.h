/*
 * kind.h
 *	  The kinds of scheduled work, behind one callback table.
 *
 * src/jobs registers the kinds; src/sched knows no kind by name.
 */
#ifndef PO_KIND_H
#define PO_KIND_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

/*
 * A job as it is stored, or about to be.  Strings and the struct live in the
 * memory context in which the job was loaded.
 */
typedef struct PoJob
{
	int64		job_id;			/* 0: not stored yet */
	Oid			owner;
	char	   *name;
	char	   *kind;
	Oid			relid;			/* target relation, or InvalidOid */
	char	   *target;			/* its name as text, or the policy, or NULL */
	char	   *action;			/* refresh mode or maintenance action, or NULL */
	char	   *command;		/* SQL text of a command, or NULL */
	char	   *schedule;		/* NULL: runs after another job only */
	char	   *timezone;
	int64		timeout_us;		/* 0: none */
	int			max_attempts;
	int64		backoff_us;
	int64		max_backoff_us;
	int			priority;
	bool		enabled;
	bool		paused;
	bool		retry_after_crash;
	int64		after_job;		/* runs when that job has succeeded; 0: none */
	char	   *exclude_window; /* as core/window.h reads it, or NULL */
	TimestampTz at;				/* the moment of a job that runs once; else
								 * DT_NOEND, as in those of po_once_start */
	bool		done;			/* that moment's slot has been taken */
	TimestampTz next_run;		/* DT_NOEND: no slot to come */
} PoJob;

/* One attempt of a run, while it is under way; the kind fills the lower half. */
typedef struct PoJobRun
{
	const PoJob *job;
	int64		run_id;
	int			attempt;
	int64		rows_affected;	/* -1: not counted */
	char	   *detail;			/* what was done, for the history, or NULL; in
								 * memory */
	MemoryContext memory;		/* lives until the outcome is stored */
} PoJobRun;

/*
 * A kind of work.
 *
 * validate	runs in the session that schedules, as the scheduling role, and again
 *			in the runner before the work: it raises an error when the job's
 *			target or rights are not as they must be.
 * reads	returns the relations (OIDs) that the job's work reads, so that a run
 *			follows one that writes them when both are due; NULL: no order.  Called
 *			in the scheduler; raises no error for a missing target.
 * waits_for_snapshots	tells whether the work waits until older snapshots are
 *			gone; NULL: never.
 * run		does the work.  Called outside any transaction, connected as the job's
 *			owner; it starts and commits its own and raises an error when the work
 *			fails.
 */
typedef struct PoJobKind
{
	const char *name;
	bool		retry_after_crash;	/* repeating a half-done attempt is safe */
	void		(*validate) (PoJob *job);
	List	   *(*reads) (const PoJob *job);
	bool		(*waits_for_snapshots) (const PoJob *job);
	void		(*run) (PoJobRun *run);
} PoJobKind;

extern void po_kind_register(const PoJobKind *kind);
extern const PoJobKind *po_kind_find_or_null(const char *name);
extern const PoJobKind *po_kind_find(const char *name);

#endif							/* PO_KIND_H */
