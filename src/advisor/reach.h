/*
 * reach.h
 *	  Which columns limit the part of one table that a statement reaches.
 */
#ifndef PO_REACH_H
#define PO_REACH_H

#include "advisor/workload.h"
#include "nodes/bitmapset.h"

/* What one statement does with one table; sets are of attribute numbers. */
typedef struct PoReach
{
	const char *command;		/* SELECT, INSERT, UPDATE, DELETE or MERGE */
	Bitmapset  *equal;			/* compared with one value wherever it reads
								 * the table */
	Bitmapset  *limited;		/* the same, or with a range or a list */
	Bitmapset  *local;			/* were the table spread by this column, the
								 * statement would stay on one shard */
	int			njoins;			/* other large tables that it reads */
	Bitmapset  *joined;			/* by which rows are paired with all of them */
} PoReach;

extern bool po_reach_find(PoAdvisorQuery *query, Oid relid, PoReach *reach);

#endif							/* PO_REACH_H */
