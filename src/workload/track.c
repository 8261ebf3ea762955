/*
 * track.c
 *	  The hooks that time every execution.
 *
 * Between ExecutorRun and ExecutorEnd a statement has a frame in an array of this
 * backend.  "running" is the frame whose statement executes now, so a frame that
 * begins while another one runs is nested in it.  There is no PG_TRY around
 * executions: after an error the transaction callbacks drop the frames of what
 * was rolled back.  Utility statements are rare and have a PG_TRY, so that their
 * frames survive a procedure's COMMIT and nothing else.
 *
 * Parallel workers report nothing: the leader's time and rows include theirs.
 *
 * application_name is the server's setting; we are told of its changes by its assign
 * hook, so that executions pay nothing for being told apart by application.
 */
#include "postgres.h"

#include <time.h>

#include "access/parallel.h"
#include "access/xact.h"
#include "core/compat.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/guc_tables.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/timestamp.h"
#include "workload/burst.h"
#include "workload/capture.h"
#include "workload/local.h"
#include "workload/parse.h"
#include "workload/settings.h"
#include "workload/shape.h"
#include "workload/track.h"
#include "workload/tracked.h"

#define FIRST_FRAMES 64

/* A statement between its first ExecutorRun and its ExecutorEnd, or a utility statement under way. */
typedef struct Frame
{
	QueryDesc  *desc;			/* NULL: of a utility statement, or free */
	bool		utility;
	bool		executing;		/* inside ExecutorRun or ExecutorFinish now */
	bool		in_loop;		/* may run in a loop of an application or of a
								 * procedure */
	bool		quiet;			/* what runs below does not */
	int			parent;			/* -1: none */
	uint64		parent_queryid; /* whose frame may be gone at the end */
	SubTransactionId subid;
	uint64		queryid;
	uint64		started;		/* of what executes now */
	uint64		ns;
	uint64		rows;
	PoBlobText	text;			/* of a statement that a client sent */
} Frame;

static Frame *frames = NULL;
static int	nframes = 0;
static int	allocated = 0;
static int	running = -1;
static PoTrackSlot *my_slot = NULL;
static int64 known_generation = 0;

static ExecutorRun_hook_type prev_ExecutorRun = NULL;
static ExecutorFinish_hook_type prev_ExecutorFinish = NULL;
static ExecutorEnd_hook_type prev_ExecutorEnd = NULL;
static ProcessUtility_hook_type prev_ProcessUtility = NULL;
static GucStringAssignHook prev_application_hook = NULL;

/* Returns nanoseconds of the monotonic clock. */
static inline uint64
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64) now.tv_sec * UINT64CONST(1000000000) + (uint64) now.tv_nsec;
}

/* ---- the slot ---- */

/* Folds what this backend reported into the shared table, at its exit, too. */
void
po_track_flush(void)
{
	if (my_slot == NULL)
		return;
	LWLockAcquire(po_tracked_lock, LW_EXCLUSIVE);
	po_tracked_fold_slot(my_slot);
	LWLockRelease(po_tracked_lock);
}

/* Folds what was reported so far, and notes whose the executions are that come. */
static void
note_application(const char *name)
{
	LWLockAcquire(po_tracked_lock, LW_EXCLUSIVE);
	po_tracked_fold_slot(my_slot);
	strlcpy(my_slot->application, name, NAMEDATALEN);
	LWLockRelease(po_tracked_lock);
}

/* Assign hook of application_name: called for each change, that of a rollback, too. */
static void
assign_application(const char *name, void *extra)
{
	if (prev_application_hook)
		prev_application_hook(name, extra);
	if (my_slot != NULL && strcmp(my_slot->application, name) != 0)
		note_application(name);
}

/* Flushes when the backend exits. */
static void
flush_at_exit(int code, Datum arg)
{
	po_track_flush();
}

/* Takes this backend's slot and makes the frames; returns whether there is tracking in this process. */
static bool
attach(void)
{
	static bool refused = false;

	if (refused)
		return false;
	if (IsParallelWorker() || !OidIsValid(MyDatabaseId) || (my_slot = po_tracked_my_slot()) == NULL)
	{
		refused = true;
		return false;
	}
	frames = MemoryContextAllocZero(TopMemoryContext, sizeof(Frame) * FIRST_FRAMES);
	allocated = FIRST_FRAMES;
	note_application(application_name);
	before_shmem_exit(flush_at_exit, (Datum) 0);
	return true;
}

