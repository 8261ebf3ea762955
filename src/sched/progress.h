/*
 * progress.h
 *	  How far the run of a runner has come.
 */
#ifndef PO_PROGRESS_H
#define PO_PROGRESS_H

#include "sched/shared.h"

extern void po_progress_attach(PoRunner *slot);
extern void po_progress_report(const char *phase, int64 done, int64 total);

#endif							/* PO_PROGRESS_H */
