/*
 * cost_cache.c
 *	  The costs of queries under sets of candidate indexes, with few planner calls.
 *
 * Only the candidates that could matter to a query count.  And when the planner used
 * U out of a set S, then with any set between U and S it would find the same plan
 * again and nothing better: the cost is known without asking.  Pure: the planner is a
 * callback, memory comes from palloc.
 */
#include "postgres.h"

#include "advisor/cost_cache.h"

/* Prepares an empty cache; relevant must stay valid, and what is in it may shrink. */
void
po_cost_cache_init(PoCostCache *cache, int nqueries, PoSet *relevant,
				   PoCostFunction plan, void *arg)
{
	memset(cache, 0, sizeof(*cache));
	cache->nqueries = nqueries;
	cache->relevant = relevant;
	cache->plan = plan;
	cache->arg = arg;
	cache->nentries = palloc0(sizeof(int) * (nqueries + 1));
	cache->allocated = palloc0(sizeof(int) * (nqueries + 1));
	cache->entries = palloc0(sizeof(PoCostEntry *) * (nqueries + 1));
}

/* Returns the entry that tells a query's cost under a set, or NULL. */
static PoCostEntry *
find_entry(const PoCostCache *cache, int query, const PoSet *set)
{
	for (int i = cache->nentries[query] - 1; i >= 0; i--)
	{
		PoCostEntry *entry = &cache->entries[query][i];

		if (po_set_is_subset(&entry->used, set) && po_set_is_subset(set, &entry->set))
			return entry;
	}
	return NULL;
}

/* Makes room for one more entry of a query and returns it. */
static PoCostEntry *
add_entry(PoCostCache *cache, int query)
{
	int			n = cache->nentries[query];

	if (n == cache->allocated[query])
	{
		int			larger = n == 0 ? 8 : 2 * n;

		cache->entries[query] = n == 0 ? palloc(sizeof(PoCostEntry) * larger) :
			repalloc(cache->entries[query], sizeof(PoCostEntry) * larger);
		cache->allocated[query] = larger;
	}
	cache->nentries[query]++;
	return &cache->entries[query][n];
}

/* Tells a query's cost when exactly the candidates of a set exist, if an earlier planning tells; says whether it did. */
bool
po_cost_cache_find(PoCostCache *cache, int query, const PoSet *set, double *cost)
{
	PoSet		relevant = po_set_intersect(set, &cache->relevant[query]);
	const PoCostEntry *entry = find_entry(cache, query, &relevant);

	if (entry == NULL)
		return false;
	cache->hits++;
	*cost = entry->cost;
	return true;
}

/*
 * Returns a query's cost when exactly the candidates of a set exist; *used, unless
 * NULL, gets those that its plan scans.  Plans the query only when no earlier
 * planning tells.
 */
double
po_cost_cache_get(PoCostCache *cache, int query, const PoSet *set, PoSet *used)
{
	PoSet		relevant = po_set_intersect(set, &cache->relevant[query]);
	PoCostEntry *entry = find_entry(cache, query, &relevant);

	if (entry != NULL)
		cache->hits++;
	else
	{
		PoSet		scanned = {{0}};
		double		cost = cache->plan(cache->arg, query, &relevant, &scanned);

		cache->calls++;
		entry = add_entry(cache, query);
		entry->set = relevant;
		entry->used = scanned;
		entry->cost = cost;
	}
	if (used != NULL)
		*used = entry->used;
	return entry->cost;
}
