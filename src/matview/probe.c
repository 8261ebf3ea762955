/*
 * probe.c
 *	  Looking up many keys in an index of a table.
 *
 * The planner would join the keys with the table by a nested loop, which reads
 * the table's pages in the order of the keys, each as often as a key has a row
 * there.  gather.c reads them in their own order; for that the index scan is
 * made here: the B-tree index whose leading columns are the most keys, or what
 * a key rises with.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "matview/probe.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

/* Adds a condition on column number column (from 0) of the index. */
static void
add_condition(PoProbe *probe, int column, StrategyNumber strategy, Oid operator, AttrNumber wanted)
{
	ScanKeyEntryInitialize(&probe->conditions[probe->nconditions],
						   wanted ? 0 : SK_ISNULL | SK_SEARCHNULL,
						   column + 1, wanted ? strategy : InvalidStrategy, InvalidOid,
						   wanted ? probe->index->rd_indcollation[column] : InvalidOid,
						   wanted ? get_opcode(operator) : InvalidOid, (Datum) 0);
	probe->columns[probe->nconditions++] = wanted;
}

/* Tells whether an index column can be asked with an operator for a value of the operator's type. */
static bool
supports(Relation index, int column, Oid operator, StrategyNumber strategy)
{
	Oid			left;
	Oid			right;

	if (!OidIsValid(operator) ||
		get_op_opfamily_strategy(operator, index->rd_opfamily[column]) != strategy)
		return false;
	op_input_types(operator, &left, &right);
	return left == index->rd_opcintype[column] && right == left;
}

/* Tells whether an index column holds an expression over columns of range table entry varno alone, in the same collation. */
static bool
holds(Relation index, int column, Expr *expr, int varno)
{
	AttrNumber	attribute = index->rd_index->indkey.values[column];
	Oid			collation = index->rd_indcollation[column];
	Node	   *copy;
	int			position = 0;

	if (OidIsValid(collation) && collation != exprCollation((Node *) expr))
		return false;
	if (attribute != InvalidAttrNumber)
		return IsA(expr, Var) && ((Var *) expr)->varno == varno && ((Var *) expr)->varattno == attribute;
	if (!bms_equal(pull_varnos(NULL, (Node *) expr), bms_make_singleton(varno)))
		return false;
	for (int i = 0; i < column; i++)
		if (index->rd_index->indkey.values[i] == InvalidAttrNumber)
			position++;
	copy = copyObject((Node *) expr);
	ChangeVarNodes(copy, varno, 1, 0);
	return equal(eval_const_expressions(NULL, copy), list_nth(RelationGetIndexExpressions(index), position));
}

/* Asks an index column for the key that it is and adds that to matched; returns false when it is none. */
static bool
match_key(PoProbe *probe, int column, List *keys, int varno, Bitmapset **matched)
{
	ListCell   *cell;

	foreach(cell, keys)
	{
		PoProbeKey *key = lfirst(cell);
		Oid			equality = lookup_type_cache(exprType((Node *) key->expr), TYPECACHE_EQ_OPR)->eq_opr;

		if (!holds(probe->index, column, key->expr, varno) ||
			!supports(probe->index, column, equality, BTEqualStrategyNumber))
			continue;
		add_condition(probe, column, BTEqualStrategyNumber, equality,
					  key->isnull ? 0 : foreach_current_index(cell) + 1);
		*matched = bms_add_member(*matched, foreach_current_index(cell));
		return true;
	}
	return false;
}

