/*
 * job_sql.c
 *	  SQL functions that define, change and remove jobs.
 */
#include "postgres.h"

#include <limits.h>

#include "core/args.h"
#include "core/clock.h"
#include "core/preload.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "sched/access.h"
#include "sched/job.h"
#include "sched/kind.h"
#include "sched/run.h"
#include "sched/store.h"
#include "sched/timetable.h"
#include "sched/wake.h"
#include "sched/zone.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(perf_optimizer_next_run);
PG_FUNCTION_INFO_V1(perf_optimizer_schedule_refresh);
PG_FUNCTION_INFO_V1(perf_optimizer_schedule_archive);
PG_FUNCTION_INFO_V1(perf_optimizer_schedule_maintenance);
PG_FUNCTION_INFO_V1(perf_optimizer_schedule_command);
PG_FUNCTION_INFO_V1(perf_optimizer_schedule_once);
PG_FUNCTION_INFO_V1(perf_optimizer_schedule_snapshot);
PG_FUNCTION_INFO_V1(perf_optimizer_schedule_alerts);
PG_FUNCTION_INFO_V1(perf_optimizer_alter_job);
PG_FUNCTION_INFO_V1(perf_optimizer_schedule_index_tuning);
PG_FUNCTION_INFO_V1(perf_optimizer_unschedule);
PG_FUNCTION_INFO_V1(perf_optimizer_unschedule_name);
PG_FUNCTION_INFO_V1(perf_optimizer_pause_job);
PG_FUNCTION_INFO_V1(perf_optimizer_resume_job);
PG_FUNCTION_INFO_V1(perf_optimizer_pause_all_jobs);
PG_FUNCTION_INFO_V1(perf_optimizer_resume_all_jobs);

#define MAX_ATTEMPTS 1000
/* Names are shown in application_name and in error texts. */
#define MAX_NAME_LEN 200

/*
 * Returns the first moment after a given one at which a schedule is due;
 * infinity for @reboot.
 */
Datum
perf_optimizer_next_run(PG_FUNCTION_ARGS)
{
	char	   *text = po_args_text(fcinfo, 0, "schedule");
	PoSchedule	schedule;
	pg_tz	   *zone;

	po_args_require(fcinfo, 1, "after");
	zone = po_zone_find(po_args_text(fcinfo, 2, "timezone"));
	po_zone_parse(text, &schedule);
	if (TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(1)))
		PG_RETURN_TIMESTAMPTZ(PG_GETARG_TIMESTAMPTZ(1));
	PG_RETURN_TIMESTAMPTZ(po_zone_next(&schedule, zone, PG_GETARG_TIMESTAMPTZ(1)));
}

/* Raises 22023 for the schedule under which jobs that run once are stored. */
static void
refuse_once(const char *schedule)
{
	if (schedule != NULL && strcmp(schedule, PO_TIMETABLE_ONCE) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a schedule", schedule),
				 errhint("Use perf_optimizer.schedule_once for a job that runs once.")));
}

/* Reads the options that all kinds share, from argument "timezone" on. */
static void
read_options(FunctionCallInfo fcinfo, int argno, PoJob *job)
{
	job->timezone = po_args_text_or_null(fcinfo, argno);
	if (job->timezone == NULL)
		job->timezone = pstrdup(pg_get_timezone_name(session_timezone));
	job->timeout_us = PG_ARGISNULL(argno + 1) ? 0 : po_args_interval_us(fcinfo, argno + 1, "timeout", 1);
	po_args_require(fcinfo, argno + 2, "max_attempts");
	job->max_attempts = PG_GETARG_INT32(argno + 2);
	job->backoff_us = po_args_interval_us(fcinfo, argno + 3, "backoff", 0);
	job->max_backoff_us = po_args_interval_us(fcinfo, argno + 4, "max_backoff", 0);
	po_args_require(fcinfo, argno + 5, "priority");
	job->priority = PG_GETARG_INT32(argno + 5);
	po_args_require(fcinfo, argno + 6, "enabled");
	job->enabled = PG_GETARG_BOOL(argno + 6);
	job->after_job = PG_ARGISNULL(argno + 7) ? 0 : PG_GETARG_INT64(argno + 7);
	job->exclude_window = po_args_text_or_null(fcinfo, argno + 8);
	po_args_require(fcinfo, argno + 9, "retry_after_crash");
	job->retry_after_crash = PG_GETARG_BOOL(argno + 9);
}

/* Reads the schedule, which only a job that runs after another may leave out; the options are read. */
static void
read_schedule(FunctionCallInfo fcinfo, int argno, PoJob *job)
{
	job->at = DT_NOEND;
	job->schedule = job->after_job != 0 ? po_args_text_or_null(fcinfo, argno)
		: po_args_text(fcinfo, argno, "schedule");
	refuse_once(job->schedule);
}

