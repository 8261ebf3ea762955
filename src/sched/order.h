/*
 * order.h
 *	  The order between runs of which one reads what the other writes.
 *
 * Every function is called between po_store_enter and po_store_leave.
 */
#ifndef PO_ORDER_H
#define PO_ORDER_H

#include "nodes/pg_list.h"
#include "sched/shared.h"

extern void po_order_runs(List *runs);
extern bool po_order_mark_awaited(PoWaiting *runs, uint64 n);

#endif							/* PO_ORDER_H */
