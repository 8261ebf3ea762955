/*
 * batch.c
 *	  Taking the old rows of one table in batches.
 *
 * A batch finds the next rows after a watermark and takes them by their
 * locations.  With an index that begins with the time column rows are found in
 * the order of (time, location), and the watermark is such a pair; without one
 * the table is walked from its first block, and the watermark is a location.
 * Either way a batch costs the same at the end of a run as at its beginning,
 * although the dead rows of the earlier batches are still there.  One look finds the
 * rows of several small batches.
 *
 * The statement that takes rows repeats the full condition, because a row may
 * have been changed since it was found, or another one be in its place.  The watermark moves only with
 * po_batch_advance, after the commit, so a batch that failed is tried again.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "archive/batch.h"
#include "archive/columns.h"
#include "archive/export.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "core/relname.h"
#include "executor/spi.h"
#include "storage/bufmgr.h"
#include "storage/itemptr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"

/* The name of the hash beside a row's columns; none of them is called so. */
#define HASH_COLUMN "\"perf_optimizer hash of this row\""

/* How many blocks one look without an index reads. */
#define BLOCKS_PER_LOOK 256

/* How many rows one look finds at most, where the batch in hand is smaller. */
#define ROWS_PER_LOOK 1000

/* A place in the walk: after the row at tid, by index after that row's time. */
typedef struct Watermark
{
	Datum		time;
	ItemPointerData tid;
	bool		done;
} Watermark;

/* Rows that a look has found. */
typedef struct Found
{
	int64		n;
	int64		ntaken;			/* of these are taken, or were not there any
								 * more */
	int64		ntaking;		/* are those of the batch in hand */
	Datum	   *times;
	ItemPointerData *tids;
	Watermark	end;			/* where the walk goes on after them */
} Found;

struct PoBatch
{
	PoArchivePolicy *policy;
	const PoCutoff *cutoff;
	Oid			leaf;
	bool		by_index;
	BlockNumber nblocks;
	SPIPlanPtr	find;			/* the next rows after the watermark */
	SPIPlanPtr	take;			/* rows by their locations; NULL when they go
								 * to files */
	PoExport   *export;			/* where they go then, else NULL */
	Watermark	now;
	Watermark	next;			/* adopted by po_batch_advance */
	Found		found;
	MemoryContext found_context;	/* of its arrays */
};

/* Tells whether an index begins with a column, is ordered and has every row. */
static bool
begins_with(Oid index, AttrNumber column)
{
	Relation	rel = index_open(index, AccessShareLock);
	bool		result = rel->rd_index->indisvalid && rel->rd_index->indkey.values[0] == column &&
	rel->rd_rel->relam == BTREE_AM_OID && RelationGetIndexPredicate(rel) == NIL;

	index_close(rel, AccessShareLock);
	return result;
}

/* Tells whether a table has an index to walk by time, and notes its size. */
static void
inspect_leaf(PoBatch *batch)
{
	Relation	rel = table_open(batch->leaf, AccessShareLock);
	AttrNumber	column = get_attnum(batch->leaf, batch->policy->time_column);
	ListCell   *cell;

	foreach(cell, RelationGetIndexList(rel))
	{
		if (begins_with(lfirst_oid(cell), column))
			batch->by_index = true;
	}
	batch->nblocks = RelationGetNumberOfBlocks(rel);
	table_close(rel, NoLock);
}

/* Prepares a statement that outlives transactions; generic plans do not look at the parameters. */
static SPIPlanPtr
prepare(const char *sql, int nargs, Oid *types, bool generic)
{
	SPIPlanPtr	plan = SPI_prepare_cursor(sql, nargs, types,
										  generic ? CURSOR_OPT_GENERIC_PLAN : CURSOR_OPT_CUSTOM_PLAN);

	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare a statement: %s", SPI_result_code_string(SPI_result));
	return plan;
}

/* Prepares finding the rows after a watermark: $2 and $3 are it, or it and where to stop. */
static void
prepare_find(PoBatch *batch)
{
	char	   *column = psprintf("t.%s", quote_identifier(batch->policy->time_column));
	char	   *from = psprintf("SELECT %s, t.ctid FROM ONLY %s t WHERE %s", column,
								po_relname_qualified(batch->leaf), po_cutoff_condition(batch->policy, "t", "$1"));
	Oid			types[] = {batch->policy->time_type, batch->by_index ? batch->policy->time_type : TIDOID,
	TIDOID, INT8OID};
	char	   *sql;

	if (batch->by_index)
		sql = psprintf("%s AND ROW(%s, t.ctid) OPERATOR(pg_catalog.>) ROW($2, $3)"
					   " ORDER BY %s USING OPERATOR(pg_catalog.<), t.ctid USING OPERATOR(pg_catalog.<)"
					   " LIMIT $4", from, column, column);
	else
		sql = psprintf("%s AND t.ctid OPERATOR(pg_catalog.>) $2 AND t.ctid OPERATOR(pg_catalog.<) $3"
					   " ORDER BY t.ctid USING OPERATOR(pg_catalog.<) LIMIT $4", from);
	batch->find = prepare(sql, 4, types, false);
}

