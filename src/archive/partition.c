/*
 * partition.c
 *	  The leaves of an archived table, and taking whole ones.
 *
 * A leaf all of whose rows are old enough changes its parent: it is detached
 * from the table and attached to the destination in one transaction, so its rows
 * are in exactly one of the two at every moment, and nothing reads them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "archive/columns.h"
#include "archive/ddl.h"
#include "archive/destination.h"
#include "archive/partition.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "core/leaf.h"
#include "core/relname.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "optimizer/plancat.h"
#include "partitioning/partdesc.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* The name of the CHECK that proves a leaf's bounds while it changes its parent. */
#define BOUND_CONSTRAINT "perf_optimizer_archive_bound"
/* Larger leaves are not read to count their rows. */
#define MAX_COUNTED_BLOCKS 1024

/* Returns a partition's bounds. */
static PartitionBoundSpec *
read_bounds(Oid leaf)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(leaf));
	bool		isnull;
	Datum		bound;
	PartitionBoundSpec *spec;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", leaf);
	bound = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relpartbound, &isnull);
	spec = isnull ? NULL : (PartitionBoundSpec *) stringToNode(TextDatumGetCString(bound));
	ReleaseSysCache(tuple);
	return spec;
}

/* Compares a bound of a range partition on the time column with the cutoff; unbounded is what MINVALUE and MAXVALUE are. */
static int
compare_bound(PoArchivePolicy *policy, const PoCutoff *cutoff, List *datums, int unbounded)
{
	PartitionRangeDatum *bound = linitial_node(PartitionRangeDatum, datums);

	if (bound->kind != PARTITION_RANGE_DATUM_VALUE)
		return unbounded;
	return po_cutoff_compare(policy->time_type, castNode(Const, bound->value)->constvalue, cutoff->value);
}

/* Tells whether all rows of a range partition on the time column lie below the cutoff. */
static bool
is_wholly_old(PoArchivePolicy *policy, const PoCutoff *cutoff, Oid leaf)
{
	PartitionBoundSpec *spec = read_bounds(leaf);

	return spec != NULL && !spec->is_default && compare_bound(policy, cutoff, spec->upperdatums, 1) <= 0;
}

/* Tells whether no row of a range partition on the time column lies below the cutoff. */
static bool
is_wholly_young(PoArchivePolicy *policy, const PoCutoff *cutoff, Oid leaf)
{
	PartitionBoundSpec *spec = read_bounds(leaf);

	return spec != NULL && !spec->is_default && compare_bound(policy, cutoff, spec->lowerdatums, -1) >= 0;
}

/* Tells whether a table is partitioned by ranges of the time column alone. */
static bool
is_partitioned_by_time(PoArchivePolicy *policy)
{
	Relation	rel = table_open(policy->relation, AccessShareLock);
	PartitionKey key = RelationGetPartitionKey(rel);
	bool		result = key && key->strategy == PARTITION_STRATEGY_RANGE && key->partnatts == 1 &&
	key->partattrs[0] == get_attnum(policy->relation, policy->time_column);

	table_close(rel, NoLock);
	return result;
}

/* Tells whether any foreign key refers to a table; its rows must then go one by one. */
static bool
is_referenced(Oid relation)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(relation)};

	if (SPI_execute_with_args("SELECT FROM pg_catalog.pg_constraint WHERE contype OPERATOR(pg_catalog.=) 'f'"
							  " AND confrelid OPERATOR(pg_catalog.=) $1", 1, types, values, NULL,
							  true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read foreign keys");
	return SPI_processed > 0;
}

/*
 * Returns the leaves of the policy's relation that may have rows older than the
 * cutoff, whole being those that were found to go as a whole, without them.
 */
List *
po_partition_rest(PoArchivePolicy *policy, const PoCutoff *cutoff, List *whole)
{
	List	   *leaves = list_difference_oid(po_leaf_find(policy->relation, AccessShareLock), whole);
	List	   *rest = NIL;
	ListCell   *cell;

	if (get_rel_relkind(policy->relation) != RELKIND_PARTITIONED_TABLE || !is_partitioned_by_time(policy))
		return leaves;
	foreach(cell, leaves)
	{
		Oid			leaf = lfirst_oid(cell);

		if (get_partition_parent(leaf, false) != policy->relation || !is_wholly_young(policy, cutoff, leaf))
			rest = lappend_oid(rest, leaf);
	}
	return rest;
}

/*
 * Returns the leaves right below the policy's relation all of whose rows are older
 * than the cutoff, as far as ranges of the time column tell; none where foreign
 * keys refer to the relation.  The caller has connected SPI.
 */
List *
po_partition_wholly_old(PoArchivePolicy *policy, const PoCutoff *cutoff)
{
	List	   *whole = NIL;
	ListCell   *cell;

	if (get_rel_relkind(policy->relation) != RELKIND_PARTITIONED_TABLE ||
		!is_partitioned_by_time(policy) || is_referenced(policy->relation))
		return NIL;
	foreach(cell, find_inheritance_children(policy->relation, AccessShareLock))
	{
		if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_RELATION &&
			is_wholly_old(policy, cutoff, lfirst_oid(cell)))
			whole = lappend_oid(whole, lfirst_oid(cell));
	}
	return whole;
}

