/*
 * foreign_key.c
 *	  The foreign keys that refer to a table, and whether an index serves them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_constraint.h"
#include "core/foreign_key.h"
#include "core/relname.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

/* Tells whether an index with this predicate leaves out no row that the key can search: NULLs alone. */
static bool
holds_all_keys(List *predicate, const PoForeignKey *key)
{
	ListCell   *lc;

	foreach(lc, predicate)
	{
		NullTest   *test = lfirst(lc);
		bool		found = false;

		if (!IsA(test, NullTest) || test->nulltesttype != IS_NOT_NULL || !IsA(test->arg, Var))
			return false;
		for (int i = 0; i < key->ncolumns; i++)
			found = found || ((Var *) test->arg)->varattno == key->columns[i];
		if (!found)
			return false;
	}
	return true;
}

/* Tells whether the first columns of an index are those of the key, in any order. */
static bool
index_covers(Relation index, const PoForeignKey *key)
{
	if (!index->rd_index->indisvalid || index->rd_index->indnkeyatts < key->ncolumns ||
		(index->rd_rel->relam != BTREE_AM_OID && index->rd_rel->relam != HASH_AM_OID) ||
		!holds_all_keys(RelationGetIndexPredicate(index), key))
		return false;
	for (int i = 0; i < key->ncolumns; i++)
	{
		bool		found = false;

		for (int j = 0; j < key->ncolumns; j++)
			found = found || index->rd_index->indkey.values[j] == key->columns[i];
		if (!found)
			return false;
	}
	return true;
}

/* Tells whether an index of the referencing table serves the key. */
static bool
is_indexed(const PoForeignKey *key)
{
	Relation	table = table_open(key->referencing, AccessShareLock);
	List	   *indexes = RelationGetIndexList(table);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		found = found || index_covers(index, key);
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	table_close(table, AccessShareLock);
	return found;
}

/* Reads a foreign key from its catalog row; false when the row is another constraint. */
static bool
read_key(HeapTuple tuple, PoForeignKey *key)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

	if (form->contype != CONSTRAINT_FOREIGN)
		return false;
	key->constraint = form->oid;
	key->referencing = form->conrelid;
	key->referenced = form->confrelid;
	key->inherited = OidIsValid(form->conparentid);
	DeconstructFkConstraintRow(tuple, &key->ncolumns, key->columns, key->referenced_columns,
							   NULL, NULL, NULL, NULL, NULL);
	key->indexed = is_indexed(key);
	return true;
}

/* Reads the foreign key that a constraint is; false when it is none. */
bool
po_foreign_key_read(Oid constraint, PoForeignKey *key)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = read_key(tuple, key);
	ReleaseSysCache(tuple);
	return result;
}

/* Returns the PoForeignKeys that refer to a table. */
List *
po_foreign_key_referencing(Oid relid)
{
	List	   *result = NIL;
	Relation	table = table_open(relid, AccessShareLock);
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;

	/*
	 * Only a table with triggers can be referred to; that spares the scan
	 * nearly always.
	 */
	if (table->trigdesc == NULL)
	{
		table_close(catalog, AccessShareLock);
		table_close(table, AccessShareLock);
		return NIL;
	}
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		PoForeignKey key;

		if (((Form_pg_constraint) GETSTRUCT(tuple))->confrelid == relid && read_key(tuple, &key))
		{
			PoForeignKey *copy = palloc(sizeof(PoForeignKey));

			*copy = key;
			result = lappend(result, copy);
		}
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	table_close(table, AccessShareLock);
	return result;
}

/* Returns the statement that creates an index for a foreign key. */
char *
po_foreign_key_index(const PoForeignKey *key)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE INDEX %sON %s (",
					 get_rel_relkind(key->referencing) == RELKIND_PARTITIONED_TABLE ?
					 "" : "CONCURRENTLY ", po_relname_qualified(key->referencing));
	for (int i = 0; i < key->ncolumns; i++)
		appendStringInfo(&sql, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(get_attname(key->referencing, key->columns[i], false)));
	appendStringInfoChar(&sql, ')');
	return sql.data;
}
