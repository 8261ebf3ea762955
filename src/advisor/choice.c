/*
 * choice.c
 *	  A choice of candidates under construction.
 *
 * What a candidate adds to a choice is asked for with a threshold: as long as what is
 * known puts it below that, nothing is planned.  What is known: a candidate saves a
 * query no more than it saves alone, and no query costs less than with all candidates
 * there.  Likely, it saves only what it saves more than another one on its table.
 * Gains are remembered until a candidate comes or goes that touches them: in a large
 * workload most tables have nothing to do with each other.
 *
 * Two candidates of which one serves all that the other does are never chosen
 * together.  Pure: costs come from the cache's callback.
 */
#include "postgres.h"

#include "advisor/choice.h"

/* Returns an empty choice. */
PoChoice *
po_choice_create(PoSearchState *state)
{
	PoChoice   *choice = palloc0(sizeof(PoChoice));
	PoSet		none = {{0}};

	choice->state = state;
	choice->costs = palloc0(sizeof(double) * (state->problem->nqueries + 1));
	po_choice_set(choice, &none, -1);
	return choice;
}

/* Makes one choice the same as another. */
void
po_choice_assign(PoChoice *choice, const PoChoice *from)
{
	double	   *costs = choice->costs;

	memcpy(costs, from->costs, sizeof(double) * from->state->problem->nqueries);
	*choice = *from;
	choice->costs = costs;
}

/* Returns a copy. */
PoChoice *
po_choice_copy(const PoChoice *choice)
{
	PoChoice   *copy = palloc(sizeof(PoChoice));

	copy->costs = palloc(sizeof(double) * (choice->state->problem->nqueries + 1));
	po_choice_assign(copy, choice);
	return copy;
}

/* Frees a choice. */
void
po_choice_free(PoChoice *choice)
{
	pfree(choice->costs);
	pfree(choice);
}

/* Says whether the caller wants the best so far. */
bool
po_choice_must_stop(PoSearchState *state)
{
	const PoSearchProblem *problem = state->problem;

	if (!state->stopped && problem->stop != NULL && problem->stop(problem->stop_arg))
		state->stopped = true;
	return state->stopped;
}

/* Says whether there are planner calls left for making a whole choice better. */
bool
po_choice_may_go_on(PoSearchState *state)
{
	const PoSearchProblem *problem = state->problem;

	return !po_choice_must_stop(state) &&
		(problem->max_calls <= 0 || problem->cache->calls < problem->max_calls);
}

/* Returns the candidates whose worth may change when one set is chosen instead of another. */
PoSet
po_choice_touched(const PoSearchState *state, const PoSet *before, const PoSet *after)
{
	PoSet		touched = {{0}};

	for (int word = 0; word < PO_SET_WORDS; word++)
	{
		uint64		changed = before->words[word] ^ after->words[word];

		for (int bit = 0; changed != 0; bit++, changed >>= 1)
		{
			if (changed & 1)
				touched = po_set_unite(&touched, &state->touched[word * 64 + bit]);
		}
	}
	return touched;
}

/* Forgets the gains that may be others with this set. */
static void
forget_gains(PoChoice *choice, const PoSet *set)
{
	PoSet		touched = po_choice_touched(choice->state, &choice->set, set);

	for (int i = 0; i < lengthof(choice->known); i++)
		choice->known[i].there = po_set_subtract(&choice->known[i].there, &touched);
}

