/*
 * tap.h
 *	  TAP output for unit tests: ok(), is_int(), is_str() and done().
 *
 * A unit test is a C file with a main() that ends in "return done();".  A line
 * " * link: src/sched/due.c" in its header comment names what it tests.
 */
#ifndef PO_TAP_H
#define PO_TAP_H

#include <stdio.h>
#include <string.h>

static int	tap_count = 0;
static int	tap_failures = 0;

/* Prints one TAP result and returns whether it passed. */
static inline int
ok(int pass, const char *name)
{
	tap_count++;
	if (!pass)
		tap_failures++;
	printf("%sok %d - %s\n", pass ? "" : "not ", tap_count, name);
	fflush(stdout);
	return pass;
}

/* Passes when two integers are equal. */
static inline int
is_int(long long got, long long want, const char *name)
{
	if (!ok(got == want, name))
		printf("# got %lld, want %lld\n", got, want);
	return got == want;
}

/* Passes when two strings are equal; NULL equals only NULL. */
static inline int
is_str(const char *got, const char *want, const char *name)
{
	int			same = (got == NULL || want == NULL) ? got == want : strcmp(got, want) == 0;

	if (!ok(same, name))
		printf("# got %s, want %s\n", got ? got : "NULL", want ? want : "NULL");
	return same;
}

/* Prints the plan and returns the exit status of the test. */
static inline int
done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures != 0;
}

#endif							/* PO_TAP_H */
