/*
 * policy_sql.c
 *	  SQL functions that make, change and remove archive policies.
 */
#include "postgres.h"

#include "archive/destination.h"
#include "archive/policy.h"
#include "archive/policy_store.h"
#include "archive/predicate.h"
#include "archive/preflight.h"
#include "catalog/pg_type.h"
#include "core/args.h"
#include "core/text.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(perf_optimizer_create_archive_policy);
PG_FUNCTION_INFO_V1(perf_optimizer_alter_archive_policy);
PG_FUNCTION_INFO_V1(perf_optimizer_drop_archive_policy);

/* Where the options are among a function's arguments. */
typedef struct OptionPositions
{
	int			older_than;
	int			predicate;
	int			batch_rows;
	int			max_rows_per_second;
	int			max_replica_lag;
	int			schedule;
	int			timezone;
	int			fk_policy;
	int			max_share_pct;
	int			max_runtime;
	int			run_window;
	int			max_wal_bytes_per_second;
	int			purge_after;
	int			on_drift;
} OptionPositions;

static const OptionPositions create_positions = {2, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18};
static const OptionPositions alter_positions = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};

/* Raises 22023 unless a limit is positive. */
static void
require_positive(bool positive, const char *name)
{
	if (!positive)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be positive", name),
				 errhint("Leave it out for no limit.")));
}

/* Reads an interval argument; NULL keeps what is. */
static void
read_interval(FunctionCallInfo fcinfo, int argno, Interval **value)
{
	if (!PG_ARGISNULL(argno))
		*value = PG_GETARG_INTERVAL_P(argno);
}

/* Reads a text argument; NULL keeps what is. */
static void
read_text(FunctionCallInfo fcinfo, int argno, char **value)
{
	if (!PG_ARGISNULL(argno))
		*value = po_args_text_or_null(fcinfo, argno);
}

/* Reads the limits of a run into a policy; NULLs keep what is. */
static void
read_limits(FunctionCallInfo fcinfo, const OptionPositions *at, PoArchivePolicy *policy)
{
	if (!PG_ARGISNULL(at->max_rows_per_second))
	{
		policy->max_rows_per_second = PG_GETARG_INT32(at->max_rows_per_second);
		require_positive(policy->max_rows_per_second > 0, "max_rows_per_second");
	}
	if (!PG_ARGISNULL(at->max_share_pct))
	{
		policy->max_share_pct = PG_GETARG_FLOAT8(at->max_share_pct);
		require_positive(policy->max_share_pct > 0, "max_share_pct");
	}
	if (!PG_ARGISNULL(at->max_wal_bytes_per_second))
	{
		policy->max_wal_bytes_per_second = PG_GETARG_INT64(at->max_wal_bytes_per_second);
		require_positive(policy->max_wal_bytes_per_second > 0, "max_wal_bytes_per_second");
	}
	read_interval(fcinfo, at->max_replica_lag, &policy->max_replica_lag);
	read_interval(fcinfo, at->max_runtime, &policy->max_runtime);
	read_text(fcinfo, at->run_window, &policy->run_window);
}

/* Reads the options into a policy; NULLs keep what is. */
static void
read_options(FunctionCallInfo fcinfo, const OptionPositions *at, PoArchivePolicy *policy)
{
	read_interval(fcinfo, at->older_than, &policy->older_than);
	read_text(fcinfo, at->predicate, &policy->predicate);
	if (!PG_ARGISNULL(at->batch_rows))
		policy->batch_rows = PG_GETARG_INT32(at->batch_rows);
	read_text(fcinfo, at->schedule, &policy->schedule);
	read_text(fcinfo, at->timezone, &policy->timezone);
	if (!PG_ARGISNULL(at->fk_policy))
		policy->fk_cascade = po_policy_parse_fk(po_args_text(fcinfo, at->fk_policy, "fk_policy"));
	read_limits(fcinfo, at, policy);
	read_interval(fcinfo, at->purge_after, &policy->purge_after);
	if (!PG_ARGISNULL(at->on_drift))
		policy->add_columns = po_policy_parse_drift(po_args_text(fcinfo, at->on_drift, "on_drift"));
}

/* Reads all arguments of create_archive_policy. */
static void
read_new_policy(FunctionCallInfo fcinfo, PoArchivePolicy *policy)
{
	static const char *const needed[] = {
		[0] = "relation",[1] = "time_column",[2] = "older_than",[6] = "batch_rows",[12] = "fk_policy",[18] = "on_drift",
	};

	for (int i = 0; i < lengthof(needed); i++)
		if (needed[i])
			po_args_require(fcinfo, i, needed[i]);
	policy->owner = GetUserId();
	policy->caller = GetUserId();
	policy->relation = PG_GETARG_OID(0);
	policy->time_column = pstrdup(NameStr(*PG_GETARG_NAME(1)));
	policy->strategy = po_policy_parse_strategy(po_args_text(fcinfo, 3, "strategy"));
	policy->destination = PG_ARGISNULL(4) ? InvalidOid : PG_GETARG_OID(4);
	policy->name = po_args_text_or_null(fcinfo, 10);
	read_options(fcinfo, &create_positions, policy);
	read_text(fcinfo, 19, &policy->export_directory);
}

/* Raises 55000 with what would make every run fail. */
static void
refuse_blocked(PoArchivePolicy *policy)
{
	List	   *blockers = po_preflight_tables(policy);

	if (blockers != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("archive policy \"%s\" could not run", policy->name),
				 errdetail("%s.", po_text_join(blockers, "; ")),
				 errhint("Cure it and create the policy again.")));
}

