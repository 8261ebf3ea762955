/*
 * rule.c
 *	  The rule table of plan findings.
 *
 * The thresholds are named constants at the head of the file that holds the check.
 */
#include "postgres.h"

#include "explain/rule.h"

/* A rule that looks at each node, of any plan, of executed plans, or of the server's own plan trees. */
#define NODE_RULE(name, check) {name, false, false, false, check, NULL}
#define EXECUTED_RULE(name, check) {name, true, false, false, check, NULL}
#define PLAN_RULE(name, check) {name, false, true, false, check, NULL}
/* A rule that looks at the statement. */
#define STATEMENT_RULE(name, executed, plan, check) {name, executed, plan, false, NULL, check}
/* The counterpart of a rule on plan trees or statements that a pasted plan has neither of. */
#define PASTED_RULE(name, check) {name, false, false, true, check, NULL}

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
	PLAN_RULE("leading-wildcard", po_rule_like_wildcard),
	PLAN_RULE("like-collation", po_rule_like_collation),
	PLAN_RULE("or-across-columns", po_rule_or_columns),
	NODE_RULE("bitmap-and", po_rule_scan_bitmap_and),
	NODE_RULE("late-limit", po_rule_limit_late),
	NODE_RULE("merge-join-sort", po_rule_join_merge_sort),
	PLAN_RULE("large-offset", po_rule_limit_offset),
	PLAN_RULE("not-in-subquery", po_rule_subquery_not_in),
	STATEMENT_RULE("select-star", false, true, po_rule_statement_star),
	PLAN_RULE("no-partition-pruning", po_rule_scan_pruning),
	STATEMENT_RULE("fk-trigger-time", false, true, po_rule_statement_triggers),
	NODE_RULE("foreign-not-pushed", po_rule_join_foreign),
	PLAN_RULE("stale-statistics", po_rule_scan_stale),
	{"sparse-relation", true, true, false, po_rule_scan_sparse, NULL},
	STATEMENT_RULE("forced-settings", false, false, po_rule_statement_settings),
	STATEMENT_RULE("generic-plan-gap", false, true, po_rule_statement_generic),
	EXECUTED_RULE("memoize-misses", po_rule_join_memoize),
	STATEMENT_RULE("cold-reads", true, false, po_rule_statement_cold),
	PASTED_RULE("large-offset", po_rule_pasted_offset),
	PASTED_RULE("not-in-subquery", po_rule_pasted_not_in),
	PASTED_RULE("cte-materialized", po_rule_pasted_cte),
	PASTED_RULE("selective-seq-scan", po_rule_filter_selective),
	PASTED_RULE("leading-wildcard", po_rule_filter_wildcard),
	PASTED_RULE("wrapped-column", po_rule_filter_wrapped),
	PASTED_RULE("implicit-cast", po_rule_filter_cast),
	PASTED_RULE("or-across-columns", po_rule_filter_or),
	{"sparse-relation", true, false, true, po_rule_pasted_sparse, NULL},
	{"fk-trigger-time", true, false, true, NULL, po_rule_pasted_triggers},
};

const int	po_rule_count = lengthof(po_rule_table);
