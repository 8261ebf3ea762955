/*
 * test_search.c
 *	  The index search against trying all subsets, and the cost cache against planning each time.
 *
 * link: src/advisor/search.c src/advisor/choice.c src/advisor/improve.c src/advisor/relevance.c src/advisor/exact.c src/advisor/cost_cache.c src/plan/form.c src/plan/candidate.c
 */
#include "postgres.h"

#include <math.h>

#include "advisor/search.h"
#include "tap.h"

#define QUERIES 8
#define CANDIDATES 14
#define ROUNDS 100

/* A made-up planner: each query has one or two tables, and for each table what each candidate makes its part cost. */
typedef struct World
{
	double		base[QUERIES][2];
	double		part[QUERIES][2][CANDIDATES];
	PoSearchCandidate candidates[CANDIDATES];
	int			ncandidates;
	PoSet		relevant[QUERIES];
	double		weights[QUERIES];
	int			calls;
} World;

static uint64 seed;

/* Returns a number from 0 to n - 1, the same sequence each run. */
static int
draw(int n)
{
	seed = seed * UINT64CONST(6364136223846793005) + UINT64CONST(1442695040888963407);
	return (int) ((seed >> 33) % n);
}

/* The made-up planner: the cheapest candidate of each table's part. */
static double
plan(void *arg, int query, const PoSet *set, PoSet *used)
{
	World	   *world = (World *) arg;
	double		cost = 0;

	world->calls++;
	for (int t = 0; t < 2; t++)
	{
		double		best = world->base[query][t];
		int			which = -1;

		for (int c = 0; c < CANDIDATES; c++)
		{
			if (po_set_has(set, c) && world->part[query][t][c] < best)
			{
				best = world->part[query][t][c];
				which = c;
			}
		}
		cost += best;
		if (which >= 0)
			po_set_add(used, which);
	}
	return cost;
}

/* Makes a world: four tables of up to three columns, wide candidates larger and better. */
static void
make_world(World *world, int ncandidates)
{
	memset(world, 0, sizeof(*world));
	world->ncandidates = ncandidates;
	for (int c = 0; c < CANDIDATES; c++)
	{
		PoSearchCandidate *candidate = &world->candidates[c];

		candidate->relid = 1 + draw(4);
		candidate->form.key.ncolumns = 1 + draw(3);
		for (int i = 0; i < candidate->form.key.ncolumns; i++)
			candidate->form.key.columns[i] = 1 + (draw(2) + i) % 4;
		candidate->size = (1 + draw(10)) * candidate->form.key.ncolumns;
		candidate->write_cost = draw(3) == 0 ? draw(40) : 0;
	}
	for (int q = 0; q < QUERIES; q++)
	{
		world->weights[q] = 1 + draw(5);
		for (int t = 0; t < 2; t++)
		{
			int			relid = 1 + draw(4);

			world->base[q][t] = 50 + draw(200);
			for (int c = 0; c < CANDIDATES; c++)
			{
				world->part[q][t][c] = world->base[q][t];
				if (c >= ncandidates || world->candidates[c].relid != relid || draw(3) == 0)
					continue;
				world->part[q][t][c] = world->base[q][t] * (5 + draw(90)) / 100;
				po_set_add(&world->relevant[q], c);
			}
		}
	}
}

/* Returns the cost of a set without any cache. */
static double
true_total(World *world, const PoSet *set)
{
	double		total = 0;

	for (int q = 0; q < QUERIES; q++)
		total += world->weights[q] * plan(world, q, set, &(PoSet) {{0}});
	for (int c = 0; c < CANDIDATES; c++)
		total += po_set_has(set, c) ? world->candidates[c].write_cost : 0;
	return total;
}

/* Says whether a set keeps the problem's rules. */
static bool
is_allowed(const PoSearchProblem *problem, const PoSet *set)
{
	double		size = 0;
	int			n = 0;

	for (int c = 0; c < CANDIDATES; c++)
	{
		if (!po_set_has(set, c))
			continue;
		n++;
		size += problem->candidates[c].size;
		for (int d = 0; d < CANDIDATES; d++)
		{
			if (c != d && po_set_has(set, d) && problem->candidates[c].relid == problem->candidates[d].relid &&
				po_form_serves(&problem->candidates[d].form, &problem->candidates[c].form))
				return false;
		}
	}
	return (problem->budget < 0 || size <= problem->budget) &&
		(problem->max_indexes < 0 || n <= problem->max_indexes);
}

/* Returns the cost of the best allowed set, by trying all. */
static double
best_total(World *world, const PoSearchProblem *problem)
{
	double		best = true_total(world, &(PoSet) {{0}});

	for (int bits = 1; bits < (1 << world->ncandidates); bits++)
	{
		PoSet		set = {{bits}};
		double		total;

		if (!is_allowed(problem, &set))
			continue;
		total = true_total(world, &set);
		if (total < best)
			best = total;
	}
	return best;
}

/* Makes a problem of a world, with a random budget and limit. */
static void
make_problem(World *world, PoSearchProblem *problem, PoCostCache *cache)
{
	memset(problem, 0, sizeof(*problem));
	po_cost_cache_init(cache, QUERIES, world->relevant, plan, world);
	problem->nqueries = QUERIES;
	problem->weights = world->weights;
	problem->ncandidates = world->ncandidates;
	problem->candidates = world->candidates;
	problem->cache = cache;
	problem->budget = draw(3) == 0 ? -1 : 5 + draw(60);
	problem->max_indexes = draw(3) == 0 ? 1 + draw(5) : -1;
}

