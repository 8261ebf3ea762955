/*
 * run.c
 *	  The stored runs of jobs and their attempts.
 *
 * Every change of a run's state goes through state.c's table.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "common/pg_prng.h"
#include "core/clock.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "sched/job.h"
#include "sched/run.h"
#include "sched/store.h"
#include "sched/timetable.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Rows that one pruning deletes at most, so that it never takes long. */
#define PRUNE_BATCH "10000"

/* Raises XX000 when a run may not go from one state to the other. */
static void
check_transition(int64 run_id, PoRunState from, PoRunState to)
{
	if (!po_state_may_follow(from, to))
		elog(ERROR, "run " INT64_FORMAT " cannot go from %s to %s",
			 run_id, po_state_name(from), po_state_name(to));
}

/*
 * Loads a run, and locks its row when asked; NULL when there is none, or when it
 * is locked and that is to be passed over.
 */
PoRun *
po_run_load(int64 run_id, PoRunLock lock, MemoryContext memory)
{
	static const char *const clauses[] = {"", " FOR UPDATE", " FOR UPDATE SKIP LOCKED"};
	PoStoreArgs args = {0};
	PoRun	   *run;
	bool		isnull;
	char	   *status;

	po_store_int8(&args, run_id);
	if (po_store_run(psprintf("SELECT r.run_id, r.job_id, r.owner, r.name, r.attempt, r.status, r.pid, r.xmin"
							  " FROM perf_optimizer.job_run r WHERE r.run_id = $1%s", clauses[lock]), &args) == 0)
		return NULL;
	run = MemoryContextAllocZero(memory, sizeof(PoRun));
	run->run_id = run_id;
	run->job_id = po_store_get_int8(0, 2);
	run->owner = DatumGetObjectId(po_store_datum(0, 3, &isnull));
	run->name = po_store_get_text(0, 4, memory);
	run->attempt = DatumGetInt32(po_store_datum(0, 5, &isnull));
	status = po_store_get_text(0, 6, memory);
	if (!po_state_parse(status, &run->state))
		elog(ERROR, "run " INT64_FORMAT " has the unknown status %s", run_id, status);
	run->pid = DatumGetInt32(po_store_datum(0, 7, &isnull));
	run->own_transaction =
		TransactionIdIsCurrentTransactionId(DatumGetTransactionId(po_store_datum(0, 8, &isnull)));
	return run;
}

/* Adds the columns of new rows as arrays, in the order that po_run_store_new's statement uses. */
static void
new_run_args(List *runs, PoStoreArgs *args)
{
	int			n = list_length(runs);
	Datum	   *values = palloc(sizeof(Datum) * n * 7);
	bool	   *nulls = palloc0(sizeof(bool) * n);
	ListCell   *cell;

	foreach(cell, runs)
	{
		const PoNewRun *run = lfirst(cell);
		int			i = foreach_current_index(cell);

		values[i] = Int64GetDatum(run->job->job_id);
		values[n + i] = ObjectIdGetDatum(run->job->owner);
		values[2 * n + i] = CStringGetTextDatum(run->job->name);
		values[3 * n + i] = CStringGetTextDatum(run->cause);
		values[4 * n + i] = Int32GetDatum(run->job->priority);
		values[5 * n + i] = TimestampTzGetDatum(run->slot);
		nulls[i] = run->skipped == NULL;
		values[6 * n + i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(run->skipped);
	}
	po_store_array(args, INT8OID, values, NULL, n);
	po_store_array(args, OIDOID, values + n, NULL, n);
	po_store_array(args, TEXTOID, values + 2 * n, NULL, n);
	po_store_array(args, TEXTOID, values + 3 * n, NULL, n);
	po_store_array(args, INT4OID, values + 4 * n, NULL, n);
	po_store_array(args, TIMESTAMPTZOID, values + 5 * n, NULL, n);
	po_store_array(args, TEXTOID, values + 6 * n, nulls, n);
}

/* Stores new rows (of PoNewRun), those that wait and those that are skipped, and fills their ids. */
void
po_run_store_new(List *runs)
{
	PoStoreArgs args = {0};
	ListCell   *cell;

	if (runs == NIL)
		return;
	new_run_args(runs, &args);
	po_store_time(&args, po_clock_now());
	if (po_store_run("INSERT INTO perf_optimizer.job_run AS r (job_id, owner, name, cause, priority, scheduled_for, message,"
					 " status, queued_at, not_before, finished_at)"
					 " SELECT u.job_id, u.owner, u.name, u.cause, u.priority, u.slot, u.skipped,"
					 " CASE WHEN u.skipped IS NULL THEN 'queued' ELSE 'skipped' END, $8, $8,"
					 " CASE WHEN u.skipped IS NOT NULL THEN $8 END"
					 " FROM unnest($1, $2, $3, $4, $5, $6, $7) WITH ORDINALITY"
					 " AS u(job_id, owner, name, cause, priority, slot, skipped, ord) ORDER BY u.ord RETURNING r.run_id",
					 &args) != list_length(runs))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a run cannot be enqueued while session_replication_role is replica"),
				 errhint("RESET session_replication_role.")));
	foreach(cell, runs)
		((PoNewRun *) lfirst(cell))->run_id = po_store_get_int8(foreach_current_index(cell), 1);
}

