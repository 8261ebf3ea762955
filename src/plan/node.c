/*
 * node.c
 *	  The array of plan nodes: building it, walking it, and accounting.
 *
 * Costs and times in a plan are inclusive and, for costs, per loop.  Accounting
 * turns them into parts of the whole statement: each node's own part, such that
 * all parts add up to the total.
 */
#include "postgres.h"

#include "plan/node.h"

#define INITIAL_NODES 4

/* Returns an empty tree in the current memory context. */
PoPlanTree *
po_node_tree_create(void)
{
	PoPlanTree *tree = palloc0(sizeof(PoPlanTree));

	tree->allocated = INITIAL_NODES;
	tree->nodes = palloc(sizeof(PoNode) * tree->allocated);
	return tree;
}

/*
 * Appends a zeroed node below parent (NULL: a root) and returns it.  The array
 * may move: pointers to its nodes do not survive the call, except the result.
 * The tree must be in the current memory context or a longer-lived one.
 */
PoNode *
po_node_add(PoPlanTree *tree, const PoNode *parent)
{
	int			parent_id = parent ? parent->id : 0;
	int			depth = parent ? parent->depth + 1 : 0;
	PoNode	   *node;

	if (tree->nnodes == tree->allocated)
	{
		tree->allocated *= 2;
		tree->nodes = repalloc(tree->nodes, sizeof(PoNode) * tree->allocated);
	}
	node = &tree->nodes[tree->nnodes++];
	memset(node, 0, sizeof(PoNode));
	node->id = tree->nnodes;
	node->parent = parent_id;
	node->depth = depth;
	return node;
}

/* Returns the node above, or NULL for a root. */
PoNode *
po_node_parent(const PoPlanTree *tree, const PoNode *node)
{
	return node->parent == 0 ? NULL : &tree->nodes[node->parent - 1];
}

/* Returns the next child of the same parent, or NULL. */
PoNode *
po_node_next_sibling(const PoPlanTree *tree, const PoNode *node)
{
	for (int i = node->id; i < tree->nnodes && tree->nodes[i].depth >= node->depth; i++)
		if (tree->nodes[i].depth == node->depth)
			return node->parent == 0 ? NULL : &tree->nodes[i];
	return NULL;
}

/* Returns the first node directly below, or NULL. */
static PoNode *
first_child(const PoPlanTree *tree, const PoNode *node)
{
	if (node->id < tree->nnodes && tree->nodes[node->id].depth > node->depth)
		return &tree->nodes[node->id];
	return NULL;
}

/* Returns the first child in a role, or NULL. */
PoNode *
po_node_child(const PoPlanTree *tree, const PoNode *node, PoNodeRole role)
{
	PoNode	   *child = first_child(tree, node);

	while (child != NULL && child->role != role)
		child = po_node_next_sibling(tree, child);
	return child;
}

/* Returns the root of the plan whose rows a CTE scan reads, or NULL. */
const PoNode *
po_node_cte(const PoPlanTree *tree, const PoNode *scan)
{
	for (int i = 0; i < tree->nnodes && scan->relation != NULL; i++)
	{
		const PoNode *node = &tree->nodes[i];

		if (node->subplan != NULL && strncmp(node->subplan, "CTE ", 4) == 0 &&
			strcmp(node->subplan + 4, scan->relation) == 0)
			return node;
	}
	return NULL;
}

/* Tells whether the node reads a table, through an index or not. */
bool
po_node_is_scan(const PoNode *node)
{
	switch (node->kind)
	{
		case PO_NODE_SEQ_SCAN:
		case PO_NODE_INDEX_SCAN:
		case PO_NODE_INDEX_ONLY_SCAN:
		case PO_NODE_BITMAP_HEAP_SCAN:
			return true;
		default:
			return false;
	}
}

/* Returns how often the planner expects a child to run for one run of its parent. */
static double
expected_loops(const PoPlanTree *tree, const PoNode *parent, const PoNode *child)
{
	const PoNode *outer = po_node_child(tree, parent, PO_ROLE_OUTER);

	if (child->role == PO_ROLE_INNER && parent->kind == PO_NODE_NESTED_LOOP && outer != NULL)
		return Max(outer->rows, 1);
	if (child->role == PO_ROLE_SUBPLAN && child->correlated)
		return Max(outer ? Max(outer->rows, parent->rows) : parent->rows, 1);
	return 1;
}

/*
 * Splits the part of the statement's cost that a subtree stands for among its
 * root and its children.  A child's cost is capped by what its parent has left:
 * a Limit does not pay for all of its input, nor a Memoize for each lookup.
 */
static void
split_cost(PoPlanTree *tree, PoNode *node)
{
	double		left = node->total_cost;
	double		scale = node->total_cost > 0 ? node->effective_cost / node->total_cost : 0;
	PoNode	   *child;

	for (child = first_child(tree, node); child != NULL;
		 child = po_node_next_sibling(tree, child))
	{
		double		cost = Min(child->total_cost * expected_loops(tree, node, child), left);

		child->effective_cost = cost * scale;
		left -= cost;
	}
	node->self_cost = left * scale;
}

/* Tells whether a node is the root of a CTE's plan, which runs when the CTE's scans ask for rows. */
static bool
is_cte(const PoNode *node)
{
	return node->role == PO_ROLE_INITPLAN && node->subplan != NULL &&
		strncmp(node->subplan, "CTE ", 4) == 0;
}

/* Returns the part of a CTE's time that lies within one of its scans: the first scans find it unfinished. */
static double
cte_time(const PoPlanTree *tree, const PoNode *scan)
{
	const PoNode *cte = po_node_cte(tree, scan);
	double		left = cte ? cte->total_ms : 0;

	for (int i = 0; i < scan->id - 1 && left > 0; i++)
		if (tree->nodes[i].kind == PO_NODE_CTE_SCAN && po_node_cte(tree, &tree->nodes[i]) == cte)
			left -= tree->nodes[i].total_ms;
	return Max(Min(left, scan->total_ms), 0);
}

/* Subtracts the children's time from the node's; a CTE's time is within its scans'. */
static void
split_time(PoPlanTree *tree, PoNode *node)
{
	double		left = node->total_ms;
	PoNode	   *child;

	for (child = first_child(tree, node); child != NULL;
		 child = po_node_next_sibling(tree, child))
		if (!is_cte(child))
			left -= child->total_ms;
	if (node->kind == PO_NODE_CTE_SCAN)
		left -= cte_time(tree, node);
	node->self_ms = Max(left, 0);
}

/*
 * Fills in what follows from the whole tree: each node's own cost and time, and
 * the statement's total cost.  Called once all nodes are there.
 */
void
po_node_account(PoPlanTree *tree)
{
	tree->total_cost = 0;
	for (int i = 0; i < tree->nnodes; i++)
	{
		PoNode	   *node = &tree->nodes[i];

		if (node->parent == 0)
		{
			node->effective_cost = node->total_cost;
			tree->total_cost += node->total_cost;
		}
		split_cost(tree, node);
		split_time(tree, node);
	}
}
