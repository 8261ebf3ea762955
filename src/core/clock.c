/*
 * clock.c
 *	  The clock that scheduling, archival and history read; replaceable in tests.
 *
 * perf_optimizer.test_clock_offset shifts the wall clock by a number of seconds.
 * Tests move it forward instead of sleeping; it is a superuser's setting and no
 * user has a reason to touch it.
 */
#include "postgres.h"

#include <limits.h>

#include "core/clock.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

static int	clock_offset_s = 0;

/* Returns the present moment, shifted by perf_optimizer.test_clock_offset. */
TimestampTz
po_clock_now(void)
{
	return GetCurrentTimestamp() + (int64) clock_offset_s * USECS_PER_SEC;
}

/* Defines perf_optimizer.test_clock_offset; called once from _PG_init. */
void
po_clock_init(void)
{
	DefineCustomIntVariable("perf_optimizer.test_clock_offset",
							"Shifts the extension's clock by this many seconds, for tests.",
							NULL, &clock_offset_s, 0, INT_MIN, INT_MAX,
							PGC_SUSET, GUC_NOT_IN_SAMPLE | GUC_NO_SHOW_ALL, NULL, NULL, NULL);
}
