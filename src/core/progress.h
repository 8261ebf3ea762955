/*
 * progress.h
 *	  How far a long piece of work has come, for the view job_progress.
 */
#ifndef PO_PROGRESS_H
#define PO_PROGRESS_H

#include "datatype/timestamp.h"

/*
 * Lies in shared memory and is written by the working process alone, without a
 * lock: a reader may see a phase with the numbers of the one before.
 */
typedef struct PoProgress
{
	char		phase[64];		/* empty: not said */
	int64		done;
	int64		total;			/* 0: not known */
	TimestampTz since;			/* when the phase began */
} PoProgress;

extern void po_progress_attach(PoProgress *target);
extern void po_progress_report(const char *phase, int64 done, int64 total);

#endif							/* PO_PROGRESS_H */
