/*
 * archive_sql.c
 *	  SQL functions and procedures on archive policies.
 */
#include "postgres.h"

#include "archive/cutoff.h"
#include "archive/destination.h"
#include "archive/partition.h"
#include "archive/policy.h"
#include "archive/predicate.h"
#include "archive/preflight.h"
#include "archive/run.h"
#include "catalog/pg_type.h"
#include "core/args.h"
#include "core/own.h"
#include "core/relname.h"
#include "core/srf.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(perf_optimizer_create_archive_policy);
PG_FUNCTION_INFO_V1(perf_optimizer_drop_archive_policy);
PG_FUNCTION_INFO_V1(perf_optimizer_preview_archive);
PG_FUNCTION_INFO_V1(perf_optimizer_run_archive);

/* Returns an integer argument that must be positive when given; 0 when NULL.  Raises 22023. */
static int64
positive_or_null(FunctionCallInfo fcinfo, int argno, bool wide, const char *name)
{
	int64		value;

	if (PG_ARGISNULL(argno))
		return 0;
	value = wide ? PG_GETARG_INT64(argno) : PG_GETARG_INT32(argno);
	if (value <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be positive", name),
				 errhint("Leave it out for no limit.")));
	return value;
}

/* Reads the arguments that say how fast and how far a run goes. */
static void
read_limits(FunctionCallInfo fcinfo, PoArchivePolicy *policy)
{
	po_args_require(fcinfo, 6, "batch_rows");
	policy->batch_rows = PG_GETARG_INT32(6);
	policy->max_rows_per_second = (int) positive_or_null(fcinfo, 7, false, "max_rows_per_second");
	policy->max_replica_lag = PG_ARGISNULL(8) ? NULL : PG_GETARG_INTERVAL_P(8);
	policy->max_share_pct = PG_ARGISNULL(13) ? 0 : PG_GETARG_FLOAT8(13);
	policy->max_runtime = PG_ARGISNULL(14) ? NULL : PG_GETARG_INTERVAL_P(14);
	policy->max_wal_bytes_per_second = positive_or_null(fcinfo, 15, true, "max_wal_bytes_per_second");
	if (!PG_ARGISNULL(13) && !(policy->max_share_pct > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"max_share_pct\" must be positive"),
				 errhint("Leave it out for no guard.")));
}

/* Reads the fk_policy argument; raises 22023 for an unknown value. */
static bool
read_fk_policy(FunctionCallInfo fcinfo, int argno)
{
	char	   *value = po_args_text(fcinfo, argno, "fk_policy");

	if (strcmp(value, "refuse") != 0 && strcmp(value, "cascade") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"fk_policy\" has the unknown value \"%s\"", value),
				 errhint("Use \"refuse\" or \"cascade\".")));
	return strcmp(value, "cascade") == 0;
}

