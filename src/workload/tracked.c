/*
 * tracked.c
 *	  The shared table of tracked statements, and the slots that backends write to.
 *
 * One area holds, one after the other: the header, the hash buckets, the
 * entries, a scratch array for eviction, the histogram chunks, the text blocks,
 * the watched applications and the slots.  Entries, chunks and blocks are numbered from 1 and handed out
 * from free lists; when one runs out, the least used statements go, a twentieth
 * of the table at a time, or only their texts where these take too much, and what goes is counted.
 *
 * All functions but po_tracked_my_slot and po_tracked_init want po_tracked_lock, exclusively where
 * they change something.  Nothing here allocates, except the copies of texts, so nothing fails halfway.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "core/compat.h"
#include "core/shmem.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/timestamp.h"
#include "workload/application.h"
#include "workload/persist.h"
#include "workload/settings.h"
#include "workload/tracked.h"

#define BLOCK_BYTES 124
#define CHUNKS_AN_ENTRY 6
#define EVICT_DIVISOR 20
#define USAGE_DECAY 0.9

/* A part of one histogram; the first count links the free list. */
typedef struct Chunk
{
	uint32		counts[PO_HISTOGRAM_CHUNK_SIZE];
} Chunk;

/* A part of a text; the first four bytes of a text are its length. */
typedef struct Block
{
	uint32		next;
	char		data[BLOCK_BYTES];
} Block;

/* The start of the area; free lists hold numbers from 1. */
typedef struct Header
{
	PoTrackStats stats;
	uint32		nentries;
	uint32		free_entry;
	uint32		free_chunk;
	uint32		free_block;
	uint32		nfree_blocks;
} Header;

LWLock	   *po_tracked_lock = NULL;

static Header *header = NULL;
static uint32 bucket_mask;
static uint32 *buckets;
static PoTrackEntry *entries;
static uint32 *scratch;
static Chunk *chunks;
static Block *blocks;
static PoApplications *applications;
static PoTrackSlot *slots;

/* Returns the number of hash buckets, a power of two. */
static uint32
bucket_count(void)
{
	uint32		n = 1024;

	while (n < (uint32) po_settings_track_max)
		n *= 2;
	return n;
}

/* Returns the number of histogram chunks. */
static uint32
chunk_count(void)
{
	return Max(CHUNKS_AN_ENTRY * po_settings_track_max, 4 * PO_HISTOGRAM_CHUNKS);
}

/* Returns the number of text blocks. */
static uint32
block_count(void)
{
	return (uint32) ((Size) po_settings_text_memory * 1024 / sizeof(Block));
}

/* Gives out the parts of the area, from its start; returns the size of all. */
static Size
lay_out(char *base)
{
	Size		at = 0;

#define PART(pointer, type, n) \
	do { \
		(pointer) = (type *) (base + at); \
		at = add_size(at, CACHELINEALIGN(mul_size(sizeof(type), (n)))); \
	} while (0)

	bucket_mask = bucket_count() - 1;
	PART(header, Header, 1);
	PART(buckets, uint32, bucket_count());
	PART(entries, PoTrackEntry, po_settings_track_max);
	PART(scratch, uint32, po_settings_track_max);
	PART(chunks, Chunk, chunk_count());
	PART(blocks, Block, block_count());
	PART(applications, PoApplications, 1);
	PART(slots, PoTrackSlot, MaxBackends);
#undef PART
	return at;
}

/* Tells the size of the area. */
static Size
area_size(void)
{
	Size		size = lay_out(NULL);

	header = NULL;
	return size;
}

/* Links all entries, chunks and blocks into their free lists; zeroed memory is all else that they need. */
static void
fill_free_lists(void)
{
	for (int i = 0; i < po_settings_track_max; i++)
		entries[i].next = i + 2 <= po_settings_track_max ? i + 2 : 0;
	for (uint32 i = 0; i < chunk_count(); i++)
		chunks[i].counts[0] = i + 2 <= chunk_count() ? i + 2 : 0;
	for (uint32 i = 0; i < block_count(); i++)
		blocks[i].next = i + 2 <= block_count() ? i + 2 : 0;
	header->free_entry = 1;
	header->free_chunk = 1;
	header->free_block = 1;
	header->nfree_blocks = block_count();
	header->nentries = 0;
}

