/*
 * suggestion.h
 *	  What is said of the indexes that a search has chosen.
 */
#ifndef PO_SUGGESTION_H
#define PO_SUGGESTION_H

#include "advisor/pool.h"

/* A statement counts as improved when its cost falls by at least this share. */
#define PO_IMPROVED_SHARE 0.01

/* One suggested index. */
typedef struct PoSuggestion
{
	PoHypoIndex *index;
	int64		size_bytes;
	double		cost_before;	/* of the workload without any suggestion */
	double		cost_after;		/* with this one and all before */
	double		write_cost_pct;
	List	   *improved;		/* PoAdvisorQuery */
	const char *reason;
} PoSuggestion;

/* How the statement of a group is planned with all that was chosen. */
typedef struct PoOutcome
{
	double		cost;
	double		margin;			/* see po_margin_find, against no new index */
} PoOutcome;

/* A search that is over. */
typedef struct PoAdvice
{
	const PoWorkload *workload;
	PoPool	   *pool;
	PoCostCache *cache;
	const PoSearchResult *result;
	const PoOutcome *outcomes;	/* of each group; NULL: there was no time */
} PoAdvice;

extern List *po_suggestion_make(const PoAdvice *advice);

#endif							/* PO_SUGGESTION_H */
