/*
 * monitor_sql.c
 *	  SQL functions of monitoring that are not SQL themselves.
 */
#include "postgres.h"

#include <unistd.h>

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "core/args.h"
#include "core/own.h"
#include "core/rights.h"
#include "core/srf.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "monitor/benchmark.h"
#include "monitor/heap_size.h"
#include "monitor/memory_limit.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(perf_optimizer_benchmark_query);
PG_FUNCTION_INFO_V1(perf_optimizer_save_baseline);
PG_FUNCTION_INFO_V1(perf_optimizer_drop_baseline);
PG_FUNCTION_INFO_V1(perf_optimizer_memory_bytes);
PG_FUNCTION_INFO_V1(perf_optimizer_processor_count);
PG_FUNCTION_INFO_V1(perf_optimizer_sequence_position);
PG_FUNCTION_INFO_V1(perf_optimizer_table_expected_bytes);

/* Returns the iterations argument; raises 22004 and 22023. */
static int
iterations_arg(FunctionCallInfo fcinfo, int argno)
{
	int			value;

	po_args_require(fcinfo, argno, "iterations");
	value = PG_GETARG_INT32(argno);
	if (value < 1 || value > PO_BENCHMARK_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"iterations\" must be between 1 and %d", PO_BENCHMARK_MAX),
				 errhint("100 is enough for most statements.")));
	return value;
}

/* benchmark_query(query, iterations, params): executes, rolls back, and tells the times. */
Datum
perf_optimizer_benchmark_query(PG_FUNCTION_ARGS)
{
	char	   *text = po_args_text(fcinfo, 0, "query");
	int			iterations = iterations_arg(fcinfo, 1);
	PoParams	params = {.nvalues = -1};
	PoTimings	timings;
	int			warmup;
	PoRow		row;

	if (!PG_ARGISNULL(2))
		params.nvalues = po_args_text_array(fcinfo, 2, "params", true, &params.values);
	po_row_begin_single(fcinfo, &row);
	warmup = po_benchmark_run(po_query_parse(text, &params), iterations, &timings);
	po_row_int4(&row, timings.n);
	po_row_float8(&row, timings.mean);
	po_row_float8(&row, timings.stddev);
	po_row_float8(&row, timings.min);
	po_row_float8(&row, timings.p50);
	po_row_float8(&row, timings.p95);
	po_row_float8(&row, timings.p99);
	po_row_float8(&row, timings.max);
	po_row_int4(&row, timings.outliers);
	po_row_int4(&row, warmup);
	return po_row_finish_single(&row);
}

/* Returns a name argument that is not empty; raises 22004 and 22023. */
static char *
name_arg(FunctionCallInfo fcinfo, int argno)
{
	char	   *name = po_args_text(fcinfo, argno, "name");

	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"name\" is empty"),
				 errhint("Pass a name, such as 'release 42'.")));
	return name;
}

