/*
 * memory_limit.c
 *	  How much memory a container leaves to this process.
 *
 * Pure but for reading files.  Linux says in one file which control groups a process
 * is in: "0::/path" in the unified hierarchy (version 2), "N:memory:/path" in that of
 * the memory controller (version 1).  Each group and all above it can have a limit.
 * Inside a container the path is often that of the host, and only the top is there to
 * be seen: groups without a file are passed over.
 */
#include "postgres.h"

#include <stdio.h>

#include "monitor/memory_limit.h"

#define LINE_SIZE 4096

/* Reads a limit from a file; -1 when there is no file or it says "max". */
static int64
read_limit(const char *directory, const char *file)
{
	char		path[MAXPGPATH];
	char		line[64];
	FILE	   *stream;
	long long	limit = -1;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	stream = fopen(path, "r");
	if (stream == NULL)
		return -1;
	if (fgets(line, sizeof(line), stream) == NULL || sscanf(line, "%lld", &limit) != 1)
		limit = -1;
	fclose(stream);
	return limit;
}

/* Returns the smaller of two limits; -1 is none. */
static int64
stricter(int64 a, int64 b)
{
	if (a < 0 || b < 0)
		return Max(a, b);
	return Min(a, b);
}

/* Returns the strictest limit of a group and those above it, up to the top of its hierarchy. */
static int64
read_group(const char *top, const char *group, const char *file)
{
	char		directory[MAXPGPATH];
	size_t		top_length = strlen(top);
	int64		limit;

	snprintf(directory, sizeof(directory), "%s%s", top, group);
	limit = read_limit(directory, file);
	while (strlen(directory) > top_length)
	{
		*strrchr(directory, '/') = '\0';
		if (strlen(directory) >= top_length)
			limit = stricter(limit, read_limit(directory, file));
	}
	return limit;
}

/* Tells whether a list of controllers, separated by commas, names that of memory. */
static bool
has_memory(const char *controllers)
{
	char		list[LINE_SIZE];

	snprintf(list, sizeof(list), ",%s,", controllers);
	return strstr(list, ",memory,") != NULL;
}

/* Reads the limit of one line of the membership file; -1 for one of another controller. */
static int64
read_line(char *line, const char *mount)
{
	char		top[MAXPGPATH];
	char	   *controllers = strchr(line, ':');
	char	   *group = controllers ? strchr(controllers + 1, ':') : NULL;

	if (group == NULL)
		return -1;
	*group++ = '\0';
	group[strcspn(group, "\n")] = '\0';
	if (group[0] != '/')
		return -1;
	if (controllers[1] == '\0')
		return read_group(mount, group, "memory.max");
	if (!has_memory(controllers + 1))
		return -1;
	snprintf(top, sizeof(top), "%s/memory", mount);
	return read_group(top, group, "memory.limit_in_bytes");
}

/*
 * Returns the strictest limit in bytes of the groups that a membership file (/proc/self/cgroup) names under a mount point
 * (/sys/fs/cgroup); -1 without one, or without such files.  A limit may exceed what the machine has.
 */
int64
po_memory_limit_read(const char *membership, const char *mount)
{
	char		line[LINE_SIZE];
	FILE	   *stream = fopen(membership, "r");
	int64		limit = -1;

	if (stream == NULL)
		return -1;
	while (fgets(line, sizeof(line), stream) != NULL)
		limit = stricter(limit, read_line(line, mount));
	fclose(stream);
	return limit;
}
