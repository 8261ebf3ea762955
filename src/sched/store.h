/*
 * store.h
 *	  Running our own SQL on the tables of jobs and runs.
 */
#ifndef PO_STORE_H
#define PO_STORE_H

#include "datatype/timestamp.h"

#define PO_STORE_MAX_ARGS 28

/* What po_store_enter changed and po_store_leave puts back. */
typedef struct PoStoreScope
{
	Oid			userid;			/* who was acting before */
	int			sec_context;
	int			guc_level;
} PoStoreScope;

/* Arguments of a statement, $1 first. */
typedef struct PoStoreArgs
{
	int			n;
	Oid			types[PO_STORE_MAX_ARGS];
	Datum		values[PO_STORE_MAX_ARGS];
	char		nulls[PO_STORE_MAX_ARGS];
} PoStoreArgs;

extern void po_store_enter(PoStoreScope *scope);
extern void po_store_leave(PoStoreScope *scope);
extern bool po_store_begin(PoStoreScope *scope);
extern void po_store_commit(PoStoreScope *scope);
extern void po_store_commit_soon(PoStoreScope *scope);

extern void po_store_int4(PoStoreArgs *args, int32 value);
extern void po_store_int8(PoStoreArgs *args, int64 value);
extern void po_store_int8_or_null(PoStoreArgs *args, int64 value, bool isnull);
extern void po_store_bool(PoStoreArgs *args, bool value);
extern void po_store_oid(PoStoreArgs *args, Oid value);
extern void po_store_text(PoStoreArgs *args, const char *value);
extern void po_store_time(PoStoreArgs *args, TimestampTz value);
extern void po_store_interval(PoStoreArgs *args, int64 us);
extern void po_store_array(PoStoreArgs *args, Oid type, Datum *values, bool *nulls, int n);

extern uint64 po_store_run(const char *sql, PoStoreArgs *args);
extern uint64 po_store_run_planned(const char *sql, PoStoreArgs *args);
extern Datum po_store_datum(uint64 row, int column, bool *isnull);
extern int64 po_store_get_int8(uint64 row, int column);
extern char *po_store_get_text(uint64 row, int column, MemoryContext memory);

#endif							/* PO_STORE_H */
