/*
 * reader.h
 *	  Copies of what is tracked, for reports.
 */
#ifndef PO_WORKLOAD_READER_H
#define PO_WORKLOAD_READER_H

#include "plan/sample.h"
#include "workload/tracked.h"

/* A statement and its percentiles; times in milliseconds are NaN where nothing was timed. */
typedef struct PoTracked
{
	PoTrackEntry entry;
	double		percentiles_ms[3];	/* 50, 95, 99 % */
	char	   *suggestion;
	char	   *plan_texts[PO_TRACK_PLANS];
	PoSample   *samples[PO_SAMPLE_KINDS];
	uint32	   *counts;			/* the histogram */
} PoTracked;

/* What to copy beside the numbers. */
#define PO_READ_SUGGESTIONS 1
#define PO_READ_PLANS 2
#define PO_READ_SAMPLES 4
#define PO_READ_HISTOGRAMS 8
#define PO_READ_TOTALS 16		/* and no percentiles */

#define PO_READER_BATCH 32

/* A reader under way; what it holds goes with the memory context that it began in. */
typedef struct PoReader
{
	int			what;
	int			next;			/* entry to look at next */
	uint64		newest;			/* number of the newest statement at its start */
	MemoryContext context;		/* NULL: nothing is tracked */
	int			n;				/* copied */
	int			at;				/* of these, returned */
	PoTracked	batch[PO_READER_BATCH];
} PoReader;

/* The state of the table itself. */
typedef struct PoTrackingState
{
	PoTrackStats stats;
	int			statements;
	int			capacity;
	int64		text_blocks;
	int64		text_blocks_free;
} PoTrackingState;

extern void po_reader_begin(PoReader *reader, int what);
extern const PoTracked *po_reader_next(PoReader *reader);
extern void po_reader_sum_histograms(uint64 *counts);
extern bool po_reader_saw_burst(const PoTrackEntry *entry, PoBurstKind kind);
extern bool po_reader_saw_flip(const PoTrackEntry *entry);
extern void po_reader_state(PoTrackingState *state);
extern void po_reader_reset(void);

#endif							/* PO_WORKLOAD_READER_H */
