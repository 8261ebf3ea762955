/*
 * register.h
 *	  Registering views for incremental refresh.
 */
#ifndef PO_REGISTER_H
#define PO_REGISTER_H

extern char *po_register_enable(Oid matview);
extern void po_register_disable(Oid matview);
extern const char *po_register_refusal(Oid matview);
extern void po_register_sweep(void);

#endif							/* PO_REGISTER_H */
