/*
 * runner.h
 *	  The process that works on one run.
 */
#ifndef PO_RUNNER_H
#define PO_RUNNER_H

/* A run whose runner has no scheduler: without preloading. */
typedef struct PoLoneRun
{
	Oid			dboid;
	Oid			roleid;
	int64		run_id;
	int64		job_id;
} PoLoneRun;

extern bool po_runner_start(int index, uint32 generation);
extern bool po_runner_start_alone(const PoLoneRun *run);

#endif							/* PO_RUNNER_H */