/* Fills a new area. */
static void
area_init(void *area)
{
	memset(area, 0, lay_out(area));
	fill_free_lists();
	header->stats.since = GetCurrentTimestamp();
	po_persist_start();
}

static void *area_pointer = NULL;

static const PoShmemArea area = {
	.name = "perf_optimizer_workload",
	.size = area_size,
	.init = area_init,
	.pointer = &area_pointer,
	.lock = &po_tracked_lock,
};

/* Asks for the area; called once from _PG_init while preloading. */
void
po_tracked_init(void)
{
	po_shmem_register(&area);
}

/* Tells whether the area is there, and makes its parts known to this process. */
bool
po_tracked_ready(void)
{
	if (header == NULL && area_pointer != NULL)
		(void) lay_out(area_pointer);
	return header != NULL;
}

/* Returns this backend's slot, or NULL for a process that has none. */
PoTrackSlot *
po_tracked_my_slot(void)
{
	int			number = PO_MY_BACKEND_NUMBER;

	if (!po_tracked_ready() || number < 0 || number >= MaxBackends)
		return NULL;
	return &slots[number];
}

/* Returns the counts about the table itself. */
PoTrackStats *
po_tracked_stats(void)
{
	return &header->stats;
}

/* Returns the applications that are watched. */
PoApplications *
po_tracked_applications(void)
{
	return applications;
}

/* Returns the most statements that fit. */
int
po_tracked_capacity(void)
{
	return po_settings_track_max;
}

/* Returns how many statements there are. */
int
po_tracked_count(void)
{
	return (int) header->nentries;
}

/* Returns the i-th place of the table, from 0; its "used" tells whether there is a statement. */
PoTrackEntry *
po_tracked_entry(int i)
{
	return &entries[i];
}

/* Returns the hash chain of a key. */
static uint32 *
chain_of(const PoTrackKey *key)
{
	uint64		hash = key->queryid ^ (((uint64) key->userid << 32 | key->dbid) * UINT64CONST(0x9E3779B97F4A7C15));

	return &buckets[murmurhash32((uint32) (hash ^ (hash >> 32)) + (uint32) key->toplevel) & bucket_mask];
}

/* Tells whether a place of the table holds the statement of a key. */
static inline bool
holds(const PoTrackEntry *entry, const PoTrackKey *key)
{
	return entry->key.queryid == key->queryid && entry->key.dbid == key->dbid &&
		entry->key.userid == key->userid && entry->key.toplevel == key->toplevel;
}

/* Returns a statement, or NULL. */
PoTrackEntry *
po_tracked_lookup(const PoTrackKey *key)
{
	uint32		number = *chain_of(key);

	while (number != 0)
	{
		PoTrackEntry *entry = &entries[number - 1];

		if (holds(entry, key))
			return entry;
		number = entry->next;
	}
	return NULL;
}

/* ---- texts ---- */

/* Gives the blocks of a text back and forgets it. */
void
po_tracked_free_text(uint32 *text)
{
	while (*text != 0)
	{
		uint32		number = *text;

		*text = blocks[number - 1].next;
		blocks[number - 1].next = header->free_block;
		header->free_block = number;
		header->nfree_blocks++;
	}
}

/* Writes the places of a statement's texts into texts, of PO_TRACK_TEXTS elements. */
void
po_tracked_texts(PoTrackEntry *entry, uint32 **texts)
{
	for (int i = 0; i < PO_TRACK_PLANS; i++)
		*texts++ = &entry->plans[i].text;
	for (int i = 0; i < PO_SAMPLE_KINDS; i++)
		*texts++ = &entry->samples[i].blob;
	*texts = &entry->suggestion;
}

/* Returns how many text blocks are free. */
int64
po_tracked_text_blocks_free(void)
{
	return header->nfree_blocks;
}

/* Returns how many text blocks there are. */
int64
po_tracked_text_blocks(void)
{
	return block_count();
}

/* Gives the blocks of all texts of a statement back, and returns how many texts it had. */
static int
drop_texts(PoTrackEntry *entry)
{
	uint32	   *texts[PO_TRACK_TEXTS];
	int			n = 0;

	po_tracked_texts(entry, texts);
	for (int i = 0; i < PO_TRACK_TEXTS; i++)
	{
		n += (*texts[i] != 0);
		po_tracked_free_text(texts[i]);
	}
	return n;
}

