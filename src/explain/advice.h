/*
 * advice.h
 *	  Index advice inside findings, proven by planning with the index.
 */
#ifndef PO_ADVICE_H
#define PO_ADVICE_H

#include "explain/finding.h"

extern bool po_advice_can_prove(const PoAnalysis *analysis);
extern bool po_advice_prove(PoAnalysis *analysis, Oid relid, PoFindingDraft *draft);
extern bool po_advice_prove_expression(PoAnalysis *analysis, const PoNode *node, Node *expr,
									   PoFindingDraft *draft);
extern char *po_advice_column(Oid relid, AttrNumber attnum);
extern char *po_advice_expression(const PoNode *node, Node *expr);

#endif							/* PO_ADVICE_H */
