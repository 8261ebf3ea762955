/*
 * search.c
 *	  Choosing indexes for a workload within a budget.
 *
 * First it is found out which candidates matter to which query (relevance.c); then a
 * choice is filled greedily and made better (improve.c), once by gain and once by gain
 * per byte, and the cheaper outcome wins.  A small pool is searched exactly.  The
 * outcome is the same each time.  Pure: costs come from the cache's callback.
 */
#include "postgres.h"

#include <float.h>

#include "advisor/choice.h"
#include "advisor/exact.h"
#include "advisor/improve.h"
#include "advisor/relevance.h"

/* Returns the workload's cost under a set of candidates, their maintenance included. */
double
po_search_total(const PoSearchProblem *problem, const PoSet *set)
{
	double		total = 0;

	for (int q = 0; q < problem->nqueries; q++)
		total += problem->weights[q] * po_cost_cache_get(problem->cache, q, set, NULL);
	for (int c = 0; c < problem->ncandidates; c++)
	{
		if (po_set_has(set, c))
			total += problem->candidates[c].write_cost;
	}
	return total;
}

/* Puts the chosen candidates in sequence: each time the one that saves most next. */
static void
sort_choice(PoChoice *choice)
{
	PoChoice   *sorted = po_choice_create(choice->state);

	while (sorted->n < choice->n)
	{
		int			best = -1;
		double		best_gain = 0;

		for (int i = 0; i < choice->n; i++)
		{
			int			c = choice->order[i];
			double		gain;

			if (po_set_has(&sorted->set, c))
				continue;
			gain = po_choice_gain(sorted, c, best < 0 ? -DBL_MAX : best_gain);
			if (best < 0 || gain > best_gain || (gain == best_gain && c < best))
			{
				best = c;
				best_gain = gain;
			}
		}
		po_choice_add(sorted, best);
	}
	memcpy(choice->order, sorted->order, sizeof(int) * choice->n);
	po_choice_free(sorted);
}

/* Runs the whole search by one score. */
static PoChoice *
search_by(PoSearchState *state, bool per_byte)
{
	PoChoice   *choice = po_choice_create(state);

	po_improve_fill(choice, per_byte, -1);
	po_improve_drop(choice);
	po_improve_merge(choice);
	po_improve_exchange(choice);
	po_improve_refill(choice);
	po_improve_fill(choice, per_byte, -1);
	po_improve_drop(choice);
	return choice;
}

/*
 * Makes a choice without further planning: what each query uses with all candidates
 * there, the first queries first, as far as the limits allow.
 */
static PoChoice *
choose_quickly(PoSearchState *state)
{
	const PoSearchProblem *problem = state->problem;
	PoChoice   *choice = po_choice_create(state);
	PoSet		all = po_relevance_all(problem);

	for (int q = 0; q < state->nfloors; q++)
	{
		PoSet		used;

		po_cost_cache_get(problem->cache, q, &all, &used);
		for (int c = 0; c < problem->ncandidates; c++)
		{
			if (po_set_has(&used, c) && po_choice_is_feasible(choice, c))
				po_choice_add(choice, c);
		}
	}
	return choice;
}

/*
 * Collects the candidates that matter to some query; returns their number, or -1 when
 * there are too many for an exact search.
 */
static int
collect_small_pool(const PoSearchProblem *problem, int *pool)
{
	int			n = 0;

	for (int c = 0; c < problem->ncandidates; c++)
	{
		bool		useful = false;

		for (int q = 0; q < problem->nqueries && !useful; q++)
			useful = po_set_has(&problem->cache->relevant[q], c);
		if (!useful)
			continue;
		if (n == PO_EXACT_MAX)
			return -1;
		pool[n++] = c;
	}
	return n;
}

/* Replaces the choice by the best one of a small pool, if that is cheaper; prices count. */
static void
improve_exactly(PoChoice *choice)
{
	const PoSearchProblem *problem = choice->state->problem;
	double		price = problem->min_gain;
	int			pool[PO_EXACT_MAX];
	int			npool = collect_small_pool(problem, pool);
	PoSet		best;

	if (npool < 0 || !po_exact_run(problem, pool, npool, price,
								   choice->total + price * choice->n - 1e-9 * choice->total, &best))
		return;
	choice->n = 0;
	for (int i = 0; i < npool; i++)
	{
		if (po_set_has(&best, pool[i]))
			choice->order[choice->n++] = pool[i];
	}
	po_choice_set(choice, &best, -1);
	po_improve_drop(choice);
}

/* Fills in the result from the choice made. */
static void
fill_result(const PoChoice *choice, PoSearchResult *result)
{
	const PoSearchProblem *problem = choice->state->problem;
	PoSet		set = {{0}};

	result->before = po_search_total(problem, &set);
	result->nchosen = choice->n;
	result->stopped = choice->state->stopped;
	result->chosen = palloc(sizeof(int) * (choice->n + 1));
	result->after = palloc(sizeof(double) * (choice->n + 1));
	for (int i = 0; i < choice->n; i++)
	{
		po_set_add(&set, choice->order[i]);
		result->chosen[i] = choice->order[i];
		result->after[i] = po_search_total(problem, &set);
	}
}

/* Prepares what the search knows before it begins. */
static void
init_state(PoSearchState *state, const PoSearchProblem *problem)
{
	state->problem = problem;
	state->stopped = false;
	state->nfloors = 0;
	state->floors = palloc0(sizeof(double) * (problem->nqueries + 1));
	state->strict = false;
	state->nconcerned = palloc0(sizeof(int) * (problem->ncandidates + 1));
	state->concerned = palloc0(sizeof(int *) * (problem->ncandidates + 1));
	state->alone = palloc(sizeof(double *) * (problem->nqueries + 1));
	state->touched = palloc0(sizeof(PoSet) * (problem->ncandidates + 1));
	state->open = palloc(sizeof(int) * (problem->nqueries + 1));
	state->seen = palloc0(sizeof(int) * (problem->nqueries + 1));
	state->counting = 0;
	for (int q = 0; q < problem->nqueries; q++)
		state->alone[q] = palloc0(sizeof(double) * (problem->ncandidates + 1));
}

/* Returns the cheaper one of two choices, the first when they cost the same. */
static PoChoice *
cheaper(PoChoice *a, PoChoice *b)
{
	return b->total < a->total ? b : a;
}

/*
 * Chooses candidates for the problem.  The result's arrays are palloc'd.  When the
 * problem's stop function says so, the best choice so far is the result.
 */
void
po_search_run(const PoSearchProblem *problem, PoSearchResult *result)
{
	PoSearchState state;
	PoSet	   *relevant;
	PoChoice   *best;

	init_state(&state, problem);
	relevant = po_relevance_prune(&state);
	po_relevance_weigh(&state);
	best = search_by(&state, true);
	if (state.stopped)
		best = cheaper(best, choose_quickly(&state));
	else if (po_choice_may_go_on(&state))
		best = cheaper(best, search_by(&state, false));
	if (!state.stopped)
		improve_exactly(best);
	po_relevance_extend(&state, relevant, &best->set);
	po_choice_refresh(best);
	if (!state.stopped)
	{
		po_improve_drop(best);
		po_improve_shrink(best);
		po_improve_drop(best);
		sort_choice(best);
	}
	fill_result(best, result);
}
