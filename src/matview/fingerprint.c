/*
 * fingerprint.c
 *	  Noticing that what a view's query means may have changed.
 *
 * A fingerprint is a hash of which version of which catalog row describes each
 * thing that the query reaches: relations, partitions, their columns, views'
 * rules, functions, our triggers, and the sentinels of the logs.  Every change
 * of such a row, even one that was undone, makes another version; VACUUM and
 * ANALYZE update in place and do not.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/indexing.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "common/hashfn.h"
#include "core/compat.h"
#include "matview/arm.h"
#include "matview/fingerprint.h"
#include "matview/log.h"
#include "matview/shape.h"
#include "nodes/nodeFuncs.h"
#include "plan/stability.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Adds a number to a hash. */
static inline void
add(uint64 *print, uint64 value)
{
	*print = hash_combine64(*print, hash_bytes_uint32_extended((uint32) value, value >> 32));
}

/* Adds the identity of a version of a catalog row. */
static void
add_tuple(uint64 *print, HeapTuple tuple)
{
	add(print, HeapTupleHeaderGetRawXmin(tuple->t_data));
	add(print, ((uint64) ItemPointerGetBlockNumber(&tuple->t_self) << 16) |
		ItemPointerGetOffsetNumber(&tuple->t_self));
}

/* Adds the row that a catalog cache finds; a missing one counts too. */
static void
add_cached(uint64 *print, HeapTuple tuple)
{
	if (!HeapTupleIsValid(tuple))
	{
		add(print, 0);
		return;
	}
	add_tuple(print, tuple);
	ReleaseSysCache(tuple);
}

/* Adds the rows of a catalog that belong to a relation; triggers only if they are ours. */
static void
add_rows_of(uint64 *print, Oid catalog, Oid index, AttrNumber column, Oid relid)
{
	Relation	rel = table_open(catalog, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, index, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (catalog != TriggerRelationId ||
			OidIsValid(po_arm_base_of_trigger(NameStr(((Form_pg_trigger) GETSTRUCT(tuple))->tgname))))
			add_tuple(print, tuple);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* Adds a relation: its own row, its columns, its rule if it is a view, our triggers. */
static void
add_relation(uint64 *print, Oid relid)
{
	add(print, relid);
	add_cached(print, SearchSysCache1(RELOID, ObjectIdGetDatum(relid)));
	add_rows_of(print, AttributeRelationId, AttributeRelidNumIndexId, Anum_pg_attribute_attrelid, relid);
	if (get_rel_relkind(relid) == RELKIND_VIEW)
		add_cached(print, SearchSysCache2(RULERELNAME, ObjectIdGetDatum(relid), PointerGetDatum("_RETURN")));
	else
		add_rows_of(print, TriggerRelationId, TriggerRelidNameIndexId, Anum_pg_trigger_tgrelid, relid);
}

/* Adds when a base's log was started. */
static void
add_log(uint64 *print, Oid base)
{
	PoLog		log;
	Relation	table;
	uint64		xid = 0;

	if (!po_log_find(base, &log) || (table = try_table_open(log.log, AccessShareLock)) == NULL)
		return;
	(void) po_log_sentinel(table, &xid);
	add(print, log.log);
	add(print, xid);
	table_close(table, NoLock);
}

/* query_tree_walker callback: collects the relations of range table entries; *arg is List **. */
static bool
collect_relations(Node *node, void *arg)
{
	List	  **relids = arg;

	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		if (OidIsValid(((RangeTblEntry *) node)->relid))
			*relids = list_append_unique_oid(*relids, ((RangeTblEntry *) node)->relid);
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, collect_relations, arg, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, collect_relations, arg);
}

/*
 * Returns the fingerprint of what a view's rewritten query reaches and of the logs of
 * its bases (of PoShapeBase).  The caller holds locks on the relations.
 */
uint64
po_fingerprint_query(Oid matview, Query *query, List *bases)
{
	uint64		print = GetSystemIdentifier();
	List	   *relids = NIL;
	ListCell   *cell;
	ListCell   *child;

	(void) query_tree_walker(query, collect_relations, &relids, QTW_EXAMINE_RTES_BEFORE);
	relids = list_delete_oid(relids, matview);	/* a view's rule may name it */
	foreach(cell, relids)
	{
		add_relation(&print, lfirst_oid(cell));
		if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_PARTITIONED_TABLE)
			foreach(child, find_all_inheritors(lfirst_oid(cell), AccessShareLock, NULL))
				add_relation(&print, lfirst_oid(child));
	}
	foreach(cell, po_stability_functions(query))
	{
		add(&print, lfirst_oid(cell));
		add_cached(&print, SearchSysCache1(PROCOID, ObjectIdGetDatum(lfirst_oid(cell))));
	}
	foreach(cell, bases)
		add_log(&print, ((PoShapeBase *) lfirst(cell))->relid);
	return print;
}

/* Returns the fingerprint of a view itself, which its own REFRESH changes. */
uint64
po_fingerprint_view(Oid matview)
{
	uint64		print = GetSystemIdentifier();

	add(&print, matview);
	add_cached(&print, SearchSysCache1(RELOID, ObjectIdGetDatum(matview)));
	add_cached(&print, SearchSysCache2(RULERELNAME, ObjectIdGetDatum(matview), PointerGetDatum("_RETURN")));
	return print;
}
