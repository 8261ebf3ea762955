/*
 * aggregate.h
 *	  Aggregates in statements, as the queries of materialized views.
 */
#ifndef PO_AGGREGATE_H
#define PO_AGGREGATE_H

#include "advisor/workload.h"

/* The query of a view that would answer an aggregate. */
typedef struct PoAggregateView
{
	char	   *sql;			/* names qualified, no parameters; NULL: there
								 * is none */
	List	   *keys;			/* names of its columns whose values are
								 * unique together (char *) */
	List	   *filters;		/* names of the columns that the statement
								 * would restrict (char *) */
	bool		looked_up;		/* all of these by equality */
} PoAggregateView;

/* One aggregate of a statement. */
typedef struct PoAggregate
{
	PoAdvisorQuery *query;
	bool		whole;			/* the statement is nothing else */
	bool		sorted;
	char	   *sql;			/* as it stands, with parameters */
	Oid			relid;			/* its first table, or view */
	PoAggregateView fixed;		/* constants stay in the view */
	PoAggregateView open;		/* constants that columns are compared with
								 * become columns */
} PoAggregate;

extern List *po_aggregate_collect(PoAdvisorQuery *query, bool measured);

#endif							/* PO_AGGREGATE_H */