/* Enqueues a run of a job for a slot; returns its id. */
int64
po_run_enqueue(const PoJob *job, const char *cause, TimestampTz slot)
{
	PoNewRun	run = {.job = job,.cause = cause,.slot = slot};

	po_run_store_new(list_make1(&run));
	return run.run_id;
}

/* Ends a waiting run without an attempt: cancelled, or skipped for a newer slot. */
void
po_run_end_queued(int64 run_id, PoRunState state, const char *reason)
{
	PoStoreArgs args = {0};

	check_transition(run_id, PO_RUN_QUEUED, state);
	po_store_int8(&args, run_id);
	po_store_text(&args, po_state_name(state));
	po_store_time(&args, po_clock_now());
	po_store_text(&args, reason);
	(void) po_store_run("UPDATE perf_optimizer.job_run r SET status = $2, finished_at = $3, message = $4"
						" WHERE r.run_id = $1 AND r.status = 'queued'", &args);
}

/* Cancels the waiting runs of a job that is being removed; returns how many. */
int
po_run_cancel_queued_of_job(int64 job_id)
{
	PoStoreArgs args = {0};

	check_transition(0, PO_RUN_QUEUED, PO_RUN_CANCELLED);
	po_store_int8(&args, job_id);
	po_store_time(&args, po_clock_now());
	return po_store_run("UPDATE perf_optimizer.job_run r SET status = 'cancelled', finished_at = $2,"
						" message = 'the job was removed', dead_letter = false"
						" WHERE r.job_id = $1 AND r.status = 'queued'", &args);
}

/*
 * Marks a waiting run as running in this process and loads the job into memory.
 * Returns the attempt's number, 0 when the run is not waiting any more or waits
 * for its retry (the scheduler saw it before its last attempt), its job is gone or
 * held, or a session is changing it.
 */
int
po_run_begin(int64 run_id, PoJob **job, MemoryContext memory)
{
	PoStoreArgs args = {0};
	bool		isnull;

	check_transition(run_id, PO_RUN_QUEUED, PO_RUN_RUNNING);
	po_store_int8(&args, run_id);
	po_store_int4(&args, MyProcPid);
	po_store_time(&args, po_clock_now());

	/*
	 * As a constant it would have the planner walk the index of open runs,
	 * which it takes for empty.
	 */
	po_store_text(&args, po_state_name(PO_RUN_QUEUED));
	if (po_store_run("UPDATE perf_optimizer.job_run r SET status = 'running', attempt = r.attempt + 1, pid = $2, started_at = $3,"
					 " finished_at = NULL, rows_affected = NULL, sqlstate = NULL, message = NULL, detail = NULL, hint = NULL, context = NULL"
					 " FROM perf_optimizer.job j WHERE " PO_JOB_OURS
					 " AND j.job_id = r.job_id AND r.run_id = (SELECT w.run_id FROM perf_optimizer.job_run w"
					 " WHERE w.run_id = $1 AND w.status = $4 AND w.not_before <= $3 FOR UPDATE SKIP LOCKED)"
					 " RETURNING " PO_JOB_COLUMNS ", r.attempt", &args) == 0)
		return 0;
	*job = po_job_from_row(0, memory);
	return DatumGetInt32(po_store_datum(0, PO_JOB_NCOLUMNS + 1, &isnull));
}

