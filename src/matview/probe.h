/*
 * probe.h
 *	  Looking up many keys in an index of a table.
 */
#ifndef PO_PROBE_H
#define PO_PROBE_H

#include "access/skey.h"
#include "executor/tuptable.h"
#include "matview/range.h"
#include "nodes/pg_list.h"
#include "pg_config_manual.h"
#include "utils/relcache.h"

/* A key whose rows are wanted; rows of wanted values hold key i in column i + 1. */
typedef struct PoProbeKey
{
	Expr	   *expr;			/* the key, computed from the table's columns */
	bool		isnull;			/* it is to be NULL */
	PoRange		range;			/* bounds of what the key rises with */
	AttrNumber	low;			/* their columns are low and low + 1; 0: it
								 * has none */
} PoProbeKey;

/* An index and the conditions with which it is scanned for each row of wanted values. */
typedef struct PoProbe
{
	Relation	index;
	bool		exact;			/* each key has an equality or exact bounds:
								 * no row is found for two rows of wanted
								 * values */
	int			nconditions;
	ScanKeyData conditions[INDEX_MAX_KEYS + 1];
	AttrNumber	columns[INDEX_MAX_KEYS + 1];	/* of the wanted values; 0: IS
												 * NULL */
} PoProbe;

extern bool po_probe_choose(Relation table, int varno, List *keys, Bitmapset *used, PoProbe *probe);
extern void po_probe_bind(PoProbe *probe, TupleTableSlot *wanted);

#endif							/* PO_PROBE_H */