/* Raises 22023 for a name that is empty or too long. */
static void
check_name(const char *name)
{
	if (name[0] == '\0' || strlen(name) > MAX_NAME_LEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"name\" must have between 1 and %d bytes", MAX_NAME_LEN),
				 errhint("Pass a shorter name as \"name\".")));
}

/* Says that schedules wait, on a server that did not preload the library. */
static void
notice_preload(void)
{
	if (!po_preload_done())
		ereport(NOTICE,
				(errmsg("the job is stored, but no job runs on this server yet"),
				 errhint("Set shared_preload_libraries = 'pg_stat_statements, perf_optimizer' in postgresql.conf and restart the server.")));
}

/*
 * Raises 42704 or 42501 unless the job that this one is to run after is one that
 * the current role may alter, and 22023 when that one in turn runs after this.
 */
static void
check_after_job(const PoJob *job)
{
	PoStoreScope scope;
	bool		circle;

	if (job->after_job == 0)
		return;
	(void) po_access_job(job->after_job);
	po_store_enter(&scope);
	circle = job->after_job == job->job_id || po_job_follows(job->after_job, job->job_id);
	po_store_leave(&scope);
	if (circle)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("job " INT64_FORMAT " already runs after this one", job->after_job),
				 errdetail("Each would start the other without end."),
				 errhint("Pass another job as \"after_job\".")));
}

/* Checks what jobs of all kinds have in common, as the current role, and finds the first slot. */
static void
check_job(PoJob *job)
{
	PoTimetable table;

	if (job->max_attempts < 1 || job->max_attempts > MAX_ATTEMPTS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"max_attempts\" must be between 1 and %d", MAX_ATTEMPTS),
				 errhint("Pass 1 as \"max_attempts\" to try a run only once.")));
	po_timetable_check(job, &table);
	job->next_run = po_timetable_next(&table, po_clock_now());
	po_kind_find(job->kind)->validate(job);
	if (job->name == NULL)
		job->name = psprintf("%s %s", strcmp(job->kind, "maintenance") == 0 ? job->action : job->kind,
							 job->target);
	check_name(job->name);
}

/* Returns the number of the current role's job of that name, 0 when there is none. */
static int64
find_own(const char *name)
{
	PoStoreScope scope;
	int64		job_id;

	po_store_enter(&scope);
	job_id = po_job_find(scope.userid, name);
	po_store_leave(&scope);
	return job_id;
}

/* Checks a job whose fields are read and stores it; returns its id. */
static int64
schedule_job(PoJob *job)
{
	PoStoreScope scope;

	job->owner = GetUserId();
	po_access_check_role(job->owner);
	check_job(job);
	po_access_check_writable();
	if (job->after_job != 0)
		job->job_id = find_own(job->name);
	check_after_job(job);
	po_store_enter(&scope);
	po_job_save(job);
	po_store_leave(&scope);
	notice_preload();
	return job->job_id;
}

/* SQL: schedule_refresh(matview, schedule, mode, name, options...). */
Datum
perf_optimizer_schedule_refresh(PG_FUNCTION_ARGS)
{
	PoJob		job = {.kind = "refresh"};

	po_args_require(fcinfo, 0, "matview");
	job.relid = PG_GETARG_OID(0);
	job.action = po_args_text(fcinfo, 2, "mode");
	job.name = po_args_text_or_null(fcinfo, 3);
	read_options(fcinfo, 4, &job);
	read_schedule(fcinfo, 1, &job);
	PG_RETURN_INT64(schedule_job(&job));
}

/* SQL: schedule_archive(policy, schedule, name, options...). */
Datum
perf_optimizer_schedule_archive(PG_FUNCTION_ARGS)
{
	PoJob		job = {.kind = "archive"};

	job.target = po_args_text(fcinfo, 0, "policy");
	job.name = po_args_text_or_null(fcinfo, 2);
	read_options(fcinfo, 3, &job);
	read_schedule(fcinfo, 1, &job);
	PG_RETURN_INT64(schedule_job(&job));
}

/* SQL: schedule_maintenance(relation, schedule, action, name, options...). */
Datum
perf_optimizer_schedule_maintenance(PG_FUNCTION_ARGS)
{
	PoJob		job = {.kind = "maintenance"};

	po_args_require(fcinfo, 0, "relation");
	job.relid = PG_GETARG_OID(0);
	job.action = po_args_text(fcinfo, 2, "action");
	job.name = po_args_text_or_null(fcinfo, 3);
	read_options(fcinfo, 4, &job);
	read_schedule(fcinfo, 1, &job);
	PG_RETURN_INT64(schedule_job(&job));
}

