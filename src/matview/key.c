/*
 * key.c
 *	  The columns of a materialized view that its query makes unique.
 *
 * Only what the query proves: DISTINCT and UNION make rows unique, GROUP BY
 * makes its keys unique when all of them are output, an aggregate without GROUP
 * BY gives one row, and a query of one relation keeps that relation's primary
 * key.  Subqueries and views that are the only thing in FROM are looked into.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "commands/defrem.h"
#include "core/compat.h"
#include "matview/key.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

static List *unique_outputs(Query *query);

/* Returns the output column (from 1) that holds the same expression as tle, or 0. */
static AttrNumber
output_of(TargetEntry *tle, List *target_list)
{
	ListCell   *cell;

	if (!tle->resjunk)
		return tle->resno;
	foreach(cell, target_list)
	{
		TargetEntry *other = lfirst_node(TargetEntry, cell);

		if (!other->resjunk && equal(other->expr, tle->expr))
			return other->resno;
	}
	return 0;
}

/* Returns the output columns of a DISTINCT or GROUP BY list; NIL when one is not output. */
static List *
outputs_of_clause(List *clauses, List *target_list)
{
	List	   *outputs = NIL;
	ListCell   *cell;

	foreach(cell, clauses)
	{
		TargetEntry *tle = get_sortgroupclause_tle(lfirst_node(SortGroupClause, cell), target_list);
		AttrNumber	output = output_of(tle, target_list);

		if (output == 0)
			return NIL;
		outputs = list_append_unique_int(outputs, output);
	}
	return outputs;
}

/* Returns all output columns of a query. */
static List *
all_outputs(List *target_list)
{
	List	   *outputs = NIL;
	ListCell   *cell;

	foreach(cell, target_list)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, cell);

		if (!tle->resjunk)
			outputs = lappend_int(outputs, tle->resno);
	}
	return outputs;
}

/* Returns the output columns that hold the given columns of FROM item varno; NIL when one lacks. */
static List *
outputs_of_vars(List *attnos, int varno, List *target_list)
{
	List	   *outputs = NIL;
	ListCell   *wanted;
	ListCell   *cell;

	foreach(wanted, attnos)
	{
		AttrNumber	output = 0;

		foreach(cell, target_list)
		{
			TargetEntry *tle = lfirst_node(TargetEntry, cell);
			Var		   *var = (Var *) tle->expr;

			if (!tle->resjunk && output == 0 && IsA(var, Var) && var->varno == varno &&
				var->varlevelsup == 0 && var->varattno == lfirst_int(wanted))
				output = tle->resno;
		}
		if (output == 0)
			return NIL;
		outputs = lappend_int(outputs, output);
	}
	return outputs;
}

/* Returns the columns of a table's primary key; NIL when it has none that holds for all rows read. */
static List *
primary_key_columns(RangeTblEntry *rte)
{
	Oid			constraint;
	Bitmapset  *offsets;
	List	   *columns = NIL;
	int			offset = -1;

	if (rte->relkind == RELKIND_RELATION && rte->inh && has_subclass(rte->relid))
		return NIL;				/* the children's rows are not under the
								 * parent's key */
	offsets = get_primary_key_attnos(rte->relid, false, &constraint);
	while ((offset = bms_next_member(offsets, offset)) >= 0)
		columns = lappend_int(columns, offset + FirstLowInvalidHeapAttributeNumber);
	return columns;
}

/* Returns the unique columns of a view's query. */
static List *
view_columns(Oid view)
{
	Relation	rel = table_open(view, AccessShareLock);
	List	   *columns = unique_outputs(get_view_query(rel));

	table_close(rel, AccessShareLock);
	return columns;
}

/* Returns the unique columns of a FROM item, as its column numbers. */
static List *
unique_columns_of_item(RangeTblEntry *rte)
{
	if (rte->rtekind == RTE_SUBQUERY)
		return unique_outputs(rte->subquery);
	if (rte->rtekind != RTE_RELATION)
		return NIL;
	if (rte->relkind == RELKIND_VIEW)
		return view_columns(rte->relid);
	if (rte->relkind == RELKIND_RELATION || rte->relkind == RELKIND_PARTITIONED_TABLE)
		return primary_key_columns(rte);
	return NIL;
}

