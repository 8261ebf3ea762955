/*
 * build.c
 *	  Building an index concurrently in a runner, and taking it away again.
 *
 * A concurrent build that fails leaves an invalid index behind, which every write
 * maintains and no query uses.  Whatever ends a build here, an error, a cancel or a
 * timeout, the index is dropped before the error goes on; after a crash the next
 * attempt drops it.  It is recognised by its name: no index of that name existed when
 * the build was asked for.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "core/compat.h"
#include "core/progress.h"
#include "core/relname.h"
#include "jobs/build.h"
#include "jobs/exec.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "plan/hypo_parse.h"
#include "sched/attempt.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

/* Steps back over a word before a position of a text and the blanks after it; NULL when another word is there. */
static const char *
step_back(const char *text, const char *end, const char *word)
{
	size_t		length = strlen(word);

	while (end > text && strchr(" \t\n\r\f", end[-1]) != NULL)
		end--;
	if ((size_t) (end - text) <= length || pg_strncasecmp(end - length, word, length) != 0 ||
		strchr(" \t\n\r\f", end[-length - 1]) == NULL)
		return NULL;
	return end - length;
}

/* Returns the statement with a name in the place where one may stand: before ON. */
static char *
insert_name(const char *definition, const IndexStmt *statement, const char *name)
{
	const char *table = definition + statement->relation->location;
	const char *only = step_back(definition, table, "ONLY");
	const char *on = step_back(definition, only != NULL ? only : table, "ON");

	if (on == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot find where the name of the index belongs in its definition"),
				 errdetail("The text is: %s", definition),
				 errhint("Give the index a name: CREATE INDEX name ON ...")));
	return psprintf("%.*s%s %s", (int) (on - definition), definition, quote_identifier(name), on);
}

/* Returns a CREATE INDEX statement that has no name for its index with a name; raises 22023 where none fits in. */
char *
po_build_name(const char *definition, const char *name)
{
	RawStmt    *raw = linitial_node(RawStmt, raw_parser(definition, RAW_PARSE_DEFAULT));

	return insert_name(definition, castNode(IndexStmt, raw->stmt), name);
}

/* Raises 42501 unless the current user may create an index on the table, 42P07 when the name is taken. */
static void
check_build(const PoBuild *build)
{
	if (!PO_OWNS_RELATION(build->relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(build->relid)),
					   get_rel_name(build->relid));
	if (OidIsValid(get_relname_relid(build->name, get_rel_namespace(build->relid))))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("relation \"%s\" already exists", build->name),
				 errhint("Give the index another name.")));
}

/*
 * Reads one CREATE INDEX statement and gives the index a name if it has none.  Raises
 * what creating the index would raise before it begins, 42501 and 42P07 among it.  The
 * result is in the current memory context.
 */
PoBuild *
po_build_prepare(const char *definition)
{
	PoBuild    *build = palloc0(sizeof(PoBuild));
	PoHypoIndex *index = po_hypo_parse_statement(definition);
	RawStmt    *raw = linitial_node(RawStmt, raw_parser(definition, RAW_PARSE_DEFAULT));
	IndexStmt  *statement = castNode(IndexStmt, raw->stmt);

	build->relid = index->relid;
	build->name = pstrdup(index->name);
	build->concurrent = statement->concurrent;
	build->sql = statement->idxname != NULL ? pstrdup(definition)
		: insert_name(definition, statement, build->name);
	check_build(build);
	return build;
}

/* Returns the qualified name of the index if it exists and is, or is not, valid; NULL else.  In memory. */
static char *
find_index(const PoBuild *build, bool valid, MemoryContext memory)
{
	char	   *name = NULL;
	Oid			index;

	StartTransactionCommand();
	index = get_relname_relid(build->name, get_rel_namespace(build->relid));
	if (OidIsValid(index) && get_rel_relkind(index) == RELKIND_INDEX &&
		IndexGetRelation(index, true) == build->relid && get_index_isvalid(index) == valid)
		name = MemoryContextStrdup(memory, po_relname_qualified(index));
	CommitTransactionCommand();
	MemoryContextSwitchTo(memory);
	return name;
}

/* Drops the index, valid or not; called outside any transaction.  No index is no error. */
static void
drop_index(const PoBuild *build, bool valid)
{
	char	   *name = find_index(build, valid, CurrentMemoryContext);
	PoExecResult result;

	if (name == NULL)
		return;
	po_progress_report("dropping the index", 0, 0);
	po_exec_top_level(psprintf("DROP INDEX %s%s", build->concurrent ? "CONCURRENTLY " : "", name), &result);
}

/* Takes away what a failed build has left; an error here is logged, for the one of the build counts. */
static void
clean_up(const PoBuild *build, MemoryContext memory)
{
	PG_TRY();
	{
		drop_index(build, false);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(memory);
		EmitErrorReport();
		AbortOutOfAnyTransaction();
		FlushErrorState();
		MemoryContextSwitchTo(memory);
		ereport(LOG,
				(errmsg("an unfinished index \"%s\" is left behind", build->name),
				 errhint("Drop it with DROP INDEX CONCURRENTLY.")));
	}
	PG_END_TRY();
}

/*
 * Builds an index; called in a runner, outside any transaction.  again: an earlier
 * attempt crashed and may have left its index.  A concurrent build waits for whatever
 * transactions it finds, as long as the run may take.  Raises what the build raises,
 * after dropping what it left.
 */
void
po_build_run(const PoBuild *build, bool again)
{
	MemoryContext memory = CurrentMemoryContext;
	PoExecResult result;

	if (build->concurrent)
		SetConfigOption("lock_timeout", "0", PGC_USERSET, PGC_S_SESSION);
	if (again && find_index(build, true, memory) != NULL)
		return;
	if (again)
		drop_index(build, false);
	po_progress_report("building the index", 0, 0);
	PG_TRY();
	{
		po_exec_top_level(build->sql, &result);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(memory);
		error = CopyErrorData();
		AbortOutOfAnyTransaction();
		FlushErrorState();
		MemoryContextSwitchTo(memory);
		po_attempt_spare();
		RESUME_INTERRUPTS();
		clean_up(build, memory);
		ReThrowError(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(memory);
}

/* Takes away what an attempt that crashed has built, finished or not; called outside any transaction. */
void
po_build_remove(const PoBuild *build)
{
	drop_index(build, false);
	drop_index(build, true);
}

/* Drops an index that was built; called in a runner, outside any transaction. */
void
po_build_drop(const PoBuild *build)
{
	drop_index(build, true);
}
