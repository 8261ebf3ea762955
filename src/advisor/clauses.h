/*
 * clauses.h
 *	  What statements ask of one table at a time: conditions that hold together, and groupings.
 */
#ifndef PO_CLAUSES_H
#define PO_CLAUSES_H

#include "advisor/workload.h"

/* The conditions of one query on one table, or the columns that it groups one table by. */
typedef struct PoClauseSet
{
	const PoAdvisorQuery *query;
	Oid			relid;
	bool		grouping;
	List	   *clauses;		/* of a condition: expressions with varno 1,
								 * implicitly ANDed */
	List	   *subjects;		/* what they are about: Vars or expressions
								 * with varno 1, each once */
} PoClauseSet;

extern List *po_clauses_collect(const PoAdvisorQuery *query);
extern Node *po_clauses_subject(Node *clause, Node **other);

#endif							/* PO_CLAUSES_H */
