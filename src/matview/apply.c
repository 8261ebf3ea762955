/*
 * apply.c
 *	  Writing the difference between old and new rows into a materialized view.
 *
 * The executor refuses DML on a materialized view; the table access method does
 * not, so rows and index entries are written through it.
 *
 * A gone row and a new row that agree in every column of every unique index are
 * written as one update (HOT when the page has room and no other indexed column
 * changed); without a unique index they must agree in all indexed columns.  Any
 * such pairing is right, because an update then changes no unique key.  All
 * other gone rows are deleted before any other new row is inserted, so a unique
 * index never sees both sides of an exchange.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "core/compat.h"
#include "executor/executor.h"
#include "matview/apply.h"
#include "matview/capture.h"
#include "matview/image.h"
#include "matview/tidtable.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

struct PoApply
{
	Relation	matview;
	Snapshot	snapshot;
	EState	   *estate;
	ResultRelInfo *rri;
	Bitmapset  *pair_columns;	/* columns in which a pair must agree; NULL:
								 * no pairing */
	PoTidTable *gone;			/* gone rows by the hash of pair_columns */
	bool		gone_full;
	Tuplestorestate *new_rows;
	TupleTableSlot *new_slot;
	TupleTableSlot *old_slot;
	PoApplyCounts counts;
	bool		captured;		/* views that read this one want to know */
};

/* Adds to columns those that an index reads: keys, expressions and predicate. */
static Bitmapset *
add_index_columns(Bitmapset *columns, IndexInfo *info, int natts)
{
	Bitmapset  *offsets = NULL;
	int			attno = -1;

	for (int i = 0; i < info->ii_NumIndexKeyAttrs; i++)
		if (info->ii_IndexAttrNumbers[i] > 0)
			columns = bms_add_member(columns, info->ii_IndexAttrNumbers[i]);
	pull_varattnos((Node *) info->ii_Expressions, 1, &offsets);
	pull_varattnos((Node *) info->ii_Predicate, 1, &offsets);
	while ((attno = bms_next_member(offsets, attno)) >= 0)
	{
		if (attno + FirstLowInvalidHeapAttributeNumber > 0)
			columns = bms_add_member(columns, attno + FirstLowInvalidHeapAttributeNumber);
		else					/* a reference to the whole row */
			columns = bms_add_range(columns, 1, natts);
	}
	return columns;
}

/* Returns the columns in which a gone and a new row must agree to become an update. */
static Bitmapset *
choose_pair_columns(ResultRelInfo *rri)
{
	Bitmapset  *unique = NULL;
	Bitmapset  *indexed = NULL;
	int			natts = RelationGetNumberOfAttributes(rri->ri_RelationDesc);

	for (int i = 0; i < rri->ri_NumIndices; i++)
	{
		IndexInfo  *info = rri->ri_IndexRelationInfo[i];

		indexed = add_index_columns(indexed, info, natts);
		if (info->ii_Unique)
			unique = add_index_columns(unique, info, natts);
	}
	return unique ? unique : indexed;
}

/*
 * Prepares writing into a materialized view whose rows are those that snapshot
 * sees.  The caller holds RowExclusiveLock and keeps all other writers out, runs
 * as the view's owner, and ends with po_apply_finish.  Everything lives in the
 * current context.
 */
PoApply *
po_apply_begin(Relation matview, Snapshot snapshot)
{
	PoApply    *apply = palloc0(sizeof(PoApply));

	apply->matview = matview;
	apply->snapshot = snapshot;
	apply->estate = CreateExecutorState();
	apply->rri = makeNode(ResultRelInfo);
	InitResultRelInfo(apply->rri, matview, 0, NULL, 0);
	ExecOpenIndices(apply->rri, false);
	apply->pair_columns = choose_pair_columns(apply->rri);
	if (apply->pair_columns)
		apply->gone = po_tidtable_create(get_hash_memory_limit());
	apply->new_rows = tuplestore_begin_heap(false, false, work_mem);
	apply->new_slot = MakeSingleTupleTableSlot(RelationGetDescr(matview), &TTSOpsMinimalTuple);
	apply->old_slot = table_slot_create(matview, NULL);
	apply->captured = po_capture_wants(matview, RelationGetRelid(matview));
	return apply;
}

/* Notes a row that the view lacks; it is written by po_apply_finish. */
void
po_apply_add_new(PoApply *apply, TupleTableSlot *slot)
{
	tuplestore_puttupleslot(apply->new_rows, slot);
}

/* Reads the row at tid into old_slot. */
static void
fetch_old(PoApply *apply, ItemPointer tid)
{
	if (!table_tuple_fetch_row_version(apply->matview, tid, apply->snapshot, apply->old_slot))
		elog(ERROR, "could not fetch row (%u,%u) of materialized view \"%s\"",
			 ItemPointerGetBlockNumber(tid), ItemPointerGetOffsetNumber(tid),
			 RelationGetRelationName(apply->matview));
}

/* Notes a change for views that read this one, without leaving memory behind. */
static void
capture(PoApply *apply, TupleTableSlot *old, TupleTableSlot *new)
{
	MemoryContext context = MemoryContextSwitchTo(GetPerTupleMemoryContext(apply->estate));

	po_capture_change(apply->matview, RelationGetRelid(apply->matview), old, new);
	if (old)
		ExecClearTuple(old);
	MemoryContextSwitchTo(context);
}

