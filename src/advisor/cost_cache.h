/*
 * cost_cache.h
 *	  The costs of queries under sets of candidate indexes, with few planner calls.  Pure.
 */
#ifndef PO_COST_CACHE_H
#define PO_COST_CACHE_H

#include "advisor/set.h"

/* Plans a query with a set of candidates: returns its cost and sets *used to those that the plan scans. */
typedef double (*PoCostFunction) (void *arg, int query, const PoSet *set, PoSet *used);

typedef struct PoCostEntry
{
	PoSet		set;
	PoSet		used;
	double		cost;
} PoCostEntry;

typedef struct PoCostCache
{
	int			nqueries;
	PoSet	   *relevant;		/* of each query: the candidates that could
								 * matter to it */
	PoCostFunction plan;
	void	   *arg;
	int64_t		calls;			/* of plan */
	int64_t		hits;
	int		   *nentries;
	int		   *allocated;
	PoCostEntry **entries;
} PoCostCache;

extern void po_cost_cache_init(PoCostCache *cache, int nqueries, PoSet *relevant,
							   PoCostFunction plan, void *arg);
extern bool po_cost_cache_find(PoCostCache *cache, int query, const PoSet *set, double *cost);
extern double po_cost_cache_get(PoCostCache *cache, int query, const PoSet *set, PoSet *used);

#endif							/* PO_COST_CACHE_H */
