/*
 * args.h
 *	  Reading and checking the arguments of SQL-callable functions.
 */
#ifndef PO_ARGS_H
#define PO_ARGS_H

#include "fmgr.h"

extern void po_args_require(FunctionCallInfo fcinfo, int argno, const char *name);
extern int64 po_args_interval_us(FunctionCallInfo fcinfo, int argno, const char *name, int64 min);
extern void po_args_refuse_null_element(const char *name, int element);
extern char *po_args_text(FunctionCallInfo fcinfo, int argno, const char *name);
extern char *po_args_text_or_null(FunctionCallInfo fcinfo, int argno);
extern int	po_args_text_array(FunctionCallInfo fcinfo, int argno, const char *name,
							   bool null_elements, char ***values);

#endif							/* PO_ARGS_H */
