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

/* The state of the table itself. */
typedef struct PoTrackingState
{
	PoTrackStats stats;
	int			statements;
	int			capacity;
	int64		text_blocks;
	int64		text_blocks_free;
} PoTrackingState;

extern int	po_reader_statements(int what, PoTracked **statements);
extern void po_reader_state(PoTrackingState *state);
extern void po_reader_reset(void);

#endif							/* PO_WORKLOAD_READER_H */
