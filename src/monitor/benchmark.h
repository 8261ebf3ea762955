/*
 * benchmark.h
 *	  Executing a statement many times.
 */
#ifndef PO_BENCHMARK_H
#define PO_BENCHMARK_H

#include "monitor/timings.h"
#include "plan/query.h"

#define PO_BENCHMARK_MAX 1000000

extern int	po_benchmark_run(PoStatement *statement, int iterations, PoTimings *result);

#endif							/* PO_BENCHMARK_H */
