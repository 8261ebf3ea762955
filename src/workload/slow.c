/*
 * slow.c
 *	  The statements of this database that cost the most, from pg_stat_statements.
 *
 * Percentiles and what else only tracking knows are joined to it.
 * What a role may see of other roles' statements is pg_stat_statements' own
 * decision: it hides their texts and identifiers from everybody but members of
 * pg_read_all_stats.
 */
#include "postgres.h"

#include <math.h>

#include "core/preload.h"
#include "core/statements.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "workload/reader.h"
#include "workload/slow.h"

/* What an order sorts by, in PoStatementCounters; 0 for p95 where nothing was timed. */
static const struct
{
	const char *name;
	size_t		offset;
}			orders[] =

{
	{"total_time", offsetof(PoStatementCounters, total_time_ms)},
	{"mean_time", offsetof(PoStatementCounters, mean_time_ms)},
	{"p95", offsetof(PoStatementCounters, p95_ms)},
	{"calls", offsetof(PoStatementCounters, calls)},
	{"temp", offsetof(PoStatementCounters, temp_bytes)},
	{"wal", offsetof(PoStatementCounters, wal_bytes)},
	{"reads", offsetof(PoStatementCounters, read_blocks)},
};

/* The columns of pg_stat_statements that are read, by their names. */
typedef enum Column
{
	COL_USERID, COL_DBID, COL_TOPLEVEL, COL_QUERYID, COL_QUERY, COL_CALLS, COL_TOTAL, COL_MEAN, COL_MAX, COL_STDDEV,
	COL_ROWS, COL_HIT, COL_READ, COL_TEMP, COL_WAL, NCOLUMNS
} Column;

static const char *const column_names[NCOLUMNS] = {
	"userid", "dbid", "toplevel", "queryid", "query", "calls", "total_exec_time", "mean_exec_time", "max_exec_time",
	"stddev_exec_time", "rows", "shared_blks_hit", "shared_blks_read", "temp_blks_written", "wal_bytes"
};

/* A row of pg_stat_statements that passed the filter, and where it came from. */
typedef struct Candidate
{
	PoSlowQuery query;
	Oid			userid;
	int64		row;			/* its number in the store */
	double		rank;			/* what it is sorted by */
} Candidate;

/* What only tracking knows of a statement. */
typedef struct TrackedFacts
{
	PoTrackKey	key;
	double		percentiles_ms[3];	/* 0 where nothing was timed */
	bool		n_plus_one;
	bool		repeated;
	bool		plan_flip;
} TrackedFacts;

/* One reading of pg_stat_statements. */
typedef struct Reading
{
	const PoSlowFilter *filter;
	size_t		order;			/* offset of what ranks */
	Tuplestorestate *store;
	TupleTableSlot *slot;
	AttrNumber	columns[NCOLUMNS];	/* 0: the installed version has none */
	HTAB	   *tracked;		/* of TrackedFacts */
	Candidate  *candidates;
	int			n;
	int			room;
	PoStatementCounters sums;	/* the all_ fields */
} Reading;

/* Returns the index of an order, -1 for none of that name. */
static int
find_order(const char *order_by)
{
	for (int i = 0; i < lengthof(orders); i++)
		if (strcmp(orders[i].name, order_by) == 0)
			return i;
	return -1;
}

/*
 * Raises 22023 unless order_by is a known order, and 55000 for p95 where
 * executions are not tracked.
 */
void
po_slow_check_order(const char *order_by)
{
	if (find_order(order_by) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"order_by\" is not a known order: \"%s\"", order_by),
				 errhint("Use one of total_time, mean_time, p95, calls, temp, wal, reads.")));
	if (strcmp(order_by, "p95") == 0)
		po_preload_require("order_by \"p95\"");
}

