/*
 * served.c
 *	  Whether an existing index already serves what a candidate would.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "advisor/served.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_opfamily.h"
#include "core/own.h"
#include "plan/hypo_build.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/*
 * Reads the leading key columns of a real index as a key; those after an expression,
 * an operator class that is neither the type's default nor for patterns, or a
 * collation that is not the column's do not count.
 */
static void
read_key(Relation index, Oid relid, PoKey *key)
{
	Form_pg_index form = index->rd_index;

	key->ncolumns = 0;
	for (int i = 0; i < Min(form->indnkeyatts, PO_KEY_COLUMNS); i++)
	{
		int			column = form->indkey.values[i];
		int16		options = index->rd_indoption[i];
		bool		desc = (options & INDOPTION_DESC) != 0;
		bool		nulls_first = (options & INDOPTION_NULLS_FIRST) != 0;
		Oid			type;
		int32		typmod;
		Oid			collation;

		if (column <= 0)
			return;
		get_atttypetypmodcoll(relid, column, &type, &typmod, &collation);
		if (index->rd_indcollation[i] != collation)
			return;
		if (index->rd_opfamily[i] == TEXT_PATTERN_BTREE_FAM_OID ||
			index->rd_opfamily[i] == BPCHAR_PATTERN_BTREE_FAM_OID)
			column |= PO_COLUMN_PATTERN;
		else if (index->rd_opfamily[i] != po_hypo_build_family(type, NULL))
			return;
		if (desc != nulls_first)
			column |= PO_COLUMN_NULLS;
		key->columns[key->ncolumns++] = desc ? -column : column;
	}
}

/* Says whether a real index is a usable, full B-tree that begins with a key. */
static bool
serves(Oid indexid, Oid relid, const PoKey *key)
{
	Relation	index = index_open(indexid, AccessShareLock);
	PoKey		existing;
	bool		result = false;

	if (index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indisvalid &&
		RelationGetIndexPredicate(index) == NIL)
	{
		read_key(index, relid, &existing);
		result = po_candidate_is_prefix(key, &existing);
	}
	index_close(index, AccessShareLock);
	return result;
}

/* Says whether an index or constraint of the table already serves what a B-tree on a key would. */
bool
po_served_by_existing(Oid relid, const PoKey *key)
{
	Relation	table = table_open(relid, AccessShareLock);
	bool		result = false;
	PoOwnScope	scope;
	ListCell   *lc;

	po_own_become(&scope, table->rd_rel->relowner);
	foreach(lc, RelationGetIndexList(table))
	{
		if (serves(lfirst_oid(lc), relid, key))
		{
			result = true;
			break;
		}
	}
	po_own_end(&scope);
	table_close(table, NoLock);
	return result;
}
