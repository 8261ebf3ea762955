/*
 * inventory.h
 *	  The indexes and foreign keys of many tables, read from the catalogs in one go.
 */
#ifndef PO_INVENTORY_H
#define PO_INVENTORY_H

#include "nodes/pg_list.h"

/* A table that is looked at. */
typedef struct PoInventoryTable
{
	Oid			relid;			/* hash key */
	char		relkind;		/* '\0' when the table is gone */
	double		rows;			/* as the catalog knows; 0 when it does not */
	int64		scans;			/* of the table itself, and of its indexes */
	int64		writes;			/* that indexes had to follow */
	List	   *indexes;		/* of PoInventoryIndex, in the order of their
								 * OIDs */
} PoInventoryTable;

/* An index of such a table. */
typedef struct PoInventoryIndex
{
	Oid			relid;			/* hash key */
	PoInventoryTable *table;
	char		relkind;		/* '\0' when the index is gone */
	bool		attached;		/* a part of a partitioned index */
	Oid			root;			/* the whole that it is a part of, or itself */
	Oid			am;
	int32		pages;
	int			nkeys;
	int			ncolumns;
	int16	   *columns;		/* one each column */
	Oid		   *classes;		/* these one each key */
	Oid		   *collations;
	int16	   *options;
	const char *expressions;	/* as printed; "" without */
	const char *predicate;
	bool		unique;
	bool		nulls_equal;	/* NULLS NOT DISTINCT */
	bool		immediate;
	bool		valid;
	bool		clustered;
	bool		identity;		/* the replica identity */
	bool		exclusion;
	bool		referenced;		/* by a foreign key */
	Oid			constraint;		/* primary key, unique or exclusion */
	bool		needed;			/* for more than the speed of queries */
	int64		scans;			/* of this index alone */
} PoInventoryIndex;

/* A foreign key of such a table. */
typedef struct PoInventoryKey
{
	Oid			constraint;
	Oid			root;			/* the declared one that this is a partition's
								 * copy of, or itself */
	PoInventoryTable *table;
	int			ncolumns;
	int16	   *columns;
} PoInventoryKey;

typedef struct PoInventory
{
	PoInventoryTable **tables;
	int			ntables;
	List	   *keys;			/* of PoInventoryKey */
} PoInventory;

extern PoInventory *po_inventory_read(const Oid *relids, int nrelids);

#endif							/* PO_INVENTORY_H */