/* Deletes the row at tid. */
static void
delete_row(PoApply *apply, ItemPointer tid)
{
	CHECK_FOR_INTERRUPTS();
	if (apply->captured)
		fetch_old(apply, tid);
	simple_table_tuple_delete(apply->matview, tid, apply->snapshot);
	if (apply->captured)
		capture(apply, apply->old_slot, NULL);
	apply->counts.deleted++;
}

/*
 * Takes a row that the query no longer returns.  It waits for a new row to pair
 * with while memory allows, and is deleted at once otherwise; so all rows to be
 * kept must be known, or the calls come after the last po_apply_add_new that
 * could equal the row.
 */
void
po_apply_add_gone(PoApply *apply, ItemPointer tid)
{
	if (apply->gone && !apply->gone_full)
	{
		ExprContext *econtext = GetPerTupleExprContext(apply->estate);
		MemoryContext old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
		uint64		hash;

		fetch_old(apply, tid);
		hash = po_image_hash(apply->old_slot, apply->pair_columns);
		ExecClearTuple(apply->old_slot);
		MemoryContextSwitchTo(old);
		ResetPerTupleExprContext(apply->estate);
		if (po_tidtable_add(apply->gone, hash, tid))
			return;
		apply->gone_full = true;
	}
	delete_row(apply, tid);
}

/* PoTidMatch: tells whether the row at tid agrees with new_slot in the pair columns. */
static bool
agrees_with_new(ItemPointer tid, void *arg)
{
	PoApply    *apply = arg;
	bool		equal;

	fetch_old(apply, tid);
	equal = po_image_equal(apply->old_slot, apply->new_slot, apply->pair_columns);
	ExecClearTuple(apply->old_slot);
	return equal;
}

/* Writes new_slot over the row at tid. */
static void
update_row(PoApply *apply, ItemPointer tid)
{
	PO_UPDATE_INDEXES_TYPE indexes;

	if (apply->captured)
		fetch_old(apply, tid);
	simple_table_tuple_update(apply->matview, tid, apply->new_slot, apply->snapshot, &indexes);
	if (PO_UPDATED_ANY(indexes))
		PO_INSERT_INDEX_TUPLES(apply->rri, apply->new_slot, apply->estate, true,
							   PO_UPDATED_SUMMARIZING(indexes));
	if (apply->captured)
		capture(apply, apply->old_slot, apply->new_slot);
	apply->counts.updated++;
}

/* Writes new_slot as a row of its own; raises 23505 when a unique index forbids it. */
static void
insert_row(PoApply *apply)
{
	simple_table_tuple_insert(apply->matview, apply->new_slot);
	if (apply->rri->ri_NumIndices > 0)
		PO_INSERT_INDEX_TUPLES(apply->rri, apply->new_slot, apply->estate, false, false);
	if (apply->captured)
		capture(apply, NULL, apply->new_slot);
	apply->counts.inserted++;
}

/* Updates where new_slot has a gone row to pair with; returns false when it has none. */
static bool
update_if_paired(PoApply *apply)
{
	MemoryContext old = MemoryContextSwitchTo(GetPerTupleMemoryContext(apply->estate));
	uint64		hash = po_image_hash(apply->new_slot, apply->pair_columns);
	ItemPointerData tid;
	bool		paired = po_tidtable_take(apply->gone, hash, agrees_with_new, apply, &tid);

	if (paired)
		update_row(apply, &tid);
	MemoryContextSwitchTo(old);
	return paired;
}

/* Turns pairs of gone and new rows into updates; returns the new rows that are left. */
static Tuplestorestate *
apply_updates(PoApply *apply)
{
	Tuplestorestate *rest = tuplestore_begin_heap(false, false, work_mem);

	while (tuplestore_gettupleslot(apply->new_rows, true, false, apply->new_slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (!update_if_paired(apply))
			tuplestore_puttupleslot(rest, apply->new_slot);
		ResetPerTupleExprContext(apply->estate);
	}
	tuplestore_end(apply->new_rows);
	return rest;
}

/* Deletes the gone rows that found no new row. */
static void
apply_deletes(PoApply *apply)
{
	int64		position = 0;
	ItemPointerData tid;

	while (po_tidtable_next_left(apply->gone, &position, &tid))
	{
		delete_row(apply, &tid);
		ResetPerTupleExprContext(apply->estate);
	}
}

/* Inserts the new rows that are left. */
static void
apply_inserts(PoApply *apply)
{
	while (tuplestore_gettupleslot(apply->new_rows, true, false, apply->new_slot))
	{
		MemoryContext old = MemoryContextSwitchTo(GetPerTupleMemoryContext(apply->estate));

		CHECK_FOR_INTERRUPTS();
		insert_row(apply);
		MemoryContextSwitchTo(old);
		ResetPerTupleExprContext(apply->estate);
	}
}

/*
 * Writes everything, makes it visible to the transaction's next command and
 * fills *counts.  Raises 23505 when the new rows break a unique index.
 */
void
po_apply_finish(PoApply *apply, PoApplyCounts *counts)
{
	if (apply->gone)
	{
		apply->new_rows = apply_updates(apply);
		apply_deletes(apply);
	}
	apply_inserts(apply);
	tuplestore_end(apply->new_rows);
	ExecDropSingleTupleTableSlot(apply->new_slot);
	ExecDropSingleTupleTableSlot(apply->old_slot);
	ExecCloseIndices(apply->rri);
	FreeExecutorState(apply->estate);
	CommandCounterIncrement();
	*counts = apply->counts;
}
