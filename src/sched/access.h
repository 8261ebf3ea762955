/*
 * access.h
 *	  Who may see and alter a job or a run.
 */
#ifndef PO_ACCESS_H
#define PO_ACCESS_H

#include "sched/kind.h"
#include "sched/run.h"

extern void po_access_check_writable(void);
extern void po_access_check_role(Oid roleid);
extern PoJob *po_access_job(int64 job_id);
extern bool po_access_may_alter_job(int64 job_id);
extern int64 po_access_find_by_name(const char *name);
extern PoRun *po_access_run(int64 run_id);

#endif							/* PO_ACCESS_H */
