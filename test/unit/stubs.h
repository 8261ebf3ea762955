/*
 * stubs.h
 *	  What unit tests see of the stand-ins in stubs.c.
 */
#ifndef PO_STUBS_H
#define PO_STUBS_H

extern char unit_error_message[1024];
extern int	unit_error_code;

#endif							/* PO_STUBS_H */
