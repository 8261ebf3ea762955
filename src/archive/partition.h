/*
 * partition.h
 *	  The leaves of an archived table, and taking whole ones.
 */
#ifndef PO_PARTITION_H
#define PO_PARTITION_H

#include "archive/cutoff.h"
#include "archive/policy.h"
#include "nodes/pg_list.h"

extern List *po_partition_wholly_old(PoArchivePolicy *policy, const PoCutoff *cutoff);
extern List *po_partition_rest(PoArchivePolicy *policy, const PoCutoff *cutoff, List *whole);
extern List *po_partition_whole(PoArchivePolicy *policy, const PoCutoff *cutoff);
extern void po_partition_reattach(PoArchivePolicy *policy, Oid leaf);
extern int64 po_partition_rows(Oid leaf, bool *estimated);

#endif							/* PO_PARTITION_H */
