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
#include "sched/wake.h"
#include "sched/zone.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(perf_optimizer_next_run);
PG_FUNCTION_INFO_V1(perf_optimizer_schedule_refresh);
PG_FUNCTION_INFO_V1(perf_optimizer_schedule_archive);
PG_FUNCTION_INFO_V1(perf_optimizer_schedule_maintenance);
PG_FUNCTION_INFO_V1(perf_optimizer_schedule_command);
PG_FUNCTION_INFO_V1(perf_optimizer_schedule_snapshot);
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

/* Reads an interval argument in microseconds; raises 22023 unless it is at least min. */
static int64
interval_arg(FunctionCallInfo fcinfo, int argno, const char *name, int64 min)
{
	Interval   *interval;
	double		days;
	double		us;

	po_args_require(fcinfo, argno, name);
	interval = PG_GETARG_INTERVAL_P(argno);
	days = (double) interval->month * DAYS_PER_MONTH + interval->day;
	us = days * USECS_PER_DAY + (double) interval->time;
	if (us < (double) min)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must %s", name, min > 0 ? "be positive" : "not be negative"),
				 errhint("Pass an interval such as '10 seconds' as \"%s\".", name)));
	if (us > (double) PG_INT64_MAX / 4)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is too long", name),
				 errhint("Pass a shorter interval as \"%s\".", name)));
	return (int64) us;
}

/* Reads the options that all kinds share, from argument "timezone" on. */
static void
read_options(FunctionCallInfo fcinfo, int argno, PoJob *job)
{
	job->timezone = po_args_text_or_null(fcinfo, argno);
	if (job->timezone == NULL)
		job->timezone = pstrdup(pg_get_timezone_name(session_timezone));
	job->timeout_us = PG_ARGISNULL(argno + 1) ? 0 : interval_arg(fcinfo, argno + 1, "timeout", 1);
	po_args_require(fcinfo, argno + 2, "max_attempts");
	job->max_attempts = PG_GETARG_INT32(argno + 2);
	if (job->max_attempts < 1 || job->max_attempts > MAX_ATTEMPTS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"max_attempts\" must be between 1 and %d", MAX_ATTEMPTS),
				 errhint("Pass 1 as \"max_attempts\" to try a run only once.")));
	job->backoff_us = interval_arg(fcinfo, argno + 3, "backoff", 0);
	job->max_backoff_us = interval_arg(fcinfo, argno + 4, "max_backoff", 0);
	po_args_require(fcinfo, argno + 5, "priority");
	job->priority = PG_GETARG_INT32(argno + 5);
	po_args_require(fcinfo, argno + 6, "enabled");
	job->enabled = PG_GETARG_BOOL(argno + 6);
	po_args_require(fcinfo, argno + 7, "retry_after_crash");
	job->retry_after_crash = PG_GETARG_BOOL(argno + 7);
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

/* Checks a job whose fields are read and stores it; returns its id. */
static int64
schedule_job(PoJob *job)
{
	PoStoreScope scope;

	job->owner = GetUserId();
	po_access_check_role(job->owner);
	job->next_run = po_job_first_slot(job, po_clock_now());
	po_kind_find(job->kind)->validate(job);
	if (job->name == NULL)
		job->name = psprintf("%s %s", strcmp(job->kind, "maintenance") == 0 ? job->action : job->kind,
							 job->target);
	check_name(job->name);
	po_access_check_writable();
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
	job.schedule = po_args_text(fcinfo, 1, "schedule");
	job.action = po_args_text(fcinfo, 2, "mode");
	job.name = po_args_text_or_null(fcinfo, 3);
	read_options(fcinfo, 4, &job);
	PG_RETURN_INT64(schedule_job(&job));
}

/* SQL: schedule_archive(policy, schedule, name, options...). */
Datum
perf_optimizer_schedule_archive(PG_FUNCTION_ARGS)
{
	PoJob		job = {.kind = "archive"};

	job.target = po_args_text(fcinfo, 0, "policy");
	job.schedule = po_args_text(fcinfo, 1, "schedule");
	job.name = po_args_text_or_null(fcinfo, 2);
	read_options(fcinfo, 3, &job);
	PG_RETURN_INT64(schedule_job(&job));
}

/* SQL: schedule_maintenance(relation, schedule, action, name, options...). */
Datum
perf_optimizer_schedule_maintenance(PG_FUNCTION_ARGS)
{
	PoJob		job = {.kind = "maintenance"};

	po_args_require(fcinfo, 0, "relation");
	job.relid = PG_GETARG_OID(0);
	job.schedule = po_args_text(fcinfo, 1, "schedule");
	job.action = po_args_text(fcinfo, 2, "action");
	job.name = po_args_text_or_null(fcinfo, 3);
	read_options(fcinfo, 4, &job);
	PG_RETURN_INT64(schedule_job(&job));
}

/* SQL: schedule_command(name, schedule, command, options...). */
Datum
perf_optimizer_schedule_command(PG_FUNCTION_ARGS)
{
	PoJob		job = {.kind = "command"};

	job.name = po_args_text(fcinfo, 0, "name");
	job.schedule = po_args_text(fcinfo, 1, "schedule");
	job.command = po_args_text(fcinfo, 2, "command");
	read_options(fcinfo, 3, &job);
	PG_RETURN_INT64(schedule_job(&job));
}

/* SQL: schedule_snapshot(schedule, name, options...). */
Datum
perf_optimizer_schedule_snapshot(PG_FUNCTION_ARGS)
{
	PoJob		job = {.kind = "snapshot", .target = "workload"};

	job.schedule = po_args_text(fcinfo, 0, "schedule");
	job.name = po_args_text_or_null(fcinfo, 1);
	read_options(fcinfo, 2, &job);
	PG_RETURN_INT64(schedule_job(&job));
}

/* SQL: schedule_index_tuning(schedule, storage_budget_bytes, name, options...). */
Datum
perf_optimizer_schedule_index_tuning(PG_FUNCTION_ARGS)
{
	PoJob		job = {.kind = "index_tuning", .target = "workload"};

	job.schedule = po_args_text(fcinfo, 0, "schedule");
	if (!PG_ARGISNULL(1))
		job.command = psprintf(INT64_FORMAT, PG_GETARG_INT64(1));
	job.name = po_args_text_or_null(fcinfo, 2);
	read_options(fcinfo, 3, &job);
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
