/*
 * relname.h
 *	  Names of relations as they are printed for people and in generated SQL.
 */
#ifndef PO_RELNAME_H
#define PO_RELNAME_H

extern char *po_relname_qualified(Oid relid);
extern char *po_relname_qualified_or_null(Oid relid);

#endif							/* PO_RELNAME_H */
