/*
 * suggest.h
 *	  Suggesting indexes for a workload.
 */
#ifndef PO_SUGGEST_H
#define PO_SUGGEST_H

#include "advisor/workload.h"
#include "plan/hypo.h"

typedef struct PoSuggestOptions
{
	Oid			relation;		/* InvalidOid: on any table */
	int64		budget;			/* bytes; negative: none */
	int			max_indexes;	/* negative: no limit */
	double		min_improvement_pct;
	int			time_limit_ms;	/* negative: none */
} PoSuggestOptions;

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

extern List *po_suggest_indexes(PoWorkload *workload, const PoSuggestOptions *options, const char **ended_by);

#endif							/* PO_SUGGEST_H */
