/*
 * rules.c
 *	  The workload findings that one statement's counters can decide.
 *
 * Pure: reads a struct, touches neither catalogs nor shared memory.  Where
 * executions are not tracked, the rules that need percentiles, bursts or plan
 * shapes stay quiet.
 */
#include "postgres.h"

#include "workload/rules.h"

/* slow-query: slow on average, and often enough for the average to mean something. */
#define SLOW_MEAN_MS 100.0
#define SLOW_MIN_CALLS 5.0
#define SLOW_P95_MS 500.0

/* high-variance: the slowest hundredth is so much slower than the middle. */
#define VARIANCE_FACTOR 10.0
#define VARIANCE_MIN_CALLS 100.0

/* high-total-time: share of the execution time of the database. */
#define HIGH_TIME_SHARE 0.10

/* temp-heavy, wal-heavy: share of the database's bytes, once they are worth a look. */
#define HEAVY_SHARE 0.10
#define HEAVY_MIN_TEMP_BYTES (64.0 * 1024 * 1024)
#define HEAVY_MIN_WAL_BYTES (64.0 * 1024 * 1024)

/* low-hit-ratio: ratio and blocks as for whole databases, and a share of all reads. */
#define LOW_HIT_RATIO 0.90
#define LOW_HIT_MIN_BLOCKS 100000.0
#define LOW_HIT_READ_SHARE 0.10

/* Returns part / whole, 0 when the whole is nothing. */
double
po_rules_share(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

/* Tells whether a statement reads much, and much of it from outside shared buffers. */
static bool
has_low_hit_ratio(const PoStatementCounters *c)
{
	double		blocks = c->hit_blocks + c->read_blocks;

	return blocks >= LOW_HIT_MIN_BLOCKS &&
		c->hit_blocks / blocks < LOW_HIT_RATIO &&
		po_rules_share(c->read_blocks, c->all_read_blocks) >= LOW_HIT_READ_SHARE;
}

/* Tells whether a statement is slow on average, or in the slowest twentieth of its calls. */
static bool
is_slow(const PoStatementCounters *c)
{
	return c->calls >= SLOW_MIN_CALLS &&
		(c->mean_time_ms >= SLOW_MEAN_MS || (c->tracked && c->p95_ms >= SLOW_P95_MS));
}

/* Adds the rules that only tracking can decide to the n rules that fire, and returns the number of all. */
static int
judge_tracked(const PoStatementCounters *c, const char **rules, int n)
{
	if (!c->tracked)
		return n;
	if (c->calls >= VARIANCE_MIN_CALLS && c->p50_ms > 0 && c->p99_ms >= VARIANCE_FACTOR * c->p50_ms)
		rules[n++] = "high-variance";
	if (c->n_plus_one)
		rules[n++] = "n-plus-one";
	if (c->repeated)
		rules[n++] = "repeated-query";
	if (c->plan_flip)
		rules[n++] = "plan-flip";
	return n;
}

/*
 * Writes the names of the rules that fire, the most general first, and returns
 * their number.  The names are constants.
 */
int
po_rules_judge(const PoStatementCounters *c, const char *rules[PO_WORKLOAD_MAX_RULES])
{
	int			n = 0;

	if (is_slow(c))
		rules[n++] = "slow-query";
	if (po_rules_share(c->total_time_ms, c->all_time_ms) >= HIGH_TIME_SHARE)
		rules[n++] = "high-total-time";
	if (has_low_hit_ratio(c))
		rules[n++] = "low-hit-ratio";
	if (c->temp_bytes >= HEAVY_MIN_TEMP_BYTES &&
		po_rules_share(c->temp_bytes, c->all_temp_bytes) >= HEAVY_SHARE)
		rules[n++] = "temp-heavy";
	if (c->wal_bytes >= HEAVY_MIN_WAL_BYTES &&
		po_rules_share(c->wal_bytes, c->all_wal_bytes) >= HEAVY_SHARE)
		rules[n++] = "wal-heavy";
	return judge_tracked(c, rules, n);
}
