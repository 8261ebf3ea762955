/*
 * archive_sql.c
 *	  SQL functions and procedures that use archive policies.
 */
#include "postgres.h"

#include "archive/cutoff.h"
#include "archive/hint.h"
#include "archive/partition.h"
#include "archive/policy.h"
#include "archive/policy_store.h"
#include "archive/predicate.h"
#include "archive/preflight.h"
#include "archive/restore.h"
#include "archive/run.h"
#include "archive/verify.h"
#include "core/args.h"
#include "core/own.h"
#include "core/relname.h"
#include "core/srf.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(perf_optimizer_preview_archive);
PG_FUNCTION_INFO_V1(perf_optimizer_run_archive);
PG_FUNCTION_INFO_V1(perf_optimizer_restore_archive);
PG_FUNCTION_INFO_V1(perf_optimizer_verify_archive);

/* What preview_archive returns. */
typedef struct Preview
{
	bool		counted;		/* false when a blocker makes counting
								 * pointless */
	PoPreflightCount count;
	int64		batches;
	List	   *partitions;
	List	   *blockers;
	List	   *hints;
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
	foreach(cell, po_hint_find(policy))
	{
		PoArchiveHint *hint = lfirst(cell);

		result->hints = lappend(result->hints, psprintf("%s: %s", hint->message, hint->cure));
	}
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
	PoArchivePolicy *policy = po_policy_store_load(name);
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
	put_texts(&row, result.hints);
	MemoryContextSwitchTo(spi);
	SPI_finish();
	return po_row_finish_single(&row);
}

/* Raises 2D000 where a procedure may not commit. */
static void
require_nonatomic(FunctionCallInfo fcinfo, const char *procedure)
{
	if (!fcinfo->context || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("%s commits and cannot run inside a transaction block", procedure),
				 errhint("CALL it by itself, outside of BEGIN and of functions.")));
}

/* Returns the max_batches argument, 0 for no limit; raises 22023. */
static int
max_batches_arg(FunctionCallInfo fcinfo, int argno)
{
	if (PG_ARGISNULL(argno))
		return 0;
	if (PG_GETARG_INT32(argno) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"max_batches\" must be positive"),
				 errhint("Leave it out for no limit.")));
	return PG_GETARG_INT32(argno);
}

/* CALL run_archive(policy, max_batches): po_run_archive; raises 2D000 inside a transaction block. */
Datum
perf_optimizer_run_archive(PG_FUNCTION_ARGS)
{
	char	   *name = po_args_text(fcinfo, 0, "policy");
	int			max_batches = max_batches_arg(fcinfo, 1);

	require_nonatomic(fcinfo, "run_archive");
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	po_run_archive(name, max_batches);
	SPI_finish();
	PG_RETURN_VOID();
}

/* CALL restore_archive(policy, from_time, to_time): po_restore_archive; raises 2D000 and 22023. */
Datum
perf_optimizer_restore_archive(PG_FUNCTION_ARGS)
{
	char	   *name = po_args_text(fcinfo, 0, "policy");

	po_args_require(fcinfo, 1, "from_time");
	po_args_require(fcinfo, 2, "to_time");
	if (PG_GETARG_TIMESTAMPTZ(1) >= PG_GETARG_TIMESTAMPTZ(2))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"to_time\" must be later than \"from_time\""),
				 errhint("Rows from from_time on and before to_time are brought back.")));
	require_nonatomic(fcinfo, "restore_archive");
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	po_restore_archive(name, PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2));
	SPI_finish();
	PG_RETURN_VOID();
}

/* verify_archive(policy): what po_verify found, as the role that works on the tables. */
Datum
perf_optimizer_verify_archive(PG_FUNCTION_ARGS)
{
	char	   *name = po_args_text(fcinfo, 0, "policy");
	PoArchivePolicy *policy;
	PoOwnScope	scope;
	int			level;
	List	   *results;
	ListCell   *cell;
	PoRow		row;

	po_srf_begin(fcinfo, &row);
	SPI_connect();
	policy = po_policy_store_load(name);
	level = po_preflight_begin_settings(policy);
	po_own_become(&scope, po_policy_run_as(policy));
	results = po_verify(policy);
	po_own_end(&scope);
	po_preflight_end_settings(level);
	foreach(cell, results)
	{
		PoVerifyResult *result = lfirst(cell);

		po_row_text(&row, result->check);
		po_row_bool(&row, result->ok);
		po_row_int8(&row, result->expected);
		po_row_int8(&row, result->found);
		po_row_text(&row, result->message);
		po_srf_emit(&row);
	}
	SPI_finish();
	return (Datum) 0;
}
