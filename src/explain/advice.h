/*
 * advice.h
 *	  Index advice inside findings, proven by planning with the index.
 */
#ifndef PO_ADVICE_H
#define PO_ADVICE_H

#include "explain/finding.h"
#include "explain/predicate.h"

extern bool po_advice_can_prove(const PoAnalysis *analysis);
extern bool po_advice_prove(PoAnalysis *analysis, Oid relid, PoFindingDraft *draft);
extern bool po_advice_prove_each(PoAnalysis *analysis, const PoNode *node, List *columns,
								 PoFindingDraft *draft);
extern bool po_advice_prove_statement(PoAnalysis *analysis, const PoNode *node, char *definition,
									  PoFindingDraft *draft);
extern bool po_advice_prove_expression(PoAnalysis *analysis, const PoNode *node,
									   const PoPredicate *predicate, PoFindingDraft *draft);
extern bool po_advice_has_parameter(Node *expr);
extern char *po_advice_column(Oid relid, AttrNumber attnum);
extern char *po_advice_expression(const PoNode *node, Node *expr);

#endif							/* PO_ADVICE_H */
