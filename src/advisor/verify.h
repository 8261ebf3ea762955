/*
 * verify.h
 *	  Whether an index helps the statements that it was suggested for, by running them.
 */
#ifndef PO_VERIFY_H
#define PO_VERIFY_H

#include "advisor/workload.h"
#include "plan/hypo.h"

/* One statement that the index may change. */
typedef struct PoVerified
{
	const PoAdvisorQuery *query;
	bool		runs;			/* is executed; else only priced */
	const char *why_not;		/* why it is not executed, or NULL */
	double		cost[2];		/* before and after */
	double		ms[2];			/* of one execution, if it runs */
} PoVerified;

/* A measurement, and what came of it. */
typedef struct PoVerification
{
	PoHypoIndex *index;
	PoWorkload *workload;
	List	   *statements;		/* PoVerified that would use the index, the
								 * heaviest first */
	double		write_cost;		/* of maintaining the index, in planner units
								 * over the workload */

	/* filled by po_verify_judge */
	double		total[2];		/* weighted milliseconds; planner units where
								 * nothing could run */
	double		write_total;	/* the same of the maintenance */
	bool		timed;			/* totals are milliseconds */
	int			regressions;	/* statements that got slower by more than a
								 * tenth */
	bool		pays;
} PoVerification;

extern PoVerification *po_verify_begin(const char *definition, PoWorkload *workload);
extern void po_verify_measure(PoVerification *verification, bool after);
extern void po_verify_judge(PoVerification *verification);
extern char *po_verify_report(const PoVerification *verification, bool built, bool kept);

#endif							/* PO_VERIFY_H */
