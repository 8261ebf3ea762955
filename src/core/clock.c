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
#include "portability/instr_time.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

static int	clock_offset_s = 0;

/* Returns the present moment, shifted by perf_optimizer.test_clock_offset. */
TimestampTz
po_clock_now(void)
{
	return GetCurrentTimestamp() + (int64) clock_offset_s * USECS_PER_SEC;
}

/*
 * Tells whether the clock has been set back, by a minute or more, since this
 * process asked last.
 */
bool
po_clock_was_set_back(void)
{
	static bool asked = false;
	static TimestampTz last_time;
	static instr_time last_tick;
	TimestampTz now = po_clock_now();
	instr_time	tick;
	instr_time	elapsed;
	bool		result;

	INSTR_TIME_SET_CURRENT(tick);
	elapsed = tick;
	INSTR_TIME_SUBTRACT(elapsed, last_tick);
	result = asked && now - last_time < (int64) INSTR_TIME_GET_MICROSEC(elapsed) - USECS_PER_MINUTE;
	asked = true;
	last_time = now;
	last_tick = tick;
	return result;
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
