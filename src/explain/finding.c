/*
 * finding.c
 *	  Running the rule table over an analysis, and building findings.
 */
#include "postgres.h"

#include <math.h>

#include "explain/finding.h"
#include "explain/skew.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#include "utils/builtins.h"

/* From these shares of the statement's time or cost on, a finding is high or medium. */
#define HIGH_SHARE 0.5
#define MEDIUM_SHARE 0.2

/* Orders findings by severity, then by share, both descending, then by node. */
static int
compare_findings(const ListCell *a, const ListCell *b)
{
	const PoFinding *left = lfirst(a);
	const PoFinding *right = lfirst(b);

	if (left->severity != right->severity)
		return left->severity < right->severity ? -1 : 1;
	if (left->share != right->share)
		return left->share > right->share ? -1 : 1;
	return left->node_id - right->node_id;
}

/* Tells whether a rule can say anything about this analysis. */
static bool
rule_applies(const PoAnalysis *analysis, const PoFindingRule *rule)
{
	if (rule->needs_execution && !analysis->tree->executed)
		return false;
	if (rule->only_pasted && analysis->statement != NULL)
		return false;
	return !rule->needs_plan || analysis->statement != NULL;
}

/*
 * Applies n rules to the analysis and sorts its findings, most severe first.  All is
 * allocated in the current memory context.
 */
void
po_finding_run(PoAnalysis *analysis, const PoFindingRule *rules, int n)
{
	for (int i = 0; i < n; i++)
	{
		const PoFindingRule *rule = &rules[i];

		if (!rule_applies(analysis, rule))
			continue;
		analysis->rule = rule;
		if (rule->check_statement != NULL)
			rule->check_statement(analysis);
		for (int j = 0; rule->check_node != NULL && j < analysis->tree->nnodes; j++)
		{
			CHECK_FOR_INTERRUPTS();
			rule->check_node(analysis, &analysis->tree->nodes[j]);
		}
	}
	list_sort(analysis->findings, compare_findings);
}

/* Tells whether a node's times were taken: counts come without them, too (TIMING off). */
static bool
is_timed(const PoPlanTree *tree, const PoNode *node)
{
	return node->executed && tree->execution_ms > 0 && tree->nodes[0].total_ms > 0;
}

/* Returns the part of the statement's time, or else cost, that the node alone takes. */
double
po_finding_share(const PoAnalysis *analysis, const PoNode *node)
{
	const PoPlanTree *tree = analysis->tree;

	if (is_timed(tree, node))
		return Min(node->self_ms / tree->execution_ms, 1.0);
	return tree->total_cost > 0 ? Min(node->self_cost / tree->total_cost, 1.0) : 0;
}

/* Like po_finding_share, for the node and all below it. */
double
po_finding_subtree_share(const PoAnalysis *analysis, const PoNode *node)
{
	const PoPlanTree *tree = analysis->tree;

	if (is_timed(tree, node))
		return Min(node->total_ms / tree->execution_ms, 1.0);
	return tree->total_cost > 0 ? Min(node->effective_cost / tree->total_cost, 1.0) : 0;
}

/* Returns the severity that a share stands for. */
static PoSeverity
severity_of(double share)
{
	return share >= HIGH_SHARE ? PO_SEVERITY_HIGH :
		share >= MEDIUM_SHARE ? PO_SEVERITY_MEDIUM : PO_SEVERITY_LOW;
}

/*
 * Starts a finding of the running rule about a node (NULL: the statement).  The
 * caller sets message, advice, suggested_sql, may change severity and relid, adds
 * fields to the evidence, and calls po_finding_end.
 */
PoFindingDraft
po_finding_begin(PoAnalysis *analysis, const PoNode *node, double share)
{
	PoFindingDraft draft = {0};

	draft.finding = palloc0(sizeof(PoFinding));
	draft.finding->rule = analysis->rule->name;
	draft.finding->share = share;
	draft.finding->severity = severity_of(share);
	draft.finding->node_id = node ? node->id : 0;
	draft.finding->relid = node ? node->relid : InvalidOid;
	po_json_begin_object(&draft.evidence, NULL);
	return draft;
}

/* Completes a finding and adds it to the analysis. */
void
po_finding_end(PoAnalysis *analysis, PoFindingDraft *draft)
{
	Assert(draft->finding->message != NULL && draft->finding->advice != NULL);
	po_skew_note(analysis, draft);
	po_json_float(&draft->evidence, "share_ratio", rint(draft->finding->share * 1000) / 1000);
	po_json_end_object(&draft->evidence);
	draft->finding->evidence = po_json_finish(&draft->evidence);
	analysis->findings = lappend(analysis->findings, draft->finding);
}

/* Returns the topmost partitioned table above a relation; relations of pasted plans have none. */
static Oid
root_of(PoAnalysis *analysis, Oid relid)
{
	return OidIsValid(relid) && analysis->statement != NULL ?
		po_facts_root(analysis, relid) : relid;
}

/*
 * Tells whether the running rule has reported the relation, or another partition of
 * the same table, already: each table is worth one finding of a kind.
 */
bool
po_finding_repeats(PoAnalysis *analysis, Oid relid)
{
	ListCell   *lc;

	foreach(lc, analysis->findings)
	{
		const PoFinding *finding = lfirst(lc);

		if (OidIsValid(relid) && finding->rule == analysis->rule->name &&
			OidIsValid(finding->relid) &&
			root_of(analysis, finding->relid) == root_of(analysis, relid))
			return true;
	}
	return false;
}

