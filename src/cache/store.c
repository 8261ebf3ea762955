/*
 * store.c
 *	  The shared memory of the result cache: entries, and blocks that hold their bytes.
 *
 * One area holds the header, the hash buckets, the entries and the blocks; entries
 * and blocks are numbered from 1 and handed out from free lists.  When one runs
 * out, a hand goes round the entries as a clock's and takes those first that are of
 * no more use, then those that were not used since it last came by.  An entry whose
 * result is being computed stays.
 *
 * po_cache_lock guards everything; finding and copying need it shared, all else
 * exclusively.  With the lock shared a finder may raise an entry's usage (a byte,
 * in which a lost change does no harm) and its atomic count of hits.  The counts are
 * atomics of their own.  Nothing here allocates or raises errors.
 */
#include "postgres.h"

#include "cache/settings.h"
#include "cache/store.h"
#include "core/shmem.h"
#include "utils/memutils.h"

#define BLOCK_BYTES 508
#define BYTES_AN_ENTRY 2048		/* of the cache's size */
#define MIN_ENTRIES 16
#define MAX_USAGE 3
#define MAX_VALUE_SHARE 4		/* one result takes this part of the blocks at
								 * most */

/* A part of a key or of a result. */
typedef struct Block
{
	uint32		next;
	char		data[BLOCK_BYTES];
} Block;

/* The start of the area; free lists hold numbers from 1. */
typedef struct Header
{
	uint32		free_entry;
	uint32		nentries;
	uint32		free_block;
	uint32		nfree_blocks;
	uint32		hand;
	pg_atomic_uint64 counts[PO_CACHE_COUNTS];
} Header;

/* Where the parts of the area begin. */
typedef struct Layout
{
	Size		buckets;
	Size		entries;
	Size		blocks;
	Size		size;
} Layout;

LWLock	   *po_cache_lock = NULL;

static Header *header = NULL;
static uint32 *buckets;
static PoCacheEntry *entries;
static Block *blocks;
static PoCacheUseless is_useless;

/* Returns the number of entries. */
int
po_store_capacity(void)
{
	return Max((int) ((Size) po_cache_size * 1024 / BYTES_AN_ENTRY), MIN_ENTRIES);
}

/* Returns the number of blocks: what the size leaves to them. */
static uint32
block_count(void)
{
	Size		size = (Size) po_cache_size * 1024;
	Size		taken = po_store_capacity() * (sizeof(PoCacheEntry) + sizeof(uint32));

	return (size > taken ? (size - taken) / sizeof(Block) : 0) + MIN_ENTRIES;
}

/* Reserves a part of the area for n things of a size; returns where it begins. */
static Size
reserve(Size *at, Size size, Size n)
{
	Size		begin = *at;

	*at = add_size(begin, CACHELINEALIGN(mul_size(size, n)));
	return begin;
}

/* Returns where the parts of the area begin, and how large it is. */
static Layout
lay_out(void)
{
	Layout		layout;
	Size		at = 0;

	(void) reserve(&at, sizeof(Header), 1);
	layout.buckets = reserve(&at, sizeof(uint32), po_store_capacity());
	layout.entries = reserve(&at, sizeof(PoCacheEntry), po_store_capacity());
	layout.blocks = reserve(&at, sizeof(Block), block_count());
	layout.size = at;
	return layout;
}

/* Tells the size of the area. */
static Size
area_size(void)
{
	return lay_out().size;
}

