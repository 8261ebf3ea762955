/*
 * fetch.c
 *	  Reading the rows at given locations of a table, from front to back.
 *
 * Where the table is a heap, a page is looked up and locked once for all rows
 * wanted of it, and the rows are handed on while it is pinned, as a sequential
 * scan does; asking for each row by itself costs half as much again.  A large
 * share of the pages goes through a few buffers and does not push others out.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "core/compat.h"
#include "matview/fetch.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/snapmgr.h"

#define ST_SORT sort_locations
#define ST_ELEMENT_TYPE uint64
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* One reading. */
typedef struct Fetching
{
	Relation	table;
	const uint64 *locations;	/* sorted */
	int64		nlocations;
	TupleTableSlot *slot;
	PoFetchTake take;
	void	   *arg;
} Fetching;

/* Tells whether location i is that of the one before. */
static inline bool
is_repeated(Fetching *fetching, int64 i)
{
	return i > 0 && fetching->locations[i] == fetching->locations[i - 1];
}

/* Sets tid to location i. */
static inline void
set_tid(Fetching *fetching, int64 i, ItemPointer tid)
{
	ItemPointerSet(tid, (BlockNumber) (fetching->locations[i] >> 16), (OffsetNumber) (fetching->locations[i] & 0xffff));
}

/*
 * Finds the visible rows of a pinned page from location *i on, and moves *i to
 * the first location of another page.  Returns how many there are.
 */
static int
find_on_page(Fetching *fetching, Buffer page, int64 *i, HeapTupleData *rows)
{
	uint64		block = fetching->locations[*i] >> 16;
	int			nrows = 0;

	LockBuffer(page, BUFFER_LOCK_SHARE);
	for (; *i < fetching->nlocations && fetching->locations[*i] >> 16 == block; (*i)++)
	{
		ItemPointerData tid;

		if (is_repeated(fetching, *i))
			continue;
		set_tid(fetching, *i, &tid);
		if (heap_hot_search_buffer(&tid, fetching->table, page, GetActiveSnapshot(), &rows[nrows], NULL, true))
			nrows++;
	}
	LockBuffer(page, BUFFER_LOCK_UNLOCK);
	return nrows;
}

/* Reads rows of a heap. */
static void
fetch_from_heap(Fetching *fetching)
{
	BufferAccessStrategy strategy = NULL;
	HeapTupleData rows[MaxHeapTuplesPerPage];
	int64		i = 0;

	if (Min(fetching->nlocations, RelationGetNumberOfBlocks(fetching->table)) > NBuffers / 4)
		strategy = GetAccessStrategy(BAS_BULKREAD);
	while (i < fetching->nlocations)
	{
		Buffer		page = ReadBufferExtended(fetching->table, MAIN_FORKNUM,
											  (BlockNumber) (fetching->locations[i] >> 16), RBM_NORMAL, strategy);
		int			nrows = find_on_page(fetching, page, &i, rows);

		CHECK_FOR_INTERRUPTS();
		for (int row = 0; row < nrows; row++)
			fetching->take(ExecStoreBufferHeapTuple(&rows[row], fetching->slot, page), fetching->arg);
		ExecClearTuple(fetching->slot);
		ReleaseBuffer(page);
	}
	if (strategy)
		FreeAccessStrategy(strategy);
}

/* Reads rows of any table. */
static void
fetch_from_table(Fetching *fetching)
{
	IndexFetchTableData *fetch = PO_TABLE_INDEX_FETCH_BEGIN(fetching->table);

	for (int64 i = 0; i < fetching->nlocations; i++)
	{
		ItemPointerData tid;
		bool		again = false;

		CHECK_FOR_INTERRUPTS();
		if (is_repeated(fetching, i))
			continue;
		set_tid(fetching, i, &tid);
		if (table_index_fetch_tuple(fetch, &tid, GetActiveSnapshot(), fetching->slot, &again, NULL))
			fetching->take(fetching->slot, fetching->arg);
	}
	table_index_fetch_end(fetch);
}

/*
 * Hands the rows at the locations (po_fetch_location) that the active snapshot
 * sees to take, each once, and sorts the locations.  They come from an index scan
 * with that snapshot, and the table is locked.
 */
void
po_fetch_rows(Relation table, uint64 *locations, int64 nlocations, PoFetchTake take, void *arg)
{
	Fetching	fetching = {table, locations, nlocations, table_slot_create(table, NULL), take, arg};

	sort_locations(locations, nlocations);
	if (table->rd_rel->relam == HEAP_TABLE_AM_OID)
		fetch_from_heap(&fetching);
	else
		fetch_from_table(&fetching);
	ExecDropSingleTupleTableSlot(fetching.slot);
}
