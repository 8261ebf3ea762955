/*
 * access.h
 *	  How a statement reaches into its tables: the columns that an index could serve.
 */
#ifndef PO_ACCESS_H
#define PO_ACCESS_H

#include "plan/form.h"
#include "plan/key_column.h"
#include "plan/query.h"

/* One use of a table by a statement (or of one arm of an OR over it). */
typedef struct PoAccess
{
	Oid			relid;			/* a table, or the partitioned table the
								 * statement names */
	PoNeeds		needs;
	List	   *fetched;		/* PoFetched: without predicate, and with each
								 * worth trying; NIL of an arm */
	List	   *others;			/* PoForm: indexes other than B-trees worth
								 * trying */
} PoAccess;

extern List *po_access_collect(PoStatement *statement, PoExpressions *expressions, double *cost);

#endif							/* PO_ACCESS_H */
