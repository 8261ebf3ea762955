/*
 * writes.h
 *	  What maintaining an index costs a workload.
 */
#ifndef PO_WRITES_H
#define PO_WRITES_H

#include "advisor/workload.h"
#include "plan/hypo.h"

/* Rows that statements of the workload insert, update and delete in one table. */
typedef struct PoWrites
{
	Oid			relid;
	double		inserts;
	double		updates;
	double		deletes;
	double		hot_ratio;		/* share of updates that touch no index */
	int			nindexes;		/* existing ones */
	Bitmapset  *indexed;		/* columns of those, as pull_varattnos counts:
								 * setting one is never heap-only */
	List	   *changes;		/* of each UPDATE: which columns it sets, how
								 * many rows */
} PoWrites;

extern List *po_writes_collect(const PoWorkload *workload);
extern double po_writes_updates(const PoWrites *writes, const Bitmapset *columns);
extern double po_writes_cost(List *writes, PoHypoIndex *index, int replaced, bool measured);

#endif							/* PO_WRITES_H */