/* Returns what the caller sees of the statements, as jsonb. */
static Datum
seen_statements(void)
{
	bool		isnull;

	if (SPI_execute("SELECT perf_optimizer.baseline_statements()", false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the statements");
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
}

/* Removes the caller's baseline of a name; returns whether there was one.  SPI is connected. */
static bool
remove_baseline(Datum name)
{
	Oid			types[] = {OIDOID, TEXTOID};
	Datum		values[] = {ObjectIdGetDatum(GetUserId()), name};

	return po_own_execute("DELETE FROM perf_optimizer.baseline WHERE owner OPERATOR(pg_catalog.=) $1 AND name OPERATOR(pg_catalog.=) $2",
						  2, types, values, NULL) > 0;
}

/* save_baseline(name): keeps the figures of the statements that the caller sees. */
Datum
perf_optimizer_save_baseline(PG_FUNCTION_ARGS)
{
	Datum		name = CStringGetTextDatum(name_arg(fcinfo, 0));
	Oid			types[] = {OIDOID, TEXTOID, JSONBOID};
	Datum		values[3];
	bool		isnull;
	int64		result;

	SPI_connect();
	values[0] = ObjectIdGetDatum(GetUserId());
	values[1] = name;
	values[2] = seen_statements();
	(void) remove_baseline(name);
	po_own_execute("INSERT INTO perf_optimizer.baseline (owner, name, statements) VALUES ($1, $2, $3)"
				   " RETURNING (SELECT pg_catalog.count(*) FROM pg_catalog.jsonb_array_elements($3))", 3, types, values, NULL);
	result = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	PG_RETURN_INT64(result);
}

/* drop_baseline(name): forgets it. */
Datum
perf_optimizer_drop_baseline(PG_FUNCTION_ARGS)
{
	Datum		name = CStringGetTextDatum(name_arg(fcinfo, 0));
	bool		found;

	SPI_connect();
	found = remove_baseline(name);
	SPI_finish();
	PG_RETURN_BOOL(found);
}

/* table_expected_bytes(relation): its size as if it were written anew; NULL when that is not known. */
Datum
perf_optimizer_table_expected_bytes(PG_FUNCTION_ARGS)
{
	Oid			relid;
	Relation	table;
	double		bytes = -1;

	po_args_require(fcinfo, 0, "relation");
	relid = PG_GETARG_OID(0);
	table = try_table_open(relid, AccessShareLock);
	if (table == NULL)
		PG_RETURN_NULL();
	if (RELKIND_HAS_TABLE_AM(table->rd_rel->relkind) && po_rights_may_know(relid, GetUserId()))
		bytes = po_heap_size_expected(table);
	table_close(table, AccessShareLock);
	if (bytes < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64((int64) bytes);
}

/* sequence_position(sequence): its last value; NULL when it gave none yet or the caller may not know. */
Datum
perf_optimizer_sequence_position(PG_FUNCTION_ARGS)
{
	LOCAL_FCINFO(call, 1);
	PoOwnScope	scope;
	Oid			relid;
	Datum		result;

	po_args_require(fcinfo, 0, "sequence");
	relid = PG_GETARG_OID(0);
	if (get_rel_relkind(relid) != RELKIND_SEQUENCE || !po_rights_may_know(relid, GetUserId()))
		PG_RETURN_NULL();
	InitFunctionCallInfoData(*call, NULL, 1, InvalidOid, NULL, NULL);
	call->args[0].value = ObjectIdGetDatum(relid);
	call->args[0].isnull = false;
	po_own_become_owner(&scope, relid);
	result = pg_sequence_last_value(call);
	po_own_end(&scope);
	if (call->isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}

/* Returns the machine's memory; -1 where the system does not say. */
static int64
physical_memory(void)
{
#ifdef _SC_PHYS_PAGES
	long		pages = sysconf(_SC_PHYS_PAGES);
	long		size = sysconf(_SC_PAGESIZE);

	if (pages > 0 && size > 0)
		return (int64) pages * size;
#endif
	return -1;
}

/* memory_bytes(): the memory that the server has; NULL where the system does not say. */
Datum
perf_optimizer_memory_bytes(PG_FUNCTION_ARGS)
{
	int64		memory = physical_memory();
	int64		limit = po_memory_limit_read("/proc/self/cgroup", "/sys/fs/cgroup");

	if (limit > 0 && (memory < 0 || limit < memory))
		memory = limit;
	if (memory < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(memory);
}

/* processor_count(): the machine's processors that are on line; NULL where the system does not say. */
Datum
perf_optimizer_processor_count(PG_FUNCTION_ARGS)
{
#ifdef _SC_NPROCESSORS_ONLN
	long		n = sysconf(_SC_NPROCESSORS_ONLN);

	if (n > 0)
		PG_RETURN_INT32((int32) n);
#endif
	PG_RETURN_NULL();
}
