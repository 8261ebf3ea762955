/*
 * hypo_info.c
 *	  The planner's description of a hypothetical index on one relation.
 *
 * Fills an IndexOptInfo as get_relation_info() does for a real index, from the
 * description in memory.  A partition may have its columns in another order than
 * the partitioned table that the index is declared on, so keys, expressions and
 * predicate are translated by column name.
 */
#include "postgres.h"

#include "access/amapi.h"
#include "access/attmap.h"
#include "access/gist.h"
#include "access/spgist.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "core/compat.h"
#include "core/relname.h"
#include "nodes/makefuncs.h"
#include "plan/hypo_info.h"
#include "plan/size.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* Returns how many columns a table has, dropped ones included. */
static int
column_count(Oid relid)
{
	Relation	table = table_open(relid, NoLock);
	int			n = RelationGetNumberOfAttributes(table);

	table_close(table, NoLock);
	return n;
}

/*
 * Returns a copy of an index's expressions or predicate for the columns of
 * another table, as relation varno of a query; NIL with *ok unset when a
 * whole-row reference makes that impossible.
 */
static List *
translate_expressions(List *expressions, Oid from, Relation to, Index varno, bool *ok)
{
	List	   *copy = copyObject(expressions);

	if (from != RelationGetRelid(to))
	{
		AttrMap    *map = make_attrmap(column_count(from));

		for (int i = 0; i < map->maplen; i++)
			map->attnums[i] = po_relname_column(from, RelationGetRelid(to), i + 1);
		copy = (List *) map_variable_attnos((Node *) copy, 1, 0, map, InvalidOid, ok);
		*ok = !*ok;
		free_attrmap(map);
	}
	if (varno != 1)
		ChangeVarNodes((Node *) copy, 1, varno, 0);
	return copy;
}

/* Builds the list of what each index column holds, from the translated keys and expressions. */
static List *
build_columns(const IndexOptInfo *info, Relation table)
{
	List	   *columns = NIL;
	ListCell   *next = list_head(info->indexprs);

	for (int i = 0; i < info->ncolumns; i++)
	{
		Expr	   *column;

		if (info->indexkeys[i] != 0)
		{
			Form_pg_attribute att = TupleDescAttr(RelationGetDescr(table), info->indexkeys[i] - 1);

			column = (Expr *) makeVar(info->rel->relid, info->indexkeys[i],
									  att->atttypid, att->atttypmod, att->attcollation, 0);
		}
		else
		{
			column = (Expr *) lfirst(next);
			next = lnext(info->indexprs, next);
		}
		columns = lappend(columns, makeTargetEntry(column, i + 1, NULL, false));
	}
	return columns;
}

/* Says whether an index-only scan could return a column; an access method that must open the index cannot. */
static bool
can_return(const PoHypoIndex *index, int column)
{
	Oid			family;
	Oid			type;

	if (index->am == BTREE_AM_OID)
		return true;
	if (index->am != GIST_AM_OID && index->am != SPGIST_AM_OID)
		return false;
	if (column >= index->nkeycolumns)
		return true;
	if (index->am == SPGIST_AM_OID)
		return false;
	family = index->opfamilies[column];
	type = index->opcintypes[column];
	return OidIsValid(get_opfamily_proc(family, type, type, GIST_FETCH_PROC)) ||
		!OidIsValid(get_opfamily_proc(family, type, type, GIST_COMPRESS_PROC));
}

/*
 * Says whether an index can be on one relation of a query: not on a foreign partition,
 * nor on a partitioned table that the query reads alone, which has no rows.
 */
static bool
has_rows(Relation table)
{
	return table->rd_rel->relkind == RELKIND_RELATION || table->rd_rel->relkind == RELKIND_MATVIEW;
}

/* Copies the capabilities of the access method; returns whether it keeps an order. */
static bool
set_capabilities(IndexOptInfo *info, Oid am, Relation table)
{
	const IndexAmRoutine *routine = GetIndexAmRoutineByAmId(am, false);

	info->relam = am;
	info->amcanorderbyop = routine->amcanorderbyop;
	info->amoptionalkey = routine->amoptionalkey;
	info->amsearcharray = routine->amsearcharray;
	info->amsearchnulls = routine->amsearchnulls;
	info->amcanparallel = routine->amcanparallel;
	info->amhasgettuple = (routine->amgettuple != NULL);
	info->amhasgetbitmap = routine->amgetbitmap != NULL && PO_TABLE_HAS_BITMAP_SCAN(table);
	info->amcanmarkpos = (routine->ammarkpos != NULL && routine->amrestrpos != NULL);
	info->amcostestimate = routine->amcostestimate;
	return am == BTREE_AM_OID;
}

