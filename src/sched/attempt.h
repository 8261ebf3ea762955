/*
 * attempt.h
 *	  The work of one attempt of a run, in a runner.
 */
#ifndef PO_ATTEMPT_H
#define PO_ATTEMPT_H

#include "sched/run.h"
#include "sched/shared.h"

extern void po_attempt_init(void);
extern void po_attempt_run(PoRunner *slot, PoJobRun *run, PoOutcome *outcome);
extern void po_attempt_spare(void);

#endif							/* PO_ATTEMPT_H */
