/*
 * served.c
 *	  What the existing indexes of a table already serve.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "advisor/served.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_opfamily.h"
#include "commands/defrem.h"
#include "core/own.h"
#include "nodes/nodeFuncs.h"
#include "plan/hypo_build.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Returns the operator class of a key column. */
static Oid
class_of(Relation index, int i)
{
	bool		isnull;
	Datum		classes = SysCacheGetAttr(INDEXRELID, index->rd_indextuple, Anum_pg_index_indclass, &isnull);

	return ((oidvector *) DatumGetPointer(classes))->values[i];
}

/* Sets the operator class of a key column in the form; returns false when it cannot be told. */
static bool
read_class(Relation index, int i, Oid type, PoForm *form)
{
	if (index->rd_rel->relam != BTREE_AM_OID)
		form->classes[i] = class_of(index, i);
	else if (index->rd_opfamily[i] == TEXT_PATTERN_BTREE_FAM_OID ||
			 index->rd_opfamily[i] == BPCHAR_PATTERN_BTREE_FAM_OID)
		form->key.columns[i] |= PO_COLUMN_PATTERN;
	else
		return index->rd_opfamily[i] == po_hypo_build_family(type, NULL);
	return true;
}

/* Sets one key column of the form, as a B-tree's with its order; returns false when it has none in a form. */
static bool
read_column(Relation index, int i, Oid relid, List *nodes, PoExpressions *expressions, PoForm *form)
{
	int16		options = index->rd_indoption[i];
	bool		desc = (options & INDOPTION_DESC) != 0;
	bool		nulls_first = (options & INDOPTION_NULLS_FIRST) != 0;
	int			column = index->rd_index->indkey.values[i];
	Node	   *node;

	if (column == 0)
		column = po_key_column_add(expressions, relid, (Node *) list_nth(nodes, 0), 1);
	if (column <= 0)
		return false;
	form->key.columns[i] = column;
	node = po_key_column_node(expressions, relid, column);
	if (index->rd_indcollation[i] != exprCollation(node) ||
		!read_class(index, i, exprType(node), form))
		return false;
	if (desc != nulls_first)
		form->key.columns[i] |= PO_COLUMN_NULLS;
	if (desc)
		form->key.columns[i] = -form->key.columns[i];
	form->key.ncolumns++;
	return true;
}

/* Sets the columns that an index holds beside the key columns of its form; returns false when it holds more than a form can. */
static bool
read_included(Relation index, PoForm *form)
{
	Form_pg_index shape = index->rd_index;
	int			columns[INDEX_MAX_KEYS];
	int			n = 0;

	/*
	 * What a B-tree has in its key but not in the form's it holds all the
	 * same.
	 */
	for (int i = form->key.ncolumns; i < shape->indnatts; i++)
	{
		if (shape->indkey.values[i] > 0)
			columns[n++] = shape->indkey.values[i];
	}
	return po_form_include(form, columns, n);
}

/* Fills in the form of a real index as far as forms go; says whether it is all of it. */
static bool
read_form(Relation index, Oid relid, PoExpressions *expressions, PoForm *form)
{
	Form_pg_index shape = index->rd_index;
	List	   *nodes = RelationGetIndexExpressions(index);
	List	   *predicate = RelationGetIndexPredicate(index);
	bool		whole = true;

	memset(form, 0, sizeof(PoForm));
	if (index->rd_rel->relam != BTREE_AM_OID)
		form->method = index->rd_rel->relam;
	if (predicate != NIL)
		form->predicate = po_key_column_add_predicate(expressions, relid, predicate, 1);
	for (int i = 0; i < shape->indnkeyatts && whole; i++)
	{
		whole = i < PO_KEY_COLUMNS && read_column(index, i, relid, nodes, expressions, form);
		if (whole && shape->indkey.values[i] == 0)
			nodes = list_delete_first(nodes);
	}
	if (!whole && form->key.ncolumns < PO_KEY_COLUMNS)
	{
		int			n = form->key.ncolumns;

		form->key.columns[n] = 0;
		form->classes[n] = 0;
	}
	return read_included(index, form) && whole;
}

/*
 * Says whether an index can be dropped without loss once another one serves its form:
 * it enforces nothing and nothing depends on it.
 */
static bool
is_droppable(Relation index)
{
	Form_pg_index shape = index->rd_index;

	return !shape->indisunique && !shape->indisexclusion && !shape->indisclustered &&
		!shape->indisreplident && !OidIsValid(get_index_constraint(RelationGetRelid(index))) &&
		!index->rd_rel->relispartition;
}

/* Reads the usable indexes of a table as a list of PoExisting, in the current memory context. */
List *
po_served_read(Oid relid, PoExpressions *expressions)
{
	Relation	table = table_open(relid, AccessShareLock);
	List	   *result = NIL;
	PoOwnScope	scope;
	ListCell   *lc;

	po_own_become(&scope, table->rd_rel->relowner);
	foreach(lc, RelationGetIndexList(table))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		PoExisting *existing = palloc0(sizeof(PoExisting));

		existing->indexid = lfirst_oid(lc);
		existing->whole = read_form(index, relid, expressions, &existing->form) && is_droppable(index);
		if (index->rd_index->indisvalid && existing->form.key.ncolumns > 0)
			result = lappend(result, existing);
		index_close(index, AccessShareLock);
	}
	po_own_end(&scope);
	table_close(table, NoLock);
	return result;
}

/* Says whether a B-tree, by its first column, does as well as a hash or block range index of a form. */
static bool
serves_as_tree(const PoForm *tree, const PoForm *form)
{
	return (form->method == HASH_AM_OID || form->method == BRIN_AM_OID) &&
		tree->method == InvalidOid && tree->predicate == 0 && form->predicate == 0 &&
		PO_COLUMN_ATTNUM(tree->key.columns[0]) == form->key.columns[0];
}

/* Says whether one of the existing indexes already serves what an index of a form would. */
bool
po_served_by(const List *existing, const PoForm *form)
{
	ListCell   *lc;

	foreach(lc, existing)
	{
		const PoForm *other = &((const PoExisting *) lfirst(lc))->form;

		if (po_form_serves(other, form) || serves_as_tree(other, form))
			return true;
	}
	return false;
}

/* Returns the OIDs of those existing indexes that nobody needs once there is an index of a form. */
List *
po_served_superfluous(const List *existing, const PoForm *form)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, existing)
	{
		const PoExisting *index = (const PoExisting *) lfirst(lc);

		if (index->whole && po_form_serves(form, &index->form))
			result = lappend_oid(result, index->indexid);
	}
	return result;
}
