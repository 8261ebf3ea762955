/*
 * relevance.c
 *	  Which candidates matter to which query.
 *
 * Each query is planned with all its candidates there, then again without those that
 * the plans before used, and so on; the rest is of little use to it.  The same with the
 * candidates that include no columns alone and, within a budget, with the keys of one column, since they are the small ones.  What it costs with all there is the least that it can cost.  Pure.
 */
#include "postgres.h"

#include "advisor/relevance.h"

/* That often a query is planned without what it used before. */
#define MAX_LAYERS 6

/* When each query is to be looked at less closely. */
#define MAX_LAYERS_OF_MANY 2

/* As long as it saves this share of what all candidates save. */
#define MIN_LAYER_SHARE 0.01

/* Returns the set of all candidates. */
PoSet
po_relevance_all(const PoSearchProblem *problem)
{
	PoSet		all = {{0}};

	for (int c = 0; c < problem->ncandidates; c++)
		po_set_add(&all, c);
	return all;
}

/* Takes the candidates with included columns, and those with keys wider than that, from a set. */
static PoSet
lean_part(const PoSearchProblem *problem, const PoSet *set, int width)
{
	PoSet		lean = *set;

	for (int c = 0; c < problem->ncandidates; c++)
	{
		if (problem->candidates[c].form.nincluded > 0 || problem->candidates[c].form.key.ncolumns > width)
			po_set_remove(&lean, c);
	}
	return lean;
}

/*
 * Adds to useful those of a set that a query's plan uses, then those that it uses without
 * them, and so on.
 */
static void
peel(PoSearchState *state, int query, PoSet rest, PoSet *useful)
{
	PoCostCache *cache = state->problem->cache;
	PoSet		nothing = {{0}};
	double		none = po_cost_cache_get(cache, query, &nothing, NULL);
	int			max_layers = state->problem->brief ? MAX_LAYERS_OF_MANY : MAX_LAYERS;

	for (int layer = 0; layer < max_layers && !po_choice_must_stop(state); layer++)
	{
		PoSet		used;
		double		cost = po_cost_cache_get(cache, query, &rest, &used);

		if (none - cost < MIN_LAYER_SHARE * (none - state->floors[query]) || cost >= none)
			return;
		for (int i = 0; i < PO_SET_WORDS; i++)
		{
			useful->words[i] |= used.words[i] & rest.words[i];
			rest.words[i] &= ~used.words[i];
		}
	}
}

/* Returns the set of candidates on the table of one. */
static PoSet
on_table_of(const PoSearchProblem *problem, int candidate)
{
	PoSet		set = {{0}};

	for (int c = 0; c < problem->ncandidates; c++)
	{
		if (problem->candidates[c].relid == problem->candidates[candidate].relid)
			po_set_add(&set, c);
	}
	return set;
}

/* Finds for a candidate those that it touches: all on its table, and on the tables of those that matter to the same queries. */
static void
find_touched(PoSearchState *state, int candidate)
{
	const PoSearchProblem *problem = state->problem;
	PoSet		beside = {{0}};
	PoSet		touched = on_table_of(problem, candidate);

	for (int i = 0; i < state->nconcerned[candidate]; i++)
		beside = po_set_unite(&beside, &problem->cache->relevant[state->concerned[candidate][i]]);
	for (int c = 0; c < problem->ncandidates; c++)
	{
		PoSet		table;

		if (!po_set_has(&beside, c) || po_set_has(&touched, c))
			continue;
		table = on_table_of(problem, c);
		touched = po_set_unite(&touched, &table);
	}
	state->touched[candidate] = touched;
}

/* Lists for each candidate the queries that it matters to, and finds what it touches. */
static void
list_concerned(PoSearchState *state)
{
	const PoSearchProblem *problem = state->problem;

	for (int c = 0; c < problem->ncandidates; c++)
	{
		int			n = 0;

		for (int q = 0; q < problem->nqueries; q++)
			n += po_set_has(&problem->cache->relevant[q], c);
		state->concerned[c] = palloc(sizeof(int) * (n + 1));
		state->nconcerned[c] = 0;
		for (int q = 0; q < problem->nqueries; q++)
		{
			if (po_set_has(&problem->cache->relevant[q], c))
				state->concerned[c][state->nconcerned[c]++] = q;
		}
		find_touched(state, c);
	}
}

