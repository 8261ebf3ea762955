/*
 * application.c
 *	  Executions of applications that have a latency objective.
 *
 * Statements are not told apart by application.  Those applications that an
 * objective names have a histogram of their own, and what a backend reports is added to
 * it where it is folded into the shared table: a backend's slot has the name of
 * its application, and is folded before that name changes.  Without such an objective
 * nothing is looked at.
 *
 * All functions want po_tracked_lock, exclusively where they change something.
 */
#include "postgres.h"

#include "workload/application.h"

/* Returns a watched application, or NULL. */
PoApplication *
po_application_find(PoApplications *all, Oid dbid, const char *name)
{
	for (int i = 0; i < PO_APPLICATIONS; i++)
		if (all->places[i].dbid == dbid && strcmp(all->places[i].name, name) == 0)
			return &all->places[i];
	return NULL;
}

/* Returns an application, watched from now on if it was not before; NULL when there is no room for one more. */
PoApplication *
po_application_watch(PoApplications *all, Oid dbid, const char *name, TimestampTz now)
{
	PoApplication *application = po_application_find(all, dbid, name);

	for (int i = 0; i < PO_APPLICATIONS && application == NULL; i++)
		if (!OidIsValid(all->places[i].dbid))
		{
			application = &all->places[i];
			memset(application, 0, sizeof(PoApplication));
			application->dbid = dbid;
			strlcpy(application->name, name, NAMEDATALEN);
			application->since = now;
			all->watched++;
		}
	return application;
}

/* Tells whether a name is among others. */
static bool
is_among(const char *name, const char *const *names, int nnames)
{
	for (int i = 0; i < nnames; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Watches no applications of a database but these. */
void
po_application_keep(PoApplications *all, Oid dbid, const char *const *names, int nnames)
{
	for (int i = 0; i < PO_APPLICATIONS; i++)
		if (all->places[i].dbid == dbid && !is_among(all->places[i].name, names, nnames))
		{
			all->places[i].dbid = InvalidOid;
			all->watched--;
		}
}

/* Forgets what the applications of a database, of all with InvalidOid, did. */
void
po_application_reset(PoApplications *all, Oid dbid, TimestampTz now)
{
	for (int i = 0; i < PO_APPLICATIONS; i++)
		if (dbid == InvalidOid || all->places[i].dbid == dbid)
		{
			memset(all->places[i].counts, 0, sizeof(all->places[i].counts));
			all->places[i].since = now;
		}
}

/* Counts what a slot holds and is not folded yet, up to the number that is written. */
void
po_application_fold(PoApplications *all, const PoTrackSlot *slot, uint32 written)
{
	const PoTrackEvent *event = &slot->events[slot->folded & (PO_TRACK_RING - 1)];
	PoApplication *application;

	if (all->watched == 0 || slot->folded == written)
		return;
	application = po_application_find(all, event->dbid, slot->application);
	if (application == NULL)
		return;
	for (uint32 i = slot->folded; i != written; i++)
	{
		event = &slot->events[i & (PO_TRACK_RING - 1)];
		if (event->toplevel && !event->failed)
			application->counts[po_histogram_bucket(event->ns)]++;
	}
}
