/*
 * writeback.c
 *	  Handing the pages that an archive grows by to the disk a few at a time.
 *
 * The server extends a table by writing an empty page, which no setting makes it
 * hand on: the kernel keeps those pages and writes them all at once later, on
 * Linux each 30 seconds, and for as long as that takes all other sessions' commits
 * wait for the disk.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "archive/writeback.h"
#include "catalog/pg_class.h"
#include "storage/bufmgr.h"
#include "storage/smgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"

/* So many pages of a relation are handed on together: 512 kB. */
#define PAGES_AT_ONCE 64

/* How far a relation's pages have been handed on. */
typedef struct Grown
{
	Oid			relid;
	BlockNumber handed_on;
} Grown;

struct PoWriteback
{
	Oid			table;
	List	   *grown;			/* of Grown: the table and its indexes */
};

/* Returns the entry of a relation, a new one when it has not been seen, from its present size on. */
static Grown *
grown_of(PoWriteback *writeback, Relation rel)
{
	MemoryContext old;
	ListCell   *cell;
	Grown	   *grown;

	foreach(cell, writeback->grown)
	{
		grown = lfirst(cell);
		if (grown->relid == RelationGetRelid(rel))
			return grown;
	}
	old = MemoryContextSwitchTo(GetMemoryChunkContext(writeback));
	grown = palloc(sizeof(Grown));
	grown->relid = RelationGetRelid(rel);
	grown->handed_on = RelationGetNumberOfBlocks(rel);
	writeback->grown = lappend(writeback->grown, grown);
	MemoryContextSwitchTo(old);
	return grown;
}

/* Asks the kernel to begin writing what a relation grew by, once that is worth a call. */
static void
hand_on(PoWriteback *writeback, Relation rel)
{
	Grown	   *grown = grown_of(writeback, rel);
	BlockNumber size = RelationGetNumberOfBlocks(rel);

	if (size < grown->handed_on)
		grown->handed_on = size;
	if (size - grown->handed_on < PAGES_AT_ONCE)
		return;
	smgrwriteback(RelationGetSmgr(rel), MAIN_FORKNUM, grown->handed_on, size - grown->handed_on);
	grown->handed_on = size;
}

/* Begins to follow the growth of a table, in the current memory context. */
PoWriteback *
po_writeback_begin(Oid table)
{
	PoWriteback *writeback = palloc0(sizeof(PoWriteback));

	writeback->table = table;
	return writeback;
}

/*
 * Hands on what the table and its indexes grew by since the last call; those of
 * another kind than ordinary tables are left alone.  The caller's transaction has
 * written to the table.
 */
void
po_writeback_grown(PoWriteback *writeback)
{
	Relation	rel = table_open(writeback->table, NoLock);
	ListCell   *cell;

	if (rel->rd_rel->relkind == RELKIND_RELATION)
	{
		hand_on(writeback, rel);
		foreach(cell, RelationGetIndexList(rel))
		{
			Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

			hand_on(writeback, index);
			index_close(index, AccessShareLock);
		}
	}
	table_close(rel, NoLock);
}
