/*
 * reader.c
 *	  Copies of what is tracked, for reports.
 *
 * A reader first folds what the backends have buffered, under the exclusive
 * lock, and then copies under the shared one, a few statements at a time, so that
 * busy backends find their turn and thousands of statements take little memory.
 * What is new since its start is passed over, so that no statement comes twice when it is evicted and
 * comes back meanwhile.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "storage/lwlock.h"
#include "utils/memutils.h"
#include "workload/blob.h"
#include "workload/reader.h"

/* plan-flip: a plan shape has so many times the mean of another, over so many calls of each. */
#define FLIP_FACTOR 2.0
#define FLIP_MIN_CALLS 5

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
	if (!(what & PO_READ_TOTALS))
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

/* Begins to read the statements of this database. */
void
po_reader_begin(PoReader *reader, int what)
{
	memset(reader, 0, sizeof(PoReader));
	reader->what = what;
	if (!po_tracked_ready())
		return;
	reader->context = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer reader", ALLOCSET_DEFAULT_SIZES);
	begin_reading();
	reader->newest = po_tracked_stats()->entered;
	LWLockRelease(po_tracked_lock);
}

/* Copies the next statements. */
static void
read_batch(PoReader *reader)
{
	MemoryContext old;

	MemoryContextReset(reader->context);
	old = MemoryContextSwitchTo(reader->context);
	reader->n = reader->at = 0;
	LWLockAcquire(po_tracked_lock, LW_SHARED);
	while (reader->next < po_tracked_capacity() && reader->n < PO_READER_BATCH)
	{
		const PoTrackEntry *entry = po_tracked_entry(reader->next++);

		if (entry->used && entry->key.dbid == MyDatabaseId && entry->number <= reader->newest)
			copy_statement(entry, reader->what, &reader->batch[reader->n++]);
	}
	LWLockRelease(po_tracked_lock);
	MemoryContextSwitchTo(old);
}

/*
 * Returns the next statement, which is valid until the next call, or NULL.  Whom it
 * may be shown to is the caller's matter.
 */
const PoTracked *
po_reader_next(PoReader *reader)
{
	if (reader->context == NULL)
		return NULL;
	CHECK_FOR_INTERRUPTS();
	if (reader->at == reader->n)
		read_batch(reader);
	return reader->at < reader->n ? &reader->batch[reader->at++] : NULL;
}

/* Adds the histograms of all statements of this database to counts, of PO_HISTOGRAM_BUCKETS elements. */
void
po_reader_sum_histograms(uint64 *counts)
{
	if (!po_tracked_ready())
		return;
	begin_reading();
	for (int i = 0; i < po_tracked_capacity(); i++)
	{
		const PoTrackEntry *entry = po_tracked_entry(i);

		if (entry->used && entry->key.dbid == MyDatabaseId)
			po_tracked_add_histogram(entry, counts);
	}
	LWLockRelease(po_tracked_lock);
}

/* Tells whether a statement ran in bursts of a kind. */
bool
po_reader_saw_burst(const PoTrackEntry *entry, PoBurstKind kind)
{
	for (int i = 0; i < PO_TRACK_BURSTS; i++)
		if (entry->bursts[i].kind == kind)
			return true;
	return false;
}

/* Tells whether one plan shape of a statement is so much slower than another, both run often enough to say so. */
bool
po_reader_saw_flip(const PoTrackEntry *entry)
{
	double		fastest = INFINITY;
	double		slowest = 0;

	for (int i = 0; i < PO_TRACK_PLANS; i++)
		if (entry->plans[i].calls >= FLIP_MIN_CALLS)
		{
			double		mean = entry->plans[i].total_ns / (double) entry->plans[i].calls;

			fastest = Min(fastest, mean);
			slowest = Max(slowest, mean);
		}
	return slowest > 0 && slowest >= FLIP_FACTOR * fastest;
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
