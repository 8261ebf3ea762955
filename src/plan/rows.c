/*
 * rows.c
 *	  Some rows of a table, straight from its blocks.
 *
 * Blocks that are spread evenly over the table are read by its access method: no
 * planning of the table, no code that its owner attached to it.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "plan/rows.h"
#include "storage/bufmgr.h"
#include "utils/snapmgr.h"

/* A visit under way. */
typedef struct Visit
{
	TupleTableSlot *slot;
	uint32		stride;			/* of so many rows one is taken */
	uint32		seen;
	PoRowsTake	take;
	void	   *arg;
} Visit;

/* Takes some rows of a scan, the same each time. */
static void
take_rows(Visit *visit, TableScanDesc scan)
{
	while (table_scan_getnextslot(scan, ForwardScanDirection, visit->slot))
	{
		CHECK_FOR_INTERRUPTS();
		/* Not every n-th: values that come round regularly would be missed. */
		if (murmurhash32(visit->seen++) % visit->stride == 0)
			visit->take(visit->slot, visit->arg);
	}
}

/*
 * Shows some rows of a table, the same ones each time, those that the active snapshot
 * sees; all of what is no heap, or is small; none of another session's temporary table.
 * Returns whether these were all of its rows.
 */
bool
po_rows_visit(Relation table, const PoRowsLimit *limit, PoRowsTake take, void *arg)
{
	bool		readable = !RELATION_IS_OTHER_TEMP(table);
	BlockNumber nblocks = RelationGetNumberOfBlocks(table);
	BlockNumber wanted = readable ? Min(nblocks, limit->blocks) : 0;
	bool		whole = readable && (wanted == nblocks || table->rd_tableam != GetHeapamTableAmRoutine());
	double		tuples = Max(table->rd_rel->reltuples, 0);
	Visit		visit = {table_slot_create(table, NULL), 1, 0, take, arg};
	TableScanDesc scan = table_beginscan_strat(table, GetActiveSnapshot(), 0, NULL, true, false);

	if (nblocks > 0)
		visit.stride = Max(1, (uint32) (tuples / nblocks * (whole ? nblocks : wanted) / limit->rows));
	if (whole)
		take_rows(&visit, scan);
	for (BlockNumber i = 0; i < wanted && !whole; i++)
	{
		if (i > 0)
			table_rescan(scan, NULL);
		heap_setscanlimits(scan, (BlockNumber) ((uint64) i * nblocks / wanted), 1);
		take_rows(&visit, scan);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(visit.slot);
	return whole && visit.stride == 1;
}
