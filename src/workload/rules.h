/*
 * rules.h
 *	  The workload findings that one statement's counters can decide.
 */
#ifndef PO_WORKLOAD_RULES_H
#define PO_WORKLOAD_RULES_H

/* What the rules read: one statement's counters and the sums over the database. */
typedef struct PoStatementCounters
{
	double		calls;
	double		total_time_ms;
	double		mean_time_ms;
	double		hit_blocks;
	double		read_blocks;
	double		temp_bytes;
	double		wal_bytes;
	double		all_time_ms;
	double		all_read_blocks;
	double		all_temp_bytes;
	double		all_wal_bytes;

	/* only where executions are tracked */
	bool		tracked;
	double		p50_ms;
	double		p95_ms;
	double		p99_ms;
	bool		n_plus_one;
	bool		repeated;
	bool		plan_flip;
} PoStatementCounters;

/* Upper bound of the number of rules. */
#define PO_WORKLOAD_MAX_RULES 12

extern int	po_rules_judge(const PoStatementCounters *c,
						   const char *rules[PO_WORKLOAD_MAX_RULES]);
extern double po_rules_share(double part, double whole);

#endif							/* PO_WORKLOAD_RULES_H */
