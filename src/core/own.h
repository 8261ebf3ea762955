/*
 * own.h
 *	  Reading and writing the extension's own tables on behalf of any user.
 */
#ifndef PO_OWN_H
#define PO_OWN_H

#include "executor/spi.h"

/* The identity to go back to after po_own_begin. */
typedef struct PoOwnScope
{
	Oid			userid;
	int			sec_context;
} PoOwnScope;

extern Oid	po_own_relation_owner(Oid relid);
extern void po_own_begin(PoOwnScope *scope);
extern void po_own_become(PoOwnScope *scope, Oid role);
extern void po_own_become_owner(PoOwnScope *scope, Oid relid);
extern void po_own_end(PoOwnScope *scope);
extern uint64 po_own_execute(const char *sql, int nargs, Oid *types, Datum *values,
							 const char *nulls);
extern uint64 po_own_execute_again(SPIPlanPtr *plan, const char *sql, int nargs, Oid *types, Datum *values,
								   const char *nulls);

#endif							/* PO_OWN_H */
