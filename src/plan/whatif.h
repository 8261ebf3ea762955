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
	List	   *used_oids;		/* OIDs of real indexes that the plans scan,
								 * each once */
	PoHypoScope scope;			/* tells the names of hypothetical indexes in
								 * the plans */
} PoWhatIf;

/* Looks at a result before it goes away. */
typedef void (*PoWhatIfReader) (const PoWhatIf *whatif, void *arg);

extern void po_whatif_init(void);
extern PoWhatIf *po_whatif_plan(PoStatement *statement, List *indexes, List *hidden);
extern double po_whatif_visit(PoStatement *statement, PoHypoVisit visit, void *arg);
extern double po_whatif_read(PoStatement *statement, List *indexes, List *hidden,
							 PoWhatIfReader read, void *arg);
extern void po_whatif_keep_used(const PoWhatIf *whatif, void *used);
extern double po_whatif_cost(PoStatement *statement, List *indexes, List *hidden, List **used);
extern void po_whatif_show_names(const PoWhatIf *whatif);

#endif							/* PO_WHATIF_H */
