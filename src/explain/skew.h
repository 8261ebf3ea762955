/*
 * skew.h
 *	  What an estimate for an unknown value hides.
 */
#ifndef PO_SKEW_H
#define PO_SKEW_H

#include "explain/finding.h"

extern double po_skew_distinct(Oid relid, AttrNumber attnum, double tuples);
extern void po_skew_note(PoAnalysis *analysis, PoFindingDraft *draft);

#endif							/* PO_SKEW_H */
