/*
 * proof.c
 *	  An index that is proven to make a statement cheaper.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "plan/access.h"
#include "plan/hypo_build.h"
#include "plan/proof.h"
#include "plan/size.h"
#include "plan/whatif.h"

/* Most keys that are tried for one statement and table. */
#define MAX_KEYS 64

/* A further column must save at least this share of the cost to be worth it. */
#define WIDER_GAIN 0.02

/* Tries one form and keeps it in the proof and in *best when it is the best so far. */
static void
try_form(PoStatement *statement, Oid relid, const PoForm *form, PoProof *proof, PoForm *best)
{
	PoHypoIndex *index = po_hypo_build_form(relid, form, NULL);
	List	   *used;
	double		cost = po_whatif_cost(statement, list_make1(index), NIL, &used);
	double		limit = proof->cost_after;

	if (proof->index != NULL && proof->index->ncolumns < index->ncolumns)
		limit -= WIDER_GAIN * proof->cost_after;
	if (used == NIL || cost >= limit)
		return;
	proof->index = index;
	proof->cost_after = cost;
	*best = *form;
}

/* Tries the keys that could serve one access to the table, narrow before wide. */
static void
try_keys(PoStatement *statement, const PoAccess *access, PoProof *proof, PoForm *best)
{
	PoKey		keys[MAX_KEYS];
	int			n = po_candidate_generate(&access->needs, keys, MAX_KEYS);

	for (int width = 1; width <= PO_KEY_COLUMNS; width++)
	{
		for (int i = 0; i < n; i++)
		{
			PoForm		form = {.key = keys[i]};

			CHECK_FOR_INTERRUPTS();
			if (keys[i].ncolumns == width)
				try_form(statement, access->relid, &form, proof, best);
		}
	}
}

/*
 * Finds the B-tree index on a table that makes a statement cheapest: at most three
 * columns, narrow before wide when they cost about the same.  Fills *proof and returns
 * true when the plan would use it and save at least the share min_gain of the cost.
 * relid is the table, or the partitioned table that the statement names; a partition
 * reached through its root has no index of its own.  The proof lives in the current
 * memory context.  Raises what planning raises.
 */
bool
po_proof_find(PoStatement *statement, Oid relid, double min_gain, PoProof *proof)
{
	PoForm		best = {0};
	ListCell   *lc;

	proof->index = NULL;
	proof->size_bytes = 0;
	foreach(lc, po_access_collect(statement, NULL, &proof->cost_before))
	{
		PoAccess   *access = (PoAccess *) lfirst(lc);

		if (access->relid != relid)
			continue;
		if (proof->index == NULL)
			proof->cost_after = proof->cost_before;
		try_keys(statement, access, proof, &best);
	}
	if (proof->index == NULL ||
		proof->cost_before - proof->cost_after < min_gain * proof->cost_before)
		return false;
	po_hypo_build_definition(proof->index, &best, NULL);
	proof->size_bytes = po_size_bytes(proof->index);
	return true;
}
