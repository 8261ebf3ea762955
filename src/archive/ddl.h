/*
 * ddl.h
 *	  Running commands on tables and reading what the catalog prints of them.
 */
#ifndef PO_DDL_H
#define PO_DDL_H

extern void po_ddl_run(const char *sql);
extern char *po_ddl_comment(Oid relation);
extern char *po_ddl_partition_key(Oid relation);
extern char *po_ddl_partition_bound(Oid partition);
extern char *po_ddl_partition_constraint(Oid partition);
extern bool po_ddl_has_partition(Oid relation, const char *bound);

#endif							/* PO_DDL_H */
