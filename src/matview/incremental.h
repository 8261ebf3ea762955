/*
 * incremental.h
 *	  Refreshing a registered view by what changed.
 */
#ifndef PO_INCREMENTAL_H
#define PO_INCREMENTAL_H

#include "matview/apply.h"
#include "matview/shape.h"
#include "matview/track.h"
#include "utils/snapshot.h"

/* What is known of a view at its refresh. */
typedef struct PoIncremental
{
	bool		registered;
	PoTrack		track;			/* of the last refresh; after the refresh of
								 * this one */
	PoShape		shape;
	List	   *deltas;			/* PoDelta *, when the bases note changes */
	bool		armed;			/* the bases note their changes */
	const char *obstacle;		/* why the view must be compared in full, or
								 * NULL */
} PoIncremental;

/* What there is to do. */
typedef enum PoIncrementalStep
{
	PO_STEP_FULL,
	PO_STEP_SKIP,
	PO_STEP_AFFECTED
} PoIncrementalStep;

extern const char *po_incremental_rights_refusal(List *bases, Oid role);
extern void po_incremental_prepare(Relation matview, PoIncremental *incremental);
extern PoIncrementalStep po_incremental_choose(Relation matview, PoIncremental *incremental, bool any_size);
extern bool po_incremental_run(Relation matview, PoIncremental *incremental, const char *text,
							   bool any_size, PoApplyCounts *counts);
extern void po_incremental_record(Oid matview, PoIncremental *incremental, Snapshot snapshot);
extern int64 po_incremental_pending(Oid matview);

#endif							/* PO_INCREMENTAL_H */
