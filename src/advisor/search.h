/*
 * search.h
 *	  Choosing indexes for a workload within a budget.  Pure.
 */
#ifndef PO_SEARCH_H
#define PO_SEARCH_H

#include "advisor/cost_cache.h"
#include "plan/form.h"

/* One index that could be built. */
typedef struct PoSearchCandidate
{
	unsigned int relid;
	PoForm		form;
	double		size;			/* bytes */
	double		write_cost;		/* what maintaining it costs the workload */
} PoSearchCandidate;

/* What is to be solved. */
typedef struct PoSearchProblem
{
	int			nqueries;
	const double *weights;
	int			ncandidates;	/* at most PO_SET_MAX */
	const PoSearchCandidate *candidates;
	PoCostCache *cache;
	double		budget;			/* bytes; negative: none */
	int			max_indexes;	/* negative: no limit */
	double		min_gain;		/* what an index must save at least */
	double		min_exchange;	/* what one in the place of another, or a
								 * larger one instead of a smaller, must save */
	bool		brief;			/* look at each query less closely */
	int64_t		max_calls;		/* planner calls after which a whole choice is
								 * not made better any more; 0: no limit */
	bool		(*stop) (void *arg);	/* asks for the best so far; may be
										 * NULL */
	void	   *stop_arg;
} PoSearchProblem;

/* The chosen indexes, best first. */
typedef struct PoSearchResult
{
	int			nchosen;
	int		   *chosen;
	double	   *after;			/* the workload's cost with this and all
								 * before, writes included */
	double		before;			/* without any */
	bool		stopped;		/* the search was asked to stop early */
} PoSearchResult;

extern void po_search_run(const PoSearchProblem *problem, PoSearchResult *result);
extern double po_search_total(const PoSearchProblem *problem, const PoSet *set);

#endif							/* PO_SEARCH_H */
