/*
 * log.h
 *	  The logs of changes to the tables that incrementally refreshed views read.
 */
#ifndef PO_LOG_H
#define PO_LOG_H

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

/* The columns of a log before those of its base: number of the transaction, kind of row. */
#define PO_LOG_XID 1
#define PO_LOG_KIND 2
#define PO_LOG_FIXED_COLUMNS 2

/* Kinds of rows. */
#define PO_LOG_SENTINEL 's'		/* the log is whole since the transaction xid */
#define PO_LOG_CHANGE 'd'		/* the logged columns of a changed row, old or
								 * new */
#define PO_LOG_EVERYTHING 'e'	/* anything in the base may have changed */

/* One registered log.  Column numbers are the base's. */
typedef struct PoLog
{
	Oid			base;
	Oid			log;
	Bitmapset  *logged;			/* columns that the log holds */
	Bitmapset  *used;			/* an update of no other column is logged */
} PoLog;

/* What a log holds that a snapshot sees and a view has not consumed. */
typedef struct PoLogPending
{
	int64		changes;
	bool		everything;
} PoLogPending;

extern bool po_log_find(Oid base, PoLog *log);
extern List *po_log_bases(void);
extern Relation po_log_open(Oid log, LOCKMODE lock);
extern AttrNumber po_log_column(Relation log, AttrNumber base_column);
extern void po_log_widen(Oid base, Bitmapset *logged, Bitmapset *used);
extern void po_log_drop(Oid base);
extern bool po_log_sentinel(Relation log, uint64 *xid);
extern bool po_log_is_newer(Relation log, Datum consumed);
extern void po_log_restart(PoLog *log);
extern void po_log_kill(Relation log);
extern void po_log_pending(Relation log, Snapshot snapshot, Datum consumed, PoLogPending *pending);
extern int64 po_log_purge(Relation log, List *consumed);

#endif							/* PO_LOG_H */
