/*
 * workload.h
 *	  The statements that indexes are suggested for.
 */
#ifndef PO_ADVISOR_WORKLOAD_H
#define PO_ADVISOR_WORKLOAD_H

#include "plan/key_column.h"
#include "plan/query.h"
#include "plan/whatif.h"

/* One statement of the workload. */
typedef struct PoAdvisorQuery
{
	const char *text;
	PoStatement *statement;
	Oid			role;			/* plan as this role; InvalidOid: as the
								 * caller */
	const char *search_path;	/* that its names are meant under, where none
								 * of its executions tells; NULL: the caller's */
	int64		queryid;		/* 0: unknown */
	double		weight;
	double		rows;			/* rows that it wrote or returned in all;
								 * negative: unknown */
	List	   *accesses;		/* PoAccess */
	double		cost;			/* of one execution as things are */
} PoAdvisorQuery;

/* One statement that was left out, and why. */
typedef struct PoSkipped
{
	const char *text;
	int64		queryid;
	int			sqlerrcode;
	const char *reason;
} PoSkipped;

typedef struct PoWorkload
{
	List	   *queries;		/* PoAdvisorQuery */
	List	   *skipped;		/* PoSkipped */
	bool		measured;		/* weights are calls that happened */
	PoExpressions *expressions; /* that keys refer to */
} PoWorkload;

/* Who we were before acting as the role that issued a statement. */
typedef struct PoRoleScope
{
	bool		entered;
	Oid			userid;
	int			sec_context;
	int			guc_level;
} PoRoleScope;

extern void po_workload_enter_role(const PoAdvisorQuery *query, PoRoleScope *scope);
extern void po_workload_leave_role(const PoRoleScope *scope);
extern PoStatement *po_workload_parse(const PoAdvisorQuery *query);
extern bool po_workload_is_about_statement(int sqlerrcode);
extern void po_workload_add(PoWorkload *workload, PoAdvisorQuery *query);
extern PoWorkload *po_workload_from_texts(char **texts, const double *weights, int n);
extern PoWorkload *po_workload_from_statistics(const char *what);
extern double po_workload_plan(PoAdvisorQuery *query, List *indexes, PoWhatIfReader read, void *arg);

#endif							/* PO_ADVISOR_WORKLOAD_H */
