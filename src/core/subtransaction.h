/*
 * subtransaction.h
 *	  Work that may fail without taking its caller's transaction along.
 */
#ifndef PO_SUBTRANSACTION_H
#define PO_SUBTRANSACTION_H

typedef void (*PoSubtransactionWork) (void *arg);

extern ErrorData *po_subtransaction_keep(PoSubtransactionWork work, void *arg);
extern ErrorData *po_subtransaction_undo(PoSubtransactionWork work, void *arg);

#endif							/* PO_SUBTRANSACTION_H */
