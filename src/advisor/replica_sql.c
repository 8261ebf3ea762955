/*
 * replica_sql.c
 *	  The SQL function replica_obstacles.
 */
#include "postgres.h"

#include "advisor/replica.h"
#include "advisor/workload.h"
#include "core/srf.h"
#include "miscadmin.h"

PG_FUNCTION_INFO_V1(perf_optimizer_replica_obstacles);

/* replica_obstacles(): the recorded statements that can be planned, and what keeps each from a replica. */
Datum
perf_optimizer_replica_obstacles(PG_FUNCTION_ARGS)
{
	PoRow		row;
	PoWorkload *workload;
	ListCell   *lc;

	po_srf_begin(fcinfo, &row);
	workload = po_workload_from_statistics("replica_obstacles");
	foreach(lc, workload->queries)
	{
		PoAdvisorQuery *query = (PoAdvisorQuery *) lfirst(lc);

		po_row_int8(&row, query->queryid);
		po_row_text(&row, GetUserNameFromId(query->role, false));
		po_row_text(&row, po_replica_obstacle(query->statement));
		po_srf_emit(&row);
	}
	return (Datum) 0;
}
