/*
 * state.h
 *	  What is remembered of each materialized view's last refresh.
 */
#ifndef PO_STATE_H
#define PO_STATE_H

#include "matview/refresh.h"

extern void po_state_record(Oid matview, const PoRefreshResult *result);
extern void po_state_count(Oid matview);

#endif							/* PO_STATE_H */
