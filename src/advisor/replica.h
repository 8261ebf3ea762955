/*
 * replica.h
 *	  What keeps a statement from running on a replica.
 */
#ifndef PO_REPLICA_H
#define PO_REPLICA_H

#include "plan/query.h"

extern char *po_replica_obstacle(const PoStatement *statement);

#endif							/* PO_REPLICA_H */
