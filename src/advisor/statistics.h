/*
 * statistics.h
 *	  Suggesting statistics that correct the planner's estimates.
 */
#ifndef PO_STATISTICS_H
#define PO_STATISTICS_H

#include "advisor/workload.h"

/* One suggestion; a misestimate is how many times an estimate is too high or too low. */
typedef struct PoStatisticsAdvice
{
	Oid			relid;
	char	   *definition;
	double		before;
	double		after;
	char	   *reason;
} PoStatisticsAdvice;

extern List *po_statistics_suggest(const PoWorkload *workload, Oid relation);

#endif							/* PO_STATISTICS_H */
