/*
 * rule_scan.c
 *	  Findings about how tables are read.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "explain/advice.h"
#include "explain/predicate.h"
#include "explain/rule.h"
#include "optimizer/plancat.h"
#include "storage/bufpage.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* selective-seq-scan */
#define SELECTIVE_KEPT 0.05
#define SELECTIVE_MIN_PAGES 1000
#define SELECTIVE_MIN_ROWS 50000
/* filtering-index-scan */
#define FILTERING_REMOVED 0.90
#define FILTERING_MIN_PER_LOOP 100
#define FILTERING_MIN_TOTAL 1000
/* heap-fetches */
#define FETCHES_RATIO 0.25
#define FETCHES_MIN 100
#define VISIBLE_RATIO 0.50
#define VISIBLE_MIN_PAGES 64
/* lossy-bitmap: what a page takes in a bitmap, with its bucket, and how full the table of pages gets */
#define BITMAP_PAGE_BYTES 64
#define BITMAP_SPARE 1.2
/* sparse-relation */
#define SPARSE_MIN_PAGES 64
#define SPARSE_FACTOR 4
#define ROW_OVERHEAD 28			/* tuple header and line pointer */
/* no-partition-pruning */
#define PRUNING_MIN_PARTITIONS 8
/* stale-statistics */
#define STALE_MIN_ROWS 50

/* Tells whether all that selects rows is an OR over several columns, which has a rule of its own. */
static bool
has_only_or(List *predicates)
{
	bool		found = false;
	ListCell   *lc;

	foreach(lc, predicates)
	{
		PoPredicate *predicate = lfirst(lc);

		if (predicate->kind == PO_PREDICATE_EQUAL || predicate->kind == PO_PREDICATE_RANGE)
			return false;
		found = found || predicate->kind == PO_PREDICATE_OR;
	}
	return found;
}

/* Returns "Seq Scan on t", of a partition with the name of its partitioned table. */
static char *
table_label(PoAnalysis *analysis, const PoNode *node)
{
	Oid			root;

	if (analysis->statement == NULL || !OidIsValid(node->relid))
		return po_finding_label(node);
	root = po_facts_root(analysis, node->relid);
	return root == node->relid ? po_finding_label(node) :
		psprintf("%s on the partitions of %s", node->type, quote_identifier(get_rel_name(root)));
}

/* Adds the counts that scan findings share. */
static void
add_scan_evidence(PoFindingDraft *draft, double scanned, double kept)
{
	po_json_float(&draft->evidence, "rows_scanned", scanned);
	po_json_float(&draft->evidence, "rows_kept", kept);
	po_json_float(&draft->evidence, "kept_ratio", scanned > 0 ? kept / scanned : 0);
}

/*
 * selective-seq-scan: a sequential scan of a large table keeps few of its rows, and
 * an index was proven to help; for a pasted plan the scan alone must do.
 */
void
po_rule_scan_selective(PoAnalysis *analysis, const PoNode *node)
{
	PoScanSums	sums;
	PoFindingDraft draft;

	if (node->kind != PO_NODE_SEQ_SCAN || node->filter == NULL ||
		(analysis->statement == NULL && !node->executed) ||
		po_finding_continues_table(analysis, node) || po_finding_repeats(analysis, node->relid))
		return;
	sums = po_finding_scan_sums(analysis, node);
	if (sums.kept >= SELECTIVE_KEPT * sums.scanned || po_finding_stops_early(analysis, node))
		return;
	if (Max(sums.table_rows, analysis->statement ? 0 : sums.scanned) < SELECTIVE_MIN_ROWS &&
		sums.table_pages < SELECTIVE_MIN_PAGES)
		return;
	if (analysis->statement != NULL ? has_only_or(po_predicate_of_scan(node)) :
		po_rule_filter_has_or(node->filter))
		return;
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	add_scan_evidence(&draft, sums.scanned, sums.kept);
	if (analysis->statement != NULL && !po_advice_prove(analysis, node->relid, &draft))
		return;
	draft.finding->message = psprintf("%s reads %.0f rows to keep %.0f that match %s.",
									  table_label(analysis, node), sums.scanned, sums.kept,
									  node->filter);
	draft.finding->advice = pstrdup("Create an index on the columns of the condition.");
	po_finding_end(analysis, &draft);
}

