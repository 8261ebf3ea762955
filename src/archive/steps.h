/*
 * steps.h
 *	  The steps of a run over an archive policy, each a transaction of its own.
 */
#ifndef PO_STEPS_H
#define PO_STEPS_H

#include "archive/batch.h"
#include "archive/cutoff.h"
#include "archive/policy.h"
#include "archive/writeback.h"
#include "nodes/pg_list.h"

/* A run in progress. */
typedef struct PoArchiveRun
{
	PoArchivePolicy *policy;	/* what is worked on; a purge and a restore
								 * have one made from the stored one */
	PoCutoff	cutoff;
	Oid			role;			/* whose identity works on the tables */
	int64		run_id;
	int64		rows;
	int64		batches;
	int64		purged;			/* rows deleted from the archive */
	int64		expected;		/* rows that there may be to take, by the
								 * planner's estimate */
	int64		digest;			/* of all rows that came to the archive and
								 * left it */
	bool		purging;		/* the rows taken now are counted there */
	int			max_batches;	/* 0: no limit */
	int			batch_rows;		/* size of the next batch */
	TimestampTz started;
	TimestampTz deadline;		/* 0: none */
	uint64		wal_at_start;
	MemoryContext context;		/* lives as long as the run */
	MemoryContext step_context; /* reset by each step */
	int			lock_timeout_ms;	/* of the next step; 0: the session's */
	bool		paced;			/* a rate made it wait: it has the time to
								 * write as others like it */
	bool		unflushed;		/* the next step's commit need not wait for
								 * the disk */
	/* what the current step works on */
	List	   *leaves;			/* tables whose rows go in batches */
	List	   *whole;			/* leaves that go as a whole */
	Oid			leaf;
	PoBatch    *batch;
	PoBatchResult result;
	PoWriteback *writeback;		/* of the table that rows go to; NULL when
								 * they go to none */
	long		sleep_ms;
	bool		lagging;
	void	   *arg;			/* of a step that needs more */
	const char *action;			/* archive or restore */
	const char *why_stopped;	/* NULL while it goes on */
	const char *status;
	const char *message;
} PoArchiveRun;

typedef void (*PoRunStep) (PoArchiveRun *run);

#define PO_STEP_LOCK_TIMEOUT_MS 1000
#define PO_MIN_BATCH_ROWS 50

extern void po_steps_run(const char *policy, int max_batches, const char *action, void *arg, PoRunStep work);
extern void po_steps_must(PoArchiveRun *run, PoRunStep step, bool needs_snapshot, const char *why);
extern void po_steps_insist(PoArchiveRun *run, PoRunStep step, int lock_timeout_ms);
extern void po_steps_pause(PoArchiveRun *run, long ms);
extern void po_steps_refuse(PoArchiveRun *run, List *blockers);

#endif							/* PO_STEPS_H */