/* Fills a new area; this is the process that all others fork from. */
static void
init_area(void *area)
{
	Layout		layout = lay_out();
	uint32		nentries = po_store_capacity();
	uint32		nblocks = block_count();

	memset(area, 0, layout.size);
	header = area;
	buckets = (uint32 *) ((char *) area + layout.buckets);
	entries = (PoCacheEntry *) ((char *) area + layout.entries);
	blocks = (Block *) ((char *) area + layout.blocks);
	for (uint32 i = 0; i < nentries; i++)
	{
		entries[i].next = i + 2 <= nentries ? i + 2 : 0;
		pg_atomic_init_u64(&entries[i].hits, 0);
		ConditionVariableInit(&entries[i].finished);
	}
	for (uint32 i = 0; i < nblocks; i++)
		blocks[i].next = i + 2 <= nblocks ? i + 2 : 0;
	for (int i = 0; i < PO_CACHE_COUNTS; i++)
		pg_atomic_init_u64(&header->counts[i], 0);
	header->free_entry = 1;
	header->free_block = 1;
	header->nfree_blocks = nblocks;
}

/* Tells whether there is a cache. */
bool
po_store_ready(void)
{
	return header != NULL;
}

/* Adds to a count. */
void
po_store_count(PoCacheCount what, uint64 n)
{
	pg_atomic_fetch_add_u64(&header->counts[what], (int64) n);
}

/* Returns a count. */
uint64
po_store_counted(PoCacheCount what)
{
	return pg_atomic_read_u64(&header->counts[what]);
}

/* Returns an entry by its number from 0, used or not. */
PoCacheEntry *
po_store_entry(int i)
{
	return &entries[i];
}

/* Tells how many entries there are, and how full the memory is. */
void
po_store_sizes(int64 *nentries, int64 *used_bytes, int64 *max_bytes)
{
	*nentries = header->nentries;
	*used_bytes = (int64) (block_count() - header->nfree_blocks) * sizeof(Block);
	*max_bytes = (int64) block_count() * sizeof(Block);
}

/* Returns the most bytes that one result may have. */
Size
po_store_max_value(void)
{
	return Min((Size) block_count() * BLOCK_BYTES, MaxAllocSize) / MAX_VALUE_SHARE;
}

/* ---- bytes ---- */

/* Frees the blocks of some bytes. */
static void
free_bytes(PoCacheBytes *bytes)
{
	uint32		number = bytes->first;

	while (number != 0)
	{
		uint32		next = blocks[number - 1].next;

		blocks[number - 1].next = header->free_block;
		header->free_block = number;
		header->nfree_blocks++;
		number = next;
	}
	bytes->first = 0;
	bytes->length = 0;
}

/* Returns how many blocks hold a number of bytes. */
static inline Size
blocks_for(Size length)
{
	return (length + BLOCK_BYTES - 1) / BLOCK_BYTES;
}

/* Stores bytes for which there are blocks enough. */
static void
store_bytes(PoCacheBytes *bytes, const char *data, Size length)
{
	uint32	   *link = &bytes->first;

	bytes->length = length;
	while (length > 0)
	{
		Size		part = Min(length, BLOCK_BYTES);
		Block	   *block = &blocks[header->free_block - 1];

		*link = header->free_block;
		header->free_block = block->next;
		header->nfree_blocks--;
		memcpy(block->data, data, part);
		data += part;
		length -= part;
		link = &block->next;
	}
	*link = 0;
}

/* Copies bytes out; to has room for them. */
void
po_store_copy(const PoCacheBytes *bytes, char *to)
{
	Size		left = bytes->length;

	for (uint32 number = bytes->first; left > 0; number = blocks[number - 1].next)
	{
		Size		part = Min(left, BLOCK_BYTES);

		memcpy(to, blocks[number - 1].data, part);
		to += part;
		left -= part;
	}
}

/* Tells whether stored bytes are these. */
static bool
equal_bytes(const PoCacheBytes *bytes, const char *data, Size length)
{
	if (bytes->length != length)
		return false;
	for (uint32 number = bytes->first; length > 0; number = blocks[number - 1].next)
	{
		Size		part = Min(length, BLOCK_BYTES);

		if (memcmp(blocks[number - 1].data, data, part) != 0)
			return false;
		data += part;
		length -= part;
	}
	return true;
}

/* ---- entries ---- */

/* Returns the bucket of a hash. */
static inline uint32 *
bucket_of(uint64 hash)
{
	return &buckets[hash % (uint64) po_store_capacity()];
}