/* Tells whether the rows of a policy go to another server. */
static bool
goes_abroad(PoArchivePolicy *policy)
{
	return OidIsValid(policy->destination) &&
		get_rel_relkind(policy->destination) == RELKIND_FOREIGN_TABLE;
}

/* Returns the statement that deletes rows of an archive, and says how many and their digest. */
static char *
purging_statement(PoArchivePolicy *policy, const char *source)
{
	return psprintf("WITH gone AS (DELETE %s RETURNING %s AS hash)"
					" SELECT pg_catalog.count(*), pg_catalog.count(*), pg_catalog.bit_xor(hash) FROM gone", source, policy->digest);
}

/* Returns the statement that moves rows to a table of this database. */
static char *
moving_statement(PoArchivePolicy *policy, const char *source, const char *columns, const char *destination)
{
	return psprintf("WITH gone AS (DELETE %s RETURNING %s, %s AS " HASH_COLUMN "),"
					" kept AS (INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM gone RETURNING 1)"
					" SELECT g.n, (SELECT pg_catalog.count(*) FROM kept), g.digest"
					" FROM (SELECT pg_catalog.count(*) AS n, pg_catalog.bit_xor(" HASH_COLUMN ") AS digest FROM gone) g",
					source, columns, policy->digest, destination, columns, columns);
}

/*
 * Returns the statement that moves rows to another server.  Its transaction ends
 * before ours, so rows of a batch that did not commit here can be there already:
 * those are found by key between the batch's first and last time, $3 and $4, and
 * count as arrived when they are the same.
 */
static char *
moving_statement_abroad(PoArchivePolicy *policy, const char *source, const char *columns, const char *destination)
{
	const char *time = quote_identifier(policy->time_column);
	char	   *same_key = po_columns_same_key(policy->relation, "g", "x");

	return psprintf("WITH here AS MATERIALIZED (SELECT %s FROM %s f WHERE f.%s OPERATOR(pg_catalog.>=) $3 AND f.%s OPERATOR(pg_catalog.<=) $4),"
					" gone AS (DELETE %s RETURNING %s),"
					" kept AS (INSERT INTO %s (%s) SELECT %s FROM gone g WHERE NOT EXISTS (SELECT FROM here x WHERE %s) RETURNING 1)"
					" SELECT (SELECT pg_catalog.count(*) FROM gone), (SELECT pg_catalog.count(*) FROM kept)"
					" OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM gone g JOIN here x ON %s"
					" WHERE g::pg_catalog.text OPERATOR(pg_catalog.=) x::pg_catalog.text),"
					" (SELECT pg_catalog.bit_xor(%s) FROM gone)",
					columns, destination, time, time, source, columns, destination, columns, columns, same_key, same_key,
					policy->digest);
}

/* Returns the statement that takes the rows of "FROM ONLY leaf t WHERE ...". */
static char *
taking_statement(PoBatch *batch, const char *source)
{
	PoArchivePolicy *policy = batch->policy;
	List	   *blockers = NIL;
	char	   *columns;
	char	   *destination;

	if (policy->strategy == PO_ARCHIVE_DELETE)
		return policy->digest ? purging_statement(policy, source) : psprintf("DELETE %s", source);
	columns = po_columns_shared(policy->relation, policy->destination,
								policy->reversed ? PO_COLUMNS_RESTORE : PO_COLUMNS_ALL, &blockers);
	destination = po_relname_qualified(policy->destination);
	if (policy->strategy == PO_ARCHIVE_COPY)
		return psprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s %s ON CONFLICT (%s) DO NOTHING",
						destination, columns, columns, source, po_columns_key(policy->destination));
	if (goes_abroad(policy))
		return moving_statement_abroad(policy, source, columns, destination);
	return moving_statement(policy, source, columns, destination);
}

/* Returns "FROM ONLY leaf t WHERE ..." for rows at given locations that are old enough, both as SQL. */
static char *
rows_at(PoBatch *batch, const char *locations, const char *bound)
{
	return psprintf("FROM ONLY %s t WHERE t.ctid OPERATOR(pg_catalog.=) ANY (%s) AND %s",
					po_relname_qualified(batch->leaf), locations,
					po_cutoff_condition(batch->policy, "t", bound));
}

