/*
 * sample_table.c
 *	  A temporary copy of some rows of a table, to try statistics on.
 *
 * Building statistics on the table itself would lock it, read it and, by way of
 * ANALYZE, change what is known of it.  So some of its rows, or of its partitions', are
 * copied.  The copy is the caller's, and goes away with the subtransaction that it was made in.
 */
#include "postgres.h"

#include <math.h>

#include "access/table.h"
#include "advisor/sample_table.h"
#include "catalog/pg_inherits.h"
#include "core/compat.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "plan/query.h"
#include "plan/rows.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"
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
	double		tuples;
	int			ncolumns;
	AttrNumber *columns;		/* of the table in hand */
	TupleDesc	desc;
	Tuplestorestate *rows;
	int64		taken;
	Datum	   *values;			/* of the row in hand */
	bool	   *nulls;
} Sampler;

/* Describes the columns of the copy. */
static void
describe(Sampler *sampler, Relation table, const Bitmapset *columns)
{
	int			column = -1;

	sampler->values = palloc(sizeof(Datum) * bms_num_members(columns));
	sampler->nulls = palloc(sizeof(bool) * bms_num_members(columns));
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

/* Counts the blocks and rows of all tables. */
static void
measure_tables(Sampler *sampler)
{
	ListCell   *lc;

	foreach(lc, sampler->tables)
	{
		Relation	table = (Relation) lfirst(lc);

		sampler->blocks += RelationGetNumberOfBlocks(table);
		sampler->tuples += Max(table->rd_rel->reltuples, 0);
	}
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

/* Takes one row. */
static void
take_row(TupleTableSlot *slot, void *arg)
{
	Sampler    *sampler = (Sampler *) arg;

	for (int i = 0; i < sampler->ncolumns; i++)
		sampler->values[i] = slot_getattr(slot, sampler->columns[i], &sampler->nulls[i]);
	tuplestore_putvalues(sampler->rows, sampler->desc, sampler->values, sampler->nulls);
	sampler->taken++;
}

/* Takes rows of a table, its share of all; returns whether these are all that it has. */
static bool
read_table(Sampler *sampler, Relation table)
{
	BlockNumber nblocks = RelationGetNumberOfBlocks(table);
	PoRowsLimit limit = {SAMPLE_ROWS, nblocks};

	if (sampler->blocks > SAMPLE_BLOCKS)
		limit.blocks = (BlockNumber) ceil(nblocks * (SAMPLE_BLOCKS / sampler->blocks));
	if (sampler->tuples > 0 && table->rd_rel->reltuples > 0)
		limit.rows *= table->rd_rel->reltuples / sampler->tuples;
	sampler->columns = find_columns(sampler, table);
	return po_rows_visit(table, &limit, take_row, sampler);
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
	measure_tables(&sampler);
	sampler.rows = tuplestore_begin_heap(false, false, work_mem);
	sample->whole = true;
	foreach(lc, sampler.tables)
	{
		Relation	part = (Relation) lfirst(lc);

		sample->whole &= read_table(&sampler, part);
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
