/*
 * node.c
 *	  The array of plan nodes: building it, walking it, and accounting.
 *
 * Costs and times in a plan are inclusive and, for costs, per loop.  Accounting
 * turns them into parts of the whole statement: each node's own part, such that
 * all parts add up to the total.
 */
#include "postgres.h"

#include <ctype.h>

#include "miscadmin.h"
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

/*
 * Subtracts the children's time from the node's; InitPlans run when their result is first
 * asked for, they are charged by charge_initplan.
 */
static void
split_time(PoPlanTree *tree, PoNode *node)
{
	double		left = node->total_ms;
	PoNode	   *child;

	for (child = first_child(tree, node); child != NULL;
		 child = po_node_next_sibling(tree, child))
		if (child->role != PO_ROLE_INITPLAN)
			left -= child->total_ms;
	node->self_ms = Max(left, 0);
}

/* Tells whether a text holds a word that no letter or digit continues. */
static bool
mentions(const char *text, const char *word)
{
	int			length = strlen(word);

	if (text == NULL || length == 0)
		return false;
	for (const char *place = strstr(text, word); place != NULL;
		 place = strstr(place + length, word))
		if (!isalnum((unsigned char) place[length]) && place[length] != '_')
			return true;
	return false;
}

/*
 * Returns what the expressions that use an InitPlan call it: its name, or before version 17
 * the parameter that it returns: "InitPlan 1 (returns $0)".
 */
static char *
initplan_word(const PoNode *initplan)
{
	const char *dollar = strstr(initplan->subplan, "(returns $");
	int			length = 1;

	if (dollar == NULL)
		return pstrdup(initplan->subplan);
	dollar = strchr(dollar, '$');
	while (isdigit((unsigned char) dollar[length]))
		length++;
	return pnstrdup(dollar, length);
}

/* Tells whether a node asks for an InitPlan's result, known by a word, or reads the CTE of a name. */
static bool
uses_initplan(const PoNode *node, const char *cte, const char *word)
{
	if (cte != NULL)
		return node->kind == PO_NODE_CTE_SCAN && node->relation != NULL &&
			strcmp(node->relation, cte) == 0;
	return mentions(node->condition, word) || mentions(node->filter, word) ||
		mentions(node->join_filter, word) || mentions(node->keys, word);
}

/*
 * Subtracts an InitPlan's time from the own time of the nodes that asked for its result,
 * which the expressions tell, or else from the node that it hangs on.
 */
static void
charge_initplan(PoPlanTree *tree, const PoNode *initplan)
{
	double		left = initplan->total_ms;
	const char *cte = strncmp(initplan->subplan, "CTE ", 4) == 0 ? initplan->subplan + 4 : NULL;
	char	   *word = initplan_word(initplan);
	bool		used = false;
	PoNode	   *above = po_node_parent(tree, initplan);

	for (int i = 0; i < tree->nnodes; i++)
	{
		PoNode	   *node = &tree->nodes[i];
		double		part;

		if (!uses_initplan(node, cte, word))
			continue;
		used = true;
		part = Min(left, node->self_ms);
		node->self_ms -= part;
		left -= part;
	}
	/* A CTE that changes data and that nothing reads runs after the rest. */
	if (!used && above != NULL && initplan->kind != PO_NODE_MODIFY)
		above->self_ms = Max(above->self_ms - left, 0);
	pfree(word);
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
	for (int i = 0; i < tree->nnodes && tree->executed; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (tree->nodes[i].role == PO_ROLE_INITPLAN && tree->nodes[i].subplan != NULL)
			charge_initplan(tree, &tree->nodes[i]);
	}
}
