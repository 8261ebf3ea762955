/*
 * sample_table.c
 *	  A temporary copy of some rows of a table, to try statistics on.
 *
 * Building statistics on the table itself would lock it, read it and, by way of
 * ANALYZE, change what is known of it.  So rows of blocks that are spread evenly over
 * the table, or over its partitions, are copied, straight from the access method: no
 * planning of the table, no code that its owner attached to it.  The copy is the caller's, and goes away with
 * the subtransaction that it was made in.
 */
#include "postgres.h"

#include <math.h>

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "advisor/sample_table.h"
#include "catalog/pg_inherits.h"
#include "core/compat.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "plan/query.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

/* Rows of a copy, about; as many as ANALYZE looks at. */
#define SAMPLE_ROWS 30000

/* Blocks that are read at most. */
#define SAMPLE_BLOCKS 3000

/* The name under which the statement that makes the copy sees the rows. */
#define ROWS_NAME "perf_optimizer_rows"

/* Rows on their way into the copy. */
typedef struct Sampler
{
	List	   *tables;			/* Relation: the table, or its partitions */
	double		blocks;			/* of all of them */
	int			ncolumns;
	TupleDesc	desc;
	Tuplestorestate *rows;
	int64		seen;
	uint32		stride;			/* of so many rows one is taken */
	int64		taken;
} Sampler;

/* Describes the columns of the copy. */
static void
describe(Sampler *sampler, Relation table, const Bitmapset *columns)
{
	int			column = -1;

	sampler->desc = CreateTemplateTupleDesc(bms_num_members(columns));
	while ((column = bms_next_member(columns, column)) >= 0)
	{
		sampler->ncolumns++;
		TupleDescCopyEntry(sampler->desc, (AttrNumber) sampler->ncolumns,
						   RelationGetDescr(table), (AttrNumber) column);
	}
	PO_FINALIZE_TUPLE_DESC(sampler->desc);
}

/* Opens what holds the rows of a table; returns the OIDs of its partitions, NIL for a plain table. */
static List *
open_tables(Sampler *sampler, Relation table)
{
	List	   *parts = NIL;
	ListCell   *lc;

	if (table->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
	{
		sampler->tables = list_make1(table);
		return NIL;
	}
	foreach(lc, find_all_inheritors(RelationGetRelid(table), AccessShareLock, NULL))
	{
		Relation	part = table_open(lfirst_oid(lc), NoLock);

		/* What is partitioned further, or elsewhere, has no rows here. */
		if (RELKIND_HAS_TABLE_AM(part->rd_rel->relkind))
		{
			sampler->tables = lappend(sampler->tables, part);
			parts = lappend_oid(parts, RelationGetRelid(part));
		}
		else
			table_close(part, NoLock);
	}
	return parts;
}

/* Says of how many rows one is taken, for about SAMPLE_ROWS in all of the blocks that will be read. */
static void
choose_stride(Sampler *sampler)
{
	double		tuples = 0;
	ListCell   *lc;

	foreach(lc, sampler->tables)
	{
		Relation	table = (Relation) lfirst(lc);

		sampler->blocks += RelationGetNumberOfBlocks(table);
		tuples += Max(table->rd_rel->reltuples, 0);
	}
	sampler->stride = 1;
	if (sampler->blocks > 0)
		sampler->stride = Max(1, (uint32) (tuples / sampler->blocks * Min(sampler->blocks, SAMPLE_BLOCKS) / SAMPLE_ROWS));
}

/* Finds the sample's columns in a table, which a partition may have in another order. */
static AttrNumber *
find_columns(const Sampler *sampler, Relation table)
{
	AttrNumber *columns = palloc(sizeof(AttrNumber) * sampler->ncolumns);

	for (int i = 0; i < sampler->ncolumns; i++)
		columns[i] = get_attnum(RelationGetRelid(table), NameStr(TupleDescAttr(sampler->desc, i)->attname));
	return columns;
}

/* Takes some rows of a scan, the same each time. */
static void
take_rows(Sampler *sampler, const AttrNumber *columns, TableScanDesc scan, TupleTableSlot *slot)
{
	Datum	   *values = palloc(sizeof(Datum) * sampler->ncolumns);
	bool	   *nulls = palloc(sizeof(bool) * sampler->ncolumns);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		/* Not every n-th: values that come round regularly would be missed. */
		if (murmurhash32((uint32) sampler->seen++) % sampler->stride != 0)
			continue;
		for (int i = 0; i < sampler->ncolumns; i++)
			values[i] = slot_getattr(slot, columns[i], &nulls[i]);
		tuplestore_putvalues(sampler->rows, sampler->desc, values, nulls);
		sampler->taken++;
	}
	pfree(values);
	pfree(nulls);
}

