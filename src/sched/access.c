/*
 * access.c
 *	  Who may see and alter a job or a run.
 *
 * The owner, a role that has the owner's privileges (USAGE, not mere membership:
 * from 16 on a CREATEROLE role is a member of what it creates without being
 * allowed to act as it), and superusers.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "commands/trigger.h"
#include "core/compat.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "sched/access.h"
#include "sched/job.h"
#include "sched/run.h"
#include "sched/store.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

/*
 * Raises what a write raises in a read-only transaction, and 55000 while
 * session_replication_role is replica, where the tables take no rows.
 */
void
po_access_check_writable(void)
{
	PreventCommandIfReadOnly("changing scheduled jobs");
	PreventCommandIfParallelMode("changing scheduled jobs");
	PreventCommandDuringRecovery("changing scheduled jobs");
	if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("jobs cannot be changed while session_replication_role is replica"),
				 errhint("RESET session_replication_role.")));
}

/* Raises 55000 when the server cannot run work as a role that may not log in. */
void
po_access_check_role(Oid roleid)
{
	HeapTuple	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(roleid));
	bool		can_login;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for role %u", roleid);
	can_login = ((Form_pg_authid) GETSTRUCT(tuple))->rolcanlogin;
	ReleaseSysCache(tuple);
	if (!can_login && !PO_NOLOGIN_ROLES_CAN_RUN)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("role \"%s\" cannot log in, so no job can run as it",
						GetUserNameFromId(roleid, false)),
				 errdetail("Jobs run connected as their owner; from PostgreSQL 17 on that needs no LOGIN."),
				 errhint("Schedule as a role with LOGIN, or ALTER ROLE ... LOGIN.")));
}

/* Loads a job in the caller's context, whoever owns it; NULL when there is none. */
static PoJob *
load_job(int64 job_id)
{
	MemoryContext memory = CurrentMemoryContext;
	PoStoreScope scope;
	PoJob	   *job;

	po_store_enter(&scope);
	job = po_job_load(job_id, memory);
	po_store_leave(&scope);
	return job;
}

/* Raises 42501 unless the current role has the privileges of the owner. */
static void
check_owner(Oid owner, const char *what, int64 id)
{
	if (!has_privs_of_role(GetUserId(), owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s " INT64_FORMAT " belongs to another role", what, id),
				 errhint("Ask its owner, or SET ROLE to a role that has the owner's privileges.")));
}

/* Loads a job that the current role may alter; raises 42704 or 42501. */
PoJob *
po_access_job(int64 job_id)
{
	PoJob	   *job = load_job(job_id);

	if (job != NULL)
	{
		check_owner(job->owner, "job", job_id);
		return job;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("job " INT64_FORMAT " does not exist, or is held", job_id),
			 errhint("The view perf_optimizer.jobs lists your jobs; resume_all_jobs() takes over those that came with a dump or a copy.")));
	return NULL;				/* not reached */
}

/*
 * Tells whether there is a job that the current role may alter; raises 42501
 * when it belongs to somebody else.  A held job counts for superusers only: its
 * owner's number may mean another role here.
 */
bool
po_access_may_alter_job(int64 job_id)
{
	PoJob	   *job = load_job(job_id);

	if (job == NULL)
		return superuser();
	check_owner(job->owner, "job", job_id);
	return true;
}

/*
 * Finds the current role's job of that name, or else the one job of that name
 * that it may alter; 0 when there is none.  Raises 42725 when several would fit.
 */
int64
po_access_find_by_name(const char *name)
{
	PoStoreScope scope;
	PoStoreArgs args = {0};
	uint64		n;
	int64		job_id;
	bool		own;

	po_store_enter(&scope);
	po_store_text(&args, name);
	po_store_oid(&args, scope.userid);
	n = po_store_run("SELECT j.job_id, CASE WHEN j.owner = $2 THEN 1 ELSE 0 END::int8 FROM perf_optimizer.job j WHERE "
					 PO_JOB_OURS " AND j.name = $1 AND EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = j.owner)"
					 " AND pg_catalog.pg_has_role($2, j.owner, 'USAGE') ORDER BY 2 DESC", &args);
	job_id = n > 0 ? po_store_get_int8(0, 1) : 0;
	own = n > 0 && po_store_get_int8(0, 2) == 1;
	po_store_leave(&scope);
	if (n > 1 && !own)
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_FUNCTION),
				 errmsg("several roles have a job named \"%s\"", name),
				 errhint("Pass the job_id; the view perf_optimizer.jobs lists the jobs.")));
	return job_id;
}

/* Loads a run that the current role may see and cancel; raises 42704 or 42501. */
PoRun *
po_access_run(int64 run_id)
{
	MemoryContext memory = CurrentMemoryContext;
	PoStoreScope scope;
	PoRun	   *run;

	po_store_enter(&scope);
	run = po_run_load(run_id, PO_RUN_NO_LOCK, memory);
	po_store_leave(&scope);
	if (run != NULL)
	{
		check_owner(run->owner, "run", run_id);
		return run;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("run " INT64_FORMAT " does not exist", run_id),
			 errhint("The view perf_optimizer.job_runs lists your runs.")));
	return NULL;				/* not reached */
}
