/*
 * persist.c
 *	  Keeping what is tracked over a restart of the server.
 *
 * As pg_stat_statements does: the postmaster writes a file when it stops in good
 * order, and reads and removes it when it starts.  After a crash there is none.
 * The file is of this server and build alone; what does not fit is ignored.
 *
 * A statement is its PoTrackEntry, whose numbers of chunks and texts mean
 * nothing there, the histogram as pairs of bucket and count, and its texts, each
 * with its length first.  The watched applications come last, as they are.
 */
#include "postgres.h"

#include <unistd.h>

#include "core/compat.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "workload/application.h"
#include "workload/persist.h"
#include "workload/settings.h"
#include "workload/tracked.h"

#define PERSIST_FILE PGSTAT_STAT_PERMANENT_DIRECTORY "/perf_optimizer.stat"
#define PERSIST_MAGIC 0x504f5433
#define MAX_TEXT_BYTES (64 * 1024 * 1024)

/* The start of the file. */
typedef struct FileHeader
{
	uint32		magic;
	uint32		version;		/* of the server */
	uint32		entry_size;
	uint32		entries;
	PoTrackStats stats;
} FileHeader;

/* ---- writing ---- */

/* Writes bytes; returns false when that fails. */
static bool
put(FILE *file, const void *data, Size size)
{
	return size == 0 || fwrite(data, size, 1, file) == 1;
}

/* Writes a histogram. */
static bool
put_histogram(FILE *file, const PoTrackEntry *entry)
{
	static uint32 counts[PO_HISTOGRAM_BUCKETS];
	uint32		n = 0;
	bool		done;

	po_tracked_histogram(entry, counts);
	for (int i = 0; i < PO_HISTOGRAM_BUCKETS; i++)
		n += counts[i] > 0;
	done = put(file, &n, sizeof(n));
	for (uint32 i = 0; i < PO_HISTOGRAM_BUCKETS && done; i++)
		if (counts[i] > 0)
			done = put(file, &i, sizeof(i)) && put(file, &counts[i], sizeof(uint32));
	return done;
}

/* Writes a statement. */
static bool
put_entry(FILE *file, PoTrackEntry *entry)
{
	uint32	   *texts[PO_TRACK_TEXTS];
	bool		done = put(file, entry, sizeof(PoTrackEntry)) && put_histogram(file, entry);

	po_tracked_texts(entry, texts);
	for (int i = 0; i < PO_TRACK_TEXTS && done; i++)
	{
		uint32		length = 0;
		char	   *text = po_tracked_copy_text(*texts[i], &length);

		done = put(file, &length, sizeof(length)) && put(file, text, length);
		if (text != NULL)
			pfree(text);
	}
	return done;
}

/* Writes everything; returns false when that fails. */
static bool
write_all(FILE *file)
{
	FileHeader	header = {PERSIST_MAGIC, PO_SERVER_VERSION, sizeof(PoTrackEntry), po_tracked_count(), *po_tracked_stats()};
	bool		done = put(file, &header, sizeof(header));

	for (int i = 0; i < po_tracked_capacity() && done; i++)
		if (po_tracked_entry(i)->used)
			done = put_entry(file, po_tracked_entry(i));
	return done && put(file, po_tracked_applications(), sizeof(PoApplications));
}

/* Writes the file when the server stops in good order; a failure is logged. */
static void
save_at_exit(int code, Datum arg)
{
	FILE	   *file;
	bool		done;

	if (code != 0 || !po_settings_save || !po_tracked_ready())
		return;
	po_tracked_fold_all();
	file = AllocateFile(PERSIST_FILE ".tmp", PG_BINARY_W);
	done = file != NULL && write_all(file);
	if (file != NULL && FreeFile(file) != 0)
		done = false;
	if (done)
		(void) durable_rename(PERSIST_FILE ".tmp", PERSIST_FILE, LOG);
	else
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not write file \"%s\": %m", PERSIST_FILE ".tmp")));
}

/* ---- reading ---- */

/* Reads bytes; returns false when there are not as many. */
static bool
get(FILE *file, void *data, Size size)
{
	return size == 0 || fread(data, size, 1, file) == 1;
}

/* Reads a histogram into a statement. */
static bool
get_histogram(FILE *file, PoTrackEntry *entry)
{
	uint32		n;

	if (!get(file, &n, sizeof(n)) || n > PO_HISTOGRAM_BUCKETS)
		return false;
	for (uint32 i = 0; i < n; i++)
	{
		uint32		pair[2];

		if (!get(file, pair, sizeof(pair)) || pair[0] >= PO_HISTOGRAM_BUCKETS)
			return false;
		po_tracked_add_bucket(entry, (int) pair[0], pair[1]);
	}
	return true;
}

/* Reads a text into a place of a statement. */
static bool
get_text(FILE *file, PoTrackEntry *entry, uint32 *place)
{
	uint32		length;
	char	   *text;
	bool		done;

	if (!get(file, &length, sizeof(length)) || length > MAX_TEXT_BYTES)
		return false;
	if (length == 0)
		return true;
	text = palloc(length);
	done = get(file, text, length);
	if (done)
		*place = po_tracked_store_text(entry, text, length);
	pfree(text);
	return done;
}

/* Reads a statement into the table, whose place and chain stay as they are there. */
static bool
get_entry(FILE *file)
{
	PoTrackEntry stored;
	PoTrackEntry *entry;
	uint32	   *texts[PO_TRACK_TEXTS];
	uint32		next;
	uint64		number;

	if (!get(file, &stored, sizeof(stored)))
		return false;
	entry = po_tracked_enter(&stored.key, stored.first_seen);
	next = entry->next;
	number = entry->number;
	*entry = stored;
	entry->next = next;
	entry->number = number;
	memset(entry->chunks, 0, sizeof(entry->chunks));
	po_tracked_texts(entry, texts);
	for (int i = 0; i < PO_TRACK_TEXTS; i++)
		*texts[i] = 0;
	if (!get_histogram(file, entry))
		return false;
	for (int i = 0; i < PO_TRACK_TEXTS; i++)
		if (!get_text(file, entry, texts[i]))
			return false;
	return true;
}

/* Reads everything; returns false when the file is not what it should be. */
static bool
read_all(FILE *file)
{
	FileHeader	header;

	if (!get(file, &header, sizeof(header)) || header.magic != PERSIST_MAGIC ||
		header.version != PO_SERVER_VERSION || header.entry_size != sizeof(PoTrackEntry))
		return false;
	*po_tracked_stats() = header.stats;
	for (uint32 i = 0; i < header.entries; i++)
		if (!get_entry(file))
			return false;
	if (get(file, po_tracked_applications(), sizeof(PoApplications)))
		return true;
	memset(po_tracked_applications(), 0, sizeof(PoApplications));
	return false;
}

/* Fills a new table from the file, if there is one, removes it, and sees to its being written at the end. */
void
po_persist_start(void)
{
	FILE	   *file;

	if (!IsUnderPostmaster)
		on_shmem_exit(save_at_exit, (Datum) 0);
	if (!po_settings_save)
		return;
	file = AllocateFile(PERSIST_FILE, PG_BINARY_R);
	if (file == NULL)
	{
		if (errno != ENOENT)
			ereport(LOG,
					(errcode_for_file_access(),
					 errmsg("could not read file \"%s\": %m", PERSIST_FILE)));
		return;
	}
	if (!read_all(file))
	{
		ereport(LOG,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("ignoring invalid data in file \"%s\"", PERSIST_FILE)));
		po_tracked_reset(InvalidOid);
	}
	FreeFile(file);
	unlink(PERSIST_FILE);
}
