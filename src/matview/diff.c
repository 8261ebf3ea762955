/*
 * diff.c
 *	  The difference between a materialized view's rows and its query's rows.
 *
 * A multiset difference by the image of whole rows, so no unique index is needed
 * and duplicates and NULLs count for what they are.
 *
 * The view is read once into a table of row hash and location.  Each row of the
 * query then takes an equal row out of that table (the hash finds it, the stored
 * row is compared) or is new; what is left in the table is gone.  When the table
 * would exceed the hash memory limit, rows are split by the top bits of their
 * hash: the query's rows of the later parts wait in tuplestores, which spill to
 * disk, and the view is read again for each part.  The split is settled before
 * the query starts, and both sides of an equal pair are always in one part.
 *
 * For a part of the view a query gives its rows with their locations instead of
 * the scan; then the caller has seen to it that there are few.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "matview/diff.h"
#include "matview/image.h"
#include "matview/tidtable.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

/* Beyond this the rows must be alike, and a finer split by hash cannot help. */
#define MAX_PARTS_BITS 12

/* The destination of rows of the view that are preceded by their locations. */
typedef struct OldReceiver
{
	DestReceiver pub;			/* must be first */
	PoDiff	   *diff;
	TupleTableSlot *row;		/* the row alone */
} OldReceiver;

struct PoDiff
{
	DestReceiver pub;			/* must be first: the executor's destination */
	Relation	matview;
	Snapshot	snapshot;
	PoApply    *apply;
	int			part_bits;		/* the split is into 2^part_bits parts */
	PoTidTable *current;		/* the view's rows of one part */
	Tuplestorestate **waiting;	/* the query's rows of the parts after the
								 * first */
	TupleTableSlot *old_slot;
	TupleTableSlot *waiting_slot;
	TupleTableSlot *candidate;	/* the query's row that is being looked up */
	MemoryContext row_context;
	OldReceiver old;
};

/* Returns the part that a row hash belongs to. */
static inline uint32
part_of(PoDiff *diff, uint64 hash)
{
	return diff->part_bits == 0 ? 0 : (uint32) (hash >> (64 - diff->part_bits));
}

/* Returns the image hash of a whole row without leaving memory behind. */
static uint64
hash_row(PoDiff *diff, TupleTableSlot *slot)
{
	MemoryContext old = MemoryContextSwitchTo(diff->row_context);
	uint64		hash = po_image_hash(slot, NULL);

	MemoryContextSwitchTo(old);
	MemoryContextReset(diff->row_context);
	return hash;
}

/* Reads the view's rows of one part; returns false when the table became full. */
static bool
load_part(PoDiff *diff, uint32 part)
{
	TableScanDesc scan = table_beginscan_strat(diff->matview, diff->snapshot, 0, NULL, true, false);
	bool		fits = true;

	while (fits && table_scan_getnextslot(scan, ForwardScanDirection, diff->old_slot))
	{
		uint64		hash = hash_row(diff, diff->old_slot);

		CHECK_FOR_INTERRUPTS();
		if (part_of(diff, hash) == part)
			fits = po_tidtable_add(diff->current, hash, &diff->old_slot->tts_tid);
	}
	ExecClearTuple(diff->old_slot);
	table_endscan(scan);
	return fits;
}

/*
 * Splits until the first part fits, and opens a tuplestore for each part after
 * it.  The later parts are about as large, so the limit is not needed for them.
 */
static void
choose_split(PoDiff *diff)
{
	int			nparts;

	diff->current = po_tidtable_create(get_hash_memory_limit());
	while (!load_part(diff, 0))
	{
		if (++diff->part_bits == MAX_PARTS_BITS)
			po_tidtable_lift_limit(diff->current);
		po_tidtable_reset(diff->current);
	}
	po_tidtable_lift_limit(diff->current);
	nparts = 1 << diff->part_bits;
	diff->waiting = palloc0(sizeof(Tuplestorestate *) * nparts);
	for (int i = 1; i < nparts; i++)
		diff->waiting[i] = tuplestore_begin_heap(false, false, Max(work_mem / nparts, 64));
}

/* PoTidMatch: tells whether the view's row at tid has the candidate's image. */
static bool
equals_candidate(ItemPointer tid, void *arg)
{
	PoDiff	   *diff = arg;
	MemoryContext old;
	bool		equal;

	if (!table_tuple_fetch_row_version(diff->matview, tid, diff->snapshot, diff->old_slot))
		elog(ERROR, "could not fetch row (%u,%u) of materialized view \"%s\"",
			 ItemPointerGetBlockNumber(tid), ItemPointerGetOffsetNumber(tid),
			 RelationGetRelationName(diff->matview));
	old = MemoryContextSwitchTo(diff->row_context);
	equal = po_image_equal(diff->old_slot, diff->candidate, NULL);
	MemoryContextSwitchTo(old);
	MemoryContextReset(diff->row_context);
	return equal;
}

/* Looks a row of the query up in the current part: it is there, or it is new. */
static void
match_row(PoDiff *diff, TupleTableSlot *slot, uint64 hash)
{
	ItemPointerData tid;

	diff->candidate = slot;
	if (!po_tidtable_take(diff->current, hash, equals_candidate, diff, &tid))
		po_apply_add_new(diff->apply, slot);
}

/* DestReceiver: takes a row of the query. */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	PoDiff	   *diff = (PoDiff *) self;
	uint64		hash = hash_row(diff, slot);
	uint32		part = part_of(diff, hash);

	if (part == 0)
		match_row(diff, slot, hash);
	else
		tuplestore_puttupleslot(diff->waiting[part], slot);
	return true;
}

