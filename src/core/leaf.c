/*
 * leaf.c
 *	  The relations that hold the rows of one that may be partitioned.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "core/leaf.h"
#include "utils/lsyscache.h"

/*
 * Returns the OIDs of the relations here that hold the rows of a relation: itself
 * or, of a partitioned table, the partitions that have rows, locked.  The caller
 * has locked the relation.
 */
List *
po_leaf_find(Oid relid, LOCKMODE lockmode)
{
	List	   *leaves = NIL;
	ListCell   *cell;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return list_make1_oid(relid);
	foreach(cell, find_all_inheritors(relid, lockmode, NULL))
		if (RELKIND_HAS_TABLE_AM(get_rel_relkind(lfirst_oid(cell))))
		leaves = lappend_oid(leaves, lfirst_oid(cell));
	return leaves;
}
