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

/* Returns what one index more must save to be worth having: never quite nothing. */
static double
index_price(const PoSearchProblem *problem)
{
	return Max(problem->min_gain, problem->min_price);
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

#define T(x) elog(DEBUG1, "%s calls %d total %.0f n %d", x, (int) state->problem->cache->calls, choice->total, choice->n)
	T("start");
	po_improve_fill(choice, per_byte, -1);
	T("fill");
	po_improve_drop(choice);
	T("drop");
	po_improve_merge(choice);
	T("merge");
	po_improve_exchange(choice);
	T("exch");
	po_improve_refill(choice);
	T("refill");
	po_improve_fill(choice, per_byte, -1);
	po_improve_drop(choice);
	T("fill");
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
	double		price = index_price(problem);
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
	state->floors = palloc0(sizeof(double) * (problem->nqueries + 1));
	state->strict = false;
	state->nconcerned = palloc0(sizeof(int) * (problem->ncandidates + 1));
	state->concerned = palloc0(sizeof(int *) * (problem->ncandidates + 1));
	state->alone = palloc(sizeof(double *) * (problem->nqueries + 1));
	for (int q = 0; q < problem->nqueries; q++)
		state->alone[q] = palloc0(sizeof(double) * (problem->ncandidates + 1));
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
	elog(DEBUG1, "peeled %d", (int) problem->cache->calls);
	{int p=0; for (int q=0;q<problem->nqueries;q++) for (int c=0;c<problem->ncandidates;c++) p+=po_set_has(&problem->cache->relevant[q],c);
	elog(DEBUG1, "pairs %d", p);}
	po_relevance_weigh(&state);
	best = search_by(&state, true);
	if (po_choice_may_go_on(&state))
	{
		PoChoice   *other = search_by(&state, false);

		if (other->total < best->total)
			best = other;
	}
	if (!state.stopped)
		improve_exactly(best);
	memcpy(problem->cache->relevant, relevant, sizeof(PoSet) * problem->nqueries);
	if (!state.stopped)
		sort_choice(best);
	fill_result(best, result);
}