/*
 * filtering-index-scan: an index scan throws away most of the rows that it fetched.  One
 * that does so in search of the rows of a LIMIT is late-limit's.
 */
void
po_rule_scan_filtering(PoAnalysis *analysis, const PoNode *node)
{
	PoScanSums	sums;
	double		fetched;
	PoFindingDraft draft;

	if (node->kind != PO_NODE_INDEX_SCAN && node->kind != PO_NODE_INDEX_ONLY_SCAN &&
		node->kind != PO_NODE_BITMAP_HEAP_SCAN)
		return;
	if (node->loops == 0 || po_finding_continues_table(analysis, node) ||
		po_finding_repeats(analysis, node->relid) || po_rule_limit_is_late(analysis, node))
		return;
	sums = po_finding_scan_sums(analysis, node);
	fetched = sums.kept + sums.removed;
	if (sums.removed < FILTERING_REMOVED * fetched ||
		(node->removed_filter / node->loops < FILTERING_MIN_PER_LOOP &&
		 sums.removed < FILTERING_MIN_TOTAL))
		return;
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	add_scan_evidence(&draft, fetched, sums.kept);
	po_json_float(&draft.evidence, "loops", node->loops);
	draft.finding->advice = po_advice_prove(analysis, node->relid, &draft) || analysis->statement == NULL ?
		pstrdup("Let the index hold the filter's columns too, or make it a partial index on the filter.") :
		pstrdup("No B-tree on columns was found that serves this filter: see whether it can be written as a comparison of a column.");
	draft.finding->message = psprintf("%s fetches %.0f rows and throws away %.0f of them by %s.",
									  table_label(analysis, node), fetched, sums.removed,
									  node->filter ? node->filter : "its filter");
	po_finding_end(analysis, &draft);
}

/* bitmap-and: two indexes are combined where one on all the columns would do, by proof. */
void
po_rule_scan_bitmap_and(PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *heap = po_node_parent(analysis->tree, node);
	PoFindingDraft draft;

	if (node->kind != PO_NODE_BITMAP_AND)
		return;
	while (heap != NULL && heap->kind != PO_NODE_BITMAP_HEAP_SCAN)
		heap = po_node_parent(analysis->tree, heap);
	if (heap == NULL || po_finding_repeats(analysis, heap->relid))
		return;
	draft = po_finding_begin(analysis, node, po_finding_subtree_share(analysis, heap));
	draft.finding->relid = heap->relid;
	po_json_text(&draft.evidence, "condition", heap->condition);
	if (analysis->statement != NULL && !po_advice_prove(analysis, heap->relid, &draft))
		return;
	draft.finding->message = psprintf("%s combines two indexes to find the rows that match %s.",
									  po_finding_label(heap),
									  heap->condition ? heap->condition : "its condition");
	draft.finding->advice = pstrdup("Create one index on all the columns of the condition.");
	po_finding_end(analysis, &draft);
}

/* Tells whether an index-only scan must go, or is expected to go, to the table often. */
static bool
fetches_from_heap(const PoNode *node, const PoFacts *facts)
{
	if (node->executed)
		return node->heap_fetches >= FETCHES_MIN &&
			node->heap_fetches >= FETCHES_RATIO * (node->total_rows + node->removed_filter);
	return facts != NULL && facts->pages >= VISIBLE_MIN_PAGES &&
		facts->all_visible < VISIBLE_RATIO * facts->pages;
}

