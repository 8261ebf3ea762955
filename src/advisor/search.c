/*
 * search.c
 *	  Choosing indexes for a workload within a budget.
 *
 * Lazy greedy: the candidate with the best score is added until none saves enough.
 * Scores only fall as more indexes are there (almost: two indexes can need each
 * other), so a stale score that is not the best need not be computed again; before
 * giving up all are.  It runs twice, by gain per byte and by gain, each followed by
 * dropping what is no longer worth its place, putting one candidate in the place of
 * two, and exchanging a chosen candidate for others; the cheaper outcome wins.  Two candidates of which one begins with the
 * other are never chosen together.  A small pool is searched exactly.  Ties go to the lower number, so the outcome is
 * the same each time.  Pure: costs come from the cache's callback.
 */
#include "postgres.h"

#include <float.h>

#include "advisor/exact.h"
#include "advisor/search.h"

/* Exchanges are tried in at most this many rounds. */
#define MAX_EXCHANGES 16

/* A choice under construction. */
typedef struct Choice
{
	const PoSearchProblem *problem;
	PoSet		set;
	int			n;
	int			order[PO_SET_MAX];
	double		after[PO_SET_MAX];
	double		size;
	double		total;
	bool		stopped;
} Choice;

/* Returns what one index more must save to be worth having: never quite nothing. */
static double
index_price(const PoSearchProblem *problem)
{
	return Max(problem->min_gain, problem->min_price);
}

/* Says whether the caller wants the best so far. */
static bool
must_stop(Choice *choice)
{
	const PoSearchProblem *problem = choice->problem;

	if (!choice->stopped && problem->stop != NULL && problem->stop(problem->stop_arg))
		choice->stopped = true;
	return choice->stopped;
}

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

/* Says whether one candidate's index begins with all of another's, on the same table. */
static bool
covers(const PoSearchProblem *problem, int wide, int narrow)
{
	return wide != narrow &&
		problem->candidates[wide].relid == problem->candidates[narrow].relid &&
		po_candidate_is_prefix(&problem->candidates[narrow].key, &problem->candidates[wide].key);
}

/* Returns the choice's set with one candidate added and those that it covers removed. */
static PoSet
with_candidate(const Choice *choice, int candidate, int *n, double *size)
{
	PoSet		set = choice->set;

	*n = choice->n + 1;
	*size = choice->size + choice->problem->candidates[candidate].size;
	po_set_add(&set, candidate);
	for (int i = 0; i < choice->n; i++)
	{
		int			other = choice->order[i];

		if (po_set_has(&choice->set, other) && covers(choice->problem, candidate, other))
		{
			po_set_remove(&set, other);
			*n -= 1;
			*size -= choice->problem->candidates[other].size;
		}
	}
	return set;
}

/* Says whether a candidate may be added: not there, not covered, and within the limits. */
static bool
is_feasible(const Choice *choice, int candidate)
{
	const PoSearchProblem *problem = choice->problem;
	int			n;
	double		size;

	if (po_set_has(&choice->set, candidate))
		return false;
	for (int i = 0; i < choice->n; i++)
	{
		if (covers(problem, choice->order[i], candidate))
			return false;
	}
	with_candidate(choice, candidate, &n, &size);
	return (problem->max_indexes < 0 || n <= problem->max_indexes) &&
		(problem->budget < 0 || size <= problem->budget);
}

/* Returns what adding a candidate saves. */
static double
gain_of(const Choice *choice, int candidate)
{
	int			n;
	double		size;
	PoSet		set = with_candidate(choice, candidate, &n, &size);

	return choice->total - po_search_total(choice->problem, &set);
}

/* Makes the choice exactly this set, keeping the sequence of what stays. */
static void
set_choice(Choice *choice, const PoSet *set, int added)
{
	int			kept = 0;

	choice->size = 0;
	for (int i = 0; i < choice->n; i++)
	{
		if (po_set_has(set, choice->order[i]))
			choice->order[kept++] = choice->order[i];
	}
	if (added >= 0)
		choice->order[kept++] = added;
	choice->n = kept;
	choice->set = *set;
	for (int i = 0; i < kept; i++)
		choice->size += choice->problem->candidates[choice->order[i]].size;
	choice->total = po_search_total(choice->problem, set);
}

/* Adds a candidate and takes out those that it covers. */
static void
add_candidate(Choice *choice, int candidate)
{
	int			n;
	double		size;
	PoSet		set = with_candidate(choice, candidate, &n, &size);

	set_choice(choice, &set, candidate);
}

