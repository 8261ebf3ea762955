/*
 * run.h
 *	  The stored runs of jobs and their attempts.
 *
 * Every function is called between po_store_enter and po_store_leave.
 */
#ifndef PO_SCHED_RUN_H
#define PO_SCHED_RUN_H

#include "nodes/pg_list.h"
#include "sched/kind.h"
#include "sched/state.h"

/* A run as a session or a worker sees it. */
typedef struct PoRun
{
	int64		run_id;
	int64		job_id;
	Oid			owner;
	char	   *name;
	int			attempt;
	PoRunState	state;
	int			pid;
	bool		own_transaction;	/* enqueued by the current transaction */
} PoRun;

/* How a run's row is locked when it is loaded; a worker passes over what a session has locked. */
typedef enum PoRunLock
{
	PO_RUN_NO_LOCK,
	PO_RUN_WAIT,
	PO_RUN_SKIP_LOCKED
} PoRunLock;

/* How an attempt ended; the strings may be NULL. */
typedef struct PoOutcome
{
	PoRunState	state;
	int64		rows_affected;	/* -1: not counted */
	const char *sqlstate;
	const char *message;
	const char *detail;
	const char *hint;
	const char *context;
} PoOutcome;

/* A slot of a job that is to become a row; po_run_store_new fills run_id. */
typedef struct PoNewRun
{
	const PoJob *job;
	const char *cause;
	TimestampTz slot;
	const char *skipped;		/* why it is not to be run, or NULL */
	int64		run_id;
} PoNewRun;

extern PoRun *po_run_load(int64 run_id, PoRunLock lock, MemoryContext memory);
extern int64 po_run_enqueue(const PoJob *job, const char *cause, TimestampTz slot);
extern void po_run_store_new(List *runs);
extern void po_run_end_queued(int64 run_id, PoRunState state, const char *reason);
extern int	po_run_cancel_queued_of_job(int64 job_id);
extern int	po_run_begin(int64 run_id, PoJob **job, MemoryContext memory);
extern bool po_run_succeed(int64 run_id, const PoJob *job, int attempt, const PoOutcome *outcome, bool *followed);
extern TimestampTz po_run_settle(int64 run_id, const PoOutcome *outcome);
extern int	po_run_forget_dead(int64 job_id);
extern void po_run_rebase_queued(TimestampTz now);
extern void po_run_prune(TimestampTz before);

#endif							/* PO_SCHED_RUN_H */
