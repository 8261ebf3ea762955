/*
 * once.h
 *	  Jobs that run once, as soon as the transaction that asks for them commits.
 */
#ifndef PO_ONCE_H
#define PO_ONCE_H

#include "sched/kind.h"

extern int64 po_once_start(PoJob *job);

#endif							/* PO_ONCE_H */
