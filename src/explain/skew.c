/*
 * skew.c
 *	  What an estimate for an unknown value hides.
 *
 * A plan made without values estimates "column = $1" for an average value.  Where one
 * value is far more frequent than the average, a finding that rests on the estimate
 * says so.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_statistic.h"
#include "explain/predicate.h"
#include "explain/skew.h"
#include "nodes/primnodes.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* A value this many times as frequent as the average makes the estimate worthless. */
#define SKEW_FACTOR 10

/* Returns the number of distinct values that the statistics tell, 0 when they do not. */
static double
distinct_values(HeapTuple statistics, double tuples)
{
	double		n = ((Form_pg_statistic) GETSTRUCT(statistics))->stadistinct;

	return n < 0 ? -n * tuples : n;
}

/* Returns the number of distinct values that the statistics tell of a table's column, 0 when they do not. */
double
po_skew_distinct(Oid relid, AttrNumber attnum, double tuples)
{
	HeapTuple	statistics = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid),
											 Int16GetDatum(attnum), BoolGetDatum(false));
	double		distinct;

	if (!HeapTupleIsValid(statistics))
		return 0;
	distinct = distinct_values(statistics, tuples);
	ReleaseSysCache(statistics);
	return distinct;
}

/* Returns the share of the rows that hold a column's most common value, 0 when unknown. */
static double
most_common_share(HeapTuple statistics)
{
	AttStatsSlot slot;
	double		share;

	if (!get_attstatsslot(&slot, statistics, STATISTIC_KIND_MCV, InvalidOid,
						  ATTSTATSSLOT_NUMBERS))
		return 0;
	share = slot.nnumbers > 0 ? slot.numbers[0] : 0;
	free_attstatsslot(&slot);
	return share;
}

/* Tells whether a column is skewed, and how frequent its most common value is. */
static bool
is_skewed(Oid relid, AttrNumber attnum, double tuples, double *share)
{
	HeapTuple	statistics = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid),
											 Int16GetDatum(attnum), BoolGetDatum(false));
	double		distinct;

	if (!HeapTupleIsValid(statistics))
		return false;
	*share = most_common_share(statistics);
	distinct = distinct_values(statistics, tuples);
	ReleaseSysCache(statistics);
	return distinct > 1 && *share >= SKEW_FACTOR / distinct;
}

/* Returns the first predicate that compares a skewed column with a parameter, or NULL. */
static const PoPredicate *
find_skewed(List *predicates, const PoFacts *facts, double *share)
{
	ListCell   *lc;

	foreach(lc, predicates)
	{
		const PoPredicate *predicate = lfirst(lc);

		if (predicate->kind == PO_PREDICATE_EQUAL && predicate->value != NULL &&
			IsA(predicate->value, Param) &&
			((Param *) predicate->value)->paramkind == PARAM_EXTERN &&
			is_skewed(facts->relid, predicate->attnum, facts->tuples, share))
			return predicate;
	}
	return NULL;
}

/*
 * Adds to a finding about a scan of a generic plan that its estimate is for an average
 * value, where the column is skewed.  Tables that the user may not read stay out.
 */
void
po_skew_note(PoAnalysis *analysis, PoFindingDraft *draft)
{
	const PoNode *node;
	const PoPredicate *predicate;
	double		share;

	if (analysis->statement == NULL || draft->finding->node_id == 0 ||
		(analysis->statement->source != PO_SOURCE_GENERIC &&
		 analysis->statement->source != PO_SOURCE_TYPED_GENERIC))
		return;
	node = &analysis->tree->nodes[draft->finding->node_id - 1];
	if (!po_node_is_scan(node) || !OidIsValid(node->relid) ||
		!po_facts_may_read(node->relid))
		return;
	predicate = find_skewed(list_concat(po_predicate_of_scan(node),
										po_predicate_of_index(node)),
							po_facts_get(analysis, node->relid), &share);
	if (predicate == NULL)
		return;
	po_json_text(&draft->evidence, "skewed_column",
				 get_attname(node->relid, predicate->attnum, false));
	po_json_float(&draft->evidence, "most_common_ratio", share);
	draft->finding->advice =
		psprintf("%s The estimate is for an average value of %s: its most common one makes %.0f %% of the rows.",
				 draft->finding->advice, get_attname(node->relid, predicate->attnum, false),
				 share * 100);
}