/* Makes room in the ring: folds as soon as the lock is free, and waits for it when the ring is full. */
static void
make_room(uint32 waiting)
{
	if (waiting >= PO_TRACK_RING)
		LWLockAcquire(po_tracked_lock, LW_EXCLUSIVE);
	else if (!LWLockConditionalAcquire(po_tracked_lock, LW_EXCLUSIVE))
		return;
	po_tracked_fold_slot(my_slot);
	LWLockRelease(po_tracked_lock);
}

/* Returns the place of this backend's next event; publish_event makes it seen. */
static inline PoTrackEvent *
next_event(void)
{
	uint32		written = my_slot->written;
	uint32		waiting = written - *(volatile uint32 *) &my_slot->folded;

	if (unlikely(waiting >= PO_TRACK_RING / 2 && (waiting >= PO_TRACK_RING || waiting % 16 == 0)))
		make_room(waiting);
	return &my_slot->events[written & (PO_TRACK_RING - 1)];
}

/* Lets readers see the event that next_event gave. */
static inline void
publish_event(void)
{
	pg_write_barrier();
	*(volatile uint32 *) &my_slot->written = my_slot->written + 1;
}

/* ---- frames ---- */

/* Returns the frame of an execution, or -1; the newest are looked at first. */
static inline int
find_frame(const QueryDesc *desc)
{
	for (int i = nframes - 1; i >= 0; i--)
		if (frames[i].desc == desc)
			return i;
	return -1;
}

/* Returns the number of a free frame. */
static int
take_frame(void)
{
	if (unlikely(nframes == allocated))
	{
		for (int i = 0; i < nframes; i++)
			if (frames[i].desc == NULL && !frames[i].utility)
				return i;
		frames = repalloc(frames, sizeof(Frame) * allocated * 2);
		memset(frames + allocated, 0, sizeof(Frame) * allocated);
		allocated *= 2;
	}
	return nframes++;
}

/* Frees a frame. */
static inline void
free_frame(int number)
{
	frames[number].desc = NULL;
	frames[number].utility = false;
	while (nframes > 0 && frames[nframes - 1].desc == NULL && !frames[nframes - 1].utility)
		nframes--;
}

/* Tells whether a plan does nothing but call one function that returns rows. */
static bool
is_function_scan(const Plan *plan)
{
	ListCell   *lc;

	if (!IsA(plan, FunctionScan) || plan->qual != NIL || list_length(((const FunctionScan *) plan)->functions) != 1)
		return false;
	foreach(lc, plan->targetlist)
		if (!IsA(((TargetEntry *) lfirst(lc))->expr, Var))
		return false;
	return true;
}

/*
 * Tells whether functions that this plan calls run once for each of its rows: it
 * is more than a lone "SELECT f()" or "SELECT * FROM f()".
 */
static inline bool
is_set_query(const PlannedStmt *stmt)
{
	const Plan *plan = stmt->planTree;

	if (IsA(plan, ProjectSet) && list_length(plan->targetlist) == 1)
		plan = plan->lefttree;
	return !(IsA(plan, Result) && plan->lefttree == NULL) && !is_function_scan(plan);
}

/*
 * Notes where the text of a statement is that a client sent.  It lives as long
 * as the portal, so it is still there when the transaction's end tells of a failure.
 */
static inline void
note_client_text(Frame *frame, const QueryDesc *desc)
{
	frame->text.start = NULL;
	if (!frame->in_loop || desc->sourceText != ActivePortal->sourceText)
		return;
	frame->text.start = desc->sourceText;
	frame->text.location = desc->plannedstmt->stmt_location;
	frame->text.length = desc->plannedstmt->stmt_len;
	frame->text.nparams = desc->params == NULL ? 0 : desc->params->numParams;
	frame->text.secret = false;
}

