/*
 * slots.h
 *	  Turning slots of jobs that are due into runs.
 *
 * Every function is called between po_store_enter and po_store_leave.
 */
#ifndef PO_SLOTS_H
#define PO_SLOTS_H

#include "datatype/timestamp.h"

extern bool po_slots_take(TimestampTz now, bool at_boot);
extern TimestampTz po_slots_next(TimestampTz now);
extern bool po_slots_follow(int64 job_id, TimestampTz now);
extern void po_slots_recover(void);

#endif							/* PO_SLOTS_H */
