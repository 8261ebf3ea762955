/*
 * cache_sql.c
 *	  SQL functions of the result cache.
 */
#include "postgres.h"

#include "cache/result.h"
#include "cache/store.h"
#include "core/args.h"
#include "core/srf.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Longer lives are as good as any; twice this fits into an int64. */
#define MAX_TTL (PG_INT64_MAX / 4)

PG_FUNCTION_INFO_V1(perf_optimizer_cached_query);
PG_FUNCTION_INFO_V1(perf_optimizer_cache_invalidate);
PG_FUNCTION_INFO_V1(perf_optimizer_result_cache_stats);

/* Returns the ttl argument in microseconds; raises 22004 and 22023. */
static int64
ttl_arg(FunctionCallInfo fcinfo, int argno)
{
	Interval   *span;
	double		days;
	double		ttl;

	po_args_require(fcinfo, argno, "ttl");
	span = PG_GETARG_INTERVAL_P(argno);
	days = (double) span->month * DAYS_PER_MONTH + span->day;
	ttl = days * USECS_PER_DAY + (double) span->time;
	if (ttl <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"ttl\" must be a positive interval"),
				 errhint("Pass how old a result may be, such as '1 minute'.")));
	return ttl < (double) MAX_TTL ? (int64) ttl : MAX_TTL;
}

/* cached_query(query, ttl, params, tags): the query's rows, computed or kept. */
Datum
perf_optimizer_cached_query(PG_FUNCTION_ARGS)
{
	PoCacheArgs args = {.query = po_args_text(fcinfo, 0, "query")};
	int64		ttl = ttl_arg(fcinfo, 1);
	PoRow		row;

	args.nvalues = po_args_text_array(fcinfo, 2, "params", true, &args.values);
	args.ntags = po_args_text_array(fcinfo, 3, "tags", false, &args.tags);
	po_result_require();
	po_srf_begin_scalar(fcinfo, &row);
	po_result_fetch(&args, ttl, &row);
	return (Datum) 0;
}

/* Returns the pattern argument or NULL; raises 22025 for one that LIKE complains of only where a text reaches its end. */
static char *
pattern_arg(FunctionCallInfo fcinfo, int argno)
{
	char	   *pattern = po_args_text_or_null(fcinfo, argno);
	Size		length = pattern != NULL ? strlen(pattern) : 0;
	Size		escapes = 0;

	while (escapes < length && pattern[length - escapes - 1] == '\\')
		escapes++;
	if (escapes % 2 == 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_ESCAPE_SEQUENCE),
				 errmsg("argument \"pattern\" must not end with a single backslash"),
				 errhint("Write two backslashes for one.")));
	return pattern;
}

/* cache_invalidate(pattern, tag): drops results, returns how many. */
Datum
perf_optimizer_cache_invalidate(PG_FUNCTION_ARGS)
{
	char	   *pattern = pattern_arg(fcinfo, 0);
	char	   *tag = po_args_text_or_null(fcinfo, 1);

	po_result_require();
	PG_RETURN_INT64(po_result_invalidate(pattern, tag));
}

/* result_cache_stats(): how the cache does. */
Datum
perf_optimizer_result_cache_stats(PG_FUNCTION_ARGS)
{
	int64		entries;
	int64		used_bytes;
	int64		max_bytes;
	uint64		hits;
	uint64		misses;
	PoRow		row;

	po_result_require();
	po_row_begin_single(fcinfo, &row);
	LWLockAcquire(po_cache_lock, LW_SHARED);
	po_store_sizes(&entries, &used_bytes, &max_bytes);
	LWLockRelease(po_cache_lock);
	hits = po_store_counted(PO_CACHE_HITS);
	misses = po_store_counted(PO_CACHE_MISSES);
	po_row_int8(&row, entries);
	po_row_int8(&row, used_bytes);
	po_row_int8(&row, max_bytes);
	po_row_int8(&row, hits);
	po_row_int8(&row, misses);
	if (hits + misses > 0)
		po_row_float8(&row, (double) hits / (hits + misses));
	else
		po_row_null(&row);
	for (PoCacheCount i = PO_CACHE_STALE; i < PO_CACHE_COUNTS; i++)
		po_row_int8(&row, po_store_counted(i));
	return po_row_finish_single(&row);
}
