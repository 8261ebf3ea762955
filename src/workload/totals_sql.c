/*
 * totals_sql.c
 *	  SQL functions that sum up what is tracked, for metrics: they are read often, so they are quick.
 */
#include "postgres.h"

#include "core/args.h"
#include "core/srf.h"
#include "plan/sample.h"
#include "workload/reader.h"

PG_FUNCTION_INFO_V1(perf_optimizer_tracked_loads);
PG_FUNCTION_INFO_V1(perf_optimizer_tracked_latencies);

/* What one statement, or several, have taken. */
typedef struct Load
{
	uint64		queryid;		/* 0: of several, or not to be shown */
	double		calls;
	double		ns;
	double		rows;
} Load;

/* Adds one load to another. */
static void
add_load(Load *to, const Load *load)
{
	to->calls += load->calls;
	to->ns += load->ns;
	to->rows += load->rows;
}

/* qsort: by statement. */
static int
compare_ids(const void *a, const void *b)
{
	uint64		x = ((const Load *) a)->queryid;
	uint64		y = ((const Load *) b)->queryid;

	return (x > y) - (x < y);
}

/* qsort: the one that took most time first. */
static int
compare_times(const void *a, const void *b)
{
	double		x = ((const Load *) a)->ns;
	double		y = ((const Load *) b)->ns;

	return x != y ? (x < y) - (x > y) : compare_ids(a, b);
}

/* Reads the loads of this database's statements into an array of the given length; *other gets what may not be shown. */
static int
read_loads(Load *loads, int max, Load *other)
{
	PoReader	reader;
	const PoTracked *t;
	int			n = 0;

	po_reader_begin(&reader, PO_READ_TOTALS);
	while ((t = po_reader_next(&reader)) != NULL)
	{
		const PoTrackEntry *e = &t->entry;
		Load		load = {e->key.queryid, (double) e->calls, e->total_ns, e->rows};

		if (n < max && load.queryid != 0 && po_sample_may_read(e->key.userid))
			loads[n++] = load;
		else
			add_load(other, &load);
	}
	return n;
}

/* Makes one of the loads of the same statement by several roles; returns how many are left. */
static int
merge_loads(Load *loads, int n)
{
	int			kept = 0;

	qsort(loads, n, sizeof(Load), compare_ids);
	for (int i = 0; i < n; i++)
	{
		if (kept > 0 && loads[kept - 1].queryid == loads[i].queryid)
			add_load(&loads[kept - 1], &loads[i]);
		else
			loads[kept++] = loads[i];
	}
	return kept;
}

/* Emits one load. */
static void
put_load(PoRow *row, const Load *load)
{
	if (load->queryid != 0)
		po_row_int8(row, (int64) load->queryid);
	else
		po_row_null(row);
	po_row_float8(row, load->calls);
	po_row_float8(row, load->ns / PO_NS_PER_MS);
	po_row_float8(row, load->rows);
	po_srf_emit(row);
}

/* tracked_loads(top): the statements that took most time, and all others in one row. */
Datum
perf_optimizer_tracked_loads(PG_FUNCTION_ARGS)
{
	Load		other = {0};
	Load	   *loads;
	PoRow		row;
	int			max = po_tracked_ready() ? po_tracked_capacity() : 0;
	int			n;

	po_args_require(fcinfo, 0, "top");
	po_srf_begin(fcinfo, &row);
	loads = palloc(sizeof(Load) * (max + 1));
	n = merge_loads(loads, read_loads(loads, max, &other));
	qsort(loads, n, sizeof(Load), compare_times);
	for (int i = 0; i < n; i++)
	{
		if (i < PG_GETARG_INT32(0))
			put_load(&row, &loads[i]);
		else
			add_load(&other, &loads[i]);
	}
	if (other.calls > 0)
		put_load(&row, &other);
	return (Datum) 0;
}

/* tracked_latencies(): the latency histogram of all statements of this database together. */
Datum
perf_optimizer_tracked_latencies(PG_FUNCTION_ARGS)
{
	uint64		counts[PO_HISTOGRAM_BUCKETS] = {0};
	PoRow		row;

	po_srf_begin(fcinfo, &row);
	po_reader_sum_histograms(counts);
	for (int i = 0; i < PO_HISTOGRAM_BUCKETS; i++)
	{
		if (counts[i] == 0)
			continue;
		po_row_float8(&row, po_histogram_middle_ms(i));
		po_row_int8(&row, (int64) counts[i]);
		po_srf_emit(&row);
	}
	return (Datum) 0;
}
