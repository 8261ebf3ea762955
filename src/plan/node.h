/*
 * node.h
 *	  Plan trees as flat arrays of our own nodes.
 *
 * Nodes stand in the order in which EXPLAIN prints them, so the subtree of a node
 * is the run of nodes that follows it with a greater depth.
 */
#ifndef PO_NODE_H
#define PO_NODE_H

#include "executor/execdesc.h"
#include "nodes/plannodes.h"
#include "utils/jsonb.h"

/* What rules and readers tell apart; PO_NODE_OTHER is all that needs no name here. */
typedef enum PoNodeKind
{
	PO_NODE_OTHER,
	PO_NODE_APPEND,
	PO_NODE_MERGE_APPEND,
	PO_NODE_MODIFY,
	PO_NODE_BITMAP_AND,
	PO_NODE_BITMAP_OR,
	PO_NODE_NESTED_LOOP,
	PO_NODE_MERGE_JOIN,
	PO_NODE_HASH_JOIN,
	PO_NODE_SEQ_SCAN,
	PO_NODE_INDEX_SCAN,
	PO_NODE_INDEX_ONLY_SCAN,
	PO_NODE_BITMAP_INDEX_SCAN,
	PO_NODE_BITMAP_HEAP_SCAN,
	PO_NODE_SUBQUERY_SCAN,
	PO_NODE_CTE_SCAN,
	PO_NODE_FOREIGN_SCAN,
	PO_NODE_GATHER,				/* Gather and Gather Merge */
	PO_NODE_MATERIALIZE,
	PO_NODE_MEMOIZE,
	PO_NODE_SORT,
	PO_NODE_INCREMENTAL_SORT,
	PO_NODE_AGGREGATE,
	PO_NODE_LIMIT,
	PO_NODE_HASH
} PoNodeKind;

/* How a node hangs on its parent. */
typedef enum PoNodeRole
{
	PO_ROLE_ROOT,
	PO_ROLE_OUTER,
	PO_ROLE_INNER,
	PO_ROLE_MEMBER,
	PO_ROLE_SUBQUERY,
	PO_ROLE_INITPLAN,
	PO_ROLE_SUBPLAN
} PoNodeRole;

typedef struct PoNode
{
	int			id;				/* from 1, position in the array + 1 */
	int			parent;			/* 0 for a root */
	int			depth;
	PoNodeKind	kind;
	PoNodeRole	role;
	int			jointype;		/* JoinType, of joins */
	char	   *type;			/* as EXPLAIN prints it */
	char	   *subplan;		/* name of the InitPlan, SubPlan or CTE it is
								 * the root of */
	Plan	   *plan;			/* NULL when read from JSON */
	Oid			relid;			/* InvalidOid: none; read from JSON: a number
								 * that tells tables apart */
	int			rti;			/* range table index, 0: none */
	char	   *relation;		/* its name, without schema */
	char	   *alias;
	Oid			indexid;
	char	   *index_name;

	double		startup_cost;
	double		total_cost;
	double		effective_cost; /* of the subtree: its part of the statement's
								 * cost */
	double		self_cost;		/* of the node alone; these add up to the
								 * statement's cost */
	double		rows;			/* estimated, per loop */
	int			width;
	bool		disabled;		/* chosen although a setting forbids it */
	bool		parallel_aware;

	/* zero unless executed */
	bool		executed;
	double		loops;
	double		total_rows;		/* over all loops and processes */
	double		actual_rows;	/* per loop */
	double		total_ms;		/* of the subtree; beneath a Gather the
								 * average of its processes */
	double		self_ms;
	double		removed_filter; /* rows over all loops: by filter or join
								 * filter */
	double		removed_join;	/* of these, by the join filter */
	double		removed_recheck;
	double		rows_removed;	/* both, per loop */
	int64		shared_hit;		/* blocks; these and the following include the
								 * subtree */
	int64		shared_read;
	int64		shared_dirtied;
	int64		temp_read;
	int64		temp_written;

	char	   *condition;		/* index, hash, merge, recheck, TID condition,
								 * one-time filter */
	char	   *filter;
	char	   *join_filter;
	char	   *keys;			/* of a sort, a grouping or a Memoize */

	/* particulars of kinds; zero where they do not apply or were not measured */
	int64		sort_disk_kb;
	int64		sort_memory_kb;
	int64		hash_batches;	/* of a hash join or a hash aggregate */
	int64		hash_batches_planned;
	int64		hash_memory_kb;
	int64		hash_disk_kb;
	double		heap_fetches;
	int64		exact_pages;
	int64		lossy_pages;
	int			workers_planned;
	int			workers_launched;
	double		cache_hits;
	double		cache_misses;
	double		cache_evictions;
	double		cache_overflows;
	int			subplans_removed;
	int			subplans_total; /* of an Append: before any pruning */
	bool		prunes_at_run;	/* of an Append: partitions are pruned during
								 * execution */
	bool		hashed;			/* of a SubPlan's root: looked up in a hash
								 * table */
	bool		correlated;		/* of a SubPlan's root: takes parameters */
	bool		read_whole;		/* of a SubPlan's or InitPlan's root: asked
								 * for all its rows */
} PoNode;

/* A trigger that fired while a plan was executed. */
typedef struct PoTrigger
{
	char	   *name;
	Oid			constraint;		/* InvalidOid: not of a constraint, or read
								 * from JSON */
	char	   *constraint_name;	/* read from JSON, else NULL */
	Oid			relid;
	double		calls;
	double		total_ms;
} PoTrigger;

/* All nodes of a statement's plans, and what was measured beside them. */
typedef struct PoPlanTree
{
	int			nnodes;
	int			allocated;
	PoNode	   *nodes;
	int			ntriggers;
	PoTrigger  *triggers;
	double		total_cost;
	bool		executed;
	double		execution_ms;
	double		result_rows;	/* returned or changed by the main query */
	double		jit_ms;			/* spent compiling, of the leader and its
								 * workers */
	double		jit_wall_ms;	/* of the process that compiled longest */
	int			jit_functions;
} PoPlanTree;

extern PoPlanTree *po_node_tree_create(void);
extern PoNode *po_node_add(PoPlanTree *tree, const PoNode *parent);
extern void po_node_read(PoPlanTree *tree, QueryDesc *desc);
extern void po_node_account(PoPlanTree *tree);
extern PoNode *po_node_parent(const PoPlanTree *tree, const PoNode *node);
extern PoNode *po_node_child(const PoPlanTree *tree, const PoNode *node, PoNodeRole role);
extern PoNode *po_node_next_sibling(const PoPlanTree *tree, const PoNode *node);
extern const PoNode *po_node_cte(const PoPlanTree *tree, const PoNode *scan);
extern bool po_node_is_scan(const PoNode *node);

#endif							/* PO_NODE_H */
