/*
 * gather.c
 *	  Reading a table's rows for many keys in the order in which the table has them.
 *
 * The locations of all rows come from an index first and are sorted; then the
 * table is read once from front to back.  With 5,000 keys of 20 rows each, spread
 * over a table, that is half as many pages as a nested loop reads, with 50,000
 * keys a sixteenth, and fetching pages is most of what recomputing groups costs.
 *
 * Locations remain valid after the index page is left, because what the snapshot
 * sees cannot be removed meanwhile; bitmap scans rest on the same.
 *
 * An index that holds all columns wanted gives most rows without the table
 * (covering.c); that needs a scan that finds no row twice.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "core/compat.h"
#include "matview/covering.h"
#include "matview/fetch.h"
#include "matview/gather.h"
#include "matview/probe.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Beyond this share of a table's rows reading all of it is cheaper; so few are always gathered. */
#define MAX_SHARE 0.35
#define ALWAYS_FEW 10000

/* Room for locations at first; it doubles up to maintenance_work_mem. */
#define INITIAL_LOCATIONS 1024

/* One reading of a table. */
typedef struct Gathering
{
	Relation	table;
	PoProbe		probe;
	PoCovering *covering;		/* NULL: all rows are read from the table */
	uint64	   *locations;		/* block and offset of each row, to be fetched */
	int64		nlocations;
	int64		capacity;
	int64		max_locations;	/* as far as memory goes */
	int64		found;			/* locations in all */
	double		max_found;
	PoFetchTake take;			/* what takes rows of the table, and its
								 * argument */
	void	   *arg;
	int			ncolumns;
	AttrNumber *columns;		/* the table's columns that rows have */
	PoComposeRows *rows;
} Gathering;

/* Puts the wanted columns of a row into the result. */
static void
store_values(Gathering *gather, Datum *values, bool *nulls)
{
	tuplestore_putvalues(gather->rows->store, gather->rows->desc, values, nulls);
	gather->rows->count++;
}

/* PoFetchTake: puts a row of the table into the result. */
static void
store_row(TupleTableSlot *slot, void *arg)
{
	Gathering  *gather = arg;
	Datum		values[MaxTupleAttributeNumber];
	bool		nulls[MaxTupleAttributeNumber];

	for (int i = 0; i < gather->ncolumns; i++)
		values[i] = slot_getattr(slot, gather->columns[i], &nulls[i]);
	store_values(gather, values, nulls);
}

/* Puts the row that a scan has found into the result where the index tells it; returns whether it does. */
static bool
store_covered(Gathering *gather, IndexScanDesc scan, ItemPointer tid)
{
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];

	if (gather->covering == NULL || !po_covering_read(gather->covering, scan, tid, values, nulls))
		return false;
	store_values(gather, values, nulls);
	return true;
}

/* Reads the rows at the locations collected so far, each once, and forgets the locations. */
static void
fetch_rows(Gathering *gather)
{
	po_fetch_rows(gather->table, gather->locations, gather->nlocations, gather->take, gather->arg);
	gather->nlocations = 0;
}

/*
 * Makes room for a location; returns false when there is none.  Where a row is
 * never found twice, those found so far need not wait.
 */
static bool
make_room(Gathering *gather)
{
	if (gather->nlocations < gather->capacity)
		return true;
	if (gather->capacity * 2 <= gather->max_locations)
	{
		gather->capacity *= 2;
		gather->locations = repalloc_huge(gather->locations, sizeof(uint64) * gather->capacity);
		return true;
	}
	if (!gather->probe.exact)
		return false;
	fetch_rows(gather);
	return true;
}

