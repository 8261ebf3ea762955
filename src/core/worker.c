/*
 * worker.c
 *	  What the main loops of our background workers have in common.
 */
#include "postgres.h"

#include "core/worker.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "utils/guc.h"
#include "utils/wait_event.h"

/* Reads the settings again when they were asked to be. */
void
po_worker_reload(void)
{
	if (!ConfigReloadPending)
		return;
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
}

/*
 * Waits so many milliseconds, without end when negative, or until somebody sets this
 * process's latch; returns whether that was so.  Settings are read again meanwhile, and
 * a termination ends the process, as does the end of the postmaster.
 */
bool
po_worker_sleep(long timeout)
{
	int			wanted = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (timeout >= 0 ? WL_TIMEOUT : 0);
	int			events = WaitLatch(MyLatch, wanted, timeout, PG_WAIT_EXTENSION);

	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	po_worker_reload();
	return (events & WL_LATCH_SET) != 0;
}
