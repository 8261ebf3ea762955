/*
 * tidtable.c
 *	  A multiset of row locations by a 64-bit hash, within a memory limit.
 *
 * Used in two phases: first rows are added, then they are taken one at a time
 * by hash; what is left at the end comes out in the order in which it was added,
 * which is the relation's physical order.  Entries of one bucket are chained;
 * taking unlinks, so a million identical rows cost no more than a million
 * different ones.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "matview/tidtable.h"
#include "utils/memutils.h"

#define INITIAL_ENTRIES 1024
#define MAX_ENTRIES (1 << 30)
#define END_OF_CHAIN (-1)
#define TAKEN (-2)

typedef struct TidEntry
{
	uint64		hash;
	int32		next;			/* index into entries, END_OF_CHAIN or TAKEN */
	ItemPointerData tid;
} TidEntry;

struct PoTidTable
{
	MemoryContext context;
	Size		max_bytes;
	int32		nentries;
	int32		capacity;		/* a power of two; also the number of buckets */
	TidEntry   *entries;
	int32	   *buckets;
};

/* Returns the bucket of a hash. */
static inline int32 *
bucket_of(PoTidTable *table, uint64 hash)
{
	return &table->buckets[hash & (uint64) (table->capacity - 1)];
}

/* Puts entry i at the head of its bucket's chain. */
static inline void
link_entry(PoTidTable *table, int32 i)
{
	int32	   *bucket = bucket_of(table, table->entries[i].hash);

	table->entries[i].next = *bucket;
	*bucket = i;
}

/* Makes an empty table of the initial size. */
static void
allocate(PoTidTable *table)
{
	table->nentries = 0;
	table->capacity = INITIAL_ENTRIES;
	table->entries = MemoryContextAlloc(table->context, sizeof(TidEntry) * table->capacity);
	table->buckets = MemoryContextAlloc(table->context, sizeof(int32) * table->capacity);
	memset(table->buckets, 0xff, sizeof(int32) * table->capacity);
}

/* Returns an empty table in the current context that will use at most max_bytes. */
PoTidTable *
po_tidtable_create(Size max_bytes)
{
	PoTidTable *table = palloc0(sizeof(PoTidTable));

	table->context = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer row locations",
										   ALLOCSET_DEFAULT_SIZES);
	table->max_bytes = max_bytes;
	allocate(table);
	return table;
}

/* Empties the table and gives its memory back. */
void
po_tidtable_reset(PoTidTable *table)
{
	MemoryContextReset(table->context);
	allocate(table);
}

/* Lets the table grow as far as its rows need from now on. */
void
po_tidtable_lift_limit(PoTidTable *table)
{
	table->max_bytes = MaxAllocHugeSize;
}

/* Doubles the table; returns false when that would exceed its memory limit. */
static bool
grow(PoTidTable *table)
{
	int64		wanted = (int64) table->capacity * 2;

	if (wanted > MAX_ENTRIES || wanted * (sizeof(TidEntry) + sizeof(int32)) > table->max_bytes)
		return false;
	table->capacity = (int32) wanted;
	table->entries = repalloc_huge(table->entries, sizeof(TidEntry) * wanted);
	table->buckets = repalloc_huge(table->buckets, sizeof(int32) * wanted);
	memset(table->buckets, 0xff, sizeof(int32) * wanted);
	for (int32 i = 0; i < table->nentries; i++)
		link_entry(table, i);
	return true;
}

/*
 * Adds a row; returns false, with the table unchanged, when it is full.  Nothing
 * may be added after something has been taken.
 */
bool
po_tidtable_add(PoTidTable *table, uint64 hash, ItemPointer tid)
{
	if (table->nentries == table->capacity && !grow(table))
		return false;
	table->entries[table->nentries].hash = hash;
	table->entries[table->nentries].tid = *tid;
	link_entry(table, table->nentries++);
	return true;
}

/*
 * Takes out a row with this hash that match accepts and sets *tid; returns false
 * when there is none.
 */
bool
po_tidtable_take(PoTidTable *table, uint64 hash, PoTidMatch match, void *arg, ItemPointer tid)
{
	int32	   *link = bucket_of(table, hash);

	while (*link != END_OF_CHAIN)
	{
		TidEntry   *entry = &table->entries[*link];

		if (entry->hash == hash && match(&entry->tid, arg))
		{
			*tid = entry->tid;
			*link = entry->next;
			entry->next = TAKEN;
			return true;
		}
		link = &entry->next;
	}
	return false;
}

/*
 * Walks the rows that were not taken: *position starts at 0.  Returns false at
 * the end.
 */
bool
po_tidtable_next_left(PoTidTable *table, int64 *position, ItemPointer tid)
{
	while (*position < table->nentries)
	{
		TidEntry   *entry = &table->entries[(*position)++];

		if (entry->next != TAKEN)
		{
			*tid = entry->tid;
			return true;
		}
	}
	return false;
}
