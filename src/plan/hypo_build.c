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
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "core/compat.h"
#include "core/relname.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "plan/hypo_build.h"
#include "plan/values.h"
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
	index->statistics = palloc0(sizeof(HeapTuple) * nkeycolumns);
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

/* Appends a column's operator class where it is not the default one. */
static void
append_class(StringInfo ddl, const PoHypoIndex *index, int i, const PoForm *form)
{
	HeapTuple	tuple;
	Form_pg_opclass class;

	if (abs(form->key.columns[i]) & PO_COLUMN_PATTERN)
		appendStringInfo(ddl, " %s", pattern_class(index->types[i]));
	if (form->classes[i] == InvalidOid ||
		form->classes[i] == GetDefaultOpClass(index->types[i], index->am))
		return;
	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(form->classes[i]));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator class %u", form->classes[i]);
	class = (Form_pg_opclass) GETSTRUCT(tuple);
	appendStringInfo(ddl, " %s",
					 class->opcnamespace == PG_CATALOG_NAMESPACE ?
					 quote_identifier(NameStr(class->opcname)) :
					 quote_qualified_identifier(get_namespace_name(class->opcnamespace),
												NameStr(class->opcname)));
	ReleaseSysCache(tuple);
}

/* Appends the columns that an index holds beside its key. */
static void
append_included(StringInfo ddl, const PoHypoIndex *index)
{
	for (int i = index->nkeycolumns; i < index->ncolumns; i++)
		appendStringInfo(ddl, "%s%s", i == index->nkeycolumns ? " INCLUDE (" : ", ",
						 quote_identifier(get_attname(index->relid, index->keys[i], false)));
	if (index->ncolumns > index->nkeycolumns)
		appendStringInfoChar(ddl, ')');
}

/*
 * Returns the statement that creates an index of a form.  A partitioned table does not
 * support CONCURRENTLY, so its statement goes without.
 */
static char *
form_definition(const PoHypoIndex *index, const PoForm *form, const PoExpressions *expressions)
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
		appendStringInfoString(&ddl, po_key_column_text(expressions, index->relid, form->key.columns[i]));
		append_class(&ddl, index, i, form);
		append_order(&ddl, index->options[i]);
	}
	appendStringInfoChar(&ddl, ')');
	append_included(&ddl, index);
	if (form->predicate != 0)
		appendStringInfo(&ddl, " WHERE %s", po_key_column_predicate_text(expressions, form->predicate));
	return ddl.data;
}

/* Returns a name that no relation of the table's schema has, made as the server makes it. */
static char *
choose_name(const PoHypoIndex *index)
{
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < index->ncolumns; i++)
		appendStringInfo(&columns, "%s%s", i > 0 ? "_" : "",
						 index->keys[i] == 0 ? "expr" : get_attname(index->relid, index->keys[i], false));
	return ChooseRelationName(get_rel_name(index->relid), columns.data, "idx",
							  get_rel_namespace(index->relid), false);
}

/* Sets one key column from its number in a form. */
static void
set_key(PoHypoIndex *index, int i, const PoForm *form, const PoExpressions *expressions)
{
	int			column = form->key.columns[i];
	int16		options = column < 0 ? INDOPTION_DESC | INDOPTION_NULLS_FIRST : 0;
	Node	   *node = po_key_column_node(expressions, index->relid, column);

	if (po_key_column_is_expression(column))
	{
		index->expressions = lappend(index->expressions, node);
		index->statistics[i] = po_values_statistics(expressions, index->relid, column);
	}
	else
		index->keys[i] = (AttrNumber) PO_COLUMN_ATTNUM(column);
	if (abs(column) & PO_COLUMN_NULLS)
		options ^= INDOPTION_NULLS_FIRST;
	po_hypo_build_key(index, i, exprType(node), exprCollation(node),
					  OidIsValid(form->classes[i]) ? form->classes[i] :
					  choose_class(column, exprType(node)), options);
}

/*
 * Describes an index of a form, without its texts, in the current memory context.  The
 * columns of a B-tree must pass po_hypo_build_supported; other access methods need
 * their operator classes.  expressions may be NULL when the form refers to none.  The
 * table must be locked.
 */
PoHypoIndex *
po_hypo_build_form(Oid relid, const PoForm *form, const PoExpressions *expressions)
{
	int			n = form->key.ncolumns;
	PoHypoIndex *index = po_hypo_build_empty(relid, form->method == InvalidOid ? "btree" :
											 get_am_name(form->method), n + form->nincluded, n);

	for (int i = 0; i < n; i++)
		set_key(index, i, form, expressions);
	for (int i = 0; i < form->nincluded; i++)
	{
		index->keys[n + i] = (AttrNumber) form->included[i];
		index->types[n + i] = get_atttype(relid, form->included[i]);
	}
	if (form->predicate != 0)
	{
		index->predicate = po_key_column_predicate(expressions, form->predicate);
		index->shares = po_key_column_predicate_shares(expressions, form->predicate);
	}
	return index;
}

/* Sets the statement that creates an index that po_hypo_build_form made of the same form. */
void
po_hypo_build_definition(PoHypoIndex *index, const PoForm *form, const PoExpressions *expressions)
{
	index->definition = form_definition(index, form, expressions);
}

/* Like po_hypo_build_definition, and sets the name, which plans that are shown need. */
void
po_hypo_build_texts(PoHypoIndex *index, const PoForm *form, const PoExpressions *expressions)
{
	po_hypo_build_definition(index, form, expressions);
	index->name = choose_name(index);
}