/* Takes a statement out of its chain and gives back all that it holds. */
static void
drop_entry(PoTrackEntry *entry)
{
	uint32	   *link = chain_of(&entry->key);
	uint32		number = (uint32) (entry - entries) + 1;

	while (*link != number)
		link = &entries[*link - 1].next;
	*link = entry->next;
	for (int i = 0; i < PO_HISTOGRAM_CHUNKS; i++)
		if (entry->chunks[i] != 0)
		{
			chunks[entry->chunks[i] - 1].counts[0] = header->free_chunk;
			header->free_chunk = entry->chunks[i];
		}
	(void) drop_texts(entry);
	memset(entry, 0, sizeof(PoTrackEntry));
	entry->next = header->free_entry;
	header->free_entry = number;
	header->nentries--;
}

/* Orders entry numbers by usage, the least used first. */
static int
compare_usage(const void *a, const void *b)
{
	double		left = entries[*(const uint32 *) a].usage;
	double		right = entries[*(const uint32 *) b].usage;

	return left < right ? -1 : left > right ? 1 : 0;
}

/* Lists all statements but "keep", which may be NULL, in scratch, the least used first; returns their number. */
static uint32
rank_by_usage(const PoTrackEntry *keep)
{
	uint32		n = 0;

	for (uint32 i = 0; i < (uint32) po_settings_track_max; i++)
		if (entries[i].used && &entries[i] != keep)
			scratch[n++] = i;
	qsort(scratch, n, sizeof(uint32), compare_usage);
	return n;
}

/* Drops the texts of the least used statements until a twentieth of all blocks, and as many as needed, are free. */
static void
evict_texts(const PoTrackEntry *keep, uint32 needed)
{
	uint32		n = rank_by_usage(keep);

	needed = Max(needed, block_count() / EVICT_DIVISOR);
	for (uint32 i = 0; i < n && header->nfree_blocks < needed; i++)
		header->stats.texts_dropped += drop_texts(&entries[scratch[i]]);
}

/* Drops the least used statements, but not "keep", which may be NULL. */
static void
evict(const PoTrackEntry *keep)
{
	uint32		n = rank_by_usage(keep);
	uint32		victims = Min(n, Max(n / EVICT_DIVISOR, 1));

	for (uint32 i = victims; i < n; i++)
		entries[scratch[i]].usage *= USAGE_DECAY;
	for (uint32 i = 0; i < victims; i++)
	{
		PoTrackEntry *entry = &entries[scratch[i]];

		header->stats.evicted++;
		header->stats.evicted_calls += entry->calls;
		header->stats.evicted_ns += entry->total_ns;
		drop_entry(entry);
	}
}

/*
 * Stores a text or blob for a statement and returns its number; 0, counted, when
 * it does not fit even after those of others are dropped.
 */
uint32
po_tracked_store_text(const PoTrackEntry *keep, const char *data, uint32 length)
{
	uint32		needed = (length + sizeof(uint32) + BLOCK_BYTES - 1) / BLOCK_BYTES;
	uint32		first = header->free_block;
	uint32		offset = sizeof(uint32);

	if (needed > header->nfree_blocks && needed < block_count() / 2)
		evict_texts(keep, needed);
	if (needed > header->nfree_blocks)
	{
		header->stats.texts_dropped++;
		return 0;
	}
	first = header->free_block;
	memcpy(blocks[first - 1].data, &length, sizeof(uint32));
	for (uint32 i = 0; i < needed; i++)
	{
		Block	   *block = &blocks[header->free_block - 1];
		uint32		part = Min(BLOCK_BYTES - offset, length);

		memcpy(block->data + offset, data, part);
		data += part;
		length -= part;
		offset = 0;
		header->free_block = block->next;
		if (i == needed - 1)
			block->next = 0;
	}
	header->nfree_blocks -= needed;
	return first;
}

/*
 * Returns a copy of a text in the current memory context with a zero byte behind it, and its length unless
 * the pointer is NULL; NULL for text number 0.  The lock may be shared; it is held by the caller, whom an
 * error for lack of memory releases from it.
 */