/* SQL: schedule_command(name, schedule, command, options...). */
Datum
perf_optimizer_schedule_command(PG_FUNCTION_ARGS)
{
	PoJob		job = {.kind = "command"};

	job.name = po_args_text(fcinfo, 0, "name");
	job.command = po_args_text(fcinfo, 2, "command");
	read_options(fcinfo, 3, &job);
	read_schedule(fcinfo, 1, &job);
	PG_RETURN_INT64(schedule_job(&job));
}

/* Raises 22023 for a moment that never comes. */
static TimestampTz
moment_arg(FunctionCallInfo fcinfo, int argno)
{
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(argno);

	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"at\" must be a finite moment"),
				 errhint("Pass a moment such as now() + interval '1 hour' as \"at\".")));
	return at;
}

/* SQL: schedule_once(name, at, command, options...). */
Datum
perf_optimizer_schedule_once(PG_FUNCTION_ARGS)
{
	PoJob		job = {.kind = "command",.schedule = PO_TIMETABLE_ONCE};

	job.name = po_args_text(fcinfo, 0, "name");
	po_args_require(fcinfo, 1, "at");
	job.at = moment_arg(fcinfo, 1);
	job.command = po_args_text(fcinfo, 2, "command");
	read_options(fcinfo, 3, &job);
	PG_RETURN_INT64(schedule_job(&job));
}

/* Replaces a text option by argument argno unless that is NULL; the empty text clears one that may be unset. */
static void
alter_text(FunctionCallInfo fcinfo, int argno, bool clears, char **value)
{
	char	   *text = po_args_text_or_null(fcinfo, argno);

	if (text != NULL)
		*value = clears && text[0] == '\0' ? NULL : text;
}

/* Raises 22023 for an argument that the job's kind does not know. */
static void
refuse_argument(FunctionCallInfo fcinfo, int argno, const char *name, const PoJob *job)
{
	if (!PG_ARGISNULL(argno))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a job of kind \"%s\" has no %s", job->kind, name),
				 errhint("Leave out argument \"%s\".", name)));
}

/* Puts what alter_job was given about the work and its times into a loaded job. */
static void
alter_work(FunctionCallInfo fcinfo, PoJob *job)
{
	bool		once = job->schedule != NULL && strcmp(job->schedule, PO_TIMETABLE_ONCE) == 0;

	if (job->command == NULL)
		refuse_argument(fcinfo, 2, "command", job);
	if (job->action == NULL)
		refuse_argument(fcinfo, 3, "action", job);
	if (once)
		refuse_argument(fcinfo, 1, "schedule", job);
	else
		refuse_argument(fcinfo, 5, "at", job);
	if (!PG_ARGISNULL(1))
		refuse_once(po_args_text_or_null(fcinfo, 1));
	alter_text(fcinfo, 1, true, &job->schedule);
	alter_text(fcinfo, 2, false, &job->command);
	alter_text(fcinfo, 3, false, &job->action);
	alter_text(fcinfo, 4, false, &job->name);
	if (!PG_ARGISNULL(5))
		job->at = moment_arg(fcinfo, 5);
	if (job->at != DT_NOEND && !PG_ARGISNULL(5))
		job->done = false;
}

/* Puts the options that alter_job was given into a loaded job. */
static void
alter_options(FunctionCallInfo fcinfo, PoJob *job)
{
	alter_text(fcinfo, 6, false, &job->timezone);
	if (!PG_ARGISNULL(7))
		job->timeout_us = po_args_interval_us(fcinfo, 7, "timeout", 0);
	if (!PG_ARGISNULL(8))
		job->max_attempts = PG_GETARG_INT32(8);
	if (!PG_ARGISNULL(9))
		job->backoff_us = po_args_interval_us(fcinfo, 9, "backoff", 0);
	if (!PG_ARGISNULL(10))
		job->max_backoff_us = po_args_interval_us(fcinfo, 10, "max_backoff", 0);
	if (!PG_ARGISNULL(11))
		job->priority = PG_GETARG_INT32(11);
	if (!PG_ARGISNULL(12))
		job->enabled = PG_GETARG_BOOL(12);
	if (!PG_ARGISNULL(13))
		job->after_job = PG_GETARG_INT64(13);
	alter_text(fcinfo, 14, true, &job->exclude_window);
	if (!PG_ARGISNULL(15))
		job->retry_after_crash = PG_GETARG_BOOL(15);
	if (job->schedule == NULL && job->after_job == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("job " INT64_FORMAT " would have neither a schedule nor a job to run after", job->job_id),
				 errhint("Pass \"schedule\" or \"after_job\", or use perf_optimizer.pause_job.")));
}