/* Tells below which frame a new one begins; without a portal it is no client's: a trigger at commit, a worker. */
static inline void
begin_below(Frame *frame)
{
	frame->parent = running;
	if (running >= 0)
	{
		frame->in_loop = !frames[running].quiet;
		frame->parent_queryid = frames[running].queryid;
		return;
	}
	frame->in_loop = (ActivePortal != NULL);
	frame->parent_queryid = 0;
}

/* Begins the frame of an execution and returns its number. */
static inline int
begin_frame(QueryDesc *desc)
{
	int			number = take_frame();
	Frame	   *frame = &frames[number];

	frame->desc = desc;
	frame->utility = false;
	begin_below(frame);
	frame->quiet = !frame->in_loop || (po_settings_n_plus_one && is_set_query(desc->plannedstmt));
	if (running < 0 && po_settings_capture_samples)
		note_client_text(frame, desc);
	else
		frame->text.start = NULL;
	frame->subid = GetCurrentSubTransactionId();
	frame->queryid = (uint64) desc->plannedstmt->queryId;
	frame->ns = 0;
	frame->rows = 0;
	return number;
}

/* Tells whether an execution that begins now is tracked. */
static inline bool
is_tracked(const QueryDesc *desc)
{
	if (desc->plannedstmt->queryId == 0 || po_settings_track == PO_TRACK_NONE)
		return false;
	if (running >= 0 && po_settings_track == PO_TRACK_TOP)
		return false;
	return my_slot != NULL || attach();
}

/* ---- executions ---- */

/* Times one ExecutorRun; a cursor has many, of which all but the waiting for the client is its time. */
static void
track_run(PO_RUN_HOOK_PARAMS)
{
	int			outer = running;
	int			number = -1;

	if (is_tracked(desc))
	{
		number = nframes > 0 ? find_frame(desc) : -1;
		if (number < 0)
			number = begin_frame(desc);
		running = number;
		frames[number].executing = true;
		frames[number].started = now_ns();
	}
	if (prev_ExecutorRun)
		prev_ExecutorRun(PO_RUN_HOOK_ARGS);
	else
		standard_ExecutorRun(PO_RUN_HOOK_ARGS);
	if (number >= 0)
	{
		Frame	   *frame = &frames[number];

		frame->ns += now_ns() - frame->started;
		frame->rows += desc->estate->es_processed;
		frame->executing = false;
		running = outer;
	}
}

/* Calls the next hook of ExecutorFinish. */
static inline void
finish_next(QueryDesc *desc)
{
	if (prev_ExecutorFinish)
		prev_ExecutorFinish(desc);
	else
		standard_ExecutorFinish(desc);
}

/* Adds the time of AFTER triggers. */
static pg_noinline void
time_finish(QueryDesc *desc)
{
	int			outer = running;
	int			number = find_frame(desc);

	if (number < 0)
	{
		finish_next(desc);
		return;
	}
	running = number;
	frames[number].executing = true;
	frames[number].started = now_ns();
	finish_next(desc);
	frames[number].ns += now_ns() - frames[number].started;
	frames[number].executing = false;
	running = outer;
}

/* Hook: a statement that changes nothing has no AFTER triggers. */
static void
track_finish(QueryDesc *desc)
{
	if (unlikely(nframes > 0 && (desc->operation != CMD_SELECT || desc->plannedstmt->hasModifyingCTE)))
		time_finish(desc);
	else
		finish_next(desc);
}

/* Forgets what is known of statements when the shared table was reset. */
static void
check_generation(void)
{
	int64		generation = po_tracked_stats()->generation;

	if (unlikely(generation != known_generation))
	{
		known_generation = generation;
		po_local_forget();
	}
}

/* Notes the plan of an execution; its shape is computed once for each PlannedStmt. */
static inline void
note_plan(PoLocal *local, const PlannedStmt *stmt)
{
	if (likely(local->stmt == stmt && local->tree == stmt->planTree &&
			   local->cost == stmt->planTree->total_cost))
		return;
	local->stmt = stmt;
	local->tree = stmt->planTree;
	local->cost = stmt->planTree->total_cost;
	local->planid = po_shape_hash(stmt);
}

