/*
 * hypo.h
 *	  Hypothetical indexes: described in memory, seen only by planner calls of ours.
 */
#ifndef PO_HYPO_H
#define PO_HYPO_H

#include "access/attnum.h"
#include "access/htup.h"
#include "nodes/params.h"
#include "nodes/pathnodes.h"
#include "plan/predicate_share.h"
#include "storage/block.h"

/* The estimated size of an index on one table (a partition, or the table itself). */
typedef struct PoHypoSize
{
	Oid			relid;
	double		tuples;
	BlockNumber pages;
	int			tree_height;	/* B-tree only, else -1 */
} PoHypoSize;

/* One hypothetical index, as a CREATE INDEX would describe it. */
typedef struct PoHypoIndex
{
	Oid			relid;			/* table or partitioned table */
	char	   *name;			/* the name that the server would give it */
	char	   *definition;		/* the statement that creates it */
	Oid			am;
	char	   *am_name;
	bool		unique;
	bool		nulls_not_distinct;
	int			ncolumns;
	int			nkeycolumns;
	AttrNumber *keys;			/* of relid; 0 for an expression; included
								 * columns last */
	Oid		   *types;			/* of each column */
	Oid		   *opfamilies;		/* of each key column */
	Oid		   *opcintypes;
	Oid		   *collations;
	int16	   *options;		/* INDOPTION_* */
	HeapTuple  *statistics;		/* of each key column: of an expression that
								 * was looked at, else NULL */
	List	   *expressions;	/* with varno 1, constants folded */
	List	   *predicate;		/* implicit AND, with varno 1; NIL for a full
								 * index */
	PoPredicateShares *shares;	/* of the rows that the predicate keeps */
	int			fillfactor;		/* percent */
	bool		deduplicate;	/* not switched off by a storage parameter */
	List	   *sizes;			/* PoHypoSize, filled on demand */
} PoHypoIndex;

/* A hypothetical index as one planner call saw it on one table. */
typedef struct PoHypoEntry
{
	Oid			indexoid;		/* stands for it in the plan; in no catalogue */
	Oid			relid;
	PoHypoIndex *index;
} PoHypoEntry;

/* Called for each relation of the planner calls in a scope once its restrictions and joins are known. */
typedef void (*PoHypoVisit) (PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte, void *arg);

/* What planner calls see between po_hypo_enter and po_hypo_leave. */
typedef struct PoHypoScope
{
	List	   *indexes;		/* PoHypoIndex to add */
	List	   *hidden;			/* OIDs of real indexes to leave out */
	ParamListInfo key;			/* the planner calls meant are those with
								 * these parameters */
	MemoryContext context;		/* of the entries; outlives the planner call */
	PoHypoVisit visit;			/* may be NULL */
	void	   *visit_arg;
	List	   *entries;		/* PoHypoEntry of every index shown so far */
	struct PoHypoScope *outer;
} PoHypoScope;

extern void po_hypo_init(void);
extern void po_hypo_enter(PoHypoScope *scope);
extern void po_hypo_leave(PoHypoScope *scope);
extern PoHypoEntry *po_hypo_find(const PoHypoScope *scope, Oid indexoid);

#endif							/* PO_HYPO_H */
