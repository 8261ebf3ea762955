/*
 * effort.h
 *	  Planning statements with many joins in bearable time.
 */
#ifndef PO_EFFORT_H
#define PO_EFFORT_H

#include "advisor/workload.h"

extern int	po_effort_relations(const PoAdvisorQuery *query);
extern bool po_effort_is_reduced(const PoAdvisorQuery *query);
extern double po_effort_plan(PoAdvisorQuery *query, List *indexes, PoWhatIfReader read, void *arg);

#endif							/* PO_EFFORT_H */
