/*
 * exact.c
 *	  The best choice of a small pool of candidates.
 *
 * Branch and bound: each candidate is taken or left in turn.  More indexes never make
 * the queries dearer, so what the workload costs with all candidates that are still
 * open is the least that the branch can come to; a branch that cannot beat the best
 * choice so far is cut.  Pure.
 */
#include "postgres.h"

#include "advisor/exact.h"

/* The state of the search. */
typedef struct Exact
{
	const PoSearchProblem *problem;
	const int  *pool;
	int			npool;
	double		price;			/* of each index, beside what it costs the
								 * writers */
	double		best_cost;
	PoSet		best;
	bool		found;
	bool		stopped;
} Exact;

/* Returns what the queries cost with a set, writes and prices left out. */
static double
query_cost(const PoSearchProblem *problem, const PoSet *set)
{
	double		cost = po_search_total(problem, set);

	for (int c = 0; c < problem->ncandidates; c++)
	{
		if (po_set_has(set, c))
			cost -= problem->candidates[c].write_cost;
	}
	return cost;
}

/* Says whether a candidate may stand beside those of a set: neither serves what the other does. */
static bool
is_compatible(const Exact *exact, const PoSet *set, int candidate)
{
	const PoSearchCandidate *candidates = exact->problem->candidates;

	for (int i = 0; i < exact->npool; i++)
	{
		int			other = exact->pool[i];

		if (po_set_has(set, other) && candidates[other].relid == candidates[candidate].relid &&
			(po_form_serves(&candidates[other].form, &candidates[candidate].form) ||
			 po_form_serves(&candidates[candidate].form, &candidates[other].form)))
			return false;
	}
	return true;
}

/*
 * Decides about the candidates from a position of the pool on.  set holds what was
 * taken, with its number, size and fixed costs.
 */
static void
branch(Exact *exact, int position, const PoSet *set, int n, double size, double fixed)
{
	const PoSearchProblem *problem = exact->problem;
	PoSet		open = *set;
	PoSet		with = *set;
	int			candidate;

	if (exact->stopped || (problem->stop != NULL && problem->stop(problem->stop_arg)))
	{
		exact->stopped = true;
		return;
	}
	for (int i = position; i < exact->npool; i++)
		po_set_add(&open, exact->pool[i]);
	if (query_cost(problem, &open) + fixed >= exact->best_cost)
		return;
	if (position == exact->npool)
	{
		exact->best = *set;
		exact->best_cost = query_cost(problem, set) + fixed;
		exact->found = true;
		return;
	}
	candidate = exact->pool[position];
	size += problem->candidates[candidate].size;
	if ((problem->max_indexes < 0 || n < problem->max_indexes) &&
		(problem->budget < 0 || size <= problem->budget) && is_compatible(exact, set, candidate))
	{
		po_set_add(&with, candidate);
		branch(exact, position + 1, &with, n + 1, size,
			   fixed + problem->candidates[candidate].write_cost + exact->price);
	}
	branch(exact, position + 1, set, n, size - problem->candidates[candidate].size, fixed);
}

/*
 * Finds the choice from a pool of at most PO_EXACT_MAX candidates that costs least, each
 * index counted with a price, and less than limit; returns false when there is none or
 * the problem's stop function ended the search.
 */
bool
po_exact_run(const PoSearchProblem *problem, const int *pool, int npool,
			 double price, double limit, PoSet *best)
{
	Exact		exact = {problem, pool, npool, price, limit};
	PoSet		none = {{0}};

	Assert(npool <= PO_EXACT_MAX);
	branch(&exact, 0, &none, 0, 0, 0);
	*best = exact.best;
	return exact.found && !exact.stopped;
}