/*
 * Reads blocks that are spread evenly over a heap, its share of SAMPLE_BLOCKS; all blocks of what is no heap.  Returns whether
 * all were read.
 */
static bool
read_blocks(Sampler *sampler, Relation table)
{
	BlockNumber nblocks = RelationGetNumberOfBlocks(table);
	BlockNumber wanted = sampler->blocks > SAMPLE_BLOCKS ? (BlockNumber) ceil(nblocks * (SAMPLE_BLOCKS / sampler->blocks)) : nblocks;
	bool		whole = wanted >= nblocks || table->rd_tableam != GetHeapamTableAmRoutine();
	AttrNumber *columns = find_columns(sampler, table);
	TupleTableSlot *slot = table_slot_create(table, NULL);
	TableScanDesc scan = table_beginscan_strat(table, GetActiveSnapshot(), 0, NULL, true, false);

	if (whole)
		take_rows(sampler, columns, scan, slot);
	for (BlockNumber i = 0; i < wanted && !whole; i++)
	{
		if (i > 0)
			table_rescan(scan, NULL);
		heap_setscanlimits(scan, (BlockNumber) ((uint64) i * nblocks / wanted), 1);
		take_rows(sampler, columns, scan, slot);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	return whole && sampler->stride == 1;
}

/* Copies the rows into a temporary table and analyzes it. */
static void
copy_rows(const Sampler *sampler, const char *name)
{
	EphemeralNamedRelationData enr = {0};

	enr.md.name = pstrdup(ROWS_NAME);
	enr.md.tupdesc = sampler->desc;
	enr.md.enrtype = ENR_NAMED_TUPLESTORE;
	enr.md.enrtuples = (double) sampler->taken;
	enr.reldata = sampler->rows;
	SPI_connect();
	if (SPI_register_relation(&enr) != SPI_OK_REL_REGISTER ||
		SPI_execute(psprintf("CREATE TEMPORARY TABLE %s AS SELECT * FROM %s", name, ROWS_NAME), false, 0) < 0 ||
		SPI_execute(psprintf("ANALYZE %s", name), false, 0) < 0)
		elog(ERROR, "could not copy rows");
	SPI_finish();
}

/*
 * Copies some rows of a table or of its partitions, with the given columns only, and
 * analyzes the copy.  The caller has checked that the user may read them, and works in
 * a subtransaction that will be rolled back.
 */
PoSampleTable *
po_sample_table_create(Oid relid, const Bitmapset *columns)
{
	PoSampleTable *sample = palloc0(sizeof(PoSampleTable));
	Sampler		sampler = {0};
	Relation	table = table_open(relid, AccessShareLock);
	ListCell   *lc;

	describe(&sampler, table, columns);
	sample->parts = open_tables(&sampler, table);
	choose_stride(&sampler);
	sampler.rows = tuplestore_begin_heap(false, false, work_mem);
	sample->whole = true;
	foreach(lc, sampler.tables)
	{
		Relation	part = (Relation) lfirst(lc);

		sample->whole &= read_blocks(&sampler, part);
		if (part != table)
			table_close(part, NoLock);
	}
	sample->rows = (double) sampler.taken;
	sample->name = psprintf("pg_temp.perf_optimizer_sample_%u", relid);
	copy_rows(&sampler, sample->name);
	tuplestore_end(sampler.rows);
	table_close(table, NoLock);
	return sample;
}

/* Runs a statement that returns nothing. */
void
po_sample_table_execute(const char *sql)
{
	SPI_connect();
	if (SPI_execute(sql, false, 0) < 0)
		elog(ERROR, "could not run \"%s\"", sql);
	SPI_finish();
}

/* Returns the one bigint that a query gives. */
double
po_sample_table_count(const char *sql)
{
	bool		isnull;
	double		count;

	SPI_connect();
	if (SPI_execute(sql, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not run \"%s\"", sql);
	count = (double) DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	return count;
}

/* Fetches n text columns of the first row of a query into the current context; false without a row, or with a NULL. */
bool
po_sample_table_fetch(const char *sql, int n, char **values)
{
	MemoryContext context = CurrentMemoryContext;
	bool		found = true;

	SPI_connect();
	if (SPI_execute(sql, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not run \"%s\"", sql);
	if (SPI_processed == 0)
		found = false;
	for (int i = 0; i < n && found; i++)
	{
		char	   *value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1);

		if (value == NULL)
			found = false;
		else
			values[i] = MemoryContextStrdup(context, value);
	}
	SPI_finish();
	return found;
}

/* Returns how many rows the planner expects of a query. */
double
po_sample_table_estimate(const char *sql)
{
	PoStatement *statement = po_query_parse(sql, NULL);

	return po_query_plan(statement)->planTree->plan_rows;
}
