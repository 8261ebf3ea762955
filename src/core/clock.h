/*
 * clock.h
 *	  The clock that scheduling, archival and history read; replaceable in tests.
 */
#ifndef PO_CLOCK_H
#define PO_CLOCK_H

#include "datatype/timestamp.h"

extern TimestampTz po_clock_now(void);
extern bool po_clock_was_set_back(void);
extern void po_clock_init(void);

#endif							/* PO_CLOCK_H */