/* Returns the unique output columns of a plain query of one FROM item. */
static List *
unique_outputs_of_single(Query *query)
{
	List	   *from = query->jointree->fromlist;
	RangeTblRef *ref;

	if (list_length(from) != 1 || !IsA(linitial(from), RangeTblRef))
		return NIL;
	ref = linitial_node(RangeTblRef, from);
	return outputs_of_vars(unique_columns_of_item(rt_fetch(ref->rtindex, query->rtable)),
						   ref->rtindex, query->targetList);
}

/* Returns output columns of a query of which no two rows agree; NIL when not provable. */
static List *
unique_outputs(Query *query)
{
	check_stack_depth();
	if (query->setOperations)
		return castNode(SetOperationStmt, query->setOperations)->all ? NIL :
			all_outputs(query->targetList);
	if (query->distinctClause)
		return outputs_of_clause(query->distinctClause, query->targetList);
	if (query->hasTargetSRFs || query->groupingSets)
		return NIL;
	if (query->groupClause)
		return outputs_of_clause(query->groupClause, query->targetList);
	if (query->hasAggs || query->havingQual)
		return list_make1_int(1);
	return unique_outputs_of_single(query);
}

/* expression_tree_walker callback: tells whether a join tree holds an outer join. */
static bool
has_outer_join(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, JoinExpr) && IS_OUTER_JOIN(((JoinExpr *) node)->jointype))
		return true;
	return expression_tree_walker(node, has_outer_join, context);
}

/* Tells whether an output column is a NOT NULL column of a table that no outer join touches. */
static bool
is_never_null(Query *query, AttrNumber output)
{
	TargetEntry *tle = get_tle_by_resno(query->targetList, output);
	Var		   *var = (Var *) PO_FLATTEN_GROUP_EXPRS(query, (Node *) tle->expr);
	RangeTblEntry *rte;
	HeapTuple	tuple;
	bool		not_null;

	if (query->setOperations || query->groupingSets || !IsA(var, Var) || var->varlevelsup > 0 ||
		has_outer_join((Node *) query->jointree, NULL))
		return false;
	rte = rt_fetch(var->varno, query->rtable);
	if (rte->rtekind != RTE_RELATION)
		return false;
	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(rte->relid), Int16GetDatum(var->varattno));
	if (!HeapTupleIsValid(tuple))
		return false;
	not_null = ((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull;
	ReleaseSysCache(tuple);
	return not_null;
}

/* Tells whether B-tree can index all these columns of a view. */
static bool
is_indexable(Relation matview, List *outputs)
{
	ListCell   *cell;

	if (list_length(outputs) > INDEX_MAX_KEYS)
		return false;
	foreach(cell, outputs)
	{
		Oid			type = TupleDescAttr(RelationGetDescr(matview), lfirst_int(cell) - 1)->atttypid;

		if (!OidIsValid(GetDefaultOpClass(type, BTREE_AM_OID)))
			return false;
	}
	return true;
}

/* Adds output columns to a key. */
static void
add_columns(Relation matview, Query *query, List *outputs, PoKey *key)
{
	ListCell   *cell;

	foreach(cell, outputs)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(matview), lfirst_int(cell) - 1);

		key->columns = lappend(key->columns, pstrdup(NameStr(att->attname)));
		if (!is_never_null(query, lfirst_int(cell)))
			key->may_be_null = true;
	}
}

/*
 * Fills *key with the columns that a materialized view's query makes unique and
 * a B-tree index can hold.  The relation is known to be a materialized view; its
 * lock is taken and released.
 */
void
po_key_find(Oid matview, PoKey *key)
{
	Relation	rel = table_open(matview, AccessShareLock);
	Query	   *query = linitial_node(Query, rel->rd_rules->rules[0]->actions);
	List	   *outputs = unique_outputs(query);

	key->columns = NIL;
	key->may_be_null = false;
	if (is_indexable(rel, outputs))
		add_columns(rel, query, outputs, key);
	table_close(rel, AccessShareLock);
}
