/*
 * trial.h
 *	  Building an index on trial: measure, build, measure again, keep or drop.
 */
#ifndef PO_TRIAL_H
#define PO_TRIAL_H

#include "advisor/workload.h"
#include "jobs/build.h"
#include "sched/kind.h"

extern bool po_trial_run(PoJobRun *run, const PoBuild *build, PoWorkload *workload, bool keep);

#endif							/* PO_TRIAL_H */