/* Keeps an attempt that another will follow, from the run's row, which has the last one. */
static void
keep_attempt(int64 run_id, PoRunState state, TimestampTz finished)
{
	PoStoreArgs args = {0};

	po_store_int8(&args, run_id);
	po_store_text(&args, po_state_name(state));
	po_store_time(&args, finished);
	(void) po_store_run("INSERT INTO perf_optimizer.job_attempt (run_id, attempt, status, pid, started_at, finished_at,"
						" sqlstate, message, detail, hint, context)"
						" SELECT r.run_id, r.attempt, $2, r.pid, r.started_at, $3, r.sqlstate, r.message, r.detail, r.hint, r.context"
						" FROM perf_optimizer.job_run r WHERE r.run_id = $1", &args);
}

/*
 * Tells whether a job was stored by po_once_start: it is repeated after a crash only
 * and removed when its run is done; one whose run failed waits in the dead letters.
 */
static bool
is_one_off(const PoJob *job)
{
	return job->schedule != NULL && strcmp(job->schedule, PO_TIMETABLE_ONCE) == 0 && job->at == DT_NOEND;
}

/* Decides whether the attempt is tried again; fills when.  job is NULL when it is gone. */
static bool
plan_retry(const PoJob *job, int attempt, TimestampTz now, const PoOutcome *outcome, TimestampTz *when)
{
	const PoJobKind *kind = job != NULL ? po_kind_find_or_null(job->kind) : NULL;
	PoRetryPolicy policy;

	*when = DT_NOEND;
	if (kind == NULL || (is_one_off(job) && outcome->state != PO_RUN_CRASHED))
		return false;
	policy.max_attempts = job->max_attempts;
	policy.backoff_us = job->backoff_us;
	policy.max_backoff_us = job->max_backoff_us;
	policy.retry_after_crash = job->retry_after_crash || kind->retry_after_crash;
	if (!po_state_should_retry(&policy, outcome->state, attempt))
		return false;
	*when = now +
		po_state_backoff(&policy, attempt, pg_prng_double(&pg_global_prng_state));
	return true;
}

/*
 * Tells listeners of a dead letter.  Anybody may listen, so the payload holds no
 * text of the user's.
 */
static void
notify_dead_letter(const PoRun *run, int attempt, const PoOutcome *outcome)
{
	Async_Notify("perf_optimizer_dead_letter",
				 psprintf("{\"job_id\": " INT64_FORMAT ", \"run_id\": " INT64_FORMAT
						  ", \"attempt\": %d, \"status\": \"%s\", \"sqlstate\": \"%s\"}",
						  run->job_id, run->run_id, attempt, po_state_name(outcome->state),
						  outcome->sqlstate ? outcome->sqlstate : ""));
}

/*
 * Stores the end of an attempt, and what follows: the run's final state, or its
 * return to the queue for a retry.  A run that no longer waits or runs is left
 * alone.  Returns the moment of the retry that follows, DT_NOEND for none.
 */
TimestampTz
po_run_settle(int64 run_id, const PoOutcome *outcome)
{
	PoStoreArgs args = {0};
	PoRun	   *run = po_run_load(run_id, PO_RUN_WAIT, CurrentMemoryContext);
	PoJob	   *job;
	PoRunState	next;
	TimestampTz now = po_clock_now();	/* the backoff counts from the
										 * recorded end */
	TimestampTz when;
	int			attempt;
	bool		retry;
	bool		dead;

	if (run == NULL || po_state_is_final(run->state))
		return DT_NOEND;
	attempt = run->state == PO_RUN_QUEUED ? run->attempt + 1 : run->attempt;
	job = po_job_load(run->job_id, CurrentMemoryContext);
	retry = plan_retry(job, attempt, now, outcome, &when);
	next = retry ? PO_RUN_QUEUED : outcome->state;
	dead = job != NULL && !retry && (next == PO_RUN_FAILED || next == PO_RUN_TIMED_OUT || next == PO_RUN_CRASHED);
	/* A runner that could not connect leaves a waiting run waiting. */
	if (run->state != next)
		check_transition(run_id, run->state, next);
	po_store_int8(&args, run_id);
	po_store_text(&args, po_state_name(next));
	po_store_int4(&args, attempt);
	po_store_time(&args, when);
	po_store_time(&args, now);
	po_store_int8_or_null(&args, outcome->rows_affected, outcome->rows_affected < 0);
	po_store_text(&args, outcome->sqlstate);
	po_store_text(&args, outcome->message);
	po_store_text(&args, outcome->detail);
	po_store_text(&args, outcome->hint);
	po_store_text(&args, outcome->context);
	po_store_bool(&args, dead);
	(void) po_store_run("UPDATE perf_optimizer.job_run r SET status = $2, attempt = $3, not_before = coalesce($4, r.not_before),"
						" started_at = CASE WHEN r.status = 'running' THEN r.started_at ELSE $5 END, pid = CASE WHEN r.status = 'running' THEN r.pid END,"
						" finished_at = CASE WHEN $2 <> 'queued' THEN $5 END, rows_affected = $6, sqlstate = $7, message = $8,"
						" detail = $9, hint = $10, context = $11, dead_letter = $12 WHERE r.run_id = $1", &args);
	if (retry)
		keep_attempt(run_id, outcome->state, now);
	if (dead)
		notify_dead_letter(run, attempt, outcome);
	if (job != NULL && !dead && !retry && is_one_off(job))
		(void) po_job_delete(job->job_id);
	return when;
}

