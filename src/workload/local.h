/*
 * local.h
 *	  What a backend remembers of the statements that it ran lately.
 */
#ifndef PO_WORKLOAD_LOCAL_H
#define PO_WORKLOAD_LOCAL_H

#include "executor/execdesc.h"
#include "workload/text.h"
#include "workload/tracked.h"

#define PO_LOCAL_PARAMS 8
#define PO_LOCAL_CONSTS 32
#define PO_LOCAL_KEYS PO_REWRITE_KEYS

/* Parameters or constants of an execution, as hashes. */
typedef struct PoLocalValues
{
	uint64		all;
	uint64		keys[PO_LOCAL_KEYS];
} PoLocalValues;

/* A run of executions of one statement that may become a burst. */
typedef struct PoLocalBurst
{
	uint32		lxid;			/* transaction of the last execution */
	uint64		end_ns;			/* its end */
	uint32		turn;			/* how many statements the client had sent
								 * before it */
	uint64		parent;			/* statement that it belongs to, 0: none */
	PoLocalValues first;		/* of the first execution */
	uint64		new_ns;			/* time not reported yet */
	uint32		count;
	uint32		reported;
	uint32		varying;		/* bits of the keys that were not always the
								 * same */
	bool		differs;		/* nor was everything */
	PoBurstKind kind;			/* as reported */
} PoLocalBurst;

/* Where a statement compares a column, or an expression over one, with a single value. */
typedef struct PoLocalKey
{
	Oid			relid;
	AttrNumber	attno;			/* 0: an expression */
	Oid			type;			/* of the value */
	int			param;			/* n of $n, 0: a constant */
	int			location;		/* of the value, from the start of the
								 * statement */
	int			column_location;	/* of the column */
	uint64		text;			/* hash of both and what is between them */
} PoLocalKey;

/* A SELECT as parse analysis saw it last: executions may have constants of their own. */
typedef struct PoLocalText
{
	bool		known;
	bool		plain;			/* no grouping, limit or set operation */
	int			nkeys;
	PoLocalKey	keys[PO_LOCAL_KEYS];
	uint64		constants;		/* hash of all of them */
} PoLocalText;

/* When to take the next samples of a statement. */
typedef struct PoLocalCapture
{
	uint32		executions;
	uint32		refresh_at;		/* execution at which to read the limits again */
	uint64		slow_ns;		/* capture what takes as long */
	uint64		typical_from;	/* capture what is between these */
	uint64		typical_to;
	uint64		next_at;		/* not before this moment, of the monotonic
								 * clock */
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

	int			nparams;		/* whose lengths are known */
	Oid			param_types[PO_LOCAL_PARAMS];
	int16		param_lengths[PO_LOCAL_PARAMS]; /* 0: passed by value */
	PoLocalBurst burst;
	PoLocalText text;
	PoLocalCapture capture;

	/*
	 * types of the constants that normalisation replaces, numbered from
	 * first_const + 1
	 */
	bool		parsed;			/* these are set */
	int			first_const;
	int			nconsts;		/* -1: not known */
	Oid			const_types[PO_LOCAL_CONSTS];
} PoLocal;

extern PoLocal *po_local_find(uint64 queryid);
extern PoLocal *po_local_peek(uint64 queryid);
extern void po_local_forget(void);

#endif							/* PO_WORKLOAD_LOCAL_H */
