/*
 * crew.h
 *	  The runners that the scheduler of a database has for a role: how many there
 *	  are to be, and starting them.
 */
#ifndef PO_CREW_H
#define PO_CREW_H

#include "sched/job.h"
#include "sched/shared.h"

extern void po_crew_give(PoRunner *runner, const PoWaiting *run);
extern int	po_crew_reserve(const PoWaiting *run);
extern bool po_crew_start(int index, uint32 generation);
extern int	po_crew_count(Oid roleid);
extern bool po_crew_wants_more(int nrunners);
extern void po_crew_begin_round(const PoDatabase *db);
extern void po_crew_end_round(PoDatabase *db, bool held_back);
extern void po_crew_prepare(const PoDueCount *crowds, int ncrowds);
extern long po_crew_watch(void);

#endif							/* PO_CREW_H */
