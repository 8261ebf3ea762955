/*
 * sample_table.c
 *	  A temporary copy of some rows of a table, to try statistics on.
 *
 * Building statistics on the table itself would lock it, read it and, by way of
 * ANALYZE, change what is known of it.  So some of its rows are copied.  The copy is
 * the caller's, and goes away with the subtransaction that it was made in.
 */
#include "postgres.h"

#include "access/table.h"
#include "advisor/sample_table.h"
#include "core/compat.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "plan/query.h"
#include "plan/rows.h"
#include "utils/builtins.h"
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
	Relation	table;
	int			ncolumns;
	AttrNumber *columns;
	TupleDesc	desc;
	Tuplestorestate *rows;
	int64		taken;
	Datum	   *values;			/* of the row in hand */
	bool	   *nulls;
} Sampler;

/* Describes the columns of the copy. */
static void
describe(Sampler *sampler, const Bitmapset *columns)
{
	int			column = -1;

	sampler->columns = palloc(sizeof(AttrNumber) * bms_num_members(columns));
	sampler->values = palloc(sizeof(Datum) * bms_num_members(columns));
	sampler->nulls = palloc(sizeof(bool) * bms_num_members(columns));
	sampler->desc = CreateTemplateTupleDesc(bms_num_members(columns));
	while ((column = bms_next_member(columns, column)) >= 0)
	{
		sampler->columns[sampler->ncolumns++] = (AttrNumber) column;
		TupleDescCopyEntry(sampler->desc, (AttrNumber) sampler->ncolumns,
						   RelationGetDescr(sampler->table), (AttrNumber) column);
	}
	PO_FINALIZE_TUPLE_DESC(sampler->desc);
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
 * Copies some rows of a table, with the given columns only, and analyzes the copy.  The
 * caller has checked that the user may read them, and works in a subtransaction that
 * will be rolled back.
 */
PoSampleTable *
po_sample_table_create(Oid relid, const Bitmapset *columns)
{
	PoSampleTable *sample = palloc0(sizeof(PoSampleTable));
	const PoRowsLimit limit = {SAMPLE_ROWS, SAMPLE_BLOCKS};
	Sampler		sampler = {0};

	sampler.table = table_open(relid, AccessShareLock);
	describe(&sampler, columns);
	sampler.rows = tuplestore_begin_heap(false, false, work_mem);
	sample->whole = po_rows_visit(sampler.table, &limit, take_row, &sampler);
	sample->rows = (double) sampler.taken;
	sample->name = psprintf("pg_temp.perf_optimizer_sample_%u", relid);
	copy_rows(&sampler, sample->name);
	tuplestore_end(sampler.rows);
	table_close(sampler.table, NoLock);
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
