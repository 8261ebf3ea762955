/*
 * tracking_sql.c
 *	  SQL entry points that show what is tracked.
 *
 * As in pg_stat_statements everybody sees the numbers; identifiers, texts and
 * values of other roles' statements are for members of pg_read_all_stats.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "core/preload.h"
#include "core/srf.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "workload/reader.h"

PG_FUNCTION_INFO_V1(perf_optimizer_tracked_statements);
PG_FUNCTION_INFO_V1(perf_optimizer_tracked_plans);
PG_FUNCTION_INFO_V1(perf_optimizer_tracked_bursts);
PG_FUNCTION_INFO_V1(perf_optimizer_tracked_histograms);
PG_FUNCTION_INFO_V1(perf_optimizer_query_samples);
PG_FUNCTION_INFO_V1(perf_optimizer_tracking_stats);
PG_FUNCTION_INFO_V1(perf_optimizer_reset_tracking);

/* Sets a float8 column, NULL for NaN. */
static void
put_ms(PoRow *row, double ms)
{
	if (isnan(ms))
		po_row_null(row);
	else
		po_row_float8(row, ms);
}

/* Sets a bigint column, NULL where the caller may not see it. */
static void
put_id(PoRow *row, uint64 id, bool visible)
{
	if (visible && id != 0)
		po_row_int8(row, (int64) id);
	else
		po_row_null(row);
}

/* Sets the columns that tell a statement from others. */
static void
put_key(PoRow *row, const PoTrackKey *key)
{
	put_id(row, key->queryid, po_sample_may_read(key->userid));
	po_row_oid(row, key->userid);
	po_row_bool(row, key->toplevel != 0);
}

/* Returns how many plan shapes are kept of a statement. */
static int
count_plans(const PoTrackEntry *entry)
{
	int			n = 0;

	for (int i = 0; i < PO_TRACK_PLANS; i++)
		n += entry->plans[i].planid != 0;
	return n;
}

/* Emits one statement. */
static void
put_statement(PoRow *row, const PoTracked *t)
{
	const PoTrackEntry *e = &t->entry;
	double		calls = (double) e->calls;

	put_key(row, &e->key);
	po_row_int8(row, e->calls);
	po_row_int8(row, e->errors);
	po_row_float8(row, e->rows);
	po_row_float8(row, e->total_ns / PO_NS_PER_MS);
	po_row_float8(row, e->mean_ns / PO_NS_PER_MS);
	po_row_float8(row, (double) e->min_ns / PO_NS_PER_MS);
	po_row_float8(row, (double) e->max_ns / PO_NS_PER_MS);
	po_row_float8(row, calls > 0 ? sqrt(e->squares_ns / calls) / PO_NS_PER_MS : 0);
	for (int i = 0; i < lengthof(t->percentiles_ms); i++)
		put_ms(row, t->percentiles_ms[i]);
	po_row_int4(row, count_plans(e));
	po_row_datum(row, TimestampTzGetDatum(e->first_seen));
	po_row_datum(row, TimestampTzGetDatum(e->last_seen));
	po_row_bool(row, po_reader_saw_burst(e, PO_BURST_N_PLUS_ONE));
	po_row_bool(row, po_reader_saw_burst(e, PO_BURST_REPEATED));
	po_row_bool(row, po_reader_saw_flip(e));
	po_row_float8(row, e->failed_ns / PO_NS_PER_MS);
	po_srf_emit(row);
}

/* tracked_statements(): the statements of this database that are tracked, with their percentiles. */
Datum
perf_optimizer_tracked_statements(PG_FUNCTION_ARGS)
{
	PoReader	reader;
	const PoTracked *t;
	PoRow		row;

	po_srf_begin(fcinfo, &row);
	po_reader_begin(&reader, 0);
	while ((t = po_reader_next(&reader)) != NULL)
		put_statement(&row, t);
	return (Datum) 0;
}