/* heap-fetches: an index-only scan reads the table nonetheless, for want of VACUUM. */
void
po_rule_scan_heap_fetches(PoAnalysis *analysis, const PoNode *node)
{
	PoFacts    *facts;
	PoFindingDraft draft;

	if (node->kind != PO_NODE_INDEX_ONLY_SCAN || po_finding_repeats(analysis, node->relid))
		return;
	facts = analysis->statement ? po_facts_get(analysis, node->relid) : NULL;
	if (!fetches_from_heap(node, facts))
		return;
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	if (node->executed)
	{
		po_json_float(&draft.evidence, "heap_fetches", node->heap_fetches);
		po_json_float(&draft.evidence, "rows", node->total_rows);
		draft.finding->message = psprintf("%s had to look %.0f times into the table for %.0f rows.",
										  po_finding_label(node), node->heap_fetches,
										  node->total_rows);
	}
	else
	{
		po_json_float(&draft.evidence, "pages", facts->pages);
		po_json_float(&draft.evidence, "all_visible_pages", facts->all_visible);
		draft.finding->message =
			psprintf("%s will often look into the table: only %.0f of its %.0f pages are known to be all-visible.",
					 po_finding_label(node), facts->all_visible, facts->pages);
	}
	draft.finding->advice = pstrdup("Vacuum the table, and let autovacuum come more often.");
	if (facts != NULL)
		draft.finding->suggested_sql = psprintf("VACUUM (ANALYZE) %s", facts->name);
	po_finding_end(analysis, &draft);
}

/* lossy-bitmap: a bitmap did not fit into work_mem and holds pages instead of rows. */
void
po_rule_scan_lossy(PoAnalysis *analysis, const PoNode *node)
{
	PoFindingDraft draft;

	if (node->kind != PO_NODE_BITMAP_HEAP_SCAN || node->lossy_pages == 0)
		return;
	draft = po_finding_begin(analysis, node, po_finding_share(analysis, node));
	po_json_int(&draft.evidence, "lossy_pages", node->lossy_pages);
	po_json_int(&draft.evidence, "exact_pages", node->exact_pages);
	po_json_float(&draft.evidence, "rows_removed_by_recheck", node->removed_recheck);
	draft.finding->message =
		psprintf("%s remembers %lld pages whole, because its bitmap exceeds work_mem, and checks %.0f rows for nothing.",
				 po_finding_label(node), (long long) node->lossy_pages, node->removed_recheck);
	draft.finding->advice = pstrdup("Raise work_mem for this statement.");
	po_rule_memory_advise(analysis, &draft, (double) (node->lossy_pages + node->exact_pages) *
						  BITMAP_PAGE_BYTES / 1024 * BITMAP_SPARE);
	po_finding_end(analysis, &draft);
}

/* sparse-relation: a sequential scan reads many more pages than its rows would fill. */
void
po_rule_scan_sparse(PoAnalysis *analysis, const PoNode *node)
{
	PoFacts    *facts;
	double		blocks = (double) (node->shared_hit + node->shared_read);
	double		scanned = node->total_rows + node->removed_filter;
	double		needed;
	PoFindingDraft draft;

	if (node->kind != PO_NODE_SEQ_SCAN || blocks < SPARSE_MIN_PAGES || node->loops == 0 ||
		po_finding_repeats(analysis, node->relid) || po_finding_stops_early(analysis, node))
		return;
	facts = po_facts_get(analysis, node->relid);
	/* The width of rows is known from statistics alone. */
	if (facts == NULL || !facts->analyzed)
		return;
	/* What subplans in the condition read is counted here, too. */
	blocks = Min(blocks, facts->pages * node->loops);
	needed = scanned * (MAXALIGN(get_relation_data_width(node->relid, NULL)) + ROW_OVERHEAD) /
		((BLCKSZ - SizeOfPageHeaderData) * facts->fillfactor) + 1;
	if (blocks < SPARSE_FACTOR * needed + SPARSE_MIN_PAGES)
		return;
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	po_json_float(&draft.evidence, "blocks_read", blocks);
	po_json_float(&draft.evidence, "blocks_needed", needed);
	po_json_float(&draft.evidence, "rows_scanned", scanned);
	draft.finding->message =
		psprintf("%s reads %.0f pages for %.0f rows that would fit into %.0f.",
				 po_finding_label(node), blocks, scanned, needed);
	draft.finding->advice =
		pstrdup("Vacuum the table; if it stays sparse, rewrite it with VACUUM FULL, which locks it meanwhile.");
	draft.finding->suggested_sql = psprintf("VACUUM %s", facts->name);
	po_finding_end(analysis, &draft);
}