/* What came of many random worlds. */
typedef struct Tally
{
	int			wrong_total;
	int			broken_rules;
	int			unsorted;
	int			worse;			/* more than 2 % from the best of all subsets */
	double		worst;
} Tally;

/* Solves one random world and compares the outcome with trying all subsets. */
static void
solve(int ncandidates, Tally *tally)
{
	static World world;
	PoSearchProblem problem;
	PoSearchResult result;
	PoCostCache cache;
	PoSet		set = {{0}};
	double		last;
	double		best;

	make_world(&world, ncandidates);
	make_problem(&world, &problem, &cache);
	po_search_run(&problem, &result);
	last = result.before;
	for (int i = 0; i < result.nchosen; i++)
	{
		po_set_add(&set, result.chosen[i]);
		if (fabs(result.after[i] - true_total(&world, &set)) > 1e-6)
			tally->wrong_total++;
		if (result.after[i] >= last)
			tally->unsorted++;
		last = result.after[i];
	}
	if (!is_allowed(&problem, &set))
		tally->broken_rules++;
	best = best_total(&world, &problem);
	if (last > best * 1.02)
		tally->worse++;
	if (last / best > tally->worst)
		tally->worst = last / best;
}

/* Over many random worlds the search is right about its own cost and keeps the rules. */
static Tally
solve_many(int ncandidates, int rounds)
{
	Tally		tally = {.worst = 1};

	for (int round = 0; round < rounds; round++)
		solve(ncandidates, &tally);
	is_int(tally.wrong_total, 0, "the cumulative costs are those of planning each set anew");
	is_int(tally.unsorted, 0, "each chosen index lowers the cost");
	is_int(tally.broken_rules, 0, "budget, limit and the rule on beginnings are kept");
	printf("# %d candidates: %d of %d above 2 %%, worst %.4f\n", ncandidates, tally.worse, rounds, tally.worst);
	return tally;
}

/* A small pool is searched exactly; of a larger one the outcome is close to the best of all subsets. */
static void
test_brute_force(void)
{
	Tally		tally = solve_many(9, 400);

	ok(tally.worst < 1 + 1e-6, "a small pool's outcome is the best of all subsets");
	tally = solve_many(CANDIDATES, ROUNDS);
	ok(tally.worse <= ROUNDS / 50, "at most 1 of 50 outcomes of a larger one is more than 2 % from the best");
	ok(tally.worst < 1.15, "and none by more than 15 %");
}

/* The same problem twice gives the same outcome; the cache saves most planner calls. */
static void
test_determinism(void)
{
	static World world;
	PoSearchProblem problem;
	PoSearchResult first;
	PoSearchResult second;
	PoCostCache cache;

	make_world(&world, CANDIDATES);
	make_problem(&world, &problem, &cache);
	problem.budget = -1;
	problem.max_indexes = -1;
	po_search_run(&problem, &first);
	ok(cache.hits > 5 * cache.calls, "most costs are known without planning");
	po_cost_cache_init(&cache, QUERIES, world.relevant, plan, &world);
	po_search_run(&problem, &second);
	ok(first.nchosen == second.nchosen &&
	   memcmp(first.chosen, second.chosen, sizeof(int) * first.nchosen) == 0, "deterministic");
}

/* What an index must save at least is respected. */
static void
test_min_gain(void)
{
	static World world;
	PoSearchProblem problem;
	PoSearchResult result;
	PoCostCache cache;

	make_world(&world, CANDIDATES);
	make_problem(&world, &problem, &cache);
	problem.budget = -1;
	problem.max_indexes = -1;
	problem.min_gain = 1e9;
	po_search_run(&problem, &result);
	is_int(result.nchosen, 0, "nothing saves so much");
	problem.ncandidates = 0;
	problem.min_gain = 0;
	po_search_run(&problem, &result);
	is_int(result.nchosen, 0, "no candidates, no choice");
}

/* Stops after a number of questions. */
static bool
stop_soon(void *arg)
{
	return ++*(int *) arg > 25;
}

/* A search that is stopped still gives an allowed outcome with true costs. */
static void
test_stop(void)
{
	static World world;
	PoSearchProblem problem;
	PoSearchResult result;
	PoCostCache cache;
	PoSet		set = {{0}};
	int			asked = 0;

	make_world(&world, CANDIDATES);
	make_problem(&world, &problem, &cache);
	problem.budget = -1;
	problem.max_indexes = -1;
	problem.stop = stop_soon;
	problem.stop_arg = &asked;
	po_search_run(&problem, &result);
	ok(result.stopped, "the search says that it was stopped");
	for (int i = 0; i < result.nchosen; i++)
		po_set_add(&set, result.chosen[i]);
	ok(result.nchosen > 0 && is_allowed(&problem, &set), "what it found so far is allowed");
	ok(fabs(result.after[result.nchosen - 1] - true_total(&world, &set)) < 1e-6, "and costs what it says");
}

int
main(void)
{
	seed = 42;
	test_brute_force();
	test_determinism();
	test_min_gain();
	test_stop();
	return done();
}
