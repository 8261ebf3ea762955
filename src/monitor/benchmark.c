/*
 * benchmark.c
 *	  Executing a statement many times.
 *
 * Each execution is rolled back, so that all see the same data.  The first ones
 * fill the caches and do not count.  What reading the clock costs is taken off.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "monitor/benchmark.h"
#include "plan/run.h"
#include "portability/instr_time.h"
#include "utils/memutils.h"

#define MIN_WARMUP 1
#define MAX_WARMUP 10
#define CLOCK_LOOKS 200

/* Returns the least time in milliseconds that passes between two looks at the clock. */
static double
clock_cost(void)
{
	double		least = 0;

	for (int i = 0; i < CLOCK_LOOKS; i++)
	{
		instr_time	start;
		instr_time	end;

		INSTR_TIME_SET_CURRENT(start);
		INSTR_TIME_SET_CURRENT(end);
		INSTR_TIME_SUBTRACT(end, start);
		if (i == 0 || INSTR_TIME_GET_MILLISEC(end) < least)
			least = INSTR_TIME_GET_MILLISEC(end);
	}
	return least;
}

/* Executes a statement once, in memory that is freed at its end; returns milliseconds. */
static double
execute_once(PoStatement *statement, MemoryContext memory, double cost)
{
	MemoryContext old = MemoryContextSwitchTo(memory);
	double		ms;

	CHECK_FOR_INTERRUPTS();
	ms = po_run_time(statement);
	MemoryContextSwitchTo(old);
	MemoryContextReset(memory);
	return Max(ms - cost, 0);
}

/*
 * Plans a statement, executes it iterations times after a warm-up, and fills what
 * the times say; returns how many executions the warm-up had.  Errors of the
 * statement, a cancel and a timeout pass through.
 */
int
po_benchmark_run(PoStatement *statement, int iterations, PoTimings *result)
{
	int			warmup = Min(MAX_WARMUP, Max(MIN_WARMUP, iterations / 10));
	double	   *times = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * iterations);
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer benchmark",
												 ALLOCSET_DEFAULT_SIZES);
	double		cost = clock_cost();

	(void) po_query_plan(statement);
	for (int i = 0; i < warmup; i++)
		(void) execute_once(statement, memory, 0);
	for (int i = 0; i < iterations; i++)
		times[i] = execute_once(statement, memory, cost);
	MemoryContextDelete(memory);
	po_timings_summarize(times, iterations, result);
	pfree(times);
	return warmup;
}