/*
 * Returns the leaves that can change their parent as a whole: a move without a
 * predicate between tables of the same columns partitioned alike by ranges of the
 * time column, all rows older than the cutoff, and no partition there for part of
 * them.  The caller has connected SPI.
 */
List *
po_partition_whole(PoArchivePolicy *policy, const PoCutoff *cutoff)
{
	List	   *whole = NIL;
	ListCell   *cell;

	if (policy->strategy != PO_ARCHIVE_MOVE || policy->predicate || !OidIsValid(policy->destination) ||
		!po_destination_is_like(policy->relation, policy->destination) ||
		!po_columns_alike(policy->relation, policy->destination))
		return NIL;
	foreach(cell, po_partition_wholly_old(policy, cutoff))
	{
		if (!po_ddl_has_partition(policy->destination, po_ddl_partition_bound(lfirst_oid(cell))))
			whole = lappend_oid(whole, lfirst_oid(cell));
	}
	return whole;
}

/*
 * Adds a CHECK that repeats a partition's bounds, which no row can be against: the
 * server has kept to them until now.  ADD CONSTRAINT would read the leaf all the
 * same, so it is added as not valid and then marked.
 */
static void
add_bound_constraint(Oid leaf)
{
	Relation	constraints;
	HeapTuple	tuple;

	po_ddl_run(psprintf("ALTER TABLE %s ADD CONSTRAINT " BOUND_CONSTRAINT " CHECK (%s) NOT VALID",
						po_relname_qualified(leaf), po_ddl_partition_constraint(leaf)));
	constraints = table_open(ConstraintRelationId, RowExclusiveLock);
	tuple = SearchSysCacheCopy1(CONSTROID,
								ObjectIdGetDatum(get_relation_constraint_oid(leaf, BOUND_CONSTRAINT, false)));
	((Form_pg_constraint) GETSTRUCT(tuple))->convalidated = true;
	CatalogTupleUpdate(constraints, &tuple->t_self, tuple);
	table_close(constraints, RowExclusiveLock);
	CacheInvalidateRelcacheByRelid(leaf);
	CommandCounterIncrement();
}

/*
 * Detaches a leaf from the table and attaches it to the destination, in the
 * caller's transaction.  With the CHECK the server does not read it for that.
 */
void
po_partition_reattach(PoArchivePolicy *policy, Oid leaf)
{
	char	   *name = po_relname_qualified(leaf);
	char	   *bound = po_ddl_partition_bound(leaf);

	add_bound_constraint(leaf);
	po_ddl_run(psprintf("ALTER TABLE %s DETACH PARTITION %s",
						po_relname_qualified(policy->relation), name));
	po_ddl_run(psprintf("ALTER TABLE %s ATTACH PARTITION %s %s",
						po_relname_qualified(policy->destination), name, bound));
	po_ddl_run(psprintf("ALTER TABLE %s DROP CONSTRAINT " BOUND_CONSTRAINT, name));
}

/* Returns the planner's estimate of the rows of a leaf, -1 for one that is small enough to be counted. */
static int64
estimate_rows(Oid leaf)
{
	Relation	rel = table_open(leaf, AccessShareLock);
	BlockNumber pages;
	double		tuples;
	double		visible;

	estimate_rel_size(rel, NULL, &pages, &tuples, &visible);
	table_close(rel, NoLock);
	return pages > MAX_COUNTED_BLOCKS ? (int64) tuples : -1;
}

/* Returns the number of rows of a leaf; fills whether it is an estimate. */
int64
po_partition_rows(Oid leaf, bool *estimated)
{
	int64		rows = estimate_rows(leaf);
	bool		isnull;

	*estimated = rows >= 0;
	if (*estimated)
		return rows;
	if (SPI_execute(psprintf("SELECT pg_catalog.count(*) FROM ONLY %s", po_relname_qualified(leaf)),
					false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not count a partition's rows");
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}
