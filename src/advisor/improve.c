/*
 * improve.c
 *	  Building a choice of candidates, and making it better.
 *
 * A choice is filled greedily, by gain or by gain per byte; then what is no longer
 * worth its place is dropped, one candidate takes the place of two, one is exchanged
 * for another, and where a limit binds one is taken out and its place filled anew.
 * Ties go to the lower number, so the outcome is the same each time.  Pure.
 */
#include "postgres.h"

#include <float.h>

#include "advisor/improve.h"

/* Whole choices are made better in at most this many rounds. */
#define MAX_ROUNDS 16

/* A smaller candidate takes the place of one when its size is at most this share. */
#define MAX_SHRUNK 0.8

/* And when the workload's cost grows by no more than this share. */
#define MAX_RISE 0.25

/* Returns the size that a gain is divided by. */
static double
divisor(const PoChoice *choice, int candidate, bool per_byte)
{
	return per_byte ? Max(choice->state->problem->candidates[candidate].size, 1) : 1;
}

/*
 * Returns the candidate with the best score, or -1 when none saves enough.  bounds are
 * the most that each can save, and are lowered to what is found out.
 */
static int
best_candidate(PoChoice *choice, double *bounds, bool per_byte, int banned)
{
	const PoSearchProblem *problem = choice->state->problem;
	int			best = -1;
	double		best_score = 0;
	bool	   *done = palloc0(sizeof(bool) * (problem->ncandidates + 1));

	for (;;)
	{
		int			next = -1;
		double		next_score = best_score;
		double		least;

		for (int c = 0; c < problem->ncandidates; c++)
		{
			double		score = bounds[c] / divisor(choice, c, per_byte);

			if (!done[c] && c != banned && bounds[c] >= problem->min_gain && score > next_score &&
				po_choice_is_feasible(choice, c))
			{
				next = c;
				next_score = score;
			}
		}
		if (next < 0 || po_choice_must_stop(choice->state))
			break;
		done[next] = true;
		least = Max(best_score * divisor(choice, next, per_byte), problem->min_gain);
		bounds[next] = po_choice_gain(choice, next, least);
		if (bounds[next] > 0 && bounds[next] >= problem->min_gain &&
			bounds[next] / divisor(choice, next, per_byte) > best_score)
		{
			best = next;
			best_score = bounds[next] / divisor(choice, next, per_byte);
		}
	}
	pfree(done);
	return best;
}

/* Sets the bounds to what is known without planning. */
static void
reset_bounds(PoChoice *choice, double *bounds)
{
	for (int c = 0; c < choice->state->problem->ncandidates; c++)
		bounds[c] = po_choice_gain(choice, c, DBL_MAX);
}

/*
 * Adds candidates, best score first, until none saves enough; never the banned one (-1:
 * none is).  Gains only fall as more are there (almost: two can need each other), so
 * before giving up all are looked at anew; and after those that are likely to save
 * something come those that could.
 */
void
po_improve_fill(PoChoice *choice, bool per_byte, int banned)
{
	PoSearchState *state = choice->state;
	double	   *bounds = palloc(sizeof(double) * (state->problem->ncandidates + 1));
	bool		added = true;

	while (added && !po_choice_must_stop(state))
	{
		int			c;

		added = false;
		reset_bounds(choice, bounds);
		while ((c = best_candidate(choice, bounds, per_byte, banned)) >= 0)
		{
			po_choice_add(choice, c);
			added = true;
		}
		if (!added && !state->strict && po_choice_may_go_on(state))
		{
			state->strict = true;
			po_improve_fill(choice, per_byte, banned);
			state->strict = false;
		}
	}
	pfree(bounds);
}

/* Leaves out, least valuable first, what no longer saves enough. */
void
po_improve_drop(PoChoice *choice)
{
	while (choice->n > 0 && !po_choice_must_stop(choice->state))
	{
		int			worst = -1;
		double		worst_loss = choice->state->problem->min_gain;

		for (int i = 0; i < choice->n; i++)
		{
			double		loss = po_choice_loss(choice, choice->order[i]);

			if (loss < worst_loss || loss <= 0)
			{
				worst = choice->order[i];
				worst_loss = loss;
			}
		}
		if (worst < 0)
			return;
		po_choice_remove(choice, worst);
	}
}

/*
 * Looks for the candidate that adds most to a choice, more than least, on one table or
 * (0) on any; returns -1 when there is none.
 */
static int
best_addition(PoChoice *choice, double least, unsigned int relid, int banned)
{
	const PoSearchProblem *problem = choice->state->problem;
	int			best = -1;

	for (int c = 0; c < problem->ncandidates && !po_choice_must_stop(choice->state); c++)
	{
		double		gain;

		if (c == banned || (relid != 0 && problem->candidates[c].relid != relid) ||
			!po_choice_is_feasible(choice, c))
			continue;
		gain = po_choice_gain(choice, c, least);
		if (gain > least)
		{
			best = c;
			least = gain;
		}
	}
	return best;
}

/* Tries to exchange one chosen candidate for one that saves more; says whether it did. */
static bool
exchange_one(PoChoice *choice, int out)
{
	PoChoice   *without = po_choice_copy(choice);
	double		least;
	int			best;

	po_choice_remove(without, out);
	least = without->total - choice->total + Max(choice->state->problem->min_exchange, choice->total * 1e-9);
	best = best_addition(without, least, 0, out);
	if (best >= 0)
	{
		po_choice_add(without, best);
		po_choice_assign(choice, without);
	}
	po_choice_free(without);
	return best >= 0;
}

