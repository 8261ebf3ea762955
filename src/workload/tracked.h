/*
 * tracked.h
 *	  The shared table of tracked statements, and the slots that backends write to.
 *
 * po_tracked_lock guards everything but the write ends of the slots.  A backend
 * appends to the ring of its own slot without a lock; whoever holds the lock
 * exclusively folds what is there into the table and moves the read end.
 */
#ifndef PO_WORKLOAD_TRACKED_H
#define PO_WORKLOAD_TRACKED_H

#include "datatype/timestamp.h"
#include "storage/lwlock.h"
#include "workload/histogram.h"

#define PO_NS_PER_MS 1e6

#define PO_TRACK_PLANS 4		/* plan shapes kept of one statement */
#define PO_TRACK_BURSTS 3		/* pairs of kind and parent kept of one
								 * statement */
#define PO_TRACK_RING 128		/* executions that a slot holds; a power of
								 * two */

/* What tells statements apart; has no padding. */
typedef struct PoTrackKey
{
	uint64		queryid;
	Oid			dbid;
	Oid			userid;
	uint64		toplevel;		/* 1 or 0 */
} PoTrackKey;

/* The kinds of bursts, and none. */
typedef enum PoBurstKind
{
	PO_BURST_NONE,
	PO_BURST_N_PLUS_ONE,
	PO_BURST_REPEATED
} PoBurstKind;

/* One execution, as a backend reports it. */
typedef struct PoTrackEvent
{
	uint64		queryid;
	uint64		planid;			/* 0: not known */
	uint64		ns;
	uint64		rows;
	TimestampTz at;
	Oid			dbid;
	Oid			userid;
	uint8		toplevel;
	uint8		failed;
	uint8		burst_kind;
	uint8		burst_begins;
	uint32		burst_length;	/* executions of the burst so far */
	uint32		burst_new;		/* of these, not reported before */
	uint64		burst_ns;		/* time of those */
	uint64		parent;			/* statement that the burst belongs to, 0:
								 * none */
} PoTrackEvent;

/* A backend's ring; the numbers count up for ever. */
typedef struct PoTrackSlot
{
	uint32		written;		/* the owner's alone */
	uint32		folded;			/* guarded by the lock */
	char		application[NAMEDATALEN];	/* whose the events are; guarded
											 * by the lock */
	PoTrackEvent events[PO_TRACK_RING];
} PoTrackSlot;

/* One plan shape of a statement. */
typedef struct PoTrackPlan
{
	uint64		planid;			/* 0: free */
	int64		calls;
	double		total_ns;
	TimestampTz first_seen;
	TimestampTz last_seen;
	uint32		text;			/* 0: none yet */
} PoTrackPlan;

/* Bursts of one kind below one parent. */
typedef struct PoTrackBurst
{
	PoBurstKind kind;
	uint64		parent;
	int64		bursts;
	int64		executions;
	int64		longest;
	double		total_ns;
} PoTrackBurst;

/* The samples kept of one statement. */
typedef enum PoSampleKind
{
	PO_SAMPLE_SLOW,
	PO_SAMPLE_TYPICAL,
	PO_SAMPLE_KINDS
} PoSampleKind;

typedef struct PoTrackSample
{
	uint32		blob;			/* 0: none */
	uint64		ns;
	TimestampTz at;
} PoTrackSample;

/* A statement. */
typedef struct PoTrackEntry
{
	PoTrackKey	key;
	uint32		next;			/* in its hash chain or in the free list, 0:
								 * the end */
	bool		used;
	uint64		number;			/* in the order in which they came */
	int64		calls;			/* without failed ones */
	int64		errors;
	double		failed_ns;		/* time of those */
	double		rows;
	double		total_ns;
	double		mean_ns;
	double		squares_ns;		/* sum of squared distances from the mean */
	uint64		min_ns;
	uint64		max_ns;
	TimestampTz first_seen;
	TimestampTz last_seen;
	double		usage;			/* decayed calls, for eviction */
	uint32		chunks[PO_HISTOGRAM_CHUNKS];	/* 0: all zero */
	PoTrackPlan plans[PO_TRACK_PLANS];
	PoTrackBurst bursts[PO_TRACK_BURSTS];
	PoTrackSample samples[PO_SAMPLE_KINDS];
	Oid			burst_relid;
	uint32		suggestion;		/* text: the rewrite of an N+1 burst, 0: none */
} PoTrackEntry;

/* Texts of a statement: of plans and samples, and the suggestion. */
#define PO_TRACK_TEXTS (PO_TRACK_PLANS + PO_SAMPLE_KINDS + 1)

/* What is counted about the table itself. */
typedef struct PoTrackStats
{
	int64		generation;		/* goes up at each reset */
	uint64		entered;		/* statements that ever came */
	TimestampTz since;
	int64		evicted;
	int64		evicted_calls;
	double		evicted_ns;
	int64		texts_dropped;	/* that made room for others or found none */
} PoTrackStats;

extern LWLock *po_tracked_lock;

extern void po_tracked_init(void);
extern bool po_tracked_ready(void);
extern PoTrackSlot *po_tracked_my_slot(void);
extern void po_tracked_fold_slot(PoTrackSlot *slot);
extern void po_tracked_fold_all(void);
extern void po_tracked_reset(Oid dbid);
extern PoTrackEntry *po_tracked_lookup(const PoTrackKey *key);
extern PoTrackEntry *po_tracked_enter(const PoTrackKey *key, TimestampTz now);
extern PoTrackEntry *po_tracked_entry(int i);
extern int	po_tracked_capacity(void);
extern int	po_tracked_count(void);
extern PoTrackStats *po_tracked_stats(void);
extern struct PoApplications *po_tracked_applications(void);
extern void po_tracked_add_bucket(PoTrackEntry *entry, int bucket, uint32 n);
extern void po_tracked_percentiles(const PoTrackEntry *entry, int n, const double *fractions,
								   double *ms);
extern void po_tracked_add_histogram(const PoTrackEntry *entry, uint64 *counts);
extern void po_tracked_histogram(const PoTrackEntry *entry, uint32 *counts);
extern uint32 po_tracked_store_text(const PoTrackEntry *keep, const char *data, uint32 length);
extern void po_tracked_free_text(uint32 *text);
extern void po_tracked_texts(PoTrackEntry *entry, uint32 **texts);
extern char *po_tracked_copy_text(uint32 text, uint32 *length);
extern int64 po_tracked_text_blocks_free(void);
extern int64 po_tracked_text_blocks(void);

#endif							/* PO_WORKLOAD_TRACKED_H */
