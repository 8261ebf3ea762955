/*
 * reader.c
 *	  Copies of what is tracked, for reports.
 *
 * A reader first folds what the backends have buffered, under the exclusive
 * lock, and then copies under the shared one, which it lets go now and then, so
 * that busy backends find their turn.  When something was evicted meanwhile, it copies
 * anew in one go, so that no statement is there twice.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lwlock.h"
#include "utils/memutils.h"
#include "workload/blob.h"
#include "workload/reader.h"

#define COPIES_A_TURN 64

/* Takes the shared lock on a table into which all slots were folded just before. */
static void
begin_reading(void)
{
	LWLockAcquire(po_tracked_lock, LW_EXCLUSIVE);
	po_tracked_fold_all();
	LWLockRelease(po_tracked_lock);
	LWLockAcquire(po_tracked_lock, LW_SHARED);
}

/* Copies one statement; the caller holds the lock. */
static void
copy_statement(const PoTrackEntry *entry, int what, PoTracked *to)
{
	static const double fractions[] = {0.50, 0.95, 0.99};

	memset(to, 0, sizeof(PoTracked));
	to->entry = *entry;
	po_tracked_percentiles(entry, lengthof(fractions), fractions, to->percentiles_ms);
	if (what & PO_READ_SUGGESTIONS)
		to->suggestion = po_tracked_copy_text(entry->suggestion, NULL);
	for (int i = 0; (what & PO_READ_PLANS) && i < PO_TRACK_PLANS; i++)
		to->plan_texts[i] = po_tracked_copy_text(entry->plans[i].text, NULL);
	for (int i = 0; (what & PO_READ_SAMPLES) && i < PO_SAMPLE_KINDS; i++)
		to->samples[i] = po_blob_read(entry, i);
	if (what & PO_READ_HISTOGRAMS)
	{
		to->counts = palloc(sizeof(uint32) * PO_HISTOGRAM_BUCKETS);
		po_tracked_histogram(entry, to->counts);
	}
}

/* Lets others have the lock. */
static void
yield_lock(void)
{
	LWLockRelease(po_tracked_lock);
	CHECK_FOR_INTERRUPTS();
	LWLockAcquire(po_tracked_lock, LW_SHARED);
}

/* Copies at most "most" statements of this database, in turns or in one go, and returns their number. */
static int
copy_statements(int what, PoTracked *statements, int most, bool in_turns)
{
	int			n = 0;

	for (int i = 0; i < po_tracked_capacity() && n < most; i++)
	{
		const PoTrackEntry *entry = po_tracked_entry(i);

		if (!entry->used || entry->key.dbid != MyDatabaseId)
			continue;
		copy_statement(entry, what, &statements[n++]);
		if (in_turns && n % COPIES_A_TURN == 0)
			yield_lock();
	}
	return n;
}

/*
 * Copies the statements of this database into an array in the current memory
 * context and returns their number.  Whom they may be shown to is the caller's matter.
 */
int
po_reader_statements(int what, PoTracked **statements)
{
	PoTrackStats before;
	int			most;
	int			n;

	if (!po_tracked_ready())
		return 0;
	begin_reading();
	before = *po_tracked_stats();
	most = po_tracked_count();
	*statements = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(PoTracked) * Max(most, 1));
	n = copy_statements(what, *statements, most, true);
	if (po_tracked_stats()->evicted != before.evicted || po_tracked_stats()->generation != before.generation)
		n = copy_statements(what, *statements, most, false);
	LWLockRelease(po_tracked_lock);
	return n;
}

/* Copies the state of the table. */
void
po_reader_state(PoTrackingState *state)
{
	begin_reading();
	state->stats = *po_tracked_stats();
	state->statements = po_tracked_count();
	state->capacity = po_tracked_capacity();
	state->text_blocks = po_tracked_text_blocks();
	state->text_blocks_free = po_tracked_text_blocks_free();
	LWLockRelease(po_tracked_lock);
}

/* Forgets what was tracked in this database. */
void
po_reader_reset(void)
{
	LWLockAcquire(po_tracked_lock, LW_EXCLUSIVE);
	po_tracked_reset(MyDatabaseId);
	LWLockRelease(po_tracked_lock);
}
