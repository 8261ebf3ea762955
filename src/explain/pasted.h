/*
 * pasted.h
 *	  Plans from the output of EXPLAIN (FORMAT JSON).
 */
#ifndef PO_PASTED_H
#define PO_PASTED_H

#include "explain/finding.h"
#include "utils/jsonb.h"

extern PoAnalysis *po_pasted_run(Jsonb *document);

#endif							/* PO_PASTED_H */
