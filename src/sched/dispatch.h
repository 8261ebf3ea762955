/*
 * dispatch.h
 *	  Handing waiting runs to runners, and taking back what runners dropped.
 */
#ifndef PO_DISPATCH_H
#define PO_DISPATCH_H

#include "datatype/timestamp.h"

extern TimestampTz po_dispatch_runs(TimestampTz now);
extern void po_dispatch_reap(void);
extern void po_dispatch_free_settled(void);
extern void po_dispatch_forget(void);
extern bool po_dispatch_unsettled(void);
extern bool po_dispatch_busy(void);

#endif							/* PO_DISPATCH_H */