/* Collects the locations for the values in the scan's conditions; returns false when there are too many. */
static bool
collect(Gathering *gather, IndexScanDesc scan)
{
	ItemPointer tid;

	index_rescan(scan, gather->probe.conditions, gather->probe.nconditions, NULL, 0);
	while ((tid = index_getnext_tid(scan, ForwardScanDirection)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (++gather->found > gather->max_found)
			return false;
		if (store_covered(gather, scan, tid))
			continue;
		if (!make_room(gather))
			return false;
		gather->locations[gather->nlocations++] = po_fetch_location(tid);
	}
	return true;
}

/* Collects the locations for all wanted values; returns false when there are too many. */
static bool
collect_all(Gathering *gather, PoComposeRows *wanted)
{
	IndexScanDesc scan = PO_INDEX_BEGINSCAN(gather->table, gather->probe.index, GetActiveSnapshot(),
											gather->probe.nconditions);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(wanted->desc, &TTSOpsMinimalTuple);
	bool		few = true;

	scan->xs_want_itup = gather->covering != NULL;
	tuplestore_select_read_pointer(wanted->store, 0);
	tuplestore_rescan(wanted->store);
	while (few && tuplestore_gettupleslot(wanted->store, true, false, slot))
	{
		po_probe_bind(&gather->probe, slot);
		few = collect(gather, scan);
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	return few;
}

/* Hands on the rows with the wanted values; returns false, with some perhaps handed on, when they are too many. */
static bool
read_rows(Gathering *gather, PoComposeRows *wanted)
{
	bool		few;

	gather->max_locations = (int64) maintenance_work_mem * 1024 / sizeof(uint64);
	gather->capacity = INITIAL_LOCATIONS;
	gather->locations = palloc(sizeof(uint64) * gather->capacity);
	few = collect_all(gather, wanted);
	if (few)
		fetch_rows(gather);
	pfree(gather->locations);
	return few;
}

/* Makes the empty result, with the table's columns in used. */
static void
begin_rows(Gathering *gather, Bitmapset *used)
{
	TupleDesc	desc = CreateTemplateTupleDesc(bms_num_members(used));
	int			column = -1;

	gather->columns = palloc(sizeof(AttrNumber) * Max(bms_num_members(used), 1));
	while ((column = bms_next_member(used, column)) >= 0)
	{
		TupleDescCopyEntry(desc, gather->ncolumns + 1, RelationGetDescr(gather->table), column);
		gather->columns[gather->ncolumns++] = column;
	}
	PO_FINALIZE_TUPLE_DESC(desc);
	gather->rows->desc = desc;
	gather->rows->count = 0;
	gather->rows->store = tuplestore_begin_heap(true, false, work_mem);
}

/* Reads the rows; returns false, with nothing left behind, when they are too many. */
static bool
gather_rows(Gathering *gather, PoComposeRows *wanted, Bitmapset *used)
{
	bool		few;

	gather->max_found = gather->table->rd_rel->reltuples < 0 ? ALWAYS_FEW :
		Max(gather->table->rd_rel->reltuples * MAX_SHARE, ALWAYS_FEW);
	gather->take = store_row;
	gather->arg = gather;
	begin_rows(gather, used);
	if (gather->probe.exact)
		gather->covering = po_covering_begin(gather->table, gather->probe.index, gather->columns, gather->ncolumns);
	few = read_rows(gather, wanted);
	if (gather->covering)
		po_covering_end(gather->covering);
	if (!few)
		tuplestore_end(gather->rows->store);
	return few;
}

/*
 * Reads at least the rows of a table that have one of the wanted keys (of
 * PoProbeKey, over range table entry varno), as the active snapshot sees them and
 * each once, into *rows; of their columns those in used.  *exact says whether no
 * other rows are among them.  The table is locked, and the caller ends the
 * tuplestore.  Returns false when no index helps or the
 * rows are a large part of the table, or the user may not read it as a whole:
 * then the planner does better, or raises the error.
 */
bool
po_gather_rows(Oid relid, int varno, List *keys, PoComposeRows *wanted, Bitmapset *used, PoComposeRows *rows,
			   bool *exact)
{
	Gathering	gather = {.rows = rows};
	bool		gathered;

	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		return false;
	gather.table = table_open(relid, NoLock);
	gathered = gather.table->rd_rel->relkind != RELKIND_PARTITIONED_TABLE &&
		po_probe_choose(gather.table, varno, keys, used, &gather.probe);
	if (gathered)
	{
		gathered = gather_rows(&gather, wanted, used);
		*exact = gathered && gather.probe.exact;
		index_close(gather.probe.index, NoLock);
	}
	table_close(gather.table, NoLock);
	return gathered;
}

/*
 * Hands exactly the rows of an open table that have one of the wanted keys (of
 * PoProbeKey, over range table entry 1), as the active snapshot sees them, to
 * take, each once and with its location.  Returns false, with none handed on,
 * when no index finds just these.
 */
bool
po_gather_visit(Relation table, List *keys, PoComposeRows *wanted, PoFetchTake take, void *arg)
{
	Gathering	gather = {.table = table,.max_found = INFINITY,.take = take,.arg = arg};
	bool		found = po_probe_choose(table, 1, keys, NULL, &gather.probe);

	if (!found)
		return false;
	found = gather.probe.exact && read_rows(&gather, wanted);
	index_close(gather.probe.index, NoLock);
	return found;
}

/* Returns a SELECT of the table's columns from gathered rows; those that are not in used are NULL. */
Query *
po_gather_select(Oid relid, Bitmapset *used, RangeTblEntry *rows)
{
	Relation	table = table_open(relid, NoLock);
	List	   *target_list = NIL;
	AttrNumber	next = 0;

	for (int i = 0; i < RelationGetNumberOfAttributes(table); i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(table), i);
		Expr	   *expr;

		if (bms_is_member(att->attnum, used))
			expr = (Expr *) makeVar(1, ++next, att->atttypid, att->atttypmod, att->attcollation, 0);
		else
			expr = po_compose_null_column(att);
		target_list = lappend(target_list, makeTargetEntry(expr, att->attnum, pstrdup(NameStr(att->attname)), false));
	}
	table_close(table, NoLock);
	return po_compose_select(list_make1(rows), target_list, NULL);
}