/* Sets the key columns' operator families, collations and order. */
static void
set_keys(IndexOptInfo *info, const PoHypoIndex *index, bool ordered)
{
	size_t		oids = sizeof(Oid) * index->nkeycolumns;

	info->indexcollations = memcpy(palloc(oids), index->collations, oids);
	info->opfamily = memcpy(palloc(oids), index->opfamilies, oids);
	info->opcintype = memcpy(palloc(oids), index->opcintypes, oids);
	info->opclassoptions = palloc0(sizeof(bytea *) * index->ncolumns);
	if (!ordered)
		return;
	info->sortopfamily = info->opfamily;
	info->reverse_sort = palloc(sizeof(bool) * index->nkeycolumns);
	info->nulls_first = palloc(sizeof(bool) * index->nkeycolumns);
	for (int i = 0; i < index->nkeycolumns; i++)
	{
		info->reverse_sort[i] = (index->options[i] & INDOPTION_DESC) != 0;
		info->nulls_first[i] = (index->options[i] & INDOPTION_NULLS_FIRST) != 0;
	}
}

/* Sets which columns of the table the index holds; returns false when the table lacks one. */
static bool
set_columns(IndexOptInfo *info, const PoHypoIndex *index, Oid relid)
{
	info->ncolumns = index->ncolumns;
	info->nkeycolumns = index->nkeycolumns;
	info->indexkeys = palloc(sizeof(int) * index->ncolumns);
	info->canreturn = palloc(sizeof(bool) * index->ncolumns);
	for (int i = 0; i < index->ncolumns; i++)
	{
		info->indexkeys[i] = po_relname_column(index->relid, relid, index->keys[i]);
		if (info->indexkeys[i] == InvalidAttrNumber && index->keys[i] != 0)
			return false;
		info->canreturn[i] = can_return(index, i);
	}
	return true;
}

/*
 * Describes a hypothetical index on one relation of a query, without OID and size,
 * in the current memory context.  relid is the index's table or a partition of it,
 * locked by the caller.  Returns NULL when the relation cannot have the index.
 */
IndexOptInfo *
po_hypo_info_describe(const PoHypoIndex *index, Oid relid, RelOptInfo *rel)
{
	IndexOptInfo *info = makeNode(IndexOptInfo);
	Relation	table;
	bool		ok;

	info->rel = rel;
	info->reltablespace = InvalidOid;
	info->hypothetical = true;
	info->unique = index->unique;
	info->immediate = true;
	PO_INFO_SET_NULLS_NOT_DISTINCT(info, index->nulls_not_distinct);
	if (!set_columns(info, index, relid))
		return NULL;

	table = table_open(relid, NoLock);
	ok = has_rows(table);
	if (ok)
	{
		set_keys(info, index, set_capabilities(info, index->am, table));
		info->indexprs = translate_expressions(index->expressions, index->relid, table,
											   rel->relid, &ok);
	}
	if (ok)
		info->indpred = translate_expressions(index->predicate, index->relid, table,
											  rel->relid, &ok);
	if (ok)
		info->indextlist = build_columns(info, table);
	table_close(table, NoLock);
	return ok ? info : NULL;
}

/*
 * Like po_hypo_info_describe, with the size that the planner needs; estimates it on
 * the first call for the table.  A full index has as many entries as the planner
 * thinks that the table has rows.
 */
IndexOptInfo *
po_hypo_info_build(PoHypoIndex *index, Oid relid, RelOptInfo *rel)
{
	IndexOptInfo *info = po_hypo_info_describe(index, relid, rel);
	const PoHypoSize *size;

	if (info == NULL)
		return NULL;
	size = po_size_estimate(index, relid);
	info->pages = size->pages;
	info->tuples = index->predicate == NIL ? rel->tuples : Min(size->tuples, rel->tuples);
	info->tree_height = size->tree_height;
	return info;
}
