/*
 * waits.h
 *	  What sessions wait for, sampled.
 */
#ifndef PO_WORKLOAD_WAITS_H
#define PO_WORKLOAD_WAITS_H

#include "datatype/timestamp.h"

/* Classes of load; the order is that of the charts. */
typedef enum PoWaitClass
{
	PO_WAIT_CPU,				/* running, waiting for nothing */
	PO_WAIT_IO,
	PO_WAIT_WAL,				/* writing WAL, or waiting for its turn to */
	PO_WAIT_LOCK,
	PO_WAIT_LWLOCK,
	PO_WAIT_IPC,
	PO_WAIT_REPLICATION,		/* for a standby, at commit */
	PO_WAIT_CLIENT,				/* in a statement, waiting for the client */
	PO_WAIT_OTHER,
	PO_WAIT_IDLE_IN_TRANSACTION,
	PO_WAIT_CLASSES
} PoWaitClass;

/* One look at all sessions of a database. */
typedef struct PoWaitTick
{
	TimestampTz at;
	Oid			dbid;
	uint16		sessions[PO_WAIT_CLASSES];
} PoWaitTick;

/* What was seen of one statement, session seconds since the counts began. */
typedef struct PoWaitCount
{
	uint64		queryid;		/* 0: not known */
	Oid			dbid;
	Oid			userid;
	double		seconds[PO_WAIT_CLASSES];
} PoWaitCount;

/* How the sampler does. */
typedef struct PoWaitStats
{
	int64		looks;			/* since the server started */
	TimestampTz last_look;		/* 0: none yet */
	int			pause_ms;		/* until the next look; 0: sampling is off */
	int			statements;
	int			max_statements;
	int64		evicted;		/* statements that were forgotten to make room */
} PoWaitStats;

extern void po_waits_init(void);
extern const char *po_waits_class_name(PoWaitClass wait_class);
extern int	po_waits_ticks(PoWaitTick **ticks);
extern int	po_waits_counts(PoWaitCount **counts);
extern void po_waits_stats(PoWaitStats *stats);

#endif							/* PO_WORKLOAD_WAITS_H */
