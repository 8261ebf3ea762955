/*
 * store.h
 *	  The shared memory of the result cache: entries, and blocks that hold their bytes.
 */
#ifndef PO_CACHE_STORE_H
#define PO_CACHE_STORE_H

#include "cache/key.h"
#include "datatype/timestamp.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "storage/lwlock.h"
#include "storage/proc.h"

#define PO_CACHE_MAX_SLOTS 64	/* tables that a cached query may read, and
								 * two more */

/* What a result hangs on, and when it was true. */
typedef struct PoCacheBasis
{
	int			nslots;			/* counters of writers, see core/writers.c */
	uint16		slots[PO_CACHE_MAX_SLOTS];
	uint64		sum;			/* of them, read before the snapshot was taken */
	bool		aging;			/* something else may change it: good for
								 * those who take stale results only */
	uint64		meaning;		/* hash of the analysed query */
	TimestampTz computed_at;	/* just before the snapshot */
	uint64		xmax;			/* of the snapshot, with the epoch */
	uint32		xcnt;
} PoCacheBasis;

/* Bytes in a chain of blocks. */
typedef struct PoCacheBytes
{
	uint32		first;			/* block, 0: none */
	Size		length;
} PoCacheBytes;

/* A result, or the claim of a backend to compute it. */
typedef struct PoCacheEntry
{
	uint32		next;			/* in its hash chain or in the free list, 0:
								 * the end */
	bool		used;
	bool		has_value;
	bool		kept_out;		/* its result is not kept, for the reason of
								 * the last computation; until basis changes */
	bool		moving;			/* the last result was overtaken by a writer */
	bool		unshared;		/* the last computation ended well without a
								 * result for others */
	uint8		usage;			/* chances before it is evicted */
	uint64		hash;
	PoCacheBytes key;
	PoCacheBytes value;
	int64		rows;
	uint64		claim;			/* number of the last computation */
	PGPROC	   *computer;		/* who computes it now, or NULL */
	bool		dropped;		/* what is computed now was invalidated */
	pg_atomic_uint64 hits;
	double		compute_ms;
	PoCacheBasis basis;
	ConditionVariable finished; /* the computation has ended */
} PoCacheEntry;

/* What is counted. */
typedef enum PoCacheCount
{
	PO_CACHE_HITS,
	PO_CACHE_MISSES,
	PO_CACHE_STALE,
	PO_CACHE_WAITS,
	PO_CACHE_EVICTIONS,
	PO_CACHE_INVALIDATIONS,
	PO_CACHE_REFUSED,
	PO_CACHE_COUNTS
} PoCacheCount;

/* Says what may go first when room is needed. */
typedef bool (*PoCacheUseless) (const PoCacheEntry *entry);

extern LWLock *po_cache_lock;

extern void po_store_init(PoCacheUseless useless);
extern bool po_store_ready(void);
extern PoCacheEntry *po_store_find(const PoCacheKey *key);
extern PoCacheEntry *po_store_add(const PoCacheKey *key);
extern bool po_store_put(PoCacheEntry *entry, const char *data, Size length);
extern void po_store_remove(PoCacheEntry *entry);
extern void po_store_copy(const PoCacheBytes *bytes, char *to);
extern PoCacheEntry *po_store_entry(int i);
extern int	po_store_capacity(void);
extern Size po_store_max_value(void);
extern void po_store_sizes(int64 *entries, int64 *used_bytes, int64 *max_bytes);
extern void po_store_count(PoCacheCount what, uint64 n);
extern uint64 po_store_counted(PoCacheCount what);

#endif							/* PO_CACHE_STORE_H */
