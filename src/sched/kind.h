/*
 * kind.h
 *	  The kinds of scheduled work, behind one callback table.
 *
 * src/jobs registers the kinds; src/sched knows no kind by name.
 */
#ifndef PO_KIND_H
#define PO_KIND_H

#include "datatype/timestamp.h"

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
	char	   *schedule;
	char	   *timezone;
	int64		timeout_us;		/* 0: none */
	int			max_attempts;
	int64		backoff_us;
	int64		max_backoff_us;
	int			priority;
	bool		enabled;
	bool		paused;
	bool		retry_after_crash;
	TimestampTz next_run;		/* DT_NOEND: no slot to come */
} PoJob;

/* One attempt of a run, while it is under way; the kind fills the lower half. */
typedef struct PoJobRun
{
	const PoJob *job;
	int64		run_id;
	int			attempt;
	int64		rows_affected;	/* -1: not counted */
	char	   *detail;			/* what was done, for the history, or NULL; in memory */
	MemoryContext memory;		/* lives until the outcome is stored */
} PoJobRun;

/*
 * A kind of work.
 *
 * validate	runs in the session that schedules, as the scheduling role, and again
 *			in the runner before the work: it raises an error when the job's
 *			target or rights are not as they must be.
 * as_whom	returns the role as which the runner connects.  Called in a
 *			transaction of the scheduler; raises no error for a missing target.
 * run		does the work.  Called outside any transaction, connected as
 *			as_whom's role; it starts and commits its own and raises an error
 *			when the work fails.
 */
typedef struct PoJobKind
{
	const char *name;
	bool		retry_after_crash;	/* repeating a half-done attempt is safe */
	bool		one_off;		/* stored by po_once_start: repeated after a crash only, removed when done */
	void		(*validate) (PoJob *job);
	Oid			(*as_whom) (const PoJob *job);
	bool		(*waits_for_snapshots) (const PoJob *job);
	void		(*run) (PoJobRun *run);
} PoJobKind;

extern void po_kind_register(const PoJobKind *kind);
extern const PoJobKind *po_kind_find_or_null(const char *name);
extern const PoJobKind *po_kind_find(const char *name);

#endif							/* PO_KIND_H */
