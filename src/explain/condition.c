/*
 * condition.c
 *	  The conditions of a node as rules ask for them: read once, and held beside the
 *	  table's indexes.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "explain/condition.h"
#include "rewrite/rewriteManip.h"
#include "utils/rel.h"

/* Tells whether some valid index of the scan's table passes a test. */
bool
po_condition_any_index(const PoNode *node, const PoPredicate *predicate, PoIndexTest test)
{
	Relation	table = table_open(node->relid, AccessShareLock);
	List	   *indexes = RelationGetIndexList(table);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		found = index->rd_index->indisvalid && test(index, predicate, node);
		index_close(index, AccessShareLock);
		if (found)
			break;
	}
	list_free(indexes);
	table_close(table, AccessShareLock);
	return found;
}

/* Passes an index that holds the predicate's expression. */
bool
po_condition_in_index(Relation index, const PoPredicate *predicate, const PoNode *node)
{
	Node	   *expr = copyObject(predicate->operand);
	ListCell   *lc;

	ChangeVarNodes(expr, node->rti, 1, 0);
	foreach(lc, RelationGetIndexExpressions(index))
		if (equal(lfirst(lc), expr))
		return true;
	return false;
}

/* Tells whether the scan is one where a better condition would matter. */
bool
po_condition_is_worth_it(PoAnalysis *analysis, const PoNode *node)
{
	double		tuples;
	double		kept = po_finding_rows(analysis, node);

	if (node->plan == NULL || node->filter == NULL || !po_node_is_scan(node) ||
		!OidIsValid(node->relid))
		return false;

	/*
	 * Where an index finds the rows already, the filter has little left to
	 * remove.
	 */
	if (node->condition != NULL && node->removed_filter < PO_CONDITION_MIN_ROWS * Max(node->loops, 1))
		return false;
	tuples = po_facts_get(analysis, node->relid)->tuples;
	return tuples >= PO_CONDITION_MIN_ROWS && kept <= PO_CONDITION_MAX_KEPT * tuples * Max(node->loops, 1) &&
		!po_finding_repeats(analysis, node->relid);
}

/* Returns the predicates in the filter of a scan, which are read once for all rules. */
List *
po_condition_list(PoAnalysis *analysis, const PoNode *node)
{
	List	  **predicates;

	if (analysis->predicates == NULL)
		analysis->predicates = palloc0(sizeof(List *) * analysis->tree->nnodes);
	predicates = &analysis->predicates[node->id - 1];
	if (*predicates == NIL)
		*predicates = po_predicate_of_scan(node);
	return *predicates;
}

/* Returns the first predicate of a kind in a scan's filter that an index has no answer to. */
PoPredicate *
po_condition_find(PoAnalysis *analysis, const PoNode *node, PoPredicateKind kind)
{
	ListCell   *lc;

	foreach(lc, po_condition_list(analysis, node))
	{
		PoPredicate *predicate = lfirst(lc);

		if (predicate->kind == kind)
			return predicate;
	}
	return NULL;
}

/* Passes a B-tree on all rows that begins with the predicate's column. */
bool
po_condition_leads(Relation index, const PoPredicate *predicate, const PoNode *node)
{
	return index->rd_rel->relam == BTREE_AM_OID && RelationGetIndexPredicate(index) == NIL &&
		index->rd_index->indkey.values[0] == predicate->attnum;
}

/* Tells whether a node joins two others. */
bool
po_condition_is_join(const PoNode *node)
{
	return node->kind == PO_NODE_NESTED_LOOP || node->kind == PO_NODE_HASH_JOIN ||
		node->kind == PO_NODE_MERGE_JOIN;
}