/* Tells whether every member of an Append reads a partition of one table, each with a condition. */
static bool
members_are_filtered_partitions(const PoAnalysis *analysis, const PoNode *append)
{
	const PoNode *member = po_node_child(analysis->tree, append, PO_ROLE_MEMBER);

	for (; member != NULL; member = po_node_next_sibling(analysis->tree, member))
	{
		if (member->role != PO_ROLE_MEMBER)
			continue;
		if (!po_node_is_scan(member) || (member->filter == NULL && member->condition == NULL))
			return false;
		if (analysis->statement != NULL && !get_rel_relispartition(member->relid))
			return false;
	}
	return true;
}

/* no-partition-pruning: a condition on a partitioned table leaves no partition out. */
void
po_rule_scan_pruning(PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *member;
	Oid			root;
	PoFindingDraft draft;

	if (node->kind != PO_NODE_APPEND && node->kind != PO_NODE_MERGE_APPEND)
		return;
	if (node->subplans_total < PRUNING_MIN_PARTITIONS || node->subplans_removed > 0 ||
		node->prunes_at_run || !members_are_filtered_partitions(analysis, node))
		return;
	member = po_node_child(analysis->tree, node, PO_ROLE_MEMBER);
	root = po_facts_root(analysis, member->relid);
	if (po_finding_repeats(analysis, root) || po_facts_partitions(root) != node->subplans_total)
		return;
	draft = po_finding_begin(analysis, node, po_finding_subtree_share(analysis, node));
	draft.finding->relid = root;
	po_json_int(&draft.evidence, "partitions_scanned", node->subplans_total);
	if (analysis->statement != NULL)
		po_json_text(&draft.evidence, "partition_key", po_facts_partition_key(root));
	draft.finding->message = analysis->statement == NULL ?
		psprintf("All %d partitions of a table are scanned.", node->subplans_total) :
		psprintf("All %d partitions of %s are scanned: no condition on its key, %s, leaves one out.",
				 node->subplans_total, po_facts_get(analysis, root)->name,
				 po_facts_partition_key(root));
	draft.finding->advice =
		pstrdup("Add a condition on the partition key, with a value of the key's own type and the key by itself on its side.");
	po_finding_end(analysis, &draft);
}

/* stale-statistics: a table was never analyzed, or changed much since. */
void
po_rule_scan_stale(PoAnalysis *analysis, const PoNode *node)
{
	PoFacts    *facts;
	PoFindingDraft draft;
	bool		never;

	if (!po_node_is_scan(node) || po_finding_repeats(analysis, node->relid))
		return;
	facts = po_facts_get(analysis, node->relid);
	if (facts == NULL || get_rel_namespace(node->relid) == PG_CATALOG_NAMESPACE)
		return;
	never = !facts->analyzed && facts->tuples >= STALE_MIN_ROWS;
	if (!never && !(facts->analyzed && facts->changed))
		return;
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	po_json_bool(&draft.evidence, "never_analyzed", never);
	po_json_float(&draft.evidence, "modified_rows", facts->modified);
	po_json_float(&draft.evidence, "modified_limit", facts->modified_limit);
	po_json_float(&draft.evidence, "table_rows", facts->tuples);
	draft.finding->message = never ?
		psprintf("%s has no statistics: it was never analyzed.", facts->name) :
		psprintf("%.0f rows of %s changed since it was last analyzed.", facts->modified, facts->name);
	draft.finding->advice = pstrdup("Analyze the table, so that the planner's estimates hold.");
	draft.finding->suggested_sql = psprintf("ANALYZE %s", facts->name);
	po_finding_end(analysis, &draft);
}
