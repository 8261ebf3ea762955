/*
 * exact.h
 *	  The best choice of a small pool of candidates.  Pure.
 */
#ifndef PO_EXACT_H
#define PO_EXACT_H

#include "advisor/search.h"

/* Pools up to this size are searched exactly. */
#define PO_EXACT_MAX 12

extern bool po_exact_run(const PoSearchProblem *problem, const int *pool, int npool,
						 double price, double limit, PoSet *best);

#endif							/* PO_EXACT_H */
