/*
 * verify_command.h
 *	  The command of a job that tries an index.
 */
#ifndef PO_VERIFY_COMMAND_H
#define PO_VERIFY_COMMAND_H

#include "jobs/build.h"

extern char *po_verify_job_command(const PoBuild *build, const char *table, char **queries, int n, bool keep);

#endif							/* PO_VERIFY_COMMAND_H */