/* DestReceiver: nothing to prepare. */
static void
receive_startup(DestReceiver *self, int operation, TupleDesc typeinfo)
{
}

/* DestReceiver: nothing to close; po_diff_finish does it. */
static void
receive_end(DestReceiver *self)
{
}

/* DestReceiver: takes a row of the view, whose first column is its location. */
static bool
receive_old_row(TupleTableSlot *slot, DestReceiver *self)
{
	OldReceiver *old = (OldReceiver *) self;
	TupleTableSlot *row = old->row;
	int			n = row->tts_tupleDescriptor->natts;
	uint64		hash;

	slot_getallattrs(slot);
	ExecClearTuple(row);
	memcpy(row->tts_values, slot->tts_values + 1, sizeof(Datum) * n);
	memcpy(row->tts_isnull, slot->tts_isnull + 1, sizeof(bool) * n);
	ExecStoreVirtualTuple(row);
	hash = hash_row(old->diff, row);
	(void) po_tidtable_add(old->diff->current, hash, (ItemPointer) DatumGetPointer(slot->tts_values[0]));
	return true;
}

/* Fills in a destination that only takes rows. */
static void
init_receiver(DestReceiver *receiver, bool (*receive) (TupleTableSlot *slot, DestReceiver *self))
{
	receiver->receiveSlot = receive;
	receiver->rStartup = receive_startup;
	receiver->rShutdown = receive_end;
	receiver->rDestroy = receive_end;
	receiver->mydest = DestNone;
}

/* Makes the common part of a comparison, in the current context. */
static PoDiff *
create_diff(Relation matview, Snapshot snapshot, PoApply *apply)
{
	PoDiff	   *diff = palloc0(sizeof(PoDiff));

	init_receiver(&diff->pub, receive_row);
	diff->matview = matview;
	diff->snapshot = snapshot;
	diff->apply = apply;
	diff->old_slot = table_slot_create(matview, NULL);
	diff->waiting_slot = MakeSingleTupleTableSlot(RelationGetDescr(matview), &TTSOpsMinimalTuple);
	diff->row_context = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer row images",
											  ALLOCSET_DEFAULT_SIZES);
	return diff;
}

/*
 * Reads the view as snapshot sees it and prepares to compare it with the rows
 * of its query; apply gets the difference.  The caller keeps other writers out
 * of the view.  Everything lives in the current context.
 */
PoDiff *
po_diff_begin(Relation matview, Snapshot snapshot, PoApply *apply)
{
	PoDiff	   *diff = create_diff(matview, snapshot, apply);

	choose_split(diff);
	return diff;
}

/* Like po_diff_begin, for rows of the view that are given to po_diff_old_receiver or po_diff_add_old before the query's. */
PoDiff *
po_diff_begin_part(Relation matview, Snapshot snapshot, PoApply *apply)
{
	PoDiff	   *diff = create_diff(matview, snapshot, apply);

	init_receiver(&diff->old.pub, receive_old_row);
	diff->old.diff = diff;
	diff->old.row = MakeSingleTupleTableSlot(RelationGetDescr(matview), &TTSOpsVirtual);
	diff->current = po_tidtable_create(MaxAllocHugeSize);
	return diff;
}

/* Returns the destination that the view's query sends its rows to. */
DestReceiver *
po_diff_receiver(PoDiff *diff)
{
	return &diff->pub;
}

/* Returns the destination of the view's own rows after po_diff_begin_part, each preceded by its location. */
DestReceiver *
po_diff_old_receiver(PoDiff *diff)
{
	return &diff->old.pub;
}

/* PoFetchTake: takes a row of the view after po_diff_begin_part, whose slot tells its location; arg is the PoDiff. */
void
po_diff_add_old(TupleTableSlot *slot, void *arg)
{
	PoDiff	   *diff = arg;

	(void) po_tidtable_add(diff->current, hash_row(diff, slot), &slot->tts_tid);
}

/* Compares the waiting rows of a part after the first with the view's rows of that part. */
static void
match_waiting(PoDiff *diff, uint32 part)
{
	po_tidtable_reset(diff->current);
	(void) load_part(diff, part);
	while (tuplestore_gettupleslot(diff->waiting[part], true, false, diff->waiting_slot))
	{
		CHECK_FOR_INTERRUPTS();
		match_row(diff, diff->waiting_slot, hash_row(diff, diff->waiting_slot));
	}
	tuplestore_end(diff->waiting[part]);
}

/* Hands what is left of the current part to apply: rows that the query no longer returns. */
static void
give_gone(PoDiff *diff)
{
	int64		position = 0;
	ItemPointerData tid;

	while (po_tidtable_next_left(diff->current, &position, &tid))
		po_apply_add_gone(diff->apply, &tid);
}

/*
 * Completes the comparison after the query's last row and hands the difference
 * to apply; po_apply_finish writes it.
 */
void
po_diff_finish(PoDiff *diff)
{
	give_gone(diff);
	for (uint32 part = 1; part < (uint32) 1 << diff->part_bits; part++)
	{
		match_waiting(diff, part);
		give_gone(diff);
	}
	ExecDropSingleTupleTableSlot(diff->old_slot);
	ExecDropSingleTupleTableSlot(diff->waiting_slot);
	if (diff->old.row)
		ExecDropSingleTupleTableSlot(diff->old.row);
}