/* Makes the choice exactly this set, keeping the sequence of what stays; added (or -1) comes last. */
void
po_choice_set(PoChoice *choice, const PoSet *set, int added)
{
	const PoSearchProblem *problem = choice->state->problem;
	bool		known = choice->total != 0;
	PoSet		changed;
	int			kept = 0;

	for (int i = 0; i < PO_SET_WORDS; i++)
		changed.words[i] = set->words[i] ^ choice->set.words[i];
	for (int i = 0; i < choice->n; i++)
	{
		if (po_set_has(set, choice->order[i]))
			choice->order[kept++] = choice->order[i];
	}
	if (added >= 0)
		choice->order[kept++] = added;
	choice->n = kept;
	forget_gains(choice, set);
	choice->set = *set;
	choice->size = 0;
	choice->total = 0;
	for (int i = 0; i < kept; i++)
	{
		choice->size += problem->candidates[choice->order[i]].size;
		choice->total += problem->candidates[choice->order[i]].write_cost;
	}
	for (int q = 0; q < problem->nqueries; q++)
	{
		if (!known || po_set_overlap(&changed, &problem->cache->relevant[q]))
			choice->costs[q] = po_cost_cache_get(problem->cache, q, set, NULL);
		choice->total += problem->weights[q] * choice->costs[q];
	}
}

/* Computes the choice's costs anew, after more became relevant to a query. */
void
po_choice_refresh(PoChoice *choice)
{
	PoSet		set = choice->set;

	choice->total = 0;
	for (int i = 0; i < lengthof(choice->known); i++)
		memset(&choice->known[i].there, 0, sizeof(PoSet));
	po_choice_set(choice, &set, -1);
}

/* Says whether one candidate's index serves all that another's does, on the same table. */
static bool
covers(const PoSearchProblem *problem, int wide, int narrow)
{
	return wide != narrow &&
		problem->candidates[wide].relid == problem->candidates[narrow].relid &&
		po_form_serves(&problem->candidates[wide].form, &problem->candidates[narrow].form);
}

/* Returns the choice's set with one candidate added and those that it covers removed. */
static PoSet
with_candidate(const PoChoice *choice, int candidate, int *n, double *size, double *writes)
{
	const PoSearchProblem *problem = choice->state->problem;
	PoSet		set = choice->set;

	*n = choice->n + 1;
	*size = choice->size + problem->candidates[candidate].size;
	*writes = problem->candidates[candidate].write_cost;
	po_set_add(&set, candidate);
	for (int i = 0; i < choice->n; i++)
	{
		int			other = choice->order[i];

		if (!covers(problem, candidate, other))
			continue;
		po_set_remove(&set, other);
		*n -= 1;
		*size -= problem->candidates[other].size;
		*writes -= problem->candidates[other].write_cost;
	}
	return set;
}

/* Says whether a candidate may be added: not there, not covered, and within the limits. */
bool
po_choice_is_feasible(const PoChoice *choice, int candidate)
{
	const PoSearchProblem *problem = choice->state->problem;
	int			n;
	double		size;
	double		writes;

	if (po_set_has(&choice->set, candidate))
		return false;
	for (int i = 0; i < choice->n; i++)
	{
		if (covers(problem, choice->order[i], candidate))
			return false;
	}
	with_candidate(choice, candidate, &n, &size, &writes);
	return (problem->max_indexes < 0 || n <= problem->max_indexes) &&
		(problem->budget < 0 || size <= problem->budget);
}

/* Returns what a candidate is likely to save one query, or, if the state says so, the most that it could. */
static double
likely_saved(const PoChoice *choice, int query, int candidate)
{
	const PoSearchState *state = choice->state;
	const PoSearchProblem *problem = state->problem;
	double		most = choice->costs[query] - state->floors[query];
	double		alone = state->alone[query][candidate];
	double		there = 0;

	if (!po_set_has(&problem->cache->relevant[query], candidate))
		return 0;
	if (alone <= 0)
		return Max(most, 0);
	for (int i = 0; i < choice->n && !state->strict; i++)
	{
		int			other = choice->order[i];

		if (problem->candidates[other].relid == problem->candidates[candidate].relid)
			there = Max(there, state->alone[query][other]);
	}
	return Max(Min(most, alone - there), 0);
}

/* The sum of what is known and what is likely of a candidate's gain. */
typedef struct Gain
{
	double		sum;
	int			nopen;			/* queries whose share is only likely */
	int		   *open;
} Gain;

