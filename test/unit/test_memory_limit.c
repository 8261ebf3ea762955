/*
 * test_memory_limit.c
 *	  Limits of control groups, in folders like those that Linux shows.
 *
 * link: src/monitor/memory_limit.c
 */
#include "postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "monitor/memory_limit.h"
#include "tap.h"

#undef snprintf
#undef printf

static char root[] = "/tmp/po_memory_XXXXXX";

/* Writes a file below the folder of the test, with the folders above it. */
static void
put(const char *name, const char *text)
{
	char		command[1024];
	FILE	   *stream;

	snprintf(command, sizeof(command), "mkdir -p \"$(dirname %s/%s)\"", root, name);
	if (system(command) != 0)
		exit(1);
	snprintf(command, sizeof(command), "%s/%s", root, name);
	stream = fopen(command, "w");
	if (stream == NULL)
		exit(1);
	fputs(text, stream);
	fclose(stream);
}

/* Returns the limit for a process whose membership is a text. */
static int64
limit(const char *membership)
{
	char		file[256];
	char		mount[256];

	put("membership", membership);
	snprintf(file, sizeof(file), "%s/membership", root);
	snprintf(mount, sizeof(mount), "%s/groups", root);
	return po_memory_limit_read(file, mount);
}

int
main(void)
{
	char		command[256];

	if (mkdtemp(root) == NULL)
		exit(1);
	put("groups/a/b/memory.max", "3000000\n");
	put("groups/a/memory.max", "2000000\n");
	put("groups/c/memory.max", "max\n");
	put("groups/memory/d/e/memory.limit_in_bytes", "5000000\n");
	put("groups/memory/memory.limit_in_bytes", "9223372036854771712\n");

	is_int(limit("0::/a/b\n"), 2000000, "the strictest of a group and those above it");
	is_int(limit("0::/a\n"), 2000000, "a group's own");
	is_int(limit("0::/c\n"), -1, "max is no limit");
	is_int(limit("0::/not/here\n"), -1, "a group that cannot be seen");
	is_int(limit("12:cpu,cpuacct:/a\n9:memory:/d/e\n1:name=systemd:/a\n"), 5000000, "version 1");
	is_int(limit("9:hugetlb,memory:/d\n"), 9223372036854771712, "version 1 without a limit of its own");
	is_int(limit("9:notmemory:/d/e\n"), -1, "another controller");
	is_int(limit("9:memory:/d/e\n0::/a/b\n"), 2000000, "both: the stricter one");
	is_int(limit("nonsense\n\n0:\n0::relative\n"), -1, "nonsense");
	put("groups/memory.max", "1000000\n");
	is_int(limit("0::/host/path\n"), 1000000, "inside a container only its own top is seen");
	is_int(limit("0::/\n"), 1000000, "the top");
	is_int(po_memory_limit_read("/nonexistent", root), -1, "where there are no control groups");
	snprintf(command, sizeof(command), "rm -rf %s", root);
	if (system(command) != 0)
		exit(1);
	return done();
}
