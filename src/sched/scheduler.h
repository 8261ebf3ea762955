/*
 * scheduler.h
 *	  Taking slots and handing out runs.
 *
 * slots.c decides what is enqueued, dispatch.c who works on it; scheduler.c is
 * the process that calls both.
 */
#ifndef PO_SCHEDULER_H
#define PO_SCHEDULER_H

#include "datatype/timestamp.h"

extern TimestampTz po_slots_take(TimestampTz now, bool at_boot);
extern void po_slots_recover(void);
extern TimestampTz po_dispatch_runs(TimestampTz now);
extern void po_dispatch_reap(void);
extern void po_dispatch_forget(void);
extern bool po_dispatch_unsettled(void);
extern bool po_dispatch_busy(void);

#endif							/* PO_SCHEDULER_H */
