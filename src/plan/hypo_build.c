/*
 * hypo_build.c
 *	  Assembling hypothetical indexes column by column.
 */
#include "postgres.h"

#include "access/amapi.h"
#include "access/htup_details.h"
#include "access/nbtree.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "core/compat.h"
#include "core/relname.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "plan/hypo_build.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/*
 * Allocates an index description in the current memory context with room for its
 * columns.  Raises 42704 when there is no such access method.
 */
PoHypoIndex *
po_hypo_build_empty(Oid relid, const char *am_name, int ncolumns, int nkeycolumns)
{
	PoHypoIndex *index = palloc0(sizeof(PoHypoIndex));

	index->relid = relid;
	index->am = get_index_am_oid(am_name, false);
	index->am_name = pstrdup(am_name);
	index->ncolumns = ncolumns;
	index->nkeycolumns = nkeycolumns;
	index->keys = palloc0(sizeof(AttrNumber) * ncolumns);
	index->types = palloc0(sizeof(Oid) * ncolumns);
	index->opfamilies = palloc0(sizeof(Oid) * nkeycolumns);
	index->opcintypes = palloc0(sizeof(Oid) * nkeycolumns);
	index->collations = palloc0(sizeof(Oid) * nkeycolumns);
	index->options = palloc0(sizeof(int16) * nkeycolumns);
	index->fillfactor = BTREE_DEFAULT_FILLFACTOR;
	index->deduplicate = true;
	return index;
}

/*
 * Returns the family of a type's default B-tree operator class, InvalidOid for none; sets
 * *input, unless it is NULL, to the class's input type.  The type cache keeps both; looking
 * the class up in the catalog costs more than planning a simple statement.
 */
Oid
po_hypo_build_family(Oid type, Oid *input)
{
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY);

	if (input != NULL)
		*input = entry->btree_opintype;
	return entry->btree_opf;
}

/*
 * Sets one key column's type, collation, operator class and order; InvalidOid stands
 * for the type's default B-tree operator class.
 */
void
po_hypo_build_key(PoHypoIndex *index, int i, Oid type, Oid collation, Oid opclass, int16 options)
{
	index->types[i] = type;
	index->collations[i] = collation;
	if (OidIsValid(opclass))
	{
		index->opfamilies[i] = get_opclass_family(opclass);
		index->opcintypes[i] = get_opclass_input_type(opclass);
	}
	else
		index->opfamilies[i] = po_hypo_build_family(type, &index->opcintypes[i]);
	index->options[i] = options;
}

/*
 * Says whether a column can be a B-tree key: it has a default operator class, is
 * stored, and its values are not expected to be longer than an index entry may be.
 */
bool
po_hypo_build_supported(Oid relid, AttrNumber attnum)
{
	HeapTuple	tuple;
	Form_pg_attribute att;
	bool		ok;

	if (attnum <= 0)
		return false;
	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attnum));
	if (!HeapTupleIsValid(tuple))
		return false;
	att = (Form_pg_attribute) GETSTRUCT(tuple);
	ok = !att->attisdropped && !PO_IS_VIRTUAL_COLUMN(att) &&
		OidIsValid(po_hypo_build_family(att->atttypid, NULL)) &&
		get_attavgwidth(relid, attnum) <= BLCKSZ / 16;
	ReleaseSysCache(tuple);
	return ok;
}

/* Returns the name of the operator class that serves prefix searches whatever the collation. */
static char *
pattern_class(Oid type)
{
	switch (getBaseType(type))
	{
		case VARCHAROID:
			return "varchar_pattern_ops";
		case BPCHAROID:
			return "bpchar_pattern_ops";
		default:
			return "text_pattern_ops";
	}
}

/* Returns the operator class of a column of a key, InvalidOid for its type's default one. */
static Oid
choose_class(int column, Oid type)
{
	if (abs(column) & PO_COLUMN_PATTERN)
		return get_opclass_oid(BTREE_AM_OID,
							   list_make2(makeString("pg_catalog"),
										  makeString(pattern_class(type))),
							   false);
	return InvalidOid;
}

/* Appends the order of a key column where it is not the default. */
static void
append_order(StringInfo ddl, int16 options)
{
	bool		desc = (options & INDOPTION_DESC) != 0;
	bool		nulls_first = (options & INDOPTION_NULLS_FIRST) != 0;

	if (desc)
		appendStringInfoString(ddl, " DESC");
	if (desc != nulls_first)
		appendStringInfoString(ddl, nulls_first ? " NULLS FIRST" : " NULLS LAST");
}

/*
 * Returns the statement that creates a B-tree on a key.  A partitioned table does not
 * support CONCURRENTLY, so its statement goes without.
 */
static char *
columns_definition(const PoHypoIndex *index, const PoKey *key, const PoExpressions *expressions)
{
	StringInfoData ddl;
	bool		partitioned = get_rel_relkind(index->relid) == RELKIND_PARTITIONED_TABLE;

	initStringInfo(&ddl);
	appendStringInfo(&ddl, "CREATE INDEX %sON %s USING %s (", partitioned ? "" : "CONCURRENTLY ",
					 po_relname_qualified(index->relid), quote_identifier(index->am_name));
	for (int i = 0; i < index->nkeycolumns; i++)
	{
		if (i > 0)
			appendStringInfoString(&ddl, ", ");
		appendStringInfoString(&ddl, po_key_column_text(expressions, index->relid, key->columns[i]));
		if (abs(key->columns[i]) & PO_COLUMN_PATTERN)
			appendStringInfo(&ddl, " %s", pattern_class(index->types[i]));
		append_order(&ddl, index->options[i]);
	}
	appendStringInfoChar(&ddl, ')');
	return ddl.data;
}

/* Returns a name that no relation of the table's schema has, made as the server makes it. */
static char *
columns_name(const PoHypoIndex *index)
{
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < index->nkeycolumns; i++)
		appendStringInfo(&columns, "%s%s", i > 0 ? "_" : "",
						 index->keys[i] == 0 ? "expr" : get_attname(index->relid, index->keys[i], false));
	return ChooseRelationName(get_rel_name(index->relid), columns.data, "idx",
							  get_rel_namespace(index->relid), false);
}

/*
 * Describes a B-tree index on a key, in the current memory context; its columns must
 * pass po_hypo_build_supported.  expressions may be NULL when the key has none.  The
 * table must be locked.
 */
PoHypoIndex *
po_hypo_build_columns(Oid relid, const PoKey *key, const PoExpressions *expressions)
{
	int			n = key->ncolumns;
	PoHypoIndex *index = po_hypo_build_empty(relid, "btree", n, n);

	for (int i = 0; i < n; i++)
	{
		int			column = key->columns[i];
		int16		options = column < 0 ? INDOPTION_DESC | INDOPTION_NULLS_FIRST : 0;
		Node	   *node = po_key_column_node(expressions, relid, column);

		if (po_key_column_is_expression(column))
			index->expressions = lappend(index->expressions, node);
		else
			index->keys[i] = (AttrNumber) PO_COLUMN_ATTNUM(column);
		if (abs(column) & PO_COLUMN_NULLS)
			options ^= INDOPTION_NULLS_FIRST;
		po_hypo_build_key(index, i, exprType(node), exprCollation(node),
						  choose_class(column, exprType(node)), options);
	}
	index->definition = columns_definition(index, key, expressions);
	index->name = columns_name(index);
	return index;
}