/* The greedy's view of one candidate. */
typedef struct Score
{
	double		gain;			/* as last computed */
	bool		fresh;			/* for the choice as it is now */
	bool		banned;			/* must not be chosen */
} Score;

/* Returns the feasible candidate with the best score whose gain may suffice, or -1. */
static int
best_candidate(const Choice *choice, const Score *scores, bool per_byte)
{
	const PoSearchProblem *problem = choice->problem;
	int			best = -1;
	double		best_score = -DBL_MAX;

	for (int c = 0; c < problem->ncandidates; c++)
	{
		double		score = scores[c].gain;

		if (score < problem->min_gain || score <= 0 || scores[c].banned)
			continue;
		if (per_byte)
			score /= Max(problem->candidates[c].size, 1);
		if (score > best_score && is_feasible(choice, c))
		{
			best = c;
			best_score = score;
		}
	}
	return best;
}

/* Computes all stale gains; says whether there were any. */
static bool
refresh_scores(Choice *choice, Score *scores)
{
	bool		any = false;

	for (int c = 0; c < choice->problem->ncandidates; c++)
	{
		if (scores[c].fresh || scores[c].banned || !is_feasible(choice, c))
			continue;
		if (must_stop(choice))
			return false;
		scores[c].gain = gain_of(choice, c);
		scores[c].fresh = true;
		any = true;
	}
	return any;
}

/* Adds candidates to the choice, best score first, until none saves enough. */
static void
add_greedily(Choice *choice, Score *scores, bool per_byte)
{
	refresh_scores(choice, scores);
	while (!must_stop(choice))
	{
		int			c = best_candidate(choice, scores, per_byte);

		if (c < 0)
		{
			if (!refresh_scores(choice, scores))
				return;
			continue;
		}
		if (!scores[c].fresh)
		{
			scores[c].gain = gain_of(choice, c);
			scores[c].fresh = true;
			continue;
		}
		add_candidate(choice, c);
		for (int i = 0; i < choice->problem->ncandidates; i++)
			scores[i].fresh = false;
	}
}

/* Returns what leaving out a chosen candidate would cost. */
static double
loss_of(const Choice *choice, int candidate)
{
	PoSet		set = choice->set;

	po_set_remove(&set, candidate);
	return po_search_total(choice->problem, &set) - choice->total;
}

/* Leaves out, least valuable first, what no longer saves enough. */
static void
drop_useless(Choice *choice)
{
	while (choice->n > 0 && !must_stop(choice))
	{
		int			worst = -1;
		double		worst_loss = choice->problem->min_gain;
		PoSet		set;

		for (int i = 0; i < choice->n; i++)
		{
			double		loss = loss_of(choice, choice->order[i]);

			if (loss < worst_loss || loss <= 0)
			{
				worst = choice->order[i];
				worst_loss = loss;
			}
		}
		if (worst < 0)
			return;
		set = choice->set;
		po_set_remove(&set, worst);
		set_choice(choice, &set, -1);
	}
}

/* Tries to exchange one chosen candidate for one that saves more; says whether it did. */
static bool
exchange_one(Choice *choice, int position, const double *alone)
{
	int			out = choice->order[position];
	double		loss = loss_of(choice, out);
	Choice	   *without = palloc(sizeof(Choice));
	PoSet		set = choice->set;
	int			best = -1;
	double		best_gain = loss + choice->problem->min_gain * 0.1;

	memcpy(without, choice, sizeof(Choice));
	po_set_remove(&set, out);
	set_choice(without, &set, -1);
	for (int c = 0; c < choice->problem->ncandidates && !must_stop(choice); c++)
	{
		double		gain;

		/* What a candidate saves alone is about the most that it can save. */
		if (c == out || alone[c] <= best_gain || !is_feasible(without, c))
			continue;
		gain = gain_of(without, c);
		if (gain > best_gain)
		{
			best = c;
			best_gain = gain;
		}
	}
	if (best >= 0)
	{
		bool		stopped = choice->stopped;

		memcpy(choice, without, sizeof(Choice));
		choice->stopped = stopped;
		add_candidate(choice, best);
	}
	pfree(without);
	return best >= 0;
}

/* Exchanges chosen candidates as long as that saves something. */
static void
exchange(Choice *choice, const double *alone)
{
	for (int round = 0; round < MAX_EXCHANGES; round++)
	{
		bool		changed = false;

		for (int i = 0; i < choice->n && !must_stop(choice); i++)
			changed = exchange_one(choice, i, alone) || changed;
		if (!changed || must_stop(choice))
			return;
	}
}

/*
 * Takes out one candidate, fills its place anew without it, and keeps the outcome when
 * it is cheaper; says whether it was.
 */
