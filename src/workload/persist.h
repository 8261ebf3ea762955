/*
 * persist.h
 *	  Keeping what is tracked over a restart of the server.
 */
#ifndef PO_WORKLOAD_PERSIST_H
#define PO_WORKLOAD_PERSIST_H

extern void po_persist_start(void);

#endif							/* PO_WORKLOAD_PERSIST_H */
