/*
 * whatif.h
 *	  What a statement would cost with indexes that do not exist, or without some that do.
 */
#ifndef PO_WHATIF_H
#define PO_WHATIF_H

#include "plan/hypo.h"
#include "plan/query.h"

/* A statement's plans under a set of hypothetical and hidden indexes. */
typedef struct PoWhatIf
{
	List	   *plans;			/* PlannedStmt; never execute or cache them */
	double		cost;			/* of all of them together */
	List	   *used;			/* PoHypoIndex that the plans scan, each once */
	List	   *used_oids;		/* OIDs of real indexes that the plans scan, each once */
	PoHypoScope scope;			/* tells the names of hypothetical indexes in the plans */
} PoWhatIf;

/* An index that was proven to make a statement cheaper. */
typedef struct PoWhatIfProof
{
	PoHypoIndex *index;			/* index->definition is the statement that creates it */
	double		cost_before;
	double		cost_after;
	int64		size_bytes;
} PoWhatIfProof;

extern void po_whatif_init(void);
extern PoWhatIf *po_whatif_plan(PoStatement *statement, List *indexes, List *hidden);
extern double po_whatif_cost(PoStatement *statement, List *indexes, List *hidden, List **used);
extern bool po_whatif_prove(PoStatement *statement, Oid relid, List *candidates,
							double min_gain, PoWhatIfProof *proof);
extern void po_whatif_show_names(const PoWhatIf *whatif);

#endif							/* PO_WHATIF_H */