/* Reads all arguments of create_archive_policy. */
static void
read_arguments(FunctionCallInfo fcinfo, PoArchivePolicy *policy)
{
	po_args_require(fcinfo, 0, "relation");
	po_args_require(fcinfo, 1, "time_column");
	po_args_require(fcinfo, 2, "older_than");
	policy->owner = GetUserId();
	policy->caller = GetUserId();
	policy->relation = PG_GETARG_OID(0);
	policy->time_column = pstrdup(NameStr(*PG_GETARG_NAME(1)));
	policy->older_than = PG_GETARG_INTERVAL_P(2);
	policy->strategy = po_policy_parse_strategy(po_args_text(fcinfo, 3, "strategy"));
	policy->destination = PG_ARGISNULL(4) ? InvalidOid : PG_GETARG_OID(4);
	policy->predicate = po_args_text_or_null(fcinfo, 5);
	policy->schedule = po_args_text_or_null(fcinfo, 9);
	policy->name = po_args_text_or_null(fcinfo, 10);
	policy->timezone = po_args_text_or_null(fcinfo, 11);
	policy->fk_cascade = read_fk_policy(fcinfo, 12);
	read_limits(fcinfo, policy);
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
				 errdetail("%s.", po_preflight_join(blockers)),
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

/* Schedules a new policy where its schedule is given. */
static void
schedule(PoArchivePolicy *policy)
{
	const char *args[] = {policy->name, policy->schedule, policy->timezone};

	if (policy->schedule)
		call_sql("SELECT perf_optimizer.schedule_archive(policy => $1, schedule => $2, timezone => $3)", 3, args);
}

/* create_archive_policy(...): checks everything, makes the destination and stores the policy. */
Datum
perf_optimizer_create_archive_policy(PG_FUNCTION_ARGS)
{
	PoArchivePolicy policy = {0};
	char	   *name;

	read_arguments(fcinfo, &policy);
	po_policy_check_source(&policy);
	if (policy.name == NULL)
		policy.name = get_rel_name(policy.relation);
	po_policy_check_values(&policy);
	if (policy.predicate)
		policy.predicate = po_predicate_check(policy.relation, policy.predicate);
	SPI_connect();
	if (policy.strategy != PO_ARCHIVE_DELETE && !OidIsValid(policy.destination))
		policy.destination = po_destination_create(&policy);
	refuse_blocked(&policy);
	po_policy_store(&policy);
	schedule(&policy);
	name = policy.name;
	SPI_finish();
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

/* drop_archive_policy(policy): removes the policy and its jobs; tables and recorded runs stay. */
Datum
perf_optimizer_drop_archive_policy(PG_FUNCTION_ARGS)
{
	char	   *name = po_args_text(fcinfo, 0, "policy");
	PoArchivePolicy *policy;
	const char *args[1];

	SPI_connect();
	policy = po_policy_load(name);
	args[0] = policy->name;
	call_sql("SELECT perf_optimizer.unschedule(job_id => j.job_id) FROM perf_optimizer.jobs j"
			 " WHERE j.kind OPERATOR(pg_catalog.=) 'archive' AND j.target OPERATOR(pg_catalog.=) $1", 1, args);
	po_policy_delete(policy);
	SPI_finish();
	PG_RETURN_VOID();
}

/* What preview_archive returns. */
typedef struct Preview
{
	bool		counted;		/* false when a blocker makes counting
								 * pointless */
	PoPreflightCount count;
	int64		batches;
	List	   *partitions;
	List	   *blockers;
} Preview;

/* Finds out what a run would do, as the role that works on the tables. */
static void
preview_as_role(PoArchivePolicy *policy, Preview *result)
{
	PoCutoff	cutoff;
	ListCell   *cell;

	po_predicate_require_safe_path();
	result->blockers = po_preflight_tables(policy);
	if (result->blockers != NIL)
		return;
	po_cutoff_freeze(policy, &cutoff);
	po_preflight_count(policy, &cutoff, &result->count);
	result->counted = true;
	result->blockers = po_preflight_rows(policy, &cutoff, &result->count);
	result->batches = (result->count.rows + policy->batch_rows - 1) / policy->batch_rows;
	foreach(cell, po_partition_whole(policy, &cutoff))
		result->partitions = lappend(result->partitions, po_relname_qualified(lfirst_oid(cell)));
}

/* Finds out what a run would do; SPI is connected, the result lives in its context. */
static void
preview(const char *name, Preview *result)
{
	PoArchivePolicy *policy = po_policy_load(name);
	int			level = po_preflight_begin_settings(policy);
	PoOwnScope	scope;

	po_own_become(&scope, po_policy_run_as(policy));
	preview_as_role(policy, result);
	po_own_end(&scope);
	po_preflight_end_settings(level);
}

/* Sets the next column to an array of texts. */
static void
put_texts(PoRow *row, List *texts)
{
	char	  **values = palloc(sizeof(char *) * Max(list_length(texts), 1));

	for (int i = 0; i < list_length(texts); i++)
		values[i] = list_nth(texts, i);
	po_row_text_array(row, values, list_length(texts));
}

/* Sets the next column to a moment or NULL. */
static void
put_moment(PoRow *row, bool any, TimestampTz moment)
{
	if (any)
		po_row_datum(row, TimestampTzGetDatum(moment));
	else
		po_row_null(row);
}

/* Sets the next column to a number, or to NULL when rows were not counted. */
static void
put_count(PoRow *row, bool counted, int64 value)
{
	if (counted)
		po_row_int8(row, value);
	else
		po_row_null(row);
}

/* preview_archive(policy): what a run would take now, and what stands against it. */
Datum
perf_optimizer_preview_archive(PG_FUNCTION_ARGS)
{
	char	   *name = po_args_text(fcinfo, 0, "policy");
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext spi;
	Preview		result = {0};
	PoRow		row;

	po_row_begin_single(fcinfo, &row);
	SPI_connect();
	preview(name, &result);
	spi = MemoryContextSwitchTo(caller);
	put_count(&row, result.counted, result.count.rows);
	put_count(&row, result.counted, result.count.bytes);
	put_moment(&row, result.count.any, result.count.oldest);
	put_moment(&row, result.count.any, result.count.newest);
	put_count(&row, result.counted, result.batches);
	put_texts(&row, result.partitions);
	put_texts(&row, result.blockers);
	MemoryContextSwitchTo(spi);
	SPI_finish();
	return po_row_finish_single(&row);
}

/* CALL run_archive(policy, max_batches): po_run_archive; raises 2D000 inside a transaction block. */
Datum
perf_optimizer_run_archive(PG_FUNCTION_ARGS)
{
	char	   *name = po_args_text(fcinfo, 0, "policy");
	int			max_batches = (int) positive_or_null(fcinfo, 1, false, "max_batches");

	if (!fcinfo->context || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("run_archive commits and cannot run inside a transaction block"),
				 errhint("CALL it by itself, outside of BEGIN and of functions.")));
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	po_run_archive(name, max_batches);
	SPI_finish();
	PG_RETURN_VOID();
}
