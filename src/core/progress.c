/*
 * progress.c
 *	  How far a long piece of work has come, for the view job_progress.
 *
 * Work that may run in a runner says so wherever it runs; outside a runner
 * nobody listens and the calls do nothing.
 */
#include "postgres.h"

#include "core/progress.h"
#include "utils/timestamp.h"

static PoProgress *progress = NULL;

/* Has the progress of this process written to target from now on, or to nobody. */
void
po_progress_attach(PoProgress *target)
{
	progress = target;
	if (target != NULL)
		memset(target, 0, sizeof(PoProgress));
}

/*
 * Says what the current run is at, and how many units of how many are done (total 0:
 * not known).  May be called by any kind, as often as it likes.
 */
void
po_progress_report(const char *phase, int64 done, int64 total)
{
	if (progress == NULL)
		return;
	progress->done = done;
	progress->total = total;
	if (strcmp(progress->phase, phase) == 0)
		return;
	progress->since = GetCurrentTimestamp();
	strlcpy(progress->phase, phase, sizeof(progress->phase));
}
