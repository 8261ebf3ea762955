/*
 * pool.h
 *	  The candidate indexes of a workload.
 */
#ifndef PO_POOL_H
#define PO_POOL_H

#include "advisor/search.h"
#include "advisor/statement_forms.h"
#include "advisor/workload.h"
#include "datatype/timestamp.h"
#include "plan/hypo.h"

/* Statements that could use the same indexes and cost about the same: one is planned for all. */
typedef struct PoStatementGroup
{
	PoAdvisorQuery *query;		/* the one that is planned */
	PoStatementForms *forms;
	double		weight;			/* of all, as executions of that one */
} PoStatementGroup;

typedef struct PoPool
{
	int			ncandidates;
	PoSearchCandidate *candidates;
	PoHypoIndex **indexes;		/* of each candidate */
	List	  **superfluous;	/* OIDs of the existing indexes that each
								 * makes superfluous */
	int			ngroups;
	PoStatementGroup *groups;	/* the most costly first */
	int		   *group_of;		/* of each query of the workload */
	PoSet	   *relevant;		/* of each group */
	bool		brief;			/* so much is to be planned that each group is
								 * looked at less closely */
	int64		planner_calls;	/* that it took to find them */
	PoFormTable *table;
} PoPool;

extern void po_pool_describe(PoPool *pool, int candidate);
extern PoPool *po_pool_build(PoWorkload *workload, Oid relation, TimestampTz deadline);

#endif							/* PO_POOL_H */
