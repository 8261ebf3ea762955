/*
 * inventory.c
 *	  The indexes and foreign keys of many tables, read from the catalogs in one go.
 *
 * Each catalog is scanned once, from its beginning to its end: a lookup for each of
 * some ten thousand tables costs many times that.  What other sessions drop
 * meanwhile is left out.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "advisor/inventory.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/rel.h"

/* What is being read. */
typedef struct Reading
{
	PoInventory *inventory;
	HTAB	   *tables;			/* of PoInventoryTable */
	HTAB	   *indexes;		/* of PoInventoryIndex */
	HTAB	   *parents;		/* of Parent, of indexes and foreign keys */
	bool		any_attached;
} Reading;

/* A part of something partitioned. */
typedef struct Parent
{
	Oid			child;			/* hash key */
	Oid			parent;
} Parent;

typedef void (*TakeTuple) (Reading *reading, Relation catalog, HeapTuple tuple);

/* Makes a hash table whose entries begin with an OID. */
static HTAB *
make_table(const char *name, Size entry, long size)
{
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = entry,.hcxt = CurrentMemoryContext};

	return hash_create(name, size, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Hands all rows of a catalog to a function. */
static void
scan_catalog(Reading *reading, Oid catalog_id, TakeTuple take)
{
	Relation	catalog = table_open(catalog_id, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		CHECK_FOR_INTERRUPTS();
		take(reading, catalog, tuple);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/* Returns the values of a column that is a vector, as a copy of n elements of a size. */
static void *
copy_vector(Relation catalog, HeapTuple tuple, AttrNumber column, int n, Size size)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, RelationGetDescr(catalog), &isnull);
	void	   *copy = palloc(Max(n, 1) * size);

	/* Vectors of both kinds are arrays without nulls. */
	memcpy(copy, ARR_DATA_PTR((ArrayType *) DatumGetPointer(value)), n * size);
	return copy;
}

/* Prints a column that is an expression of a table; "" when there is none, or no table any more. */
static const char *
print_expression(Relation catalog, HeapTuple tuple, AttrNumber column, Oid relid)
{
	LOCAL_FCINFO(call, 2);
	bool		isnull;
	Datum		value = heap_getattr(tuple, column, RelationGetDescr(catalog), &isnull);

	if (isnull)
		return "";
	InitFunctionCallInfoData(*call, NULL, 2, InvalidOid, NULL, NULL);
	call->args[0].value = value;
	call->args[0].isnull = false;
	call->args[1].value = ObjectIdGetDatum(relid);
	call->args[1].isnull = false;
	value = pg_get_expr(call);
	return call->isnull ? "" : TextDatumGetCString(value);
}

/* Takes a row of pg_index. */
static void
take_index(Reading *reading, Relation catalog, HeapTuple tuple)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	PoInventoryTable *table = hash_search(reading->tables, &form->indrelid, HASH_FIND, NULL);
	PoInventoryIndex *index;

	if (table == NULL)
		return;
	index = hash_search(reading->indexes, &form->indexrelid, HASH_ENTER, NULL);
	memset((char *) index + sizeof(Oid), 0, sizeof(*index) - sizeof(Oid));
	index->table = table;
	index->root = form->indexrelid;
	index->nkeys = form->indnkeyatts;
	index->ncolumns = form->indnatts;
	index->columns = copy_vector(catalog, tuple, Anum_pg_index_indkey, form->indnatts, sizeof(int16));
	index->classes = copy_vector(catalog, tuple, Anum_pg_index_indclass, form->indnkeyatts, sizeof(Oid));
	index->collations = copy_vector(catalog, tuple, Anum_pg_index_indcollation, form->indnkeyatts, sizeof(Oid));
	index->options = copy_vector(catalog, tuple, Anum_pg_index_indoption, form->indnkeyatts, sizeof(int16));
	index->expressions = print_expression(catalog, tuple, Anum_pg_index_indexprs, form->indrelid);
	index->predicate = print_expression(catalog, tuple, Anum_pg_index_indpred, form->indrelid);
	index->unique = form->indisunique;
	index->nulls_equal = form->indnullsnotdistinct;
	index->immediate = form->indimmediate;
	index->valid = form->indisvalid && form->indisready && form->indislive;
	index->clustered = form->indisclustered;
	index->identity = form->indisreplident;
	index->exclusion = form->indisexclusion;
}

