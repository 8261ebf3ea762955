/*
 * covering.c
 *	  Rows of a table from an index that holds all columns that are wanted.
 *
 * As in an index-only scan: where the visibility map says that all rows of a page
 * are visible to everybody, the index alone tells a row, and the page need not be
 * read.  The scan keeps the index page pinned meanwhile, which keeps VACUUM from
 * removing rows and marking their pages behind its back.
 */
#include "postgres.h"

#include "access/itup.h"
#include "access/relscan.h"
#include "access/visibilitymap.h"
#include "catalog/pg_class.h"
#include "matview/covering.h"
#include "storage/bufmgr.h"
#include "storage/predicate.h"
#include "utils/rel.h"

struct PoCovering
{
	Relation	table;
	Buffer		map;			/* the page of the visibility map read last */
	int			ncolumns;
	AttrNumber *positions;		/* of the wanted columns in the index, from 0 */
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];
};

/* Returns where an index holds a table's column as it is, from 0; -1: nowhere. */
static AttrNumber
find_column(Relation table, Relation index, AttrNumber column)
{
	for (int i = 0; i < index->rd_index->indnatts; i++)
		if (index->rd_index->indkey.values[i] == column &&
			TupleDescAttr(RelationGetDescr(index), i)->atttypid ==
			TupleDescAttr(RelationGetDescr(table), column - 1)->atttypid)
			return i;
	return -1;
}

/*
 * Returns what reads the given columns of a table from a B-tree index, in the
 * current context; NULL when the index lacks one.  Scans have xs_want_itup set
 * before they begin, and the caller ends with po_covering_end.
 */
PoCovering *
po_covering_begin(Relation table, Relation index, const AttrNumber *columns, int ncolumns)
{
	PoCovering *covering = palloc0(sizeof(PoCovering));

	covering->table = table;
	covering->map = InvalidBuffer;
	covering->ncolumns = ncolumns;
	covering->positions = palloc(sizeof(AttrNumber) * Max(ncolumns, 1));
	for (int i = 0; i < ncolumns; i++)
	{
		covering->positions[i] = find_column(table, index, columns[i]);
		if (covering->positions[i] < 0)
			return NULL;
	}
	return covering;
}

/*
 * Fills values and nulls with the wanted columns of the row that a scan has
 * found at tid; they are valid until the scan moves.  Returns false when the
 * table has to be read, because not everybody may see all rows of the page.
 */
bool
po_covering_read(PoCovering *covering, IndexScanDesc scan, ItemPointer tid, Datum *values, bool *nulls)
{
	BlockNumber block = ItemPointerGetBlockNumber(tid);

	if (!VM_ALL_VISIBLE(covering->table, block, &covering->map))
		return false;
	PredicateLockPage(covering->table, block, scan->xs_snapshot);
	index_deform_tuple(scan->xs_itup, scan->xs_itupdesc, covering->values, covering->nulls);
	for (int i = 0; i < covering->ncolumns; i++)
	{
		values[i] = covering->values[covering->positions[i]];
		nulls[i] = covering->nulls[covering->positions[i]];
	}
	return true;
}

/* Lets go of the visibility map. */
void
po_covering_end(PoCovering *covering)
{
	if (BufferIsValid(covering->map))
		ReleaseBuffer(covering->map);
}