/* Returns the share of all nodes of this node's kind on its table, partitions together. */
double
po_finding_relation_share(PoAnalysis *analysis, const PoNode *node)
{
	double		share = 0;

	if (!OidIsValid(node->relid))
		return po_finding_share(analysis, node);
	for (int i = 0; i < analysis->tree->nnodes; i++)
	{
		const PoNode *other = &analysis->tree->nodes[i];

		if (other->kind == node->kind && OidIsValid(other->relid) &&
			root_of(analysis, other->relid) == root_of(analysis, node->relid))
			share += po_finding_share(analysis, other);
	}
	return Min(share, 1.0);
}

/* Returns the word for a severity. */
const char *
po_finding_severity_name(PoSeverity severity)
{
	static const char *const names[] = {"high", "medium", "low", "info"};

	return names[severity];
}

/* Returns "Seq Scan on t" or "Sort", palloc'd: how messages name a node. */
char *
po_finding_label(const PoNode *node)
{
	if (node->relation != NULL)
		return psprintf("%s on %s", node->type, quote_identifier(node->relation));
	if (node->index_name != NULL)
		return psprintf("%s on %s", node->type, quote_identifier(node->index_name));
	return pstrdup(node->type);
}

/*
 * Returns the rows that a node gives in all: measured over all loops, or else
 * expected, the parallel processes together.
 */
double
po_finding_rows(const PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *above = po_node_parent(analysis->tree, node);

	if (node->executed)
		return node->total_rows;
	for (; above != NULL; above = po_node_parent(analysis->tree, above))
	{
		double		workers = above->workers_planned;

		/* The planner's own estimate of what the leader adds to its workers. */
		if (above->kind == PO_NODE_GATHER)
			return node->rows * (workers + Max(1.0 - 0.3 * workers, 0));
	}
	return node->rows;
}

/* Tells whether a node hands on nothing before it has read all of its input. */
static bool
reads_all_input(const PoNode *node)
{
	switch (node->kind)
	{
		case PO_NODE_SORT:
		case PO_NODE_AGGREGATE:
		case PO_NODE_HASH:
		case PO_NODE_MODIFY:
		case PO_NODE_BITMAP_HEAP_SCAN:
			return true;
		default:
			return false;
	}
}

/* Tells whether a CTE's rows may not all be asked for: one scan of it may stop early. */
static bool
cte_stops_early(const PoAnalysis *analysis, const PoNode *cte)
{
	for (int i = 0; i < analysis->tree->nnodes; i++)
	{
		const PoNode *scan = &analysis->tree->nodes[i];

		if (scan->kind == PO_NODE_CTE_SCAN && po_node_cte(analysis->tree, scan) == cte &&
			po_finding_stops_early(analysis, scan))
			return true;
	}
	return false;
}

/* Tells whether a subquery may not be asked for all of its rows. */
static bool
subquery_stops_early(const PoAnalysis *analysis, const PoNode *root)
{
	if (root->subplan != NULL && strncmp(root->subplan, "CTE ", 4) == 0)
		return cte_stops_early(analysis, root);
	return !root->read_whole;
}

/* Tells whether a node may stop reading a child of its before the child's end. */
static bool
stops_child(const PoNode *above, const PoNode *child)
{
	if (above->kind == PO_NODE_LIMIT || above->kind == PO_NODE_MERGE_JOIN)
		return true;
	return above->kind == PO_NODE_NESTED_LOOP && child->role == PO_ROLE_INNER &&
		(above->jointype == JOIN_SEMI || above->jointype == JOIN_ANTI);
}

/*
 * Tells whether the plan may stop reading the node before its end: it feeds a LIMIT, the
 * inner side of a semi-join or anti-join, a merge join, an EXISTS, or a CTE of such use.
 */
bool
po_finding_stops_early(const PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *child = node;
	const PoNode *above = po_node_parent(analysis->tree, node);

	check_stack_depth();
	for (;; child = above, above = po_node_parent(analysis->tree, above))
	{
		if (child->role == PO_ROLE_INITPLAN || child->role == PO_ROLE_SUBPLAN)
			return subquery_stops_early(analysis, child);
		if (above == NULL)
			return false;
		if (stops_child(above, child))
			return true;
		if (reads_all_input(above))
			return false;
	}
}

/*
 * Tells whether the node before under the same parent scans another partition of the
 * same table in the same way, so that whoever sums over the table has done so there.
 */
bool
po_finding_continues_table(PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *before = node;

	if (node->role != PO_ROLE_MEMBER || !OidIsValid(node->relid))
		return false;
	do
		before--;
	while (before->depth > node->depth);
	return before->depth == node->depth && before->kind == node->kind &&
		OidIsValid(before->relid) && root_of(analysis, before->relid) == root_of(analysis, node->relid);
}

/*
 * Sums what all nodes of this node's kind on its table, partitions together, scanned and
 * kept: measured, or else expected; pages of the tables likewise.
 */
PoScanSums
po_finding_scan_sums(PoAnalysis *analysis, const PoNode *node)
{
	PoScanSums	sums = {0};

	for (int i = 0; i < analysis->tree->nnodes; i++)
	{
		const PoNode *other = &analysis->tree->nodes[i];
		const PoFacts *facts;

		if (other->kind != node->kind || (other != node &&
										  (!OidIsValid(other->relid) || other->relid == node->relid ||
										   root_of(analysis, other->relid) != root_of(analysis, node->relid))))
			continue;
		facts = analysis->statement ? po_facts_get(analysis, other->relid) : NULL;
		sums.kept += po_finding_rows(analysis, other);
		sums.removed += other->removed_filter;
		sums.scanned += other->executed || facts == NULL ?
			other->total_rows + other->removed_filter + other->removed_recheck : facts->tuples;
		sums.table_rows += facts ? facts->tuples : 0;
		sums.table_pages += facts ? facts->pages : 0;
	}
	return sums;
}
