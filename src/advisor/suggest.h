/*
 * suggest.h
 *	  Suggesting indexes for a workload.
 */
#ifndef PO_SUGGEST_H
#define PO_SUGGEST_H

#include "advisor/suggestion.h"

typedef struct PoSuggestOptions
{
	Oid			relation;		/* InvalidOid: on any table */
	int64		budget;			/* bytes; negative: none */
	int			max_indexes;	/* negative: no limit */
	double		min_improvement_pct;
	int			time_limit_ms;	/* negative: none */
} PoSuggestOptions;

extern List *po_suggest_indexes(PoWorkload *workload, const PoSuggestOptions *options, const char **ended_by);

#endif							/* PO_SUGGEST_H */