/* SQL: alter_job(job_id, what changes...). */
Datum
perf_optimizer_alter_job(PG_FUNCTION_ARGS)
{
	MemoryContext memory = CurrentMemoryContext;
	PoStoreScope scope;
	PoJob	   *job;
	bool		changed;

	po_args_require(fcinfo, 0, "job_id");
	po_access_check_writable();
	(void) po_access_job(PG_GETARG_INT64(0));
	po_store_enter(&scope);
	job = po_job_load_locked(PG_GETARG_INT64(0), memory);
	po_store_leave(&scope);
	if (job == NULL)
		PG_RETURN_BOOL(false);
	alter_work(fcinfo, job);
	alter_options(fcinfo, job);
	check_job(job);
	check_after_job(job);
	po_store_enter(&scope);
	changed = po_job_alter(job);
	po_store_leave(&scope);
	PG_RETURN_BOOL(changed);
}

/* SQL: schedule_snapshot(schedule, name, options...). */
Datum
perf_optimizer_schedule_snapshot(PG_FUNCTION_ARGS)
{
	PoJob		job = {.kind = "snapshot",.target = "workload"};

	job.name = po_args_text_or_null(fcinfo, 1);
	read_options(fcinfo, 2, &job);
	read_schedule(fcinfo, 0, &job);
	PG_RETURN_INT64(schedule_job(&job));
}

/* SQL: schedule_alerts(schedule, name, options...). */
Datum
perf_optimizer_schedule_alerts(PG_FUNCTION_ARGS)
{
	PoJob		job = {.kind = "alert",.target = "check"};

	job.name = po_args_text_or_null(fcinfo, 1);
	read_options(fcinfo, 2, &job);
	read_schedule(fcinfo, 0, &job);
	PG_RETURN_INT64(schedule_job(&job));
}

/* SQL: schedule_index_tuning(schedule, storage_budget_bytes, name, options...). */
Datum
perf_optimizer_schedule_index_tuning(PG_FUNCTION_ARGS)
{
	PoJob		job = {.kind = "index_tuning",.target = "workload"};

	if (!PG_ARGISNULL(1))
		job.command = psprintf(INT64_FORMAT, PG_GETARG_INT64(1));
	job.name = po_args_text_or_null(fcinfo, 2);
	read_options(fcinfo, 3, &job);
	read_schedule(fcinfo, 0, &job);
	PG_RETURN_INT64(schedule_job(&job));
}

/* Removes a job and its waiting runs; false when it is gone. */
static bool
remove_job(int64 job_id)
{
	PoStoreScope scope;
	bool		removed;

	po_access_check_writable();
	po_store_enter(&scope);
	(void) po_run_cancel_queued_of_job(job_id);
	removed = po_job_delete(job_id);
	po_store_leave(&scope);
	return removed;
}

/* SQL: unschedule(job_id). */
Datum
perf_optimizer_unschedule(PG_FUNCTION_ARGS)
{
	po_args_require(fcinfo, 0, "job_id");
	if (!po_access_may_alter_job(PG_GETARG_INT64(0)))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(remove_job(PG_GETARG_INT64(0)));
}

/* SQL: unschedule(name). */
Datum
perf_optimizer_unschedule_name(PG_FUNCTION_ARGS)
{
	int64		job_id = po_access_find_by_name(po_args_text(fcinfo, 0, "name"));

	PG_RETURN_BOOL(job_id != 0 && remove_job(job_id));
}

/* Pauses or resumes one job. */
static bool
set_paused(FunctionCallInfo fcinfo, bool paused)
{
	PoStoreScope scope;
	bool		changed;

	po_args_require(fcinfo, 0, "job_id");
	po_access_check_writable();
	(void) po_access_job(PG_GETARG_INT64(0));
	po_store_enter(&scope);
	changed = po_job_set_paused(PG_GETARG_INT64(0), paused);
	po_store_leave(&scope);
	return changed;
}

/* SQL: pause_job(job_id). */
Datum
perf_optimizer_pause_job(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(set_paused(fcinfo, true));
}

/* SQL: resume_job(job_id). */
Datum
perf_optimizer_resume_job(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(set_paused(fcinfo, false));
}

/* SQL: pause_all_jobs(). */
Datum
perf_optimizer_pause_all_jobs(PG_FUNCTION_ARGS)
{
	PoStoreScope scope;
	int			n;

	po_access_check_writable();
	po_store_enter(&scope);
	n = po_job_pause_all(scope.userid);
	po_store_leave(&scope);
	PG_RETURN_INT32(n);
}

/* SQL: resume_all_jobs(). */
Datum
perf_optimizer_resume_all_jobs(PG_FUNCTION_ARGS)
{
	PoStoreScope scope;
	int			n;

	po_access_check_writable();
	po_store_enter(&scope);
	n = po_job_resume_all(scope.userid);
	po_store_leave(&scope);
	PG_RETURN_INT32(n);
}
