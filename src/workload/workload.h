/*
 * workload.h
 *	  Starting the tracking of statements.
 */
#ifndef PO_WORKLOAD_H
#define PO_WORKLOAD_H

extern void po_workload_init(void);

#endif							/* PO_WORKLOAD_H */