char *
po_tracked_copy_text(uint32 text, uint32 *length)
{
	uint32		left;
	uint32		offset = sizeof(uint32);
	char	   *copy;
	char	   *to;

	if (text == 0)
		return NULL;
	memcpy(&left, blocks[text - 1].data, sizeof(uint32));
	if (length != NULL)
		*length = left;
	to = copy = palloc(left + 1);
	for (; left > 0; text = blocks[text - 1].next)
	{
		uint32		part = Min(BLOCK_BYTES - offset, left);

		memcpy(to, blocks[text - 1].data + offset, part);
		to += part;
		left -= part;
		offset = 0;
	}
	*to = '\0';
	return copy;
}

/* ---- statements ---- */

/* Returns a statement, made when it is new; evicts others when there is no room. */
PoTrackEntry *
po_tracked_enter(const PoTrackKey *key, TimestampTz now)
{
	PoTrackEntry *entry = po_tracked_lookup(key);
	uint32	   *chain;

	if (entry != NULL)
		return entry;
	if (header->free_entry == 0)
		evict(NULL);
	entry = &entries[header->free_entry - 1];
	header->free_entry = entry->next;
	chain = chain_of(key);
	entry->key = *key;
	entry->used = true;
	entry->number = ++header->stats.entered;
	entry->first_seen = now;
	entry->next = *chain;
	*chain = (uint32) (entry - entries) + 1;
	header->nentries++;
	return entry;
}

/* Adds to one bucket of a statement's histogram. */
void
po_tracked_add_bucket(PoTrackEntry *entry, int bucket, uint32 n)
{
	uint32	   *number = &entry->chunks[bucket >> PO_HISTOGRAM_CHUNK_BITS];
	uint32	   *count;

	if (*number == 0)
	{
		if (header->free_chunk == 0)
			evict(entry);
		if (header->free_chunk == 0)
			return;
		*number = header->free_chunk;
		header->free_chunk = chunks[*number - 1].counts[0];
		memset(&chunks[*number - 1], 0, sizeof(Chunk));
	}
	count = &chunks[*number - 1].counts[bucket & (PO_HISTOGRAM_CHUNK_SIZE - 1)];
	*count += Min(n, PG_UINT32_MAX - *count);
}

/* Computes percentiles of a statement's latencies, as po_histogram_percentiles does. */
void
po_tracked_percentiles(const PoTrackEntry *entry, int n, const double *fractions, double *ms)
{
	const uint32 *parts[PO_HISTOGRAM_CHUNKS];

	for (int i = 0; i < PO_HISTOGRAM_CHUNKS; i++)
		parts[i] = entry->chunks[i] == 0 ? NULL : chunks[entry->chunks[i] - 1].counts;
	po_histogram_percentiles(parts, n, fractions, ms);
}

/* Adds a statement's histogram to counts, of PO_HISTOGRAM_BUCKETS elements. */
void
po_tracked_add_histogram(const PoTrackEntry *entry, uint64 *counts)
{
	for (int i = 0; i < PO_HISTOGRAM_CHUNKS; i++)
	{
		const uint32 *part;

		if (entry->chunks[i] == 0)
			continue;
		part = (const uint32 *) &chunks[entry->chunks[i] - 1];
		for (int j = 0; j < PO_HISTOGRAM_CHUNK_SIZE; j++)
			counts[i * PO_HISTOGRAM_CHUNK_SIZE + j] += part[j];
	}
}

/* Copies a statement's histogram into counts, of PO_HISTOGRAM_BUCKETS elements. */
void
po_tracked_histogram(const PoTrackEntry *entry, uint32 *counts)
{
	for (int i = 0; i < PO_HISTOGRAM_CHUNKS; i++)
	{
		uint32	   *part = counts + i * PO_HISTOGRAM_CHUNK_SIZE;

		if (entry->chunks[i] == 0)
			memset(part, 0, sizeof(Chunk));
		else
			memcpy(part, &chunks[entry->chunks[i] - 1], sizeof(Chunk));
	}
}

/* Counts an execution for its plan shape; a fifth shape takes the place of the one not seen for longest. */
static void
fold_plan(PoTrackEntry *entry, const PoTrackEvent *event)
{
	PoTrackPlan *plan = &entry->plans[0];

	for (int i = 0; i < PO_TRACK_PLANS && plan->planid != event->planid; i++)
	{
		PoTrackPlan *other = &entry->plans[i];

		if (other->planid == event->planid || other->last_seen < plan->last_seen)
			plan = other;
	}
	if (plan->planid != event->planid)
	{
		po_tracked_free_text(&plan->text);
		memset(plan, 0, sizeof(PoTrackPlan));
		plan->planid = event->planid;
		plan->first_seen = event->at;
	}
	plan->calls++;
	plan->total_ns += (double) event->ns;
	plan->last_seen = event->at;
}

