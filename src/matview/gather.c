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
 *
 * The partitions of a table are read one after the other, each by an index of its
 * own.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "core/compat.h"
#include "core/leaf.h"
#include "core/relname.h"
#include "matview/covering.h"
#include "matview/fetch.h"
#include "matview/gather.h"
#include "matview/leaves.h"
#include "matview/probe.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/*
 * Beyond this share of a table's rows reading all of it is cheaper; so few are
 * always gathered.  Where only some keys tell the rows, what they are joined with
 * may leave fewer, so the other share is smaller.
 */
#define MAX_SHARE 0.35
#define MAX_PARTIAL_SHARE 0.05
#define ALWAYS_FEW 10000

/* Room for locations at first; it doubles up to maintenance_work_mem. */
#define INITIAL_LOCATIONS 1024

/* One reading of a table or a partition; made of zeros. */
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

/* Makes the empty result, with the columns of the table asked for. */
static void
begin_rows(PoComposeRows *rows, const PoGatherWish *wish)
{
	Relation	table = table_open(wish->relid, NoLock);
	TupleDesc	desc = CreateTemplateTupleDesc(bms_num_members(wish->used));
	AttrNumber	next = 0;
	int			column = -1;

	while ((column = bms_next_member(wish->used, column)) >= 0)
		TupleDescCopyEntry(desc, ++next, RelationGetDescr(table), column);
	table_close(table, NoLock);
	PO_FINALIZE_TUPLE_DESC(desc);
	rows->desc = desc;
	rows->count = 0;
	rows->store = tuplestore_begin_heap(true, false, work_mem);
}

/* Notes where the open table has the columns asked for. */
static void
find_columns(Gathering *gather, const PoGatherWish *wish)
{
	int			column = -1;

	gather->columns = palloc(sizeof(AttrNumber) * Max(bms_num_members(wish->used), 1));
	while ((column = bms_next_member(wish->used, column)) >= 0)
		gather->columns[gather->ncolumns++] = po_relname_column(wish->relid, RelationGetRelid(gather->table), column);
}

/* Returns how many rows may be found; of all are as many as the planner knows of, or -1. */
static double
most_rows(const Gathering *gather, const PoGatherWish *wish, double all)
{
	double		share = wish->alone || gather->probe.exact ? MAX_SHARE : MAX_PARTIAL_SHARE;

	return all < 0 ? ALWAYS_FEW : Max(all * share, ALWAYS_FEW);
}

/* Reads the rows of the open table through the index that has been chosen; returns false when they are too many. */
static bool
read_by_index(Gathering *gather, PoComposeRows *wanted)
{
	bool		few;

	if (gather->probe.exact)
		gather->covering = po_covering_begin(gather->table, gather->probe.index, gather->columns, gather->ncolumns);
	few = read_rows(gather, wanted);
	if (gather->covering)
		po_covering_end(gather->covering);
	return few;
}

/* Opens a leaf and the best index of it; returns how it is to be read or NULL, with nothing open, when none helps. */
static Gathering *
open_leaf(const PoGatherWish *wish, Oid leaf)
{
	Gathering  *gather = palloc0(sizeof(Gathering));

	gather->table = table_open(leaf, NoLock);
	if (po_probe_choose(gather->table, wish->varno, po_leaves_keys(wish->keys, wish->varno, wish->relid, leaf),
						po_leaves_columns(wish->used, wish->relid, leaf), &gather->probe))
		return gather;
	table_close(gather->table, NoLock);
	return NULL;
}

/* Closes what open_leaf has opened, of each in a list. */
static void
close_leaves(List *opened)
{
	ListCell   *cell;

	foreach(cell, opened)
	{
		Gathering  *gather = lfirst(cell);

		index_close(gather->probe.index, NoLock);
		table_close(gather->table, NoLock);
	}
}

/* Opens all leaves as open_leaf does; returns NIL, with nothing open, when one has no index that helps. */
static List *
open_leaves(const PoGatherWish *wish, List *leaves)
{
	List	   *opened = NIL;
	ListCell   *cell;

	foreach(cell, leaves)
	{
		Gathering  *gather = open_leaf(wish, lfirst_oid(cell));

		if (gather == NULL)
		{
			close_leaves(opened);
			return NIL;
		}
		opened = lappend(opened, gather);
	}
	return opened;
}

/* Reads the rows of one leaf, of all rows of the table, into *rows; returns false when they are too many. */
static bool
gather_leaf(Gathering *gather, const PoGatherWish *wish, double all, PoComposeRows *wanted, PoComposeRows *rows)
{
	gather->rows = rows;
	gather->take = store_row;
	gather->arg = gather;
	find_columns(gather, wish);
	gather->max_found = most_rows(gather, wish, all);
	return read_by_index(gather, wanted);
}

/*
 * Reads at least the rows of a table that have one of the wanted keys, as far as
 * they are computed from it, as the active snapshot sees them and each once, into
 * *rows.  *exact says whether the table alone tells the keys and no other rows
 * are among them.  The table and its partitions are locked, and the caller ends
 * the tuplestore.  Returns false when no index helps or the rows are a large part
 * of the table, or the user may not read it as a whole: then the planner does
 * better, or raises the error.
 */
bool
po_gather_rows(const PoGatherWish *wish, PoComposeRows *wanted, PoComposeRows *rows, bool *exact)
{
	bool		allowed = pg_class_aclcheck(wish->relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
	List	   *leaves = po_leaf_find(wish->relid, NoLock);
	List	   *opened = allowed ? open_leaves(wish, leaves) : NIL;
	double		all = po_leaves_rows(leaves);
	bool		few = true;
	ListCell   *cell;

	if (opened == NIL)
		return false;
	begin_rows(rows, wish);
	*exact = true;
	foreach(cell, opened)
	{
		*exact = *exact && ((Gathering *) lfirst(cell))->probe.exact;
		few = few && gather_leaf(lfirst(cell), wish, all, wanted, rows);
	}
	close_leaves(opened);
	if (!few)
		tuplestore_end(rows->store);
	return few;
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