/* Runs one SQL statement with text parameters through SPI. */
static void
call_sql(const char *sql, int nargs, const char *const *args)
{
	Oid			types[3];
	Datum		values[3];
	int			rc;

	for (int i = 0; i < nargs; i++)
	{
		types[i] = TEXTOID;
		values[i] = CStringGetTextDatum(args[i]);
	}
	rc = SPI_execute_with_args(sql, nargs, types, values, NULL, false, 0);
	if (rc < 0)
		elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(rc));
}

/* Schedules a policy where it has a schedule; a job that runs it already is changed. */
static void
schedule(PoArchivePolicy *policy)
{
	const char *args[] = {policy->name, policy->schedule, policy->timezone};

	if (policy->schedule)
		call_sql("SELECT perf_optimizer.schedule_archive(policy => $1, schedule => $2, timezone => $3)", 3, args);
}

/* Removes the jobs that run a policy. */
static void
unschedule(PoArchivePolicy *policy)
{
	const char *args[] = {policy->name};

	call_sql("SELECT perf_optimizer.unschedule(job_id => j.job_id) FROM perf_optimizer.jobs j"
			 " WHERE j.kind OPERATOR(pg_catalog.=) 'archive' AND j.target OPERATOR(pg_catalog.=) $1", 1, args);
}

/* create_archive_policy(...): checks everything, makes the destination and stores the policy. */
Datum
perf_optimizer_create_archive_policy(PG_FUNCTION_ARGS)
{
	PoArchivePolicy policy = {0};
	char	   *name;

	read_new_policy(fcinfo, &policy);
	po_policy_check_source(&policy);
	if (policy.name == NULL)
		policy.name = get_rel_name(policy.relation);
	po_policy_check_values(&policy);
	if (policy.predicate)
		policy.predicate = po_predicate_check(policy.relation, policy.predicate);
	SPI_connect();
	if (policy.strategy != PO_ARCHIVE_DELETE && !policy.export_directory && !OidIsValid(policy.destination))
		policy.destination = po_destination_create(&policy);
	refuse_blocked(&policy);
	po_policy_store_insert(&policy);
	schedule(&policy);
	name = policy.name;
	SPI_finish();
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

/* Takes an option's value away; false when it is none that can be without. */
static bool
reset_option(PoArchivePolicy *policy, const char *name)
{
	if (strcmp(name, "predicate") == 0)
		policy->predicate = NULL;
	else if (strcmp(name, "max_rows_per_second") == 0)
		policy->max_rows_per_second = 0;
	else if (strcmp(name, "max_replica_lag") == 0)
		policy->max_replica_lag = NULL;
	else if (strcmp(name, "schedule") == 0)
		policy->schedule = NULL;
	else if (strcmp(name, "max_share_pct") == 0)
		policy->max_share_pct = 0;
	else if (strcmp(name, "max_runtime") == 0)
		policy->max_runtime = NULL;
	else if (strcmp(name, "run_window") == 0)
		policy->run_window = NULL;
	else if (strcmp(name, "max_wal_bytes_per_second") == 0)
		policy->max_wal_bytes_per_second = 0;
	else if (strcmp(name, "purge_after") == 0)
		policy->purge_after = NULL;
	else
		return false;
	return true;
}

/* Takes the values of the options away that argument "reset" names; raises 22023 for others. */
static void
reset_options(FunctionCallInfo fcinfo, int argno, PoArchivePolicy *policy)
{
	char	  **names;
	int			n = po_args_text_array(fcinfo, argno, "reset", false, &names);

	for (int i = 0; i < n; i++)
		if (!reset_option(policy, names[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"reset\" names \"%s\", which is no option that can be without a value", names[i]),
					 errhint("Name predicate, max_rows_per_second, max_replica_lag, schedule, max_share_pct, max_runtime, run_window, max_wal_bytes_per_second or purge_after.")));
}

/* alter_archive_policy(policy, ...): changes what is given, and what is to be reset. */
Datum
perf_optimizer_alter_archive_policy(PG_FUNCTION_ARGS)
{
	char	   *name = po_args_text(fcinfo, 0, "policy");
	PoArchivePolicy *policy;
	bool		had_schedule;

	SPI_connect();
	policy = po_policy_store_load(name);
	had_schedule = policy->schedule != NULL;
	reset_options(fcinfo, 15, policy);
	read_options(fcinfo, &alter_positions, policy);
	po_policy_check_source(policy);
	po_policy_check_values(policy);
	if (policy->predicate)
		policy->predicate = po_predicate_check(policy->relation, policy->predicate);
	refuse_blocked(policy);
	po_policy_store_update(policy);
	if (had_schedule && policy->schedule == NULL)
		unschedule(policy);
	else if (!PG_ARGISNULL(alter_positions.schedule) || !PG_ARGISNULL(alter_positions.timezone))
		schedule(policy);
	SPI_finish();
	PG_RETURN_VOID();
}

/* drop_archive_policy(policy): removes the policy and its jobs; tables, files and recorded runs stay. */
Datum
perf_optimizer_drop_archive_policy(PG_FUNCTION_ARGS)
{
	char	   *name = po_args_text(fcinfo, 0, "policy");
	PoArchivePolicy *policy;

	SPI_connect();
	policy = po_policy_store_load(name);
	unschedule(policy);
	po_policy_store_delete(policy);
	SPI_finish();
	PG_RETURN_VOID();
}
