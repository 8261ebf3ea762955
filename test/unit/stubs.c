/*
 * stubs.c
 *	  Stand-ins for the server's functions that pure files call, for unit tests.
 *
 * Memory comes from libpgcommon, which has palloc and its family over malloc.
 * An error raised with ereport goes to the PG_TRY around it, and its text and
 * code stay in unit_error_message and unit_error_code; without PG_TRY it ends
 * the test.
 */
#include "postgres.h"

#include <stdio.h>

#include "core/compat.h"
#include "miscadmin.h"
#include "stubs.h"
#include "utils/memutils.h"

char		unit_error_message[1024];
int			unit_error_code;

sigjmp_buf *PG_exception_stack = NULL;
ErrorContextCallback *error_context_stack = NULL;
MemoryContext CurrentMemoryContext = NULL;
volatile sig_atomic_t InterruptPending = false;

static int	unit_error_level;

/* Starts an error report; only errors are kept. */
bool
errstart(int elevel, const char *domain)
{
	unit_error_level = elevel;
	unit_error_code = ERRCODE_INTERNAL_ERROR;
	unit_error_message[0] = '\0';
	return elevel >= ERROR;
}

/* The same for the reports that the compiler takes for unlikely. */
bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

/* Ends an error report: jumps to the PG_TRY around it, or ends the test. */
void
errfinish(const char *filename, int lineno, const char *funcname)
{
	if (unit_error_level < ERROR)
		return;
	if (PG_exception_stack != NULL)
		siglongjmp(*PG_exception_stack, 1);
	printf("Bail out! %s (%s:%d)\n", unit_error_message, filename, lineno);
	exit(1);
}

/* Keeps the error code. */
int
errcode(int sqlerrcode)
{
	unit_error_code = sqlerrcode;
	return 0;
}

/* Keeps the message. */
int
errmsg(const char *fmt,...)
{
	va_list		args;

	va_start(args, fmt);
	vsnprintf(unit_error_message, sizeof(unit_error_message), fmt, args);
	va_end(args);
	return 0;
}

/* Keeps the message of elog. */
int
errmsg_internal(const char *fmt,...)
{
	va_list		args;

	va_start(args, fmt);
	vsnprintf(unit_error_message, sizeof(unit_error_message), fmt, args);
	va_end(args);
	return 0;
}

/* Drops the detail. */
int
errdetail(const char *fmt,...)
{
	return 0;
}

/* Drops the hint. */
int
errhint(const char *fmt,...)
{
	return 0;
}

/* Continues an error after PG_CATCH, as the server's PG_RE_THROW does. */
void
pg_re_throw(void)
{
	if (PG_exception_stack != NULL)
		siglongjmp(*PG_exception_stack, 1);
	printf("Bail out! %s\n", unit_error_message);
	exit(1);
}

/* Clears the error that PG_CATCH caught. */
void
FlushErrorState(void)
{
}

/* Answers CHECK_FOR_INTERRUPTS; nothing interrupts a unit test. */
void
ProcessInterrupts(void)
{
}

/* Ends the test on a broken Assert. */
void
ExceptionalCondition(const char *conditionName, PO_ASSERT_TYPE_PARAM
					 const char *fileName, int lineNumber)
{
	printf("Bail out! assertion failed: %s (%s:%d)\n", conditionName, fileName, lineNumber);
	exit(1);
}