/* Lets burst detection look at an execution that ended. */
static void
note_burst(const Frame *frame, PoLocal *local, PoTrackEvent *event)
{
	PoBurstRun	run;

	run.end_ns = now_ns();
	run.ns = frame->ns;
	run.rows = frame->rows;
	run.nested = frame->parent >= 0;
	run.parent = frame->parent_queryid;
	if (!frame->in_loop)
		return;
	if (po_burst_is_candidate(frame->desc->plannedstmt))
		po_burst_note(local, frame->desc, &run, event);
	if (!run.nested)
		po_burst_note_top(frame->queryid, run.end_ns);
}

/* Fills an event of a frame. */
static inline void
fill_event(const Frame *frame, PoTrackEvent *event)
{
	memset(event, 0, sizeof(PoTrackEvent));
	event->queryid = frame->queryid;
	event->ns = frame->ns;
	event->rows = frame->rows;
	event->at = GetCurrentStatementStartTimestamp();
	event->dbid = MyDatabaseId;
	event->userid = GetUserId();
	event->toplevel = (frame->parent < 0);
}

/* Reports an execution that ends well. */
static void
report_frame(const Frame *frame)
{
	PoTrackEvent *event = next_event();
	PoLocal    *local;

	check_generation();
	local = po_local_find(frame->queryid);
	note_plan(local, frame->desc->plannedstmt);
	fill_event(frame, event);
	event->planid = local->planid;
	if (po_settings_n_plus_one)
		note_burst(frame, local, event);
	publish_event();

	/*
	 * The place is not used again before this backend's next events, so the
	 * event may be read there.
	 */
	if (po_settings_capture_samples || po_settings_capture_plans)
		po_capture_note(local, frame->desc, event);
}

/* Reports the execution, while its plan and parameters are still there. */
static void
track_end(QueryDesc *desc)
{
	int			number = nframes > 0 ? find_frame(desc) : -1;

	if (number >= 0)
	{
		report_frame(&frames[number]);
		free_frame(number);
	}
	if (prev_ExecutorEnd)
		prev_ExecutorEnd(desc);
	else
		standard_ExecutorEnd(desc);
}

/* ---- errors ---- */

/*
 * Reports an execution that a rollback ended: it failed when it was under way; when
 * it waited for the next fetch it did what was asked of it.
 */
static void
report_rollback(Frame *frame)
{
	PoTrackEvent *event = next_event();

	if (frame->executing)
		frame->ns += now_ns() - frame->started;
	fill_event(frame, event);
	event->failed = frame->executing;
	publish_event();
	if (frame->executing && po_settings_capture_samples)
		po_capture_note_failure(event, &frame->text);
}

/* Drops the frames of executions that began in a subtransaction or later, and reports those that a rollback ends. */
static void
drop_frames(SubTransactionId from, bool rollback)
{
	while (running >= 0 && !frames[running].utility && frames[running].subid >= from)
		running = frames[running].parent;
	for (int i = nframes - 1; i >= 0; i--)
		if (i < nframes && frames[i].desc != NULL && frames[i].subid >= from)
		{
			if (rollback)
				report_rollback(&frames[i]);
			frames[i].executing = false;
			free_frame(i);
		}
}

/* Drops what a transaction leaves behind. */
static void
at_xact(XactEvent event, void *arg)
{
	if (nframes > 0 && (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE))
		drop_frames(TopSubTransactionId, event == XACT_EVENT_ABORT);
}

/* Drops what a rolled back subtransaction leaves behind. */
static void
at_subxact(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (nframes > 0 && event == SUBXACT_EVENT_ABORT_SUB)
		drop_frames(mine, true);
}

/* ---- utility statements ---- */

/* Tells whether a utility statement needs a frame: it may run other statements, and no EXECUTE stands for itself. */
static bool
has_frame(const Node *statement)
{
	return !IsA(statement, ExecuteStmt) && !IsA(statement, PrepareStmt) &&
		!IsA(statement, DeallocateStmt) && !IsA(statement, TransactionStmt) &&
		!IsA(statement, FetchStmt) &&
		!IsA(statement, DeclareCursorStmt) && !IsA(statement, ClosePortalStmt);
}

