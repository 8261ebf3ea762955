/*
 * job.h
 *	  The stored definitions of jobs.
 *
 * Functions without another word are called between po_store_enter and
 * po_store_leave.
 */
#ifndef PO_JOB_H
#define PO_JOB_H

#include "sched/kind.h"

#define PO_JOB_COLUMNS \
	"j.job_id, j.owner, j.name, j.kind, j.relid, j.target, j.action, j.command, j.schedule, " \
	"j.timezone, j.timeout, j.max_attempts, j.backoff, j.max_backoff, j.priority, j.enabled, " \
	"j.paused, j.retry_after_crash, j.next_run, j.after_job, j.exclude_window, j.at, j.done"
#define PO_JOB_NCOLUMNS 23

/* A job of this database and incarnation: what came with a dump or a copy is held. */
#define PO_JOB_OURS \
	"j.incarnation = (SELECT i.incarnation FROM perf_optimizer.identity i WHERE i.database = " \
	"(SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))"

/* The slot that comes next for a job, DT_NOEND for none. */
typedef struct PoNextSlot
{
	int64		job_id;
	TimestampTz next;
	bool		done;
} PoNextSlot;

/* How many jobs of a role are due together. */
typedef struct PoDueCount
{
	Oid			roleid;
	int64		njobs;
} PoDueCount;

extern PoJob *po_job_from_row(uint64 row, MemoryContext memory);
extern PoJob *po_job_load(int64 job_id, MemoryContext memory);
extern PoJob *po_job_load_locked(int64 job_id, MemoryContext memory);
extern int64 po_job_find(Oid owner, const char *name);
extern void po_job_save(PoJob *job);
extern bool po_job_alter(const PoJob *job);
extern bool po_job_follows(int64 job_id, int64 other);
extern bool po_job_delete(int64 job_id);
extern bool po_job_set_paused(int64 job_id, bool paused);
extern void po_job_set_next(const PoNextSlot *slots, int n);
extern bool po_job_next_due(TimestampTz now, TimestampTz *next);
extern int	po_job_count_due(TimestampTz slot, int least, int limit, PoDueCount *counts);
extern void po_job_rebase_all(TimestampTz now);
extern void po_job_follow_renames(void);
extern int	po_job_pause_all(Oid roleid);
extern int	po_job_resume_all(Oid roleid);

#endif							/* PO_JOB_H */
