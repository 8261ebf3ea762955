/*
 * rule.c
 *	  The rule table of plan findings.
 *
 * The thresholds are named constants at the head of the file that holds the check.
 */
#include "postgres.h"

#include "explain/rule.h"

/* A rule that looks at each node, of any plan, of executed plans, or of the server's own plan trees. */
#define NODE_RULE(name, check) {name, false, false, check, NULL}
#define EXECUTED_RULE(name, check) {name, true, false, check, NULL}
#define PLAN_RULE(name, check) {name, false, true, check, NULL}
/* A rule that looks at the statement. */
#define STATEMENT_RULE(name, executed, plan, check) {name, executed, plan, NULL, check}

const PoFindingRule po_rule_table[] = {
	NODE_RULE("selective-seq-scan", po_rule_scan_selective),
	EXECUTED_RULE("filtering-index-scan", po_rule_scan_filtering),
	EXECUTED_RULE("row-misestimate", po_rule_estimate_rows),
	EXECUTED_RULE("sort-spill", po_rule_memory_sort),
	EXECUTED_RULE("hash-spill", po_rule_memory_hash),
	EXECUTED_RULE("temp-io", po_rule_memory_temp),
	EXECUTED_RULE("lossy-bitmap", po_rule_scan_lossy),
	NODE_RULE("expensive-nested-loop", po_rule_join_nested),
	NODE_RULE("heap-fetches", po_rule_scan_heap_fetches),
	EXECUTED_RULE("join-filter", po_rule_join_filter),
	STATEMENT_RULE("jit-overhead", true, false, po_rule_statement_jit),
	STATEMENT_RULE("planning-dominates", true, false, po_rule_statement_planning),
	EXECUTED_RULE("workers-not-launched", po_rule_statement_workers),
	STATEMENT_RULE("parallel-unsafe-function", false, true, po_rule_statement_parallel),
	STATEMENT_RULE("cte-materialized", false, true, po_rule_subquery_cte),
	NODE_RULE("correlated-subplan", po_rule_subquery_correlated),
	NODE_RULE("cartesian-product", po_rule_join_cartesian),
	PLAN_RULE("wrapped-column", po_rule_predicate_wrapped),
	PLAN_RULE("implicit-cast", po_rule_predicate_cast),
	PLAN_RULE("leading-wildcard", po_rule_predicate_wildcard),
	PLAN_RULE("like-collation", po_rule_predicate_collation),
	PLAN_RULE("or-across-columns", po_rule_predicate_or),
	NODE_RULE("bitmap-and", po_rule_scan_bitmap_and),
	NODE_RULE("late-limit", po_rule_limit_late),
	NODE_RULE("merge-join-sort", po_rule_join_merge_sort),
	PLAN_RULE("large-offset", po_rule_limit_offset),
	PLAN_RULE("not-in-subquery", po_rule_subquery_not_in),
	STATEMENT_RULE("select-star", false, true, po_rule_statement_star),
	PLAN_RULE("no-partition-pruning", po_rule_scan_pruning),
	STATEMENT_RULE("fk-trigger-time", false, true, po_rule_statement_triggers),
	PLAN_RULE("foreign-not-pushed", po_rule_join_foreign),
	PLAN_RULE("stale-statistics", po_rule_scan_stale),
	{"sparse-relation", true, true, po_rule_scan_sparse, NULL},
	STATEMENT_RULE("forced-settings", false, false, po_rule_statement_settings),
	STATEMENT_RULE("generic-plan-gap", false, true, po_rule_statement_generic),
	EXECUTED_RULE("memoize-misses", po_rule_join_memoize),
	STATEMENT_RULE("cold-reads", true, false, po_rule_statement_cold),
};

const int	po_rule_count = lengthof(po_rule_table);