/*
 * Takes out the candidates that cannot save what an index must save: no query costs less
 * than its floor, whatever is there.
 */
static void
drop_hopeless(PoSearchState *state)
{
	const PoSearchProblem *problem = state->problem;
	PoSet		none = {{0}};

	list_concerned(state);
	for (int c = 0; c < problem->ncandidates; c++)
	{
		double		most = -problem->candidates[c].write_cost;

		for (int i = 0; i < state->nconcerned[c]; i++)
		{
			int			q = state->concerned[c][i];

			most += problem->weights[q] * (po_cost_cache_get(problem->cache, q, &none, NULL) - state->floors[q]);
		}
		for (int i = 0; i < state->nconcerned[c] && most < problem->min_gain; i++)
			po_set_remove(&problem->cache->relevant[state->concerned[c][i]], c);
	}
}

/*
 * Takes from what is relevant to each query the candidates that are of little use to it,
 * and fills in the floors.  Returns what was relevant before.
 */
PoSet *
po_relevance_prune(PoSearchState *state)
{
	const PoSearchProblem *problem = state->problem;
	PoCostCache *cache = problem->cache;
	PoSet	   *before = palloc(sizeof(PoSet) * (problem->nqueries + 1));
	PoSet		all = po_relevance_all(problem);

	memcpy(before, cache->relevant, sizeof(PoSet) * problem->nqueries);
	for (int q = 0; q < problem->nqueries && !po_choice_must_stop(state); q++)
	{
		state->floors[q] = po_cost_cache_get(cache, q, &all, NULL);
		state->nfloors++;
	}
	for (int q = 0; q < problem->nqueries && !po_choice_must_stop(state); q++)
	{
		PoSet		rest = po_set_intersect(&all, &cache->relevant[q]);
		PoSet		useful = {{0}};

		peel(state, q, rest, &useful);
		peel(state, q, lean_part(problem, &rest, PO_KEY_COLUMNS), &useful);
		if (problem->budget >= 0 && !problem->brief)
			peel(state, q, lean_part(problem, &rest, 1), &useful);
		if (!state->stopped)
			cache->relevant[q] = useful;
	}
	if (!state->stopped)
		drop_hopeless(state);
	return before;
}

/* Fills in what each candidate saves each query alone; 0 for what is not reached before a stop.  Lists whom each concerns. */
void
po_relevance_weigh(PoSearchState *state)
{
	const PoSearchProblem *problem = state->problem;
	PoSet		none = {{0}};

	list_concerned(state);
	for (int q = 0; q < problem->nqueries; q++)
	{
		double		before = po_cost_cache_get(problem->cache, q, &none, NULL);

		for (int c = 0; c < problem->ncandidates && !po_choice_must_stop(state); c++)
		{
			PoSet		alone = {{0}};

			if (!po_set_has(&problem->cache->relevant[q], c))
				continue;
			po_set_add(&alone, c);
			state->alone[q][c] = before - po_cost_cache_get(problem->cache, q, &alone, NULL);
		}
	}
}

/*
 * Adds to what matters to each query the candidates of a choice that its plan uses
 * although they were pruned; before is what po_relevance_prune returned.
 */
void
po_relevance_extend(PoSearchState *state, const PoSet *before, const PoSet *chosen)
{
	const PoSearchProblem *problem = state->problem;
	PoCostCache *cache = problem->cache;

	for (int q = 0; q < problem->nqueries; q++)
	{
		PoSet		pruned = cache->relevant[q];
		PoSet		used;

		cache->relevant[q] = before[q];
		po_cost_cache_get(cache, q, chosen, &used);
		for (int i = 0; i < PO_SET_WORDS; i++)
			pruned.words[i] |= used.words[i];
		cache->relevant[q] = pruned;
	}
	list_concerned(state);
}