/* Takes a row of pg_class: what it says of a table or an index that is looked at. */
static void
take_class(Reading *reading, Relation catalog, HeapTuple tuple)
{
	Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

	if (form->relkind == RELKIND_INDEX || form->relkind == RELKIND_PARTITIONED_INDEX)
	{
		PoInventoryIndex *index = hash_search(reading->indexes, &form->oid, HASH_FIND, NULL);

		if (index == NULL)
			return;
		index->relkind = form->relkind;
		index->attached = form->relispartition;
		index->am = form->relam;
		index->pages = form->relpages;
		reading->any_attached |= form->relispartition;
	}
	else
	{
		PoInventoryTable *table = hash_search(reading->tables, &form->oid, HASH_FIND, NULL);

		if (table == NULL)
			return;
		table->relkind = form->relkind;
		table->rows = Max(form->reltuples, 0);
	}
}

/* Notes of what a thing is a part. */
static void
note_parent(Reading *reading, Oid child, Oid parent)
{
	((Parent *) hash_search(reading->parents, &child, HASH_ENTER, NULL))->parent = parent;
}

/* Takes a row of pg_inherits, if it is an index's. */
static void
take_inheritance(Reading *reading, Relation catalog, HeapTuple tuple)
{
	Form_pg_inherits form = (Form_pg_inherits) GETSTRUCT(tuple);

	if (hash_search(reading->indexes, &form->inhrelid, HASH_FIND, NULL) != NULL)
		note_parent(reading, form->inhrelid, form->inhparent);
}

/* Takes a foreign key. */
static void
take_key(Reading *reading, Relation catalog, HeapTuple tuple)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	PoInventoryTable *table = hash_search(reading->tables, &form->conrelid, HASH_FIND, NULL);
	PoInventoryKey *key;
	bool		isnull;
	Datum		value;
	ArrayType  *columns;

	if (OidIsValid(form->conparentid))
		note_parent(reading, form->oid, form->conparentid);
	value = heap_getattr(tuple, Anum_pg_constraint_conkey, RelationGetDescr(catalog), &isnull);
	if (table == NULL || isnull)
		return;
	columns = DatumGetArrayTypePCopy(value);
	key = palloc0(sizeof(PoInventoryKey));
	key->constraint = key->root = form->oid;
	key->table = table;
	key->ncolumns = ARR_DIMS(columns)[0];
	key->columns = (int16 *) ARR_DATA_PTR(columns);
	reading->inventory->keys = lappend(reading->inventory->keys, key);
}

/* Takes a row of pg_constraint: a foreign key, and what an index is there for. */
static void
take_constraint(Reading *reading, Relation catalog, HeapTuple tuple)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	PoInventoryIndex *index;

	if (form->contype == CONSTRAINT_FOREIGN)
		take_key(reading, catalog, tuple);
	if (!OidIsValid(form->conindid))
		return;
	index = hash_search(reading->indexes, &form->conindid, HASH_FIND, NULL);
	if (index == NULL)
		return;
	if (form->contype == CONSTRAINT_FOREIGN)
		index->referenced = true;
	else if (form->contype == CONSTRAINT_PRIMARY || form->contype == CONSTRAINT_UNIQUE || form->contype == CONSTRAINT_EXCLUSION)
		index->constraint = Max(index->constraint, form->oid);
}

/* Returns the whole that a thing is a part of, or itself. */
static Oid
find_root(Reading *reading, Oid child)
{
	Parent	   *part;

	while ((part = hash_search(reading->parents, &child, HASH_FIND, NULL)) != NULL)
		child = part->parent;
	return child;
}