/* Exchanges chosen candidates as long as that saves something. */
void
po_improve_exchange(PoChoice *choice)
{
	for (int round = 0; round < MAX_ROUNDS; round++)
	{
		bool		changed = false;

		for (int i = 0; i < choice->n && po_choice_may_go_on(choice->state); i++)
			changed = exchange_one(choice, choice->order[i]) || changed;
		if (!changed)
			return;
	}
}

/*
 * Takes out one candidate, fills its place anew without it, and keeps the outcome when
 * it is cheaper; says whether it was.
 */
static bool
refill_without(PoChoice *choice, int banned, bool per_byte)
{
	PoChoice   *other = po_choice_copy(choice);
	bool		better;

	po_choice_remove(other, banned);
	po_improve_fill(other, per_byte, banned);
	better = other->total < choice->total * (1 - 1e-9);
	if (better)
		po_choice_assign(choice, other);
	po_choice_free(other);
	return better;
}

/* Where a limit binds, takes out each candidate in turn and fills its place with others. */
void
po_improve_refill(PoChoice *choice)
{
	const PoSearchProblem *problem = choice->state->problem;

	if (problem->budget < 0 && problem->max_indexes < 0)
		return;
	for (int i = 0, rounds = 0;
		 i < choice->n && rounds < MAX_ROUNDS && po_choice_may_go_on(choice->state); i++)
	{
		if (refill_without(choice, choice->order[i], false) ||
			refill_without(choice, choice->order[i], true))
		{
			/* The places have changed: begin again. */
			i = -1;
			rounds++;
		}
	}
}

/* Tries to put a smaller candidate on the same table in the place of one; says whether it did. */
static bool
shrink_one(PoChoice *choice, int large)
{
	const PoSearchProblem *problem = choice->state->problem;
	double		limit = choice->total + Min(problem->min_exchange, MAX_RISE * choice->total);
	PoChoice   *without = po_choice_copy(choice);
	int			best = -1;

	po_choice_remove(without, large);
	for (int c = 0; c < problem->ncandidates && !po_choice_must_stop(choice->state); c++)
	{
		double		gain;

		if (problem->candidates[c].relid != problem->candidates[large].relid ||
			problem->candidates[c].size > MAX_SHRUNK * problem->candidates[large].size ||
			!po_choice_is_feasible(without, c))
			continue;
		gain = po_choice_gain(without, c, without->total - limit);
		if (without->total - gain < limit)
		{
			best = c;
			limit = without->total - gain;
		}
	}
	if (best >= 0)
	{
		po_choice_add(without, best);
		po_choice_assign(choice, without);
	}
	po_choice_free(without);
	return best >= 0;
}

/* Replaces candidates by smaller ones that do nearly as much. */
void
po_improve_shrink(PoChoice *choice)
{
	PoSet		tried = {{0}};	/* in vain, and since then nothing has touched
								 * them */

	if (choice->state->problem->min_exchange <= 0)
		return;
	for (int i = 0; i < choice->n && po_choice_may_go_on(choice->state); i++)
	{
		PoSet		before = choice->set;
		int			large = choice->order[i];

		if (po_set_has(&tried, large))
			continue;
		if (shrink_one(choice, large))
		{
			PoSet		touched = po_choice_touched(choice->state, &before, &choice->set);

			tried = po_set_subtract(&tried, &touched);
			i = -1;				/* the places have changed: look at all again */
		}
		else
			po_set_add(&tried, large);
	}
}

/* Tries to put one candidate in the place of two on the same table; says whether it did. */
static bool
merge_two(PoChoice *choice, int a, int b)
{
	const PoSearchProblem *problem = choice->state->problem;
	PoChoice   *less = po_choice_copy(choice);
	int			best;

	po_choice_remove(less, a);
	po_choice_remove(less, b);
	best = best_addition(less, less->total - choice->total - problem->min_gain, problem->candidates[a].relid, -1);
	if (best == a || best == b)
		best = -1;
	if (best >= 0)
	{
		po_choice_add(less, best);
		po_choice_assign(choice, less);
	}
	po_choice_free(less);
	return best >= 0;
}

/* Forgets for the candidates that a change has touched with which of them merging was tried. */
static void
forget_tried(const PoChoice *choice, const PoSet *before, PoSet *tried)
{
	PoSet		touched = po_choice_touched(choice->state, before, &choice->set);

	for (int c = 0; c < choice->state->problem->ncandidates; c++)
	{
		if (po_set_has(&touched, c))
			memset(&tried[c], 0, sizeof(PoSet));
	}
}

/* Merges the first pair that can be; tried is, of each candidate, those with which it cannot.  Says whether there was one. */
static bool
merge_some(PoChoice *choice, PoSet *tried)
{
	const PoSearchCandidate *candidates = choice->state->problem->candidates;

	for (int i = 0; i < choice->n; i++)
	{
		for (int j = i + 1; j < choice->n && po_choice_may_go_on(choice->state); j++)
		{
			int			a = choice->order[i];
			int			b = choice->order[j];

			if (candidates[a].relid != candidates[b].relid || po_set_has(&tried[a], b))
				continue;
			if (merge_two(choice, a, b))
				return true;
			po_set_add(&tried[a], b);
		}
	}
	return false;
}

/* Replaces pairs of candidates by one that does nearly the work of both. */
void
po_improve_merge(PoChoice *choice)
{
	PoSet	   *tried = palloc0(sizeof(PoSet) * (choice->state->problem->ncandidates + 1));
	PoSet		before = choice->set;

	while (merge_some(choice, tried))
	{
		forget_tried(choice, &before, tried);
		before = choice->set;
	}
	pfree(tried);
}
