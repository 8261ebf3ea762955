/*
 * relname.h
 *	  Names of relations as they are printed for people and in generated SQL.
 */
#ifndef PO_RELNAME_H
#define PO_RELNAME_H

#include "access/attnum.h"

extern char *po_relname_qualified(Oid relid);
extern char *po_relname_qualified_or_null(Oid relid);
extern AttrNumber po_relname_column(Oid from, Oid to, AttrNumber column);

#endif							/* PO_RELNAME_H */