/* Prepares taking rows by their locations, $2. */
static void
prepare_take(PoBatch *batch)
{
	Oid			time = batch->policy->time_type;
	Oid			types[] = {time, TIDARRAYOID, time, time};

	batch->take = prepare(taking_statement(batch, rows_at(batch, "$2", "$1")),
						  goes_abroad(batch->policy) ? 4 : 2, types, true);
}

/* Returns the value below all others of a time type. */
static Datum
lowest_time(Oid type)
{
	return type == DATEOID ? DateADTGetDatum(DATEVAL_NOBEGIN) : TimestampGetDatum(DT_NOBEGIN);
}

/*
 * Prepares taking the old rows of one table, a leaf or the policy's table itself,
 * from its beginning.  The policy and the cutoff must live as long as the batch,
 * which lives in the current context and survives commits.  run_id is that of
 * the run that files are recorded with.  The caller has connected SPI and ends
 * with po_batch_end.
 */
PoBatch *
po_batch_begin(PoArchivePolicy *policy, const PoCutoff *cutoff, Oid leaf, int64 run_id)
{
	PoBatch    *batch = palloc0(sizeof(PoBatch));

	batch->policy = policy;
	batch->cutoff = cutoff;
	batch->leaf = leaf;
	batch->now.time = lowest_time(policy->time_type);
	ItemPointerSet(&batch->now.tid, 0, InvalidOffsetNumber);
	batch->found_context = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer found rows", ALLOCSET_DEFAULT_SIZES);
	if (policy->export_directory)
		batch->export = po_export_begin(policy, run_id);
	inspect_leaf(batch);
	prepare_find(batch);
	if (batch->export == NULL)
		prepare_take(batch);
	batch->now.done = !batch->by_index && batch->nblocks == 0;
	return batch;
}

/* Raises 27000 when a trigger kept rows from arriving that were taken from the table. */
static void
check_moved(PoBatch *batch, int64 deleted, int64 inserted)
{
	if (deleted != inserted)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("%lld rows left table \"%s\" but %lld arrived in \"%s\"", (long long) deleted,
						get_rel_name(batch->leaf), (long long) inserted,
						get_rel_name(batch->policy->destination)),
				 errdetail("The batch was undone; a trigger suppresses rows, or other rows with their keys are there already."),
				 errhint("Disable the trigger on the destination, or archive to another table.")));
}

/* Runs the taking statement and returns how many rows it took; *digest gets theirs. */
static int64
run_take(PoBatch *batch, Datum *values, int64 *digest)
{
	int			rc = SPI_execute_plan(batch->take, values, NULL, false, 0);
	bool		isnull;
	int64		deleted;

	if (rc < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(rc));
	if (SPI_tuptable == NULL)
		return (int64) SPI_processed;
	deleted = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	check_moved(batch, deleted,
				DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull)));
	*digest = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return deleted;
}

