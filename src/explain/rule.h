/*
 * rule.h
 *	  The rule table, and the checks that it is made of.
 */
#ifndef PO_RULE_H
#define PO_RULE_H

#include "explain/finding.h"

extern const PoFindingRule po_rule_table[];
extern const int po_rule_count;

/* rule_scan.c */
extern void po_rule_scan_selective(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_scan_filtering(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_scan_bitmap_and(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_scan_heap_fetches(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_scan_lossy(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_scan_sparse(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_scan_pruning(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_scan_stale(PoAnalysis *analysis, const PoNode *node);

/* rule_join.c */
extern void po_rule_join_nested(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_join_filter(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_join_cartesian(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_join_merge_sort(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_join_foreign(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_join_memoize(PoAnalysis *analysis, const PoNode *node);

/* rule_memory.c */
extern void po_rule_memory_sort(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_memory_hash(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_memory_advise(const PoAnalysis *analysis, PoFindingDraft *draft,
								  double kilobytes);
extern void po_rule_memory_temp(PoAnalysis *analysis, const PoNode *node);

/* rule_estimate.c */
extern void po_rule_estimate_rows(PoAnalysis *analysis, const PoNode *node);

/* rule_predicate.c */
extern void po_rule_predicate_wrapped(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_predicate_cast(PoAnalysis *analysis, const PoNode *node);

/* rule_like.c */
extern void po_rule_like_wildcard(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_like_collation(PoAnalysis *analysis, const PoNode *node);

/* rule_or.c */
extern bool po_rule_or_is_join(const PoNode *node);
extern void po_rule_or_columns(PoAnalysis *analysis, const PoNode *node);

/* rule_limit.c */
extern void po_rule_limit_late(PoAnalysis *analysis, const PoNode *node);
extern bool po_rule_limit_is_late(const PoAnalysis *analysis, const PoNode *scan);
extern void po_rule_limit_offset(PoAnalysis *analysis, const PoNode *node);

/* rule_subquery.c */
extern void po_rule_subquery_correlated(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_subquery_not_in(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_subquery_cte(PoAnalysis *analysis);
extern int	po_rule_subquery_cte_scans(const PoAnalysis *analysis, const char *name, double *kept);

/* rule_statement.c */
extern void po_rule_statement_jit(PoAnalysis *analysis);
extern void po_rule_statement_planning(PoAnalysis *analysis);
extern void po_rule_statement_workers(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_statement_cold(PoAnalysis *analysis);
extern void po_rule_statement_settings(PoAnalysis *analysis);
extern void po_rule_statement_generic(PoAnalysis *analysis);
extern void po_rule_statement_star(PoAnalysis *analysis);
extern void po_rule_statement_parallel(PoAnalysis *analysis);
extern void po_rule_statement_triggers(PoAnalysis *analysis);

/* rule_pasted.c */
extern void po_rule_pasted_offset(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_pasted_not_in(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_pasted_cte(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_pasted_sparse(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_pasted_triggers(PoAnalysis *analysis);

/* rule_filter.c */
extern bool po_rule_filter_has_or(const char *filter);
extern void po_rule_filter_selective(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_filter_wildcard(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_filter_wrapped(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_filter_cast(PoAnalysis *analysis, const PoNode *node);
extern void po_rule_filter_or(PoAnalysis *analysis, const PoNode *node);

#endif							/* PO_RULE_H */