static bool
refill_without(Choice *choice, int banned, Score *scores, bool per_byte)
{
	Choice	   *other = palloc(sizeof(Choice));
	PoSet		set = choice->set;
	bool		better;

	memcpy(other, choice, sizeof(Choice));
	po_set_remove(&set, banned);
	set_choice(other, &set, -1);
	for (int c = 0; c < choice->problem->ncandidates; c++)
		scores[c].fresh = false;
	scores[banned].banned = true;
	add_greedily(other, scores, per_byte);
	scores[banned].banned = false;
	better = other->total < choice->total * (1 - 1e-9);
	if (better)
		memcpy(choice, other, sizeof(Choice));
	choice->stopped = other->stopped;
	pfree(other);
	return better;
}

/* Where a limit binds, takes out each candidate in turn and fills its place with others. */
static void
refill(Choice *choice, Score *scores)
{
	if (choice->problem->budget < 0 && choice->problem->max_indexes < 0)
		return;
	for (int i = 0, rounds = 0; i < choice->n && rounds < MAX_EXCHANGES && !must_stop(choice); i++)
	{
		if (refill_without(choice, choice->order[i], scores, false) ||
			refill_without(choice, choice->order[i], scores, true))
		{
			/* The places have changed: begin again. */
			i = -1;
			rounds++;
		}
	}
}

/* Returns the choice without two of its candidates; to be freed by the caller. */
static Choice *
without_two(const Choice *choice, int a, int b)
{
	Choice	   *less = palloc(sizeof(Choice));
	PoSet		set = choice->set;

	memcpy(less, choice, sizeof(Choice));
	po_set_remove(&set, a);
	po_set_remove(&set, b);
	set_choice(less, &set, -1);
	return less;
}

/* Tries to put one candidate in the place of two on the same table; says whether it did. */
static bool
merge_two(Choice *choice, int a, int b)
{
	const PoSearchProblem *problem = choice->problem;
	Choice	   *less = without_two(choice, a, b);
	int			best = -1;
	double		best_total = choice->total + index_price(problem);
	bool		stopped;

	for (int c = 0; c < problem->ncandidates && !must_stop(choice); c++)
	{
		double		total;

		if (c == a || c == b || problem->candidates[c].relid != problem->candidates[a].relid ||
			!is_feasible(less, c))
			continue;
		total = less->total - gain_of(less, c);
		if (total < best_total)
		{
			best = c;
			best_total = total;
		}
	}
	if (best >= 0)
	{
		stopped = choice->stopped;
		memcpy(choice, less, sizeof(Choice));
		choice->stopped = stopped;
		add_candidate(choice, best);
	}
	pfree(less);
	return best >= 0;
}

/* Replaces pairs of candidates by one that does nearly the work of both. */
static void
merge(Choice *choice)
{
	const PoSearchCandidate *candidates = choice->problem->candidates;

	for (int i = 0; i < choice->n; i++)
	{
		for (int j = i + 1; j < choice->n && !must_stop(choice); j++)
		{
			int			a = choice->order[i];
			int			b = choice->order[j];

			if (candidates[a].relid == candidates[b].relid && merge_two(choice, a, b))
			{
				/* The places have changed: look at all pairs again. */
				i = -1;
				break;
			}
		}
	}
}

/* Puts the chosen candidates in sequence: each time the one that saves most next. */
static void
sort_choice(Choice *choice)
{
	Choice	   *sorted = palloc0(sizeof(Choice));
	int			n = choice->n;

	sorted->problem = choice->problem;
	sorted->total = po_search_total(choice->problem, &sorted->set);
	for (int i = 0; i < n; i++)
	{
		int			best = -1;
		double		best_gain = 0;

		for (int j = 0; j < n; j++)
		{
			double		gain;

			if (po_set_has(&sorted->set, choice->order[j]))
				continue;
			gain = gain_of(sorted, choice->order[j]);
			if (best < 0 || gain > best_gain ||
				(gain == best_gain && choice->order[j] < best))
			{
				best = choice->order[j];
				best_gain = gain;
			}
		}
		po_set_add(&sorted->set, best);
		sorted->order[i] = best;
		sorted->n = i + 1;
		sorted->total -= best_gain;
		sorted->after[i] = sorted->total;
	}
	memcpy(choice->order, sorted->order, sizeof(int) * n);
	memcpy(choice->after, sorted->after, sizeof(double) * n);
	pfree(sorted);
}

