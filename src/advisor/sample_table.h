/*
 * sample_table.h
 *	  A temporary copy of some rows of a table, to try statistics on.
 */
#ifndef PO_SAMPLE_TABLE_H
#define PO_SAMPLE_TABLE_H

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

typedef struct PoSampleTable
{
	char	   *name;			/* qualified */
	double		rows;
	bool		whole;			/* it holds every row */
	List	   *parts;			/* OIDs of the partitions with rows of their
								 * own; NIL of a plain table */
} PoSampleTable;

extern PoSampleTable *po_sample_table_create(Oid relid, const Bitmapset *columns);
extern void po_sample_table_execute(const char *sql);
extern double po_sample_table_count(const char *sql);
extern double po_sample_table_estimate(const char *sql);
extern bool po_sample_table_fetch(const char *sql, int n, char **values);

#endif							/* PO_SAMPLE_TABLE_H */