/* Copies what tracking knows of this database's statements that the caller may see. */
static HTAB *
read_tracked(void)
{
	HASHCTL		control = {
		.keysize = sizeof(PoTrackKey),
		.entrysize = sizeof(TrackedFacts),
		.hcxt = CurrentMemoryContext,
	};
	HTAB	   *table = hash_create("perf_optimizer tracked statements", 1024, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	PoReader	reader;
	const PoTracked *t;

	po_reader_begin(&reader, 0);
	while ((t = po_reader_next(&reader)) != NULL)
	{
		TrackedFacts *facts;

		if (!po_sample_may_read(t->entry.key.userid))
			continue;
		facts = hash_search(table, &t->entry.key, HASH_ENTER, NULL);
		for (int i = 0; i < lengthof(facts->percentiles_ms); i++)
			facts->percentiles_ms[i] = isnan(t->percentiles_ms[i]) ? 0 : t->percentiles_ms[i];
		facts->n_plus_one = po_reader_saw_burst(&t->entry, PO_BURST_N_PLUS_ONE);
		facts->repeated = po_reader_saw_burst(&t->entry, PO_BURST_REPEATED);
		facts->plan_flip = po_reader_saw_flip(&t->entry);
	}
	return table;
}

/* Reads pg_stat_statements and what is tracked. */
static void
begin_reading(Reading *reading, const PoSlowFilter *filter)
{
	PoStatementsView view;
	TupleDesc	columns;

	po_statements_find(&view, "slow_queries");
	memset(reading, 0, sizeof(Reading));
	reading->filter = filter;
	reading->order = orders[find_order(filter->order_by)].offset;
	reading->store = po_statements_read(&view, &columns);
	reading->slot = MakeSingleTupleTableSlot(columns, &TTSOpsMinimalTuple);
	for (int i = 0; i < NCOLUMNS; i++)
		reading->columns[i] = Max(SPI_fnumber(columns, column_names[i]), 0);
	reading->tracked = read_tracked();
	reading->room = 64;
	reading->candidates = palloc(sizeof(Candidate) * reading->room);
}

/* Returns a column of the row in the slot, and whether it is NULL. */
static Datum
get_column(const Reading *reading, Column column, bool *isnull)
{
	*isnull = true;
	return reading->columns[column] == 0 ? (Datum) 0 : slot_getattr(reading->slot, reading->columns[column], isnull);
}

/* Returns a bigint column, 0 for NULL. */
static int64
get_int8(const Reading *reading, Column column)
{
	bool		isnull;
	Datum		value = get_column(reading, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/* Returns a float8 column, 0 for NULL. */
static double
get_float8(const Reading *reading, Column column)
{
	bool		isnull;
	Datum		value = get_column(reading, column, &isnull);

	return isnull ? 0 : DatumGetFloat8(value);
}

/* Returns an oid column. */
static Oid
get_oid(const Reading *reading, Column column)
{
	bool		isnull;
	Datum		value = get_column(reading, column, &isnull);

	return isnull ? InvalidOid : DatumGetObjectId(value);
}

/* Returns the bytes of WAL, a numeric column. */
static double
get_wal(const Reading *reading)
{
	bool		isnull;
	Datum		value = get_column(reading, COL_WAL, &isnull);

	return isnull ? 0 : (double) DatumGetInt64(DirectFunctionCall1(numeric_int8, value));
}

/* Tells whether the statement of the row was sent by a client; versions without the column knew no other. */
static bool
is_toplevel(const Reading *reading)
{
	bool		isnull;
	Datum		value = get_column(reading, COL_TOPLEVEL, &isnull);

	return isnull || DatumGetBool(value);
}

/* Fills what pg_stat_statements counted for the row in the slot. */
static void
read_counters(const Reading *reading, PoStatementCounters *c)
{
	memset(c, 0, sizeof(PoStatementCounters));
	c->calls = (double) get_int8(reading, COL_CALLS);
	c->total_time_ms = get_float8(reading, COL_TOTAL);
	c->mean_time_ms = get_float8(reading, COL_MEAN);
	c->hit_blocks = (double) get_int8(reading, COL_HIT);
	c->read_blocks = (double) get_int8(reading, COL_READ);
	c->temp_bytes = (double) get_int8(reading, COL_TEMP) * BLCKSZ;
	c->wal_bytes = get_wal(reading);
}

/* Adds a row to the sums: of top-level statements only, because a nested statement's work is its caller's, too. */
static void
add_to_sums(PoStatementCounters *sums, const PoStatementCounters *c)
{
	sums->all_time_ms += c->total_time_ms;
	sums->all_read_blocks += c->read_blocks;
	sums->all_temp_bytes += c->temp_bytes;
	sums->all_wal_bytes += c->wal_bytes;
}

/* Fills what tracking knows of a statement, if it does. */
static void
add_tracked(const Reading *reading, Candidate *candidate)
{
	PoSlowQuery *q = &candidate->query;
	PoStatementCounters *c = &q->counters;
	PoTrackKey	key = {
		.queryid = (uint64) q->query_id,
		.dbid = MyDatabaseId,
		.userid = candidate->userid,
		.toplevel = q->toplevel,
	};
	const TrackedFacts *facts = q->has_query_id ? hash_search(reading->tracked, &key, HASH_FIND, NULL) : NULL;

	c->tracked = facts != NULL;
	if (facts == NULL)
		return;
	c->p50_ms = facts->percentiles_ms[0];
	c->p95_ms = facts->percentiles_ms[1];
	c->p99_ms = facts->percentiles_ms[2];
	c->n_plus_one = facts->n_plus_one;
	c->repeated = facts->repeated;
	c->plan_flip = facts->plan_flip;
}

/* Keeps the row in the slot, the row-th of the store. */
static void
add_candidate(Reading *reading, const PoStatementCounters *counters, bool toplevel, int64 row)
{
	Candidate  *candidate;
	PoSlowQuery *q;
	bool		isnull;

	if (reading->n == reading->room)
	{
		reading->room *= 2;
		reading->candidates = repalloc_huge(reading->candidates, sizeof(Candidate) * reading->room);
	}
	candidate = &reading->candidates[reading->n++];
	memset(candidate, 0, sizeof(Candidate));
	candidate->row = row;
	candidate->userid = get_oid(reading, COL_USERID);
	q = &candidate->query;
	q->query_id = DatumGetInt64(get_column(reading, COL_QUERYID, &isnull));
	q->has_query_id = !isnull;
	q->toplevel = toplevel;
	q->max_time_ms = get_float8(reading, COL_MAX);
	q->stddev_time_ms = get_float8(reading, COL_STDDEV);
	q->row_count = get_int8(reading, COL_ROWS);
	q->counters = *counters;
	add_tracked(reading, candidate);
	memcpy(&candidate->rank, (const char *) &q->counters + reading->order, sizeof(double));
}

/* Looks at all rows: adds up those of this database, and keeps those that pass the filter. */
static void
collect(Reading *reading)
{
	for (int64 row = 0; tuplestore_gettupleslot(reading->store, true, false, reading->slot); row++)
	{
		PoStatementCounters counters;
		bool		toplevel;

		CHECK_FOR_INTERRUPTS();
		if (get_oid(reading, COL_DBID) != MyDatabaseId)
			continue;
		read_counters(reading, &counters);
		toplevel = is_toplevel(reading);
		if (toplevel)
			add_to_sums(&reading->sums, &counters);
		if (counters.mean_time_ms >= reading->filter->min_mean_ms && counters.calls >= (double) reading->filter->min_calls)
			add_candidate(reading, &counters, toplevel, row);
	}
}

/* Compares two candidates: the larger first, ties by total time, statement and role. */
static int
compare_candidates(const void *left, const void *right)
{
	const Candidate *a = left;
	const Candidate *b = right;

	if (a->rank != b->rank)
		return a->rank > b->rank ? -1 : 1;
	if (a->query.counters.total_time_ms != b->query.counters.total_time_ms)
		return a->query.counters.total_time_ms > b->query.counters.total_time_ms ? -1 : 1;
	if (a->query.has_query_id != b->query.has_query_id)
		return a->query.has_query_id ? -1 : 1;
	if (a->query.query_id != b->query.query_id)
		return a->query.query_id < b->query.query_id ? -1 : 1;
	return a->userid < b->userid ? -1 : a->userid > b->userid;
}

/* Fills the texts of the first n candidates, in a second reading of the store. */
static void
fill_texts(Reading *reading, int n)
{
	int64		nrows = tuplestore_tuple_count(reading->store);
	PoSlowQuery **wanted = palloc0(sizeof(PoSlowQuery *) * (nrows + 1));

	for (int i = 0; i < n; i++)
		wanted[reading->candidates[i].row] = &reading->candidates[i].query;
	tuplestore_rescan(reading->store);
	for (int64 row = 0; tuplestore_gettupleslot(reading->store, true, false, reading->slot); row++)
	{
		bool		isnull;
		Datum		value;

		if (wanted[row] == NULL)
			continue;
		value = get_column(reading, COL_QUERY, &isnull);
		wanted[row]->query = isnull ? NULL : TextDatumGetCString(value);
	}
	pfree(wanted);
}

/*
 * Reads the statements that pass the filter into *queries, palloc'd in the
 * current context, and returns their number.  Raises 55000 when
 * pg_stat_statements cannot be read.
 */
int
po_slow_read(const PoSlowFilter *filter, PoSlowQuery **queries)
{
	Reading		reading;
	int			n;

	begin_reading(&reading, filter);
	collect(&reading);
	qsort(reading.candidates, reading.n, sizeof(Candidate), compare_candidates);
	n = Min(reading.n, filter->max_rows);
	fill_texts(&reading, n);
	*queries = palloc(sizeof(PoSlowQuery) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		PoSlowQuery *q = &reading.candidates[i].query;

		q->role_name = GetUserNameFromId(reading.candidates[i].userid, true);
		if (q->role_name == NULL)
			q->role_name = psprintf("unknown (OID=%u)", reading.candidates[i].userid);
		q->counters.all_time_ms = reading.sums.all_time_ms;
		q->counters.all_read_blocks = reading.sums.all_read_blocks;
		q->counters.all_temp_bytes = reading.sums.all_temp_bytes;
		q->counters.all_wal_bytes = reading.sums.all_wal_bytes;
		(*queries)[i] = *q;
	}
	ExecDropSingleTupleTableSlot(reading.slot);
	tuplestore_end(reading.store);
	return n;
}
