/*
 * views.h
 *	  Suggesting materialized views for aggregates that a workload computes again and again.
 */
#ifndef PO_VIEWS_H
#define PO_VIEWS_H

#include "advisor/workload.h"

/* One suggested view. */
typedef struct PoViewAdvice
{
	char	   *definition;
	char	   *unique_index;
	double		rows;
	int64		size_bytes;
	double		cost_before;	/* of the workload without any suggestion */
	double		cost_after;		/* with this one and all before */
	List	   *queries;		/* PoAdvisorQuery that would read it */
	const char *schedule;
	char	   *reason;
} PoViewAdvice;

extern List *po_views_suggest(const PoWorkload *workload, int max_views);

#endif							/* PO_VIEWS_H */
