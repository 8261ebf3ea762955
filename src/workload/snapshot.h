/*
 * snapshot.h
 *	  Adding to the history of the workload.
 */
#ifndef PO_WORKLOAD_SNAPSHOT_H
#define PO_WORKLOAD_SNAPSHOT_H

extern void po_snapshot_check(Oid role);
extern int64 po_snapshot_take(void);

#endif							/* PO_WORKLOAD_SNAPSHOT_H */
