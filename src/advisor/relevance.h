/*
 * relevance.h
 *	  Which candidates matter to which query.  Pure.
 */
#ifndef PO_RELEVANCE_H
#define PO_RELEVANCE_H

#include "advisor/choice.h"

extern PoSet po_relevance_all(const PoSearchProblem *problem);
extern PoSet *po_relevance_prune(PoSearchState *state);
extern void po_relevance_weigh(PoSearchState *state);
extern void po_relevance_extend(PoSearchState *state, const PoSet *before, const PoSet *chosen);

#endif							/* PO_RELEVANCE_H */
