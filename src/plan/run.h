/*
 * run.h
 *	  From a planned statement to its nodes, with or without executing it.
 */
#ifndef PO_RUN_H
#define PO_RUN_H

#include "plan/node.h"
#include "plan/query.h"

extern PoPlanTree *po_run_explain(PoStatement *statement);
extern bool po_run_prunes(const PoStatement *statement);
extern PoPlanTree *po_run_execute(PoStatement *statement);

#endif							/* PO_RUN_H */