/* Returns the entry of a key, or NULL. */
PoCacheEntry *
po_store_find(const PoCacheKey *key)
{
	for (uint32 number = *bucket_of(key->hash); number != 0; number = entries[number - 1].next)
	{
		PoCacheEntry *entry = &entries[number - 1];

		if (entry->hash == key->hash && equal_bytes(&entry->key, key->data, key->length))
		{
			entry->usage = Min(entry->usage + 1, MAX_USAGE);
			return entry;
		}
	}
	return NULL;
}

/* Removes an entry that nobody computes. */
void
po_store_remove(PoCacheEntry *entry)
{
	uint32	   *link = bucket_of(entry->hash);
	uint32		number = entry - entries + 1;

	Assert(entry->used && entry->computer == NULL);
	while (*link != number)
		link = &entries[*link - 1].next;
	*link = entry->next;
	free_bytes(&entry->key);
	free_bytes(&entry->value);
	entry->used = false;
	entry->has_value = false;
	entry->next = header->free_entry;
	header->free_entry = number;
	header->nentries--;
}

/*
 * Moves the hand until it has evicted an entry other than keep; returns false when
 * all others are being computed.
 */
static bool
evict(const PoCacheEntry *keep)
{
	int			capacity = po_store_capacity();

	for (int64 i = 0; i < (int64) capacity * (MAX_USAGE + 2); i++)
	{
		PoCacheEntry *entry = &entries[header->hand];

		header->hand = (header->hand + 1) % capacity;
		if (entry == keep || !entry->used || entry->computer != NULL)
			continue;
		if (entry->usage > 0 && !is_useless(entry))
		{
			entry->usage--;
			continue;
		}
		po_store_remove(entry);
		po_store_count(PO_CACHE_EVICTIONS, 1);
		return true;
	}
	return false;
}

/* Evicts others until there are free blocks for some bytes; returns whether there are. */
static bool
make_room(const PoCacheEntry *keep, Size length)
{
	while (blocks_for(length) > header->nfree_blocks)
		if (!evict(keep))
			return false;
	return true;
}

/* Adds an entry without a result for a key that has none; NULL when there is no room. */
PoCacheEntry *
po_store_add(const PoCacheKey *key)
{
	uint32	   *link = bucket_of(key->hash);
	PoCacheEntry *entry;
	uint32		number;

	if (key->length > po_store_max_value() || !make_room(NULL, key->length) ||
		(header->free_entry == 0 && !evict(NULL)))
		return NULL;
	number = header->free_entry;
	entry = &entries[number - 1];
	header->free_entry = entry->next;
	header->nentries++;
	entry->next = *link;
	*link = number;
	entry->used = true;
	entry->has_value = false;
	entry->kept_out = false;
	entry->moving = false;
	entry->unshared = false;
	entry->dropped = false;
	entry->usage = 1;
	entry->hash = key->hash;
	entry->computer = NULL;
	entry->claim++;
	pg_atomic_write_u64(&entry->hits, 0);
	memset(&entry->basis, 0, sizeof(entry->basis));
	store_bytes(&entry->key, key->data, key->length);
	return entry;
}

/* Gives an entry its result; false, and none, when there is no room for it. */
bool
po_store_put(PoCacheEntry *entry, const char *data, Size length)
{
	entry->has_value = false;
	free_bytes(&entry->value);
	if (length > po_store_max_value() || !make_room(entry, length))
		return false;
	store_bytes(&entry->value, data, length);
	entry->has_value = true;
	return true;
}

/* Makes the area; called once while preloading. */
void
po_store_init(PoCacheUseless useless)
{
	static const PoShmemArea area = {
		.name = "perf_optimizer results",
		.size = area_size,
		.init = init_area,
		.pointer = (void **) &header,
		.lock = &po_cache_lock
	};

	is_useless = useless;
	po_shmem_register(&area);
}