/* Adds one query's share. */
static void
add_share(const PoChoice *choice, int query, int candidate, const PoSet *set, Gain *gain)
{
	const PoSearchProblem *problem = choice->state->problem;
	double		cost;

	if (po_cost_cache_find(problem->cache, query, set, &cost))
		gain->sum += problem->weights[query] * (choice->costs[query] - cost);
	else
	{
		gain->sum += problem->weights[query] * likely_saved(choice, query, candidate);
		gain->open[gain->nopen++] = query;
	}
}

/* Adds the shares of the queries that one candidate concerns and that have not been counted. */
static void
add_shares(const PoChoice *choice, int concerning, int candidate, const PoSet *set, Gain *gain)
{
	PoSearchState *state = choice->state;

	for (int i = 0; i < state->nconcerned[concerning]; i++)
	{
		int			q = state->concerned[concerning][i];

		if (state->seen[q] != state->counting)
			add_share(choice, q, candidate, set, gain);
		state->seen[q] = state->counting;
	}
}

/* Computes what po_choice_gain returns; says whether that is exact. */
static bool
compute_gain(const PoChoice *choice, int candidate, double threshold, double *sum)
{
	PoSearchState *state = choice->state;
	const PoSearchProblem *problem = state->problem;
	int			n;
	int			nknown = 0;
	double		size;
	double		writes;
	PoSet		set = with_candidate(choice, candidate, &n, &size, &writes);
	Gain		gain = {-writes, 0, state->open};

	state->counting++;
	add_shares(choice, candidate, candidate, &set, &gain);

	/*
	 * Where others give way, queries may be concerned that the candidate does
	 * not matter to.
	 */
	for (int i = 0; i < choice->n && n <= choice->n; i++)
	{
		if (!po_set_has(&set, choice->order[i]))
			add_shares(choice, choice->order[i], candidate, &set, &gain);
	}
	while (nknown < gain.nopen && gain.sum > threshold)
	{
		int			q = gain.open[nknown++];
		double		cost = po_cost_cache_get(problem->cache, q, &set, NULL);

		gain.sum += problem->weights[q] * (choice->costs[q] - cost - likely_saved(choice, q, candidate));
	}
	*sum = gain.sum;
	return nknown == gain.nopen;
}

/*
 * Returns what adding a candidate saves if that is more than the threshold, else some
 * number up to the threshold that is likely not less.
 */
double
po_choice_gain(PoChoice *choice, int candidate, double threshold)
{
	PoKnownGains *known = &choice->known[choice->state->strict];

	if (po_set_has(&known->there, candidate) &&
		(po_set_has(&known->exact, candidate) || known->gains[candidate] <= threshold))
		return known->gains[candidate];
	if (compute_gain(choice, candidate, threshold, &known->gains[candidate]))
		po_set_add(&known->exact, candidate);
	else
		po_set_remove(&known->exact, candidate);
	po_set_add(&known->there, candidate);
	return known->gains[candidate];
}

/* Adds a candidate and takes out those that it covers. */
void
po_choice_add(PoChoice *choice, int candidate)
{
	int			n;
	double		size;
	double		writes;
	PoSet		set = with_candidate(choice, candidate, &n, &size, &writes);

	po_choice_set(choice, &set, candidate);
}

/* Takes a candidate out. */
void
po_choice_remove(PoChoice *choice, int candidate)
{
	PoSet		set = choice->set;

	po_set_remove(&set, candidate);
	po_choice_set(choice, &set, -1);
}

/* Returns what leaving out a chosen candidate would cost. */
double
po_choice_loss(const PoChoice *choice, int candidate)
{
	const PoSearchProblem *problem = choice->state->problem;
	PoSet		set = choice->set;
	double		loss = -problem->candidates[candidate].write_cost;

	po_set_remove(&set, candidate);
	for (int i = 0; i < choice->state->nconcerned[candidate]; i++)
	{
		int			q = choice->state->concerned[candidate][i];

		loss += problem->weights[q] *
			(po_cost_cache_get(problem->cache, q, &set, NULL) - choice->costs[q]);
	}
	return loss;
}