/* Runs the finding statement; the rows are in SPI_tuptable. */
static int64
run_find(PoBatch *batch, Datum second, ItemPointer third, int max_rows)
{
	Datum		values[] = {batch->cutoff->value, second, PointerGetDatum(third), Int64GetDatum(max_rows)};

	if (SPI_execute_plan(batch->find, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not find the next rows");
	return (int64) SPI_processed;
}

/* Returns a column of a row of the last look. */
static Datum
found_value(int64 row, int column)
{
	bool		isnull;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);
}

/* Finds the next rows in the order of time and notes where they end. */
static int64
find_by_index(PoBatch *batch, int max_rows)
{
	Watermark  *end = &batch->found.end;
	int64		n = run_find(batch, end->time, &end->tid, max_rows);

	if (n > 0)
	{
		end->time = found_value(n - 1, 1);
		end->tid = *(ItemPointer) DatumGetPointer(found_value(n - 1, 2));
	}
	end->done = n < max_rows;
	return n;
}

/* Finds the next rows in the order of their location, a stretch of blocks at a time. */
static int64
find_by_blocks(PoBatch *batch, int max_rows)
{
	Watermark  *end = &batch->found.end;
	int64		n = 0;

	while (n == 0 && !end->done)
	{
		BlockNumber stop = Min(batch->nblocks, ItemPointerGetBlockNumberNoCheck(&end->tid) + BLOCKS_PER_LOOK);
		ItemPointerData limit;

		ItemPointerSet(&limit, stop, InvalidOffsetNumber);
		n = run_find(batch, PointerGetDatum(&end->tid), &limit, max_rows);
		if (n == max_rows)
			end->tid = *(ItemPointer) DatumGetPointer(found_value(n - 1, 2));
		else
		{
			end->tid = limit;
			end->done = stop >= batch->nblocks;
		}
	}
	return n;
}

/* Looks for the next rows after the watermark, at most max_rows. */
static void
look(PoBatch *batch, int max_rows)
{
	Found	   *found = &batch->found;
	MemoryContext old;
	int64		n;

	memset(found, 0, sizeof(Found));
	found->end = batch->now;
	n = batch->by_index ? find_by_index(batch, max_rows) : find_by_blocks(batch, max_rows);
	MemoryContextReset(batch->found_context);
	old = MemoryContextSwitchTo(batch->found_context);
	found->times = palloc(sizeof(Datum) * Max(n, 1));
	found->tids = palloc(sizeof(ItemPointerData) * Max(n, 1));
	MemoryContextSwitchTo(old);
	for (int64 i = 0; i < n; i++)
	{
		found->times[i] = found_value(i, 1);
		found->tids[i] = *(ItemPointer) DatumGetPointer(found_value(i, 2));
	}
	found->n = n;
	SPI_freetuptable(SPI_tuptable);
}

/* Chooses the rows of the batch in hand, at most max_rows of those that were found, and notes where they end. */
static void
choose_rows(PoBatch *batch, int max_rows)
{
	Found	   *found = &batch->found;
	int64		last;

	if (found->ntaken == found->n)
		look(batch, Max(max_rows, ROWS_PER_LOOK));
	found->ntaking = Min(max_rows, found->n - found->ntaken);
	last = found->ntaken + found->ntaking - 1;
	if (last == found->n - 1)
		batch->next = found->end;
	else
	{
		batch->next.time = found->times[last];
		batch->next.tid = found->tids[last];
		batch->next.done = false;
	}
}

/* Returns the locations of the batch's rows as an array. */
static Datum
chosen_locations(const Found *found)
{
	Datum	   *tids = palloc(sizeof(Datum) * found->ntaking);

	for (int64 i = 0; i < found->ntaking; i++)
		tids[i] = PointerGetDatum(&found->tids[found->ntaken + i]);
	return PointerGetDatum(construct_array(tids, (int) found->ntaking, TIDOID, sizeof(ItemPointerData), false,
										   TYPALIGN_SHORT));
}

/* Sets the first and the last time of the batch's rows. */
static void
chosen_range(PoBatch *batch, Datum *first, Datum *last)
{
	const Found *found = &batch->found;
	Oid			type = batch->policy->time_type;

	*first = *last = found->times[found->ntaken];
	for (int64 i = 1; i < found->ntaking; i++)
	{
		Datum		value = found->times[found->ntaken + i];

		if (po_cutoff_compare(type, value, *first) < 0)
			*first = value;
		if (po_cutoff_compare(type, value, *last) > 0)
			*last = value;
	}
}

/* Takes the batch's rows to a file. */
static int64
export_chosen(PoBatch *batch, Datum *values)
{
	char	   *locations = psprintf("%s::pg_catalog.tid[]",
									 quote_literal_cstr(OidOutputFunctionCall(F_ARRAY_OUT, values[1])));
	char	   *source = rows_at(batch, locations, po_cutoff_literal(batch->policy, values[0]));

	return po_export_rows(batch->export, source, values[2], values[3]);
}

/*
 * Takes the next batch, of at most max_rows, inside the current transaction;
 * *result tells what it did.  Errors of the user's tables, triggers and
 * constraints come out as they are; 27000 when rows would be lost.
 */
void
po_batch_take(PoBatch *batch, int max_rows, PoBatchResult *result)
{
	Datum		values[4];

	choose_rows(batch, max_rows);
	result->matched = batch->found.ntaking;
	result->archived = 0;
	result->digest = 0;
	if (result->matched == 0)
		return;
	values[0] = batch->cutoff->value;
	values[1] = chosen_locations(&batch->found);
	chosen_range(batch, &values[2], &values[3]);
	result->archived = batch->export ? export_chosen(batch, values) : run_take(batch, values, &result->digest);
}

/* Moves the watermark behind the last batch, which has been committed. */
void
po_batch_advance(PoBatch *batch)
{
	batch->now = batch->next;
	batch->found.ntaken += batch->found.ntaking;
	batch->found.ntaking = 0;
}

/*
 * Tells whether all that a batch writes is in this database: then a crash undoes it
 * whole, and it need not be on disk before the next one begins.
 */
bool
po_batch_is_local(PoBatch *batch)
{
	return batch->export == NULL && !goes_abroad(batch->policy);
}

/* Tells whether the walk has come to the table's end. */
bool
po_batch_is_done(PoBatch *batch)
{
	return batch->now.done;
}

/* Frees the statements. */
void
po_batch_end(PoBatch *batch)
{
	MemoryContextDelete(batch->found_context);
	(void) SPI_freeplan(batch->find);
	if (batch->take)
		(void) SPI_freeplan(batch->take);
}
