/*
 * worker.h
 *	  What the main loops of our background workers have in common.
 */
#ifndef PO_WORKER_H
#define PO_WORKER_H

extern void po_worker_reload(void);
extern bool po_worker_sleep(long timeout);

#endif							/* PO_WORKER_H */
