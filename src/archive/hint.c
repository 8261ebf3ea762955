/*
 * hint.c
 *	  What makes a run over an archive policy slower than it needs to be.
 *
 * Nothing of it keeps a run from working; what does is a blocker (preflight.c).
 */
#include "postgres.h"

#include "access/table.h"
#include "archive/hint.h"
#include "catalog/pg_class.h"
#include "core/foreign_key.h"
#include "core/relname.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* A table of fewer blocks is searched as fast without an index. */
#define FEW_BLOCKS 16

/* Tells whether searching a table without an index for each deleted row takes time; partitions are judged with their root. */
static bool
is_slow_to_search(Oid relation)
{
	Relation	rel = table_open(relation, AccessShareLock);
	bool		result = !rel->rd_rel->relispartition &&
	(rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE || RelationGetNumberOfBlocks(rel) >= FEW_BLOCKS);

	table_close(rel, NoLock);
	return result;
}

/* Returns the hint at a foreign key that no index serves. */
static PoArchiveHint *
hint_at_key(const PoForeignKey *key)
{
	PoArchiveHint *hint = palloc(sizeof(PoArchiveHint));

	hint->cure = po_foreign_key_index(key);
	hint->message = psprintf("a foreign key of %s has no index, so each deleted row reads that table from its beginning",
							 po_relname_qualified(key->referencing));
	return hint;
}

/* Returns the PoArchiveHints for a policy whose relation exists. */
List *
po_hint_find(const PoArchivePolicy *policy)
{
	List	   *hints = NIL;
	ListCell   *cell;

	if (policy->strategy == PO_ARCHIVE_COPY)
		return NIL;
	foreach(cell, po_foreign_key_referencing(policy->relation))
	{
		PoForeignKey *key = lfirst(cell);

		if (!key->indexed && is_slow_to_search(key->referencing))
			hints = lappend(hints, hint_at_key(key));
	}
	return hints;
}

/* Tells of the hints by notices. */
void
po_hint_report(const PoArchivePolicy *policy)
{
	ListCell   *cell;

	foreach(cell, po_hint_find(policy))
	{
		PoArchiveHint *hint = lfirst(cell);

		ereport(NOTICE,
				(errmsg("archive policy \"%s\" runs slowly: %s", policy->name, hint->message),
				 errhint("%s", hint->cure)));
	}
}
