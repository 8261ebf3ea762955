/*
 * progress.c
 *	  How far a long piece of work has come, for the view job_progress.
 *
 * Work that may run in a runner says so wherever it runs; outside a runner
 * nobody listens and the calls do nothing.
 */
#include "postgres.h"

#include "core/clock.h"
#include "core/progress.h"

static PoProgress *progress = NULL;

/* Has the progress of this process reported to target from now on, or to nobody. */
void
po_progress_attach(PoProgress *target)
{
	progress = target;
	if (target != NULL)
		memset(target, 0, sizeof(PoProgress));
}

/* Begins a phase of total steps, 0 when their number is not known. */
void
po_progress_phase(const char *phase, int64 total)
{
	if (progress == NULL)
		return;
	progress->done = 0;
	progress->total = total;
	strlcpy(progress->phase, phase, sizeof(progress->phase));
	progress->since = po_clock_now();
}

/* Says how many steps of the phase are done. */
void
po_progress_done(int64 done)
{
	if (progress != NULL)
		progress->done = done;
}