/* Begins the frame of a utility statement and returns its number. */
static int
begin_utility_frame(const PlannedStmt *stmt, const char *text)
{
	int			number = take_frame();
	Frame	   *frame = &frames[number];
	const Node *node = stmt->utilityStmt;

	memset(frame, 0, sizeof(Frame));
	frame->utility = true;
	begin_below(frame);
	frame->quiet = !frame->in_loop || !(IsA(node, CallStmt) || IsA(node, DoStmt));
	frame->queryid = po_parse_utility_queryid(stmt, text);
	frame->text.start = text;
	frame->text.location = stmt->stmt_location;
	frame->text.length = stmt->stmt_len;
	frame->text.secret = !(IsA(node, CallStmt) || IsA(node, DoStmt));
	frame->started = now_ns();
	running = number;
	return number;
}

/* Calls the next hook of ProcessUtility. */
static inline void
utility_next(PlannedStmt *pstmt, const char *text, bool read_only, ProcessUtilityContext context,
			 ParamListInfo params, QueryEnvironment *env, DestReceiver *dest, QueryCompletion *qc)
{
	if (prev_ProcessUtility)
		prev_ProcessUtility(pstmt, text, read_only, context, params, env, dest, qc);
	else
		standard_ProcessUtility(pstmt, text, read_only, context, params, env, dest, qc);
}

/* Reports a utility statement. */
static void
report_utility(const Frame *frame, bool failed)
{
	PoTrackEvent *event = next_event();

	fill_event(frame, event);
	event->failed = failed;
	publish_event();
	if (!failed && po_settings_capture_samples)
		po_capture_note_utility(event, &frame->text);
}

/*
 * Ends the frame of a utility statement, and reports it when it is tracked itself.
 * An error inside this very extension may come with its lock held: that one is not counted.
 */
static void
end_utility_frame(int number, int outer, bool failed, const QueryCompletion *qc)
{
	Frame	   *frame = &frames[number];

	frame->ns = now_ns() - frame->started;
	frame->rows = qc != NULL && !failed ? qc->nprocessed : 0;
	running = outer;
	if (po_settings_track_utility && frame->queryid != 0 &&
		(outer < 0 || po_settings_track == PO_TRACK_ALL) && !(failed && LWLockHeldByMe(po_tracked_lock)))
		report_utility(frame, failed);
	free_frame(number);
}

/* Notes that statements below run for a utility statement; what COPY or REFRESH run for each row is no loop. */
static void
track_utility(PlannedStmt *pstmt, const char *text, bool read_only, ProcessUtilityContext context,
			  ParamListInfo params, QueryEnvironment *env, DestReceiver *dest, QueryCompletion *qc)
{
	int			outer = running;
	int			number;
	volatile bool failed = true;

	if (po_settings_track == PO_TRACK_NONE || !has_frame(pstmt->utilityStmt) ||
		(my_slot == NULL && !attach()))
	{
		utility_next(pstmt, text, read_only, context, params, env, dest, qc);
		return;
	}
	number = begin_utility_frame(pstmt, text);
	PG_TRY();
	{
		utility_next(pstmt, text, read_only, context, params, env, dest, qc);
		failed = false;
	}
	PG_FINALLY();
	{
		end_utility_frame(number, outer, failed, qc);
	}
	PG_END_TRY();
}

/* Puts ours before the assign hook that application_name has, which Citus does, too. */
static void
hook_application(void)
{
	int			n;
	struct config_generic **settings = PO_LIST_SETTINGS(n);

	for (int i = 0; i < n; i++)
		if (strcmp(settings[i]->name, "application_name") == 0)
		{
			prev_application_hook = PO_STRING_ASSIGN_HOOK(settings[i]);
			PO_STRING_ASSIGN_HOOK(settings[i]) = assign_application;
		}
}

/* Installs the hooks; called once from _PG_init while preloading. */
void
po_track_init(void)
{
	hook_application();
	prev_ExecutorRun = ExecutorRun_hook;
	ExecutorRun_hook = track_run;
	prev_ExecutorFinish = ExecutorFinish_hook;
	ExecutorFinish_hook = track_finish;
	prev_ExecutorEnd = ExecutorEnd_hook;
	ExecutorEnd_hook = track_end;
	prev_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = track_utility;
	RegisterXactCallback(at_xact, NULL);
	RegisterSubXactCallback(at_subxact, NULL);
}