/* Counts an execution for its burst; a fourth pair of kind and parent takes the place of the smallest. */
static void
fold_burst(PoTrackEntry *entry, const PoTrackEvent *event)
{
	PoTrackBurst *burst = &entry->bursts[0];

	for (int i = 0; i < PO_TRACK_BURSTS; i++)
	{
		PoTrackBurst *other = &entry->bursts[i];

		if (other->kind == (PoBurstKind) event->burst_kind && other->parent == event->parent)
		{
			burst = other;
			break;
		}
		if (other->executions < burst->executions)
			burst = other;
	}
	if (burst->kind != (PoBurstKind) event->burst_kind || burst->parent != event->parent)
	{
		memset(burst, 0, sizeof(PoTrackBurst));
		burst->kind = event->burst_kind;
		burst->parent = event->parent;
	}
	burst->bursts += event->burst_begins;
	burst->executions += event->burst_new;
	burst->longest = Max(burst->longest, (int64) event->burst_length);
	burst->total_ns += (double) event->burst_ns;
}

/* Returns the statement of an event; mostly the one of the event before, whose place may hold another one by now. */
static PoTrackEntry *
enter_event(const PoTrackEvent *event)
{
	static PoTrackEntry *last = NULL;
	PoTrackKey	key = {event->queryid, event->dbid, event->userid, event->toplevel};

	if (last == NULL || !last->used || !holds(last, &key))
		last = po_tracked_enter(&key, event->at);
	return last;
}

/* Adds one execution to the table. */
static void
fold_event(const PoTrackEvent *event)
{
	PoTrackEntry *entry = enter_event(event);
	double		ns = (double) event->ns;
	double		delta;

	entry->last_seen = event->at;
	entry->usage += 1;
	if (event->failed)
	{
		entry->errors++;
		entry->failed_ns += ns;
		return;
	}
	delta = ns - entry->mean_ns;
	entry->calls++;
	entry->rows += (double) event->rows;
	entry->total_ns += ns;
	entry->mean_ns += delta / (double) entry->calls;
	entry->squares_ns += delta * (ns - entry->mean_ns);
	if (entry->calls == 1 || event->ns < entry->min_ns)
		entry->min_ns = event->ns;
	if (event->ns > entry->max_ns)
		entry->max_ns = event->ns;
	po_tracked_add_bucket(entry, po_histogram_bucket(event->ns), 1);
	if (event->planid != 0)
		fold_plan(entry, event);
	if (event->burst_kind != PO_BURST_NONE)
		fold_burst(entry, event);
}

/* Folds what one slot holds into the table. */
void
po_tracked_fold_slot(PoTrackSlot *slot)
{
	uint32		written = *(volatile uint32 *) &slot->written;

	pg_read_barrier();
	po_application_fold(applications, slot, written);
	while (slot->folded != written)
	{
		fold_event(&slot->events[slot->folded & (PO_TRACK_RING - 1)]);
		slot->folded++;
	}
}

/* Folds what all slots hold into the table. */
void
po_tracked_fold_all(void)
{
	for (int i = 0; i < MaxBackends; i++)
		po_tracked_fold_slot(&slots[i]);
}

/* Forgets the statements of a database, of all with InvalidOid; the counts about the table begin anew with the latter. */
void
po_tracked_reset(Oid dbid)
{
	po_tracked_fold_all();
	for (int i = 0; i < po_settings_track_max; i++)
		if (entries[i].used && (dbid == InvalidOid || entries[i].key.dbid == dbid))
			drop_entry(&entries[i]);
	po_application_reset(applications, dbid, GetCurrentTimestamp());
	header->stats.generation++;
	if (dbid == InvalidOid)
	{
		PoTrackStats before = header->stats;

		memset(&header->stats, 0, sizeof(PoTrackStats));
		header->stats.generation = before.generation;
		header->stats.entered = before.entered;
		header->stats.since = GetCurrentTimestamp();
	}
}