/*
 * Stores that an attempt has succeeded whose job, as it was when the attempt began,
 * needs nothing done to it; false when it takes po_run_settle to tell what is to
 * be stored.  Fills whether other jobs run after this one.  It is the end of nearly
 * all runs, so it is one statement.
 */
bool
po_run_succeed(int64 run_id, const PoJob *job, int attempt, const PoOutcome *outcome, bool *followed)
{
	PoStoreArgs args = {0};
	bool		isnull;

	if (outcome->state != PO_RUN_SUCCEEDED || is_one_off(job))
		return false;
	check_transition(run_id, PO_RUN_RUNNING, PO_RUN_SUCCEEDED);
	po_store_int8(&args, run_id);
	po_store_int4(&args, attempt);
	po_store_time(&args, po_clock_now());
	po_store_int8_or_null(&args, outcome->rows_affected, outcome->rows_affected < 0);
	po_store_text(&args, outcome->detail);
	/* Not a constant, as in po_run_begin. */
	po_store_text(&args, po_state_name(PO_RUN_RUNNING));
	if (po_store_run("UPDATE perf_optimizer.job_run r SET status = 'succeeded', finished_at = $3, rows_affected = $4, detail = $5"
					 " WHERE r.run_id = $1 AND r.status = $6 AND r.attempt = $2"
					 " RETURNING EXISTS (SELECT FROM perf_optimizer.job j WHERE j.after_job = r.job_id)", &args) == 0)
		return false;
	*followed = DatumGetBool(po_store_datum(0, 1, &isnull));
	return true;
}

/*
 * Has runs that wait for a moment in the future wait no longer than they would from
 * now on, because the clock was set back: a job's next slots are skipped while one
 * of its runs waits.
 */
void
po_run_rebase_queued(TimestampTz now)
{
	PoStoreArgs args = {0};

	po_store_time(&args, now);
	(void) po_store_run_planned("UPDATE perf_optimizer.job_run r SET not_before ="
								" CASE WHEN r.attempt = 0 THEN $1 ELSE least(r.not_before, $1 + j.max_backoff) END"
								" FROM perf_optimizer.job j WHERE j.job_id = r.job_id AND r.status = 'queued' AND r.not_before > $1", &args);
}

/* Takes a job's runs out of the dead letters; returns how many were there. */
int
po_run_forget_dead(int64 job_id)
{
	PoStoreArgs args = {0};

	po_store_int8(&args, job_id);
	return po_store_run("UPDATE perf_optimizer.job_run r SET dead_letter = false"
						" WHERE r.job_id = $1 AND r.dead_letter", &args);
}

/* Deletes runs that ended before a moment, but the last that each job has, batch by batch. */
void
po_run_prune(TimestampTz before)
{
	PoStoreArgs args = {0};

	po_store_time(&args, before);
	(void) po_store_run("DELETE FROM perf_optimizer.job_run d WHERE d.run_id IN (SELECT r.run_id FROM perf_optimizer.job_run r"
						" WHERE r.finished_at < $1 AND r.status NOT IN ('queued', 'running')"
						" AND (r.run_id < (SELECT max(l.run_id) FROM perf_optimizer.job_run l"
						" WHERE l.job_id = r.job_id AND l.started_at IS NOT NULL)"
						" OR NOT EXISTS (SELECT FROM perf_optimizer.job j WHERE j.job_id = r.job_id))"
						" ORDER BY r.finished_at LIMIT " PRUNE_BATCH " FOR UPDATE SKIP LOCKED)", &args);
}