/* Emits one plan shape. */
static void
put_plan(PoRow *row, const PoTracked *t, int i)
{
	const PoTrackPlan *plan = &t->entry.plans[i];
	bool		visible = po_sample_may_read(t->entry.key.userid);

	put_key(row, &t->entry.key);
	put_id(row, plan->planid, visible);
	po_row_int8(row, plan->calls);
	po_row_float8(row, plan->total_ns / PO_NS_PER_MS);
	po_row_datum(row, TimestampTzGetDatum(plan->first_seen));
	po_row_datum(row, TimestampTzGetDatum(plan->last_seen));
	po_row_text(row, visible ? t->plan_texts[i] : NULL);
	po_srf_emit(row);
}

/* tracked_plans(): the plan shapes of this database's statements. */
Datum
perf_optimizer_tracked_plans(PG_FUNCTION_ARGS)
{
	PoReader	reader;
	const PoTracked *t;
	PoRow		row;

	po_srf_begin(fcinfo, &row);
	po_reader_begin(&reader, PO_READ_PLANS);
	while ((t = po_reader_next(&reader)) != NULL)
		for (int p = 0; p < PO_TRACK_PLANS; p++)
			if (t->entry.plans[p].planid != 0)
				put_plan(&row, t, p);
	return (Datum) 0;
}

/* Emits the bursts of one kind and parent. */
static void
put_burst(PoRow *row, const PoTracked *t, const PoTrackBurst *burst)
{
	bool		visible = po_sample_may_read(t->entry.key.userid);

	put_key(row, &t->entry.key);
	if (OidIsValid(t->entry.burst_relid))
		po_row_oid(row, t->entry.burst_relid);
	else
		po_row_null(row);
	po_row_text(row, burst->kind == PO_BURST_N_PLUS_ONE ? "n-plus-one" : "repeated-query");
	po_row_int8(row, burst->bursts);
	po_row_int8(row, burst->executions);
	po_row_int8(row, burst->longest);
	po_row_float8(row, burst->total_ns / PO_NS_PER_MS);
	put_id(row, burst->parent, visible);
	po_row_text(row, visible && burst->kind == PO_BURST_N_PLUS_ONE ? t->suggestion : NULL);
	po_srf_emit(row);
}

/* tracked_bursts(): what single sessions run again and again. */
Datum
perf_optimizer_tracked_bursts(PG_FUNCTION_ARGS)
{
	PoReader	reader;
	const PoTracked *t;
	PoRow		row;

	po_srf_begin(fcinfo, &row);
	po_reader_begin(&reader, PO_READ_SUGGESTIONS);
	while ((t = po_reader_next(&reader)) != NULL)
		for (int b = 0; b < PO_TRACK_BURSTS; b++)
			if (t->entry.bursts[b].kind != PO_BURST_NONE)
				put_burst(&row, t, &t->entry.bursts[b]);
	return (Datum) 0;
}

/* Emits the histogram of a statement: the buckets that are not empty, and their counts. */
static void
put_histogram(PoRow *row, const PoTracked *t)
{
	Datum	   *buckets = palloc(sizeof(Datum) * PO_HISTOGRAM_BUCKETS);
	Datum	   *counts = palloc(sizeof(Datum) * PO_HISTOGRAM_BUCKETS);
	int			n = 0;

	for (int i = 0; i < PO_HISTOGRAM_BUCKETS; i++)
		if (t->counts[i] > 0)
		{
			buckets[n] = Float8GetDatum(po_histogram_middle_ms(i));
			counts[n++] = Int64GetDatum((int64) t->counts[i]);
		}
	put_key(row, &t->entry.key);
	po_row_datum(row, PointerGetDatum(construct_array(buckets, n, FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)));
	po_row_datum(row, PointerGetDatum(construct_array(counts, n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)));
	po_srf_emit(row);
	pfree(buckets);
	pfree(counts);
}

