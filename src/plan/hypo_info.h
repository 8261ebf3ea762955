/*
 * hypo_info.h
 *	  The planner's description of a hypothetical index on one relation.
 */
#ifndef PO_HYPO_INFO_H
#define PO_HYPO_INFO_H

#include "nodes/pathnodes.h"
#include "plan/hypo.h"

extern IndexOptInfo *po_hypo_info_describe(const PoHypoIndex *index, Oid relid, RelOptInfo *rel);
extern IndexOptInfo *po_hypo_info_build(PoHypoIndex *index, Oid relid, RelOptInfo *rel);

#endif							/* PO_HYPO_INFO_H */