/* Asks an index column for the bounds of a key that rises with it, and adds that to matched where they tell all; returns false when there is none. */
static bool
match_range(PoProbe *probe, int column, List *keys, int varno, Bitmapset **matched)
{
	ListCell   *cell;

	foreach(cell, keys)
	{
		PoProbeKey *key = lfirst(cell);
		Oid			type = key->range.type;

		if (key->low == 0 || !holds(probe->index, column, key->range.argument, varno) ||
			!supports(probe->index, column, po_range_operator(type, true), BTGreaterEqualStrategyNumber))
			continue;
		if (key->isnull)
			add_condition(probe, column, InvalidStrategy, InvalidOid, 0);
		else
		{
			add_condition(probe, column, BTGreaterEqualStrategyNumber, po_range_operator(type, true), key->low);
			add_condition(probe, column, BTLessEqualStrategyNumber, po_range_operator(type, false), key->low + 1);
		}
		if (key->range.exact)
			*matched = bms_add_member(*matched, foreach_current_index(cell));
		return true;
	}
	return false;
}

/* Tells whether the planner could use an index for the active snapshot without looking at a predicate. */
static bool
is_usable(Relation index)
{
	Form_pg_index form = index->rd_index;

	return index->rd_rel->relam == BTREE_AM_OID && form->indisvalid &&
		RelationGetIndexPredicate(index) == NIL &&
		(!form->indcheckxmin ||
		 TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data), TransactionXmin));
}

/* Makes the conditions for an open index; returns how many keys they narrow, counting an equality twice. */
static int
make_conditions(PoProbe *probe, List *keys, int varno)
{
	Bitmapset  *matched = NULL;
	int			column = 0;
	int			narrowed;

	probe->nconditions = 0;
	while (column < probe->index->rd_index->indnkeyatts && match_key(probe, column, keys, varno, &matched))
		column++;
	narrowed = column * 2;
	if (column < probe->index->rd_index->indnkeyatts && match_range(probe, column, keys, varno, &matched))
		narrowed++;
	probe->exact = bms_num_members(matched) == list_length(keys);
	return narrowed;
}

/* Tells whether an index holds all columns of a set. */
static bool
holds_all(Relation index, Bitmapset *columns)
{
	Bitmapset  *held = NULL;

	for (int i = 0; i < index->rd_index->indnatts; i++)
		if (index->rd_index->indkey.values[i] > 0)
			held = bms_add_member(held, index->rd_index->indkey.values[i]);
	return bms_is_subset(columns, held);
}

/* Returns how good an open index is, 0 for useless; among those that narrow as much, one that holds the used columns. */
static int
score_index(PoProbe *probe, List *keys, int varno, Bitmapset *used)
{
	int			narrowed = is_usable(probe->index) ? make_conditions(probe, keys, varno) : 0;

	return narrowed > 0 ? narrowed * 2 + holds_all(probe->index, used) : 0;
}

/*
 * Chooses an index of a table, which is range table entry varno of what keys
 * (of PoProbeKey) are computed from, perhaps of some of them only, and of whose columns those in used will be
 * read; opens it, and the caller closes it.  Returns false when no index helps.
 */
bool
po_probe_choose(Relation table, int varno, List *keys, Bitmapset *used, PoProbe *probe)
{
	List	   *indexes = RelationGetIndexList(table);
	int			best = 0;
	Oid			chosen = InvalidOid;
	ListCell   *cell;

	foreach(cell, indexes)
	{
		int			score;

		probe->index = index_open(lfirst_oid(cell), AccessShareLock);
		score = score_index(probe, keys, varno, used);
		if (score > best)
			chosen = lfirst_oid(cell);
		best = Max(best, score);
		index_close(probe->index, NoLock);
	}
	list_free(indexes);
	if (!OidIsValid(chosen))
		return false;
	probe->index = index_open(chosen, NoLock);
	(void) make_conditions(probe, keys, varno);
	return true;
}

/* Puts a row of wanted values into the conditions; the values stay the row's. */
void
po_probe_bind(PoProbe *probe, TupleTableSlot *wanted)
{
	for (int i = 0; i < probe->nconditions; i++)
	{
		bool		isnull = true;

		if (probe->columns[i] == 0)
			continue;
		probe->conditions[i].sk_argument = slot_getattr(wanted, probe->columns[i], &isnull);
		if (isnull)
			elog(ERROR, "a key that is not NULL has no value");
	}
}