/* tracked_histograms(): the latency histograms of this database's statements. */
Datum
perf_optimizer_tracked_histograms(PG_FUNCTION_ARGS)
{
	PoReader	reader;
	const PoTracked *t;
	PoRow		row;

	po_srf_begin(fcinfo, &row);
	po_reader_begin(&reader, PO_READ_HISTOGRAMS);
	while ((t = po_reader_next(&reader)) != NULL)
		put_histogram(&row, t);
	return (Datum) 0;
}

/* Sets an array column of texts, in which NULL pointers are NULLs. */
static void
put_texts(PoRow *row, char **values, int n)
{
	Datum	   *datums = palloc(sizeof(Datum) * Max(n, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(n, 1));
	int			dims[1] = {n};
	int			lower[1] = {1};

	for (int i = 0; i < n; i++)
	{
		nulls[i] = values[i] == NULL;
		datums[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(values[i]);
	}
	po_row_datum(row, PointerGetDatum(construct_md_array(datums, nulls, 1, dims, lower, TEXTOID, -1, false, TYPALIGN_INT)));
}

/* Sets an array column of types. */
static void
put_types(PoRow *row, const Oid *types, int n)
{
	char	  **names = palloc(sizeof(char *) * Max(n, 1));

	if (n < 0)
	{
		po_row_null(row);
		return;
	}
	for (int i = 0; i < n; i++)
		/* A type that was dropped since is not known any more. */
		names[i] = OidIsValid(types[i]) ? format_type_extended(types[i], -1, FORMAT_TYPE_INVALID_AS_NULL) : NULL;
	put_texts(row, names, n);
}

/* Emits one sample. */
static void
put_sample(PoRow *row, const PoTracked *t, const PoSample *sample, PoSampleKind kind)
{
	put_key(row, &t->entry.key);
	po_row_text(row, kind == PO_SAMPLE_SLOW ? "slow" : "typical");
	po_row_datum(row, TimestampTzGetDatum(sample->at));
	po_row_float8(row, sample->time_ms);
	po_row_text(row, sample->text);
	put_texts(row, sample->params.values, sample->params.nvalues);
	put_types(row, sample->params.types, sample->params.ntypes);
	put_types(row, sample->const_types, sample->nconsts);
	po_row_text(row, sample->search_path);
	po_row_bool(row, sample->plannable);
	po_srf_emit(row);
}

/* query_samples(): captured executions that the caller may see. */
Datum
perf_optimizer_query_samples(PG_FUNCTION_ARGS)
{
	PoReader	reader;
	const PoTracked *t;
	PoRow		row;

	po_preload_require("query_samples");
	po_srf_begin(fcinfo, &row);
	po_reader_begin(&reader, PO_READ_SAMPLES);
	while ((t = po_reader_next(&reader)) != NULL)
		for (int k = 0; k < PO_SAMPLE_KINDS; k++)
			if (t->samples[k] != NULL && po_sample_may_read(t->entry.key.userid))
				put_sample(&row, t, t->samples[k], k);
	return (Datum) 0;
}

/* tracking_stats(): how full the shared table is and what it had to let go. */
Datum
perf_optimizer_tracking_stats(PG_FUNCTION_ARGS)
{
	PoTrackingState state;
	PoRow		row;

	po_preload_require("tracking_stats");
	po_reader_state(&state);
	po_row_begin_single(fcinfo, &row);
	po_row_int4(&row, state.statements);
	po_row_int4(&row, state.capacity);
	po_row_int8(&row, state.stats.evicted);
	po_row_int8(&row, state.stats.evicted_calls);
	po_row_float8(&row, state.stats.evicted_ns / PO_NS_PER_MS);
	po_row_float8(&row, 1 - (double) state.text_blocks_free / (double) state.text_blocks);
	po_row_int8(&row, state.stats.texts_dropped);
	po_row_datum(&row, TimestampTzGetDatum(state.stats.since));
	return po_row_finish_single(&row);
}

/* reset_tracking(): forgets what was tracked in this database. */
Datum
perf_optimizer_reset_tracking(PG_FUNCTION_ARGS)
{
	po_preload_require("reset_tracking");
	po_reader_reset();
	PG_RETURN_VOID();
}