/* Computes the cumulative costs in the sequence in which the candidates were added. */
static void
total_choice(Choice *choice)
{
	PoSet		set = {{0}};

	for (int i = 0; i < choice->n; i++)
	{
		po_set_add(&set, choice->order[i]);
		choice->after[i] = po_search_total(choice->problem, &set);
	}
}

/* Runs the whole search by one score; alone are the gains of single candidates. */
static Choice *
search_by(const PoSearchProblem *problem, bool per_byte, const double *alone)
{
	Choice	   *choice = palloc0(sizeof(Choice));
	Score	   *scores = palloc0(sizeof(Score) * (problem->ncandidates + 1));

	choice->problem = problem;
	choice->total = po_search_total(problem, &choice->set);
	for (int c = 0; c < problem->ncandidates; c++)
	{
		scores[c].gain = alone[c];
		scores[c].fresh = true;
	}
	add_greedily(choice, scores, per_byte);
	drop_useless(choice);
	merge(choice);
	exchange(choice, alone);
	refill(choice, scores);
	for (int c = 0; c < problem->ncandidates; c++)
		scores[c].fresh = false;
	add_greedily(choice, scores, per_byte);
	drop_useless(choice);
	merge(choice);
	if (choice->stopped)
		total_choice(choice);
	else
		sort_choice(choice);
	pfree(scores);
	return choice;
}

/* Computes what each candidate saves alone; those not reached before a stop save nothing. */
static double *
gains_alone(const PoSearchProblem *problem, bool *stopped)
{
	Choice	   *empty = palloc0(sizeof(Choice));
	double	   *alone = palloc0(sizeof(double) * (problem->ncandidates + 1));

	empty->problem = problem;
	empty->total = po_search_total(problem, &empty->set);
	for (int c = 0; c < problem->ncandidates && !must_stop(empty); c++)
		alone[c] = gain_of(empty, c);
	*stopped = empty->stopped;
	pfree(empty);
	return alone;
}

/*
 * Takes from what is relevant to each query the candidates that its plan uses neither
 * alone nor with all others there: they would be asked about again and again for
 * nothing.  Returns what was relevant before.
 */
static PoSet *
prune_relevance(const PoSearchProblem *problem)
{
	PoCostCache *cache = problem->cache;
	PoSet	   *before = palloc(sizeof(PoSet) * (problem->nqueries + 1));
	PoSet		all;

	memset(&all, 0xff, sizeof(all));
	for (int q = 0; q < problem->nqueries; q++)
	{
		PoSet		useful;

		before[q] = cache->relevant[q];
		po_cost_cache_get(cache, q, &all, &useful);
		for (int c = 0; c < problem->ncandidates; c++)
		{
			PoSet		alone = {{0}};
			PoSet		used;

			if (!po_set_has(&before[q], c) || po_set_has(&useful, c))
				continue;
			po_set_add(&alone, c);
			po_cost_cache_get(cache, q, &alone, &used);
			if (po_set_has(&used, c))
				po_set_add(&useful, c);
		}
		cache->relevant[q] = useful;
	}
	return before;
}

/*
 * Collects the candidates that save something alone or with all others there; returns
 * their number, or -1 when there are too many for an exact search.
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
improve_exactly(Choice *choice)
{
	const PoSearchProblem *problem = choice->problem;
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
	set_choice(choice, &best, -1);
	drop_useless(choice);
	sort_choice(choice);
}

/*
 * Chooses candidates for the problem.  The result's arrays are palloc'd.  When the
 * problem's stop function says so, the best choice so far is the result.
 */
void
po_search_run(const PoSearchProblem *problem, PoSearchResult *result)
{
	PoSet		none = {{0}};
	double	   *alone = gains_alone(problem, &result->stopped);
	PoSet	   *relevant = NULL;
	Choice	   *best;

	if (!result->stopped)
		relevant = prune_relevance(problem);
	best = search_by(problem, false, alone);
	result->stopped |= best->stopped;
	if (!result->stopped)
	{
		Choice	   *other = search_by(problem, true, alone);

		result->stopped = other->stopped;
		if (other->total < best->total)
			best = other;
	}
	if (!result->stopped)
		improve_exactly(best);
	if (relevant != NULL)
		memcpy(problem->cache->relevant, relevant, sizeof(PoSet) * problem->nqueries);
	total_choice(best);
	result->before = po_search_total(problem, &none);
	result->nchosen = best->n;
	result->chosen = palloc(sizeof(int) * (best->n + 1));
	result->after = palloc(sizeof(double) * (best->n + 1));
	memcpy(result->chosen, best->order, sizeof(int) * best->n);
	memcpy(result->after, best->after, sizeof(double) * best->n);
}
