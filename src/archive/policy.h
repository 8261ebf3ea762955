/*
 * policy.h
 *	  Archive policies: what to take from which table, and where it goes.
 */
#ifndef PO_POLICY_H
#define PO_POLICY_H

#include "datatype/timestamp.h"

typedef enum PoArchiveStrategy
{
	PO_ARCHIVE_MOVE,
	PO_ARCHIVE_COPY,
	PO_ARCHIVE_DELETE
} PoArchiveStrategy;

/* One policy, as created or as stored; pointers live in the context of its making. */
typedef struct PoArchivePolicy
{
	int32		id;				/* 0 until stored */
	char	   *name;
	Oid			owner;
	Oid			caller;			/* who makes or uses it now */
	Oid			relation;
	char	   *time_column;
	Oid			time_type;		/* looked up; InvalidOid when the column is
								 * gone */
	Interval   *older_than;
	PoArchiveStrategy strategy;
	Oid			destination;	/* InvalidOid for delete and export */
	char	   *predicate;		/* NULL or one boolean expression, as the
								 * server prints it */
	int			batch_rows;
	int			max_rows_per_second;	/* 0: no limit */
	Interval   *max_replica_lag;	/* NULL: no limit */
	char	   *schedule;		/* NULL: not scheduled */
	char	   *timezone;
	bool		fk_cascade;		/* let ON DELETE actions of foreign keys
								 * happen */
	double		max_share_pct;	/* 0: no guard */
	Interval   *max_runtime;	/* NULL: no limit */
	char	   *run_window;		/* as core/window.h reads it; NULL: always */
	int64		max_wal_bytes_per_second;	/* 0: no limit */
	Interval   *purge_after;	/* age at which archived rows are deleted;
								 * NULL: never */
	bool		add_columns;	/* columns missing in the destination are
								 * added */
	char	   *export_directory;	/* rows go to files there; NULL: to the
									 * destination */
	char	   *digest;			/* the expression that hashes a row in the
								 * archive, set by a run; NULL: none */
	bool		reversed;		/* a restore: rows go back to where they came
								 * from */
} PoArchivePolicy;

extern PoArchiveStrategy po_policy_parse_strategy(const char *text);
extern const char *po_policy_strategy_name(PoArchiveStrategy strategy);
extern bool po_policy_parse_fk(const char *text);
extern bool po_policy_parse_drift(const char *text);
extern Oid	po_policy_column_type(Oid relation, const char *column);
extern void po_policy_check_source(PoArchivePolicy *policy);
extern void po_policy_check_values(PoArchivePolicy *policy);
extern void po_policy_check_may_use(PoArchivePolicy *policy);
extern Oid	po_policy_run_as(PoArchivePolicy *policy);

#endif							/* PO_POLICY_H */
