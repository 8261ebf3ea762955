/*
 * heap_size.c
 *	  How large a table would be if it were written anew.
 *
 * Adds up what the statistics say of each column's width and nulls, aligned as a
 * heap tuple aligns it, and fills pages with as many rows as the table had when it
 * was last vacuumed or analyzed.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "catalog/pg_statistic.h"
#include "monitor/heap_size.h"
#include "storage/bufpage.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Variable-length values up to so many bytes have a header of one byte and are not aligned. */
#define SHORT_VALUE_MAX 126

/* What is known of one column. */
typedef struct ColumnFacts
{
	double		width;			/* bytes of a value that is not null */
	double		null_fraction;
} ColumnFacts;

/* Reads the statistics of a column; false when there are none. */
static bool
read_column(Oid relid, AttrNumber attnum, ColumnFacts *facts)
{
	HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid),
										Int16GetDatum(attnum), BoolGetDatum(false));

	if (!HeapTupleIsValid(tuple))
		return false;
	facts->width = ((Form_pg_statistic) GETSTRUCT(tuple))->stawidth;
	facts->null_fraction = ((Form_pg_statistic) GETSTRUCT(tuple))->stanullfrac;
	ReleaseSysCache(tuple);
	return true;
}

/* Returns how many bytes a column adds to a row that is offset bytes long so far. */
static double
column_bytes(Form_pg_attribute column, const ColumnFacts *facts, double offset)
{
	double		width = column->attlen > 0 ? column->attlen : facts->width;
	double		start = ceil(offset);

	if (column->attlen > 0 || width > SHORT_VALUE_MAX)
		start = att_align_nominal((Size) start, column->attalign);
	return (1 - facts->null_fraction) * (start + width - offset);
}

/* Returns the bytes of a row with its header and line pointer; -1 when a column has no statistics. */
static double
row_bytes(Relation table)
{
	TupleDesc	descriptor = RelationGetDescr(table);
	double		data = 0;
	double		with_null = 0;
	double		header;

	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(descriptor, i);
		ColumnFacts facts = {.null_fraction = 1};

		if (!column->attisdropped && !read_column(RelationGetRelid(table), column->attnum, &facts))
			return -1;
		data += column_bytes(column, &facts, data);
		with_null = Max(with_null, facts.null_fraction);
	}
	header = MAXALIGN(SizeofHeapTupleHeader);
	header += with_null * (MAXALIGN(SizeofHeapTupleHeader + BITMAPLEN(descriptor->natts)) - header);
	return header + MAXALIGN((Size) ceil(data)) + sizeof(ItemIdData);
}

/*
 * Returns the bytes that the main part of a table would take right after a rewrite,
 * for as many rows as the catalog knows; -1 when it was never analyzed.
 */
double
po_heap_size_expected(Relation table)
{
	double		rows = table->rd_rel->reltuples;
	double		row = row_bytes(table);
	double		page = BLCKSZ - SizeOfPageHeaderData;
	double		fill = RelationGetFillFactor(table, HEAP_DEFAULT_FILLFACTOR) / 100.0;

	if (rows < 0 || row < 0)
		return -1;
	return ceil(rows / Max(floor(page * fill / row), 1)) * BLCKSZ;
}