/* Orders indexes by their OIDs. */
static int
compare_indexes(const ListCell *a, const ListCell *b)
{
	Oid			left = ((PoInventoryIndex *) lfirst(a))->relid;
	Oid			right = ((PoInventoryIndex *) lfirst(b))->relid;

	return left < right ? -1 : left > right;
}

/* Returns a counter of the server's statistics. */
static int64
counted(PGFunction counter, Oid relid)
{
	return DatumGetInt64(DirectFunctionCall1(counter, ObjectIdGetDatum(relid)));
}

/* Hands each index that still is there to its table, with its root and its scans. */
static void
gather_indexes(Reading *reading)
{
	HASH_SEQ_STATUS status;
	PoInventoryIndex *index;

	hash_seq_init(&status, reading->indexes);
	while ((index = hash_seq_search(&status)) != NULL)
	{
		if (index->relkind == '\0' || index->table->relkind == '\0')
			continue;
		if (index->attached)
			index->root = find_root(reading, index->relid);
		if (index->relkind == RELKIND_INDEX)
			index->scans = counted(pg_stat_get_numscans, index->relid);
		index->table->scans += index->scans;
		index->needed = index->unique || index->exclusion || index->identity || index->clustered || index->referenced ||
			OidIsValid(index->constraint);
		index->table->indexes = lappend(index->table->indexes, index);
	}
}

/* Completes the tables: their statistics, and the order of their indexes. */
static void
complete_tables(PoInventory *inventory)
{
	for (int i = 0; i < inventory->ntables; i++)
	{
		PoInventoryTable *table = inventory->tables[i];

		CHECK_FOR_INTERRUPTS();
		if (table->relkind == '\0')
			continue;
		list_sort(table->indexes, compare_indexes);
		if (table->relkind == RELKIND_PARTITIONED_TABLE)
			continue;
		table->scans += counted(pg_stat_get_numscans, table->relid);
		table->writes = counted(pg_stat_get_tuples_inserted, table->relid) + counted(pg_stat_get_tuples_updated, table->relid) -
			counted(pg_stat_get_tuples_hot_updated, table->relid) + counted(pg_stat_get_tuples_deleted, table->relid);
	}
}

/* Enters the tables that are asked for, each once. */
static void
enter_tables(Reading *reading, const Oid *relids, int nrelids)
{
	PoInventory *inventory = reading->inventory;

	inventory->tables = palloc(Max(nrelids, 1) * sizeof(PoInventoryTable *));
	for (int i = 0; i < nrelids; i++)
	{
		bool		found;
		PoInventoryTable *table = hash_search(reading->tables, &relids[i], HASH_ENTER, &found);

		if (found)
			continue;
		memset((char *) table + sizeof(Oid), 0, sizeof(*table) - sizeof(Oid));
		inventory->tables[inventory->ntables++] = table;
	}
}

/* Reads the indexes and foreign keys of tables; those that are gone have no relkind.  The result lives in the current memory context. */
PoInventory *
po_inventory_read(const Oid *relids, int nrelids)
{
	Reading		reading = {.inventory = palloc0(sizeof(PoInventory))};
	ListCell   *lc;

	reading.tables = make_table("perf_optimizer tables", sizeof(PoInventoryTable), nrelids);
	reading.indexes = make_table("perf_optimizer indexes", sizeof(PoInventoryIndex), 3 * nrelids);
	reading.parents = make_table("perf_optimizer parts", sizeof(Parent), 64);
	enter_tables(&reading, relids, nrelids);
	scan_catalog(&reading, IndexRelationId, take_index);
	scan_catalog(&reading, RelationRelationId, take_class);
	scan_catalog(&reading, ConstraintRelationId, take_constraint);
	if (reading.any_attached)
		scan_catalog(&reading, InheritsRelationId, take_inheritance);
	gather_indexes(&reading);
	foreach(lc, reading.inventory->keys)
		((PoInventoryKey *) lfirst(lc))->root = find_root(&reading, ((PoInventoryKey *) lfirst(lc))->constraint);
	complete_tables(reading.inventory);
	return reading.inventory;
}
