/*
 * test_workload_rules.c
 *	  The workload findings of one statement: each rule fires, and stays quiet below its bounds.
 *
 * link: src/workload/rules.c
 */
#include "postgres.h"

#include "tap.h"
#include "workload/rules.h"

#define MB (1024.0 * 1024)

/* A statement that no rule minds, in a database that does much else. */
static const PoStatementCounters harmless =
{
	.calls = 1000, .total_time_ms = 1000, .mean_time_ms = 1,
	.hit_blocks = 1000000, .read_blocks = 10, .temp_bytes = 0, .wal_bytes = 0,
	.all_time_ms = 100000, .all_read_blocks = 1000000, .all_temp_bytes = 1000 * MB, .all_wal_bytes = 1000 * MB
};

/* Returns the names of the rules that fire, separated by commas. */
static const char *
judge(const PoStatementCounters *c)
{
	static char names[256];
	const char *rules[PO_WORKLOAD_MAX_RULES];
	int			n = po_rules_judge(c, rules);

	names[0] = '\0';
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			strcat(names, ",");
		strcat(names, rules[i]);
	}
	return names;
}

/* slow-query needs the mean and the calls. */
static void
test_slow_query(void)
{
	PoStatementCounters c = harmless;

	c.mean_time_ms = 100;
	c.calls = 5;
	is_str(judge(&c), "slow-query", "100 ms on average over 5 calls is slow");
	c.calls = 4;
	is_str(judge(&c), "", "4 calls are too few to say so");
	c.calls = 5;
	c.mean_time_ms = 99.9;
	is_str(judge(&c), "", "99.9 ms is not slow");
}

/* high-total-time is a share. */
static void
test_high_total_time(void)
{
	PoStatementCounters c = harmless;

	c.total_time_ms = 10000;
	is_str(judge(&c), "high-total-time", "a tenth of all time is much");
	c.total_time_ms = 9999;
	is_str(judge(&c), "", "less is not");
	c.total_time_ms = c.all_time_ms = 0;
	is_str(judge(&c), "", "no time at all has no shares");
}

/* low-hit-ratio needs the ratio, the volume and the share of reads. */
static void
test_low_hit_ratio(void)
{
	PoStatementCounters c = harmless;

	c.hit_blocks = 80000;
	c.read_blocks = 20000;
	c.all_read_blocks = 200000;
	is_str(judge(&c), "low-hit-ratio", "80 % of 100k blocks with a tenth of all reads");
	c.all_read_blocks = 200001;
	is_str(judge(&c), "", "quiet with a smaller share of the reads");
	c = harmless;
	c.hit_blocks = 90000;
	c.read_blocks = 10000;
	c.all_read_blocks = 10000;
	is_str(judge(&c), "", "quiet at 90 %");
	c.hit_blocks = 0;
	c.read_blocks = 99999;
	c.all_read_blocks = 99999;
	is_str(judge(&c), "", "quiet below 100k blocks");
}

/* temp-heavy and wal-heavy need the volume and the share. */
static void
test_heavy(void)
{
	PoStatementCounters c = harmless;

	c.temp_bytes = 100 * MB;
	c.wal_bytes = 100 * MB;
	is_str(judge(&c), "temp-heavy,wal-heavy", "a tenth of all bytes is heavy");
	c.all_temp_bytes = c.all_wal_bytes = 1001 * MB;
	is_str(judge(&c), "", "less is not");
	c.temp_bytes = c.wal_bytes = c.all_temp_bytes = c.all_wal_bytes = 63 * MB;
	is_str(judge(&c), "", "nor is the whole of little");
}

/* Runs all. */
int
main(void)
{
	is_str(judge(&harmless), "", "a harmless statement has no findings");
	test_slow_query();
	test_high_total_time();
	test_low_hit_ratio();
	test_heavy();
	return done();
}
