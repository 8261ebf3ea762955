/*
 * rule_memory.c
 *	  Findings about work that did not fit into memory.
 */
#include "postgres.h"

#include "explain/rule.h"
#include "miscadmin.h"

/* What a row takes in memory beyond its bytes on a tape: its place in an array that doubles, and its header. */
#define SORT_ROW_BYTES 80
/* What is kept in memory takes about this much more than its tapes on disk, where its rows are not counted. */
#define SORT_MEMORY_FACTOR 3
/* temp-io: blocks of a node that no other rule explains. */
#define TEMP_MIN_BLOCKS 128

/* Rounds up to a memory setting that a person would type: whole powers of two of megabytes. */
static int
megabytes_for(double kilobytes)
{
	int			megabytes = 1;

	while (megabytes < 1024 * 1024 && megabytes * 1024.0 < kilobytes)
		megabytes *= 2;
	return megabytes;
}

/* Fills in a statement that raises work_mem so that so many kilobytes fit. */
void
po_rule_memory_advise(const PoAnalysis *analysis, PoFindingDraft *draft, double kilobytes)
{
	int			megabytes = megabytes_for(kilobytes);
	int			present = analysis->statement ? work_mem : analysis->work_mem_kb;

	if (present > 0)
		po_json_int(&draft->evidence, "work_mem_kb", present);
	po_json_int(&draft->evidence, "work_mem_needed_mb", megabytes);
	draft->finding->suggested_sql = psprintf("SET work_mem = '%dMB'", megabytes);
}

/* Counts the processes that ran a node, at least one. */
static double
processes_of(const PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *above = po_node_parent(analysis->tree, node);

	for (; above != NULL; above = po_node_parent(analysis->tree, above))
		if (above->kind == PO_NODE_GATHER)
			return Max(above->workers_launched, 1);
	return 1;
}

/* Returns the kilobytes that one process of a sort would take in memory; of an incremental sort its largest group. */
static double
sort_memory(const PoAnalysis *analysis, const PoNode *node)
{
	if (node->kind == PO_NODE_INCREMENTAL_SORT)
		return SORT_MEMORY_FACTOR * (double) node->sort_disk_kb;
	return node->sort_disk_kb / processes_of(analysis, node) +
		node->actual_rows * SORT_ROW_BYTES / 1024;
}

/* sort-spill: a sort went to disk. */
void
po_rule_memory_sort(PoAnalysis *analysis, const PoNode *node)
{
	PoFindingDraft draft;

	if (node->sort_disk_kb == 0)
		return;
	draft = po_finding_begin(analysis, node, po_finding_share(analysis, node));
	po_json_int(&draft.evidence, "disk_kb", node->sort_disk_kb);
	po_json_float(&draft.evidence, "rows", node->total_rows);
	po_rule_memory_advise(analysis, &draft, sort_memory(analysis, node));
	draft.finding->message = psprintf("%s of %.0f rows by %s used %lld kB on disk.", node->type,
									  node->total_rows, node->keys ? node->keys : "its keys",
									  (long long) node->sort_disk_kb);
	draft.finding->advice = pstrdup("Raise work_mem for this statement.");
	po_finding_end(analysis, &draft);
}

/* Reports a hash table of a join that was split into batches on disk. */
static void
check_hash_join(PoAnalysis *analysis, const PoNode *node)
{
	bool		grown = node->hash_batches > node->hash_batches_planned;
	PoFindingDraft draft = po_finding_begin(analysis, node,
											po_finding_subtree_share(analysis, node));

	po_json_int(&draft.evidence, "batches", node->hash_batches);
	po_json_int(&draft.evidence, "batches_planned", node->hash_batches_planned);
	po_json_int(&draft.evidence, "memory_kb", node->hash_memory_kb);
	po_rule_memory_advise(analysis, &draft, (double) node->hash_memory_kb * node->hash_batches);
	draft.finding->message = grown ?
		psprintf("The hash table of a join was to have %lld batches and grew to %lld.",
				 (long long) node->hash_batches_planned, (long long) node->hash_batches) :
		psprintf("The hash table of a join is split into %lld batches on disk, as planned.",
				 (long long) node->hash_batches);
	draft.finding->advice = grown ?
		pstrdup("Raise work_mem or hash_mem_multiplier for this statement, and check the row estimate of the hashed side.") :
		pstrdup("Raise work_mem or hash_mem_multiplier for this statement.");
	po_finding_end(analysis, &draft);
}

/* Reports a hash aggregate that spilled. */
static void
check_hash_aggregate(PoAnalysis *analysis, const PoNode *node)
{
	PoFindingDraft draft = po_finding_begin(analysis, node, po_finding_share(analysis, node));

	po_json_int(&draft.evidence, "batches", node->hash_batches);
	po_json_int(&draft.evidence, "disk_kb", node->hash_disk_kb);
	po_json_int(&draft.evidence, "memory_kb", node->hash_memory_kb);
	po_json_float(&draft.evidence, "groups_estimated", node->rows);
	po_json_float(&draft.evidence, "groups", node->actual_rows);
	po_rule_memory_advise(analysis, &draft, (double) node->hash_memory_kb + SORT_MEMORY_FACTOR * node->hash_disk_kb);
	draft.finding->message = psprintf("%s by %s used %lld kB on disk.", node->type,
									  node->keys ? node->keys : "its keys",
									  (long long) node->hash_disk_kb);
	draft.finding->advice =
		pstrdup("Raise work_mem or hash_mem_multiplier for this statement, and check the estimated number of groups.");
	po_finding_end(analysis, &draft);
}

/* hash-spill: the hash table of a join or of an aggregate did not fit into memory. */
void
po_rule_memory_hash(PoAnalysis *analysis, const PoNode *node)
{
	if (node->kind == PO_NODE_HASH && node->hash_batches > 1)
		check_hash_join(analysis, node);
	else if (node->kind == PO_NODE_AGGREGATE && node->hash_disk_kb > 0)
		check_hash_aggregate(analysis, node);
}

/* temp-io: another node writes temporary files. */
void
po_rule_memory_temp(PoAnalysis *analysis, const PoNode *node)
{
	int64		own = node->temp_written;
	const PoNode *cte;
	PoFindingDraft draft;

	if (node->kind == PO_NODE_SORT || node->kind == PO_NODE_INCREMENTAL_SORT ||
		node->kind == PO_NODE_HASH || node->kind == PO_NODE_HASH_JOIN ||
		node->kind == PO_NODE_AGGREGATE)
		return;
	for (int i = node->id; i < analysis->tree->nnodes; i++)
	{
		const PoNode *below = &analysis->tree->nodes[i];

		if (below->depth <= node->depth)
			break;
		if (below->parent == node->id)
			own -= below->temp_written;
	}
	cte = node->kind == PO_NODE_CTE_SCAN ? po_node_cte(analysis->tree, node) : NULL;
	if (cte != NULL)
		own -= cte->temp_written;
	if (own < TEMP_MIN_BLOCKS)
		return;
	draft = po_finding_begin(analysis, node, po_finding_share(analysis, node));
	po_json_int(&draft.evidence, "temp_written_blocks", own);
	po_rule_memory_advise(analysis, &draft, SORT_MEMORY_FACTOR * own * (BLCKSZ / 1024.0));
	draft.finding->message = psprintf("%s wrote %lld temporary blocks.", po_finding_label(node),
									  (long long) own);
	draft.finding->advice = pstrdup("Raise work_mem for this statement.");
	po_finding_end(analysis, &draft);
}
