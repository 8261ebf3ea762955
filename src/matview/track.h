/*
 * track.h
 *	  Which views are refreshed incrementally, and what each has consumed.
 */
#ifndef PO_TRACK_H
#define PO_TRACK_H

#include "nodes/pg_list.h"
#include "utils/snapshot.h"

/* A registered view. */
typedef struct PoTrack
{
	List	   *settings;		/* names and values in turn, as char * */
	bool		current;		/* the fields below are set */
	uint64		query_print;
	uint64		view_print;
	Datum		consumed;		/* pg_snapshot */
	List	   *bases;			/* OIDs */
	char	   *reason;			/* why not current, or NULL */
	Datum		lookups;		/* jsonb of po_lookup_describe, to be stored;
								 * 0: as before */
} PoTrack;

extern bool po_track_read(Oid matview, PoTrack *track);
extern void po_track_register(Oid matview);
extern void po_track_unregister(Oid matview);
extern void po_track_store(Oid matview, List *bases, const PoTrack *track);
extern Datum po_track_snapshot(Snapshot snapshot);
extern void po_track_hold(Oid log);
extern void po_track_purge(Oid matview, List *bases);
extern bool po_track_is_used(void);
extern void po_track_forget_dropped(void);
extern void po_track_sweep(void);

#endif							/* PO_TRACK_H */
