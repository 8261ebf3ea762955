/*
 * leaves.c
 *	  What the partitions of a table have: its columns, keys over them, its rows.
 *
 * A partition has the columns of its table by name, in any order.  The caller has
 * the table and its partitions locked.
 */
#include "postgres.h"

#include "access/attmap.h"
#include "access/table.h"
#include "core/relname.h"
#include "matview/leaves.h"
#include "matview/probe.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* Returns how many rows the planner's statistics give some tables together; -1 when they do not know of one. */
double
po_leaves_rows(List *leaves)
{
	double		rows = 0;
	ListCell   *cell;

	foreach(cell, leaves)
	{
		Relation	leaf = table_open(lfirst_oid(cell), NoLock);
		double		of_leaf = leaf->rd_rel->reltuples;

		table_close(leaf, NoLock);
		if (of_leaf < 0)
			return -1;
		rows += of_leaf;
	}
	return rows;
}

/* Returns the columns of a table by their numbers in a partition of it. */
Bitmapset *
po_leaves_columns(Bitmapset *columns, Oid relid, Oid leaf)
{
	Bitmapset  *mapped = NULL;
	int			column = -1;

	while ((column = bms_next_member(columns, column)) >= 0)
		mapped = bms_add_member(mapped, po_relname_column(relid, leaf, column));
	return mapped;
}

/* Returns an expression over a table's columns, as range table entry varno, as one over those of a partition. */
static Expr *
map_expression(Expr *expr, int varno, AttrMap *map)
{
	bool		whole_row;

	return (Expr *) map_variable_attnos((Node *) expr, varno, 0, map, InvalidOid, &whole_row);
}

/* Returns how the column numbers of a table map to those of a partition. */
static AttrMap *
make_map(Oid relid, Oid leaf)
{
	Relation	table = table_open(relid, NoLock);
	AttrMap    *map = make_attrmap(RelationGetNumberOfAttributes(table));

	table_close(table, NoLock);
	for (int i = 0; i < map->maplen; i++)
		map->attnums[i] = po_relname_column(relid, leaf, i + 1);
	return map;
}

/* Returns keys (of PoProbeKey), for which a table is range table entry varno, for a partition in its place. */
List *
po_leaves_keys(List *keys, int varno, Oid relid, Oid leaf)
{
	List	   *mapped = NIL;
	AttrMap    *map;
	ListCell   *cell;

	if (relid == leaf)
		return keys;
	map = make_map(relid, leaf);
	foreach(cell, keys)
	{
		PoProbeKey *key = palloc(sizeof(PoProbeKey));

		*key = *(PoProbeKey *) lfirst(cell);
		key->expr = map_expression(key->expr, varno, map);
		if (key->low)
			key->range.argument = map_expression(key->range.argument, varno, map);
		mapped = lappend(mapped, key);
	}
	return mapped;
}
