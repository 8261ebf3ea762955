/*
 * application.h
 *	  Executions of applications that have a latency objective.
 */
#ifndef PO_WORKLOAD_APPLICATION_H
#define PO_WORKLOAD_APPLICATION_H

#include "workload/tracked.h"

#define PO_APPLICATIONS 64		/* that can be watched at one time, in all
								 * databases */

/* A watched application; guarded by po_tracked_lock. */
typedef struct PoApplication
{
	Oid			dbid;			/* InvalidOid: free */
	char		name[NAMEDATALEN];
	TimestampTz since;
	uint64		counts[PO_HISTOGRAM_BUCKETS];
} PoApplication;

/* All of them; zeroed memory has none. */
typedef struct PoApplications
{
	int			watched;
	PoApplication places[PO_APPLICATIONS];
} PoApplications;

extern PoApplication *po_application_find(PoApplications *all, Oid dbid, const char *name);
extern PoApplication *po_application_watch(PoApplications *all, Oid dbid, const char *name, TimestampTz now);
extern void po_application_keep(PoApplications *all, Oid dbid, const char *const *names, int nnames);
extern void po_application_reset(PoApplications *all, Oid dbid, TimestampTz now);
extern void po_application_fold(PoApplications *all, const PoTrackSlot *slot, uint32 written);

#endif							/* PO_WORKLOAD_APPLICATION_H */
