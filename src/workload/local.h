/*
 * local.h
 *	  What a backend remembers of the statements that it ran lately.
 */
#ifndef PO_WORKLOAD_LOCAL_H
#define PO_WORKLOAD_LOCAL_H

#include "executor/execdesc.h"
#include "workload/tracked.h"

#define PO_LOCAL_PARAMS 8
#define PO_LOCAL_CONSTS 32

/* A run of executions of one statement that may become a burst. */
typedef struct PoLocalBurst
{
	uint32		lxid;			/* transaction of the last execution */
	uint64		end_ns;			/* its end */
	uint64		parent;			/* statement that it belongs to, 0: none */
	uint64		hash;			/* of the first execution's parameters */
	uint64		new_ns;			/* time not reported yet */
	uint32		count;
	uint32		reported;
	bool		differs;		/* parameters were not always the same */
	PoBurstKind kind;			/* as reported */
} PoLocalBurst;

/* Where a statement compares a column with a single value, as parse analysis saw it. */
typedef struct PoLocalKey
{
	Oid			relid;			/* InvalidOid: not known */
	AttrNumber	attno;
	Oid			type;			/* of the value */
	int			location;		/* of the value, from the start of the statement */
	int			column_location;	/* of the column */
	bool		plain;			/* no grouping, limit or set operation */
} PoLocalKey;

/* When to take the next samples of a statement. */
typedef struct PoLocalCapture
{
	uint32		executions;
	uint32		refresh_at;		/* execution at which to read the limits again */
	uint64		slow_ns;		/* capture what takes as long */
	uint64		typical_from;	/* capture what is between these */
	uint64		typical_to;
	uint64		next_at;		/* not before this moment, of the monotonic clock */
	uint64		planid;			/* shape whose text is stored */
	bool		suggested;		/* the rewrite of its bursts is stored */
} PoLocalCapture;

/* One remembered statement. */
typedef struct PoLocal
{
	uint64		queryid;

	/* the last plan, recognised by these, and its shape */
	const PlannedStmt *stmt;
	const Plan *tree;
	double		cost;
	uint64		planid;
	bool		burstable;		/* a SELECT from a user's relation */

	int			nparams;		/* whose lengths are known */
	Oid			param_types[PO_LOCAL_PARAMS];
	int16		param_lengths[PO_LOCAL_PARAMS]; /* 0: passed by value */
	PoLocalBurst burst;
	PoLocalKey	key;
	PoLocalCapture capture;

	/* types of the constants that normalisation replaces, numbered from first_const + 1 */
	bool		parsed;			/* key and these are set */
	int			first_const;
	int			nconsts;		/* -1: not known */
	Oid			const_types[PO_LOCAL_CONSTS];
} PoLocal;

extern PoLocal *po_local_find(uint64 queryid);
extern PoLocal *po_local_peek(uint64 queryid);
extern void po_local_forget(void);

#endif							/* PO_WORKLOAD_LOCAL_H */
