/*
 * condition.h
 *	  The conditions of a node as rules ask for them.
 */
#ifndef PO_CONDITION_H
#define PO_CONDITION_H

#include "explain/finding.h"
#include "explain/predicate.h"
#include "utils/relcache.h"

/* Smaller tables are read in no time whatever the condition. */
#define PO_CONDITION_MIN_ROWS 1000
/* A condition that keeps more than this share of the table gains nothing by an index. */
#define PO_CONDITION_MAX_KEPT 0.2

/* Tests one index of a table. */
typedef bool (*PoIndexTest) (Relation index, const PoPredicate *predicate, const PoNode *node);

extern bool po_condition_any_index(const PoNode *node, const PoPredicate *predicate, PoIndexTest test);
extern bool po_condition_in_index(Relation index, const PoPredicate *predicate, const PoNode *node);
extern bool po_condition_leads(Relation index, const PoPredicate *predicate, const PoNode *node);
extern bool po_condition_is_worth_it(PoAnalysis *analysis, const PoNode *node);
extern bool po_condition_is_join(const PoNode *node);
extern List *po_condition_list(PoAnalysis *analysis, const PoNode *node);
extern PoPredicate *po_condition_find(PoAnalysis *analysis, const PoNode *node, PoPredicateKind kind);

#endif							/* PO_CONDITION_H */
