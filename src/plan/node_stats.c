/*
 * node_stats.c
 *	  What was measured while a plan was executed, read from the executor's nodes.
 *
 * The executor adds the counts of parallel workers to those of the leader; the
 * particulars of sorts, hashes and caches it keeps apart, they are merged here.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "core/compat.h"
#include "executor/hashjoin.h"
#include "jit/jit.h"
#include "nodes/nodeFuncs.h"
#include "plan/node_internal.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/tuplesort.h"

/* Fills in rows, loops, time and buffers. */
static void
fill_instrument(PoNodeReader *reader, PoNode *node, PlanState *state)
{
	PoNodeInstr *instr = state->instrument;
	const BufferUsage *buffers = PO_INSTR_BUFFERS(instr);

	InstrEndLoop(instr);
	node->executed = true;
	node->loops = instr->nloops;
	node->total_rows = instr->ntuples;
	node->actual_rows = instr->nloops > 0 ? instr->ntuples / instr->nloops : 0;
	node->total_ms = PO_INSTR_TOTAL_MS(instr) / reader->processes;
	node->removed_filter = instr->nfiltered1;
	if (node->kind == PO_NODE_INDEX_SCAN || node->kind == PO_NODE_INDEX_ONLY_SCAN ||
		node->kind == PO_NODE_BITMAP_HEAP_SCAN)
		node->removed_recheck = instr->nfiltered2;
	else
		node->removed_filter += instr->nfiltered2;
	if (IsA(state, NestLoopState) || IsA(state, MergeJoinState) || IsA(state, HashJoinState))
		node->removed_join = instr->nfiltered1;
	if (instr->nloops > 0)
		node->rows_removed = (node->removed_filter + node->removed_recheck) / instr->nloops;
	if (node->kind == PO_NODE_INDEX_ONLY_SCAN)
		node->heap_fetches = instr->ntuples2;
	node->shared_hit = buffers->shared_blks_hit;
	node->shared_read = buffers->shared_blks_read;
	node->shared_dirtied = buffers->shared_blks_dirtied;
	node->temp_read = buffers->temp_blks_read;
	node->temp_written = buffers->temp_blks_written;
}

/* Adds one process's sort to the node: the largest memory, all disk. */
static void
add_sort(PoNode *node, const TuplesortInstrumentation *sort)
{
	if (sort->sortMethod == SORT_TYPE_STILL_IN_PROGRESS)
		return;
	if (sort->spaceType == SORT_SPACE_TYPE_DISK)
		node->sort_disk_kb += sort->spaceUsed;
	else
		node->sort_memory_kb = Max(node->sort_memory_kb, sort->spaceUsed);
}

/* Fills in the space that a sort used. */
static void
fill_sort(PoNode *node, SortState *state)
{
	TuplesortInstrumentation sort;

	if (state->sort_Done && state->tuplesortstate != NULL)
	{
		tuplesort_get_stats((Tuplesortstate *) state->tuplesortstate, &sort);
		add_sort(node, &sort);
	}
	if (state->shared_info != NULL)
		for (int i = 0; i < state->shared_info->num_workers; i++)
			add_sort(node, &state->shared_info->sinstrument[i]);
}

/* Adds one process's groups of an incremental sort. */
static void
add_sort_groups(PoNode *node, const IncrementalSortGroupInfo *group)
{
	node->sort_disk_kb = Max(node->sort_disk_kb, group->maxDiskSpaceUsed);
	node->sort_memory_kb = Max(node->sort_memory_kb, group->maxMemorySpaceUsed);
}

/* Fills in the space that an incremental sort used for its largest group. */
static void
fill_incremental_sort(PoNode *node, IncrementalSortState *state)
{
	add_sort_groups(node, &state->incsort_info.fullsortGroupInfo);
	add_sort_groups(node, &state->incsort_info.prefixsortGroupInfo);
	if (state->shared_info == NULL)
		return;
	for (int i = 0; i < state->shared_info->num_workers; i++)
	{
		add_sort_groups(node, &state->shared_info->sinfo[i].fullsortGroupInfo);
		add_sort_groups(node, &state->shared_info->sinfo[i].prefixsortGroupInfo);
	}
}

/* Adds one process's hash table: the maxima, as EXPLAIN does. */
static void
add_hash(PoNode *node, const HashInstrumentation *hash)
{
	node->hash_batches = Max(node->hash_batches, hash->nbatch);
	node->hash_batches_planned = Max(node->hash_batches_planned, hash->nbatch_original);
	node->hash_memory_kb = Max(node->hash_memory_kb, (int64) (hash->space_peak + 1023) / 1024);
}

/* Fills in a hash join's table. */
static void
fill_hash(PoNode *node, HashState *state)
{
	if (state->hinstrument != NULL)
		add_hash(node, state->hinstrument);
	if (state->shared_info != NULL)
		for (int i = 0; i < state->shared_info->num_workers; i++)
			add_hash(node, &state->shared_info->hinstrument[i]);
}

/* Fills in a hash aggregate's memory and what it spilled. */
static void
fill_aggregate(PoNode *node, AggState *state)
{
	Agg		   *agg = (Agg *) state->ss.ps.plan;

	if (agg->aggstrategy != AGG_HASHED && agg->aggstrategy != AGG_MIXED)
		return;
	node->hash_batches_planned = state->hash_planned_partitions;
	if (!node->executed)
		return;
	node->hash_batches = state->hash_batches_used;
	node->hash_memory_kb = (state->hash_mem_peak + 1023) / 1024;
	node->hash_disk_kb = state->hash_batches_used > 1 ? state->hash_disk_used : 0;
	if (state->shared_info == NULL)
		return;
	for (int i = 0; i < state->shared_info->num_workers; i++)
	{
		AggregateInstrumentation *worker = &state->shared_info->sinstrument[i];

		node->hash_batches = Max(node->hash_batches, worker->hash_batches_used);
		node->hash_memory_kb = Max(node->hash_memory_kb,
								   (int64) (worker->hash_mem_peak + 1023) / 1024);
		if (worker->hash_batches_used > 1)
			node->hash_disk_kb += worker->hash_disk_used;
	}
}

/* Adds one process's cache figures. */
static void
add_cache(PoNode *node, const MemoizeInstrumentation *cache)
{
	node->cache_hits += cache->cache_hits;
	node->cache_misses += cache->cache_misses;
	node->cache_evictions += cache->cache_evictions;
	node->cache_overflows += cache->cache_overflows;
}

/* Fills in a Memoize node's cache figures. */
static void
fill_memoize(PoNode *node, MemoizeState *state)
{
	add_cache(node, &state->stats);
	if (state->shared_info != NULL)
		for (int i = 0; i < state->shared_info->num_workers; i++)
			add_cache(node, &state->shared_info->sinstrument[i]);
}

/* Fills in the workers that a Gather asked for and got. */
static void
fill_workers(PoNode *node, PlanState *state)
{
	if (IsA(state, GatherState))
	{
		node->workers_planned = ((Gather *) state->plan)->num_workers;
		node->workers_launched = ((GatherState *) state)->nworkers_launched;
	}
	else
	{
		node->workers_planned = ((GatherMerge *) state->plan)->num_workers;
		node->workers_launched = ((GatherMergeState *) state)->nworkers_launched;
	}
}

/* Fills in what was measured of one node; nothing when the plan was not executed. */
void
po_node_stats_fill(PoNodeReader *reader, PoNode *node, PlanState *state)
{
	if (reader->tree->executed && state->instrument != NULL)
		fill_instrument(reader, node, state);
	if (IsA(state, GatherState) || IsA(state, GatherMergeState))
		fill_workers(node, state);
	if (IsA(state, AggState))
		fill_aggregate(node, (AggState *) state);
	if (!node->executed)
		return;
	if (IsA(state, SortState))
		fill_sort(node, (SortState *) state);
	else if (IsA(state, IncrementalSortState))
		fill_incremental_sort(node, (IncrementalSortState *) state);
	else if (IsA(state, HashState))
		fill_hash(node, (HashState *) state);
	else if (IsA(state, MemoizeState))
		fill_memoize(node, (MemoizeState *) state);
	else if (IsA(state, BitmapHeapScanState))
		PO_BITMAP_PAGES((BitmapHeapScanState *) state, &node->exact_pages, &node->lossy_pages);
}

/* Appends the triggers of one relation that fired. */
static void
add_triggers(PoPlanTree *tree, ResultRelInfo *relation)
{
	TriggerDesc *desc = relation->ri_TrigDesc;

	if (desc == NULL || relation->ri_TrigInstrument == NULL)
		return;
	for (int i = 0; i < desc->numtriggers; i++)
	{
		PoTriggerInstr *instr = &relation->ri_TrigInstrument[i];
		PoTrigger  *trigger;

		PO_TRIGGER_END(instr);
		if (PO_TRIGGER_CALLS(instr) == 0)
			continue;
		tree->triggers = tree->triggers == NULL ? palloc(sizeof(PoTrigger)) :
			repalloc(tree->triggers, sizeof(PoTrigger) * (tree->ntriggers + 1));
		trigger = &tree->triggers[tree->ntriggers++];
		trigger->name = pstrdup(desc->triggers[i].tgname);
		trigger->constraint = desc->triggers[i].tgconstraint;
		trigger->relid = RelationGetRelid(relation->ri_RelationDesc);
		trigger->calls = PO_TRIGGER_CALLS(instr);
		trigger->total_ms = PO_TRIGGER_MS(instr);
	}
}

/* Returns the time of compiling expressions. */
static double
jit_time(const JitInstrumentation *jit)
{
	return INSTR_TIME_GET_MILLISEC(jit->generation_counter) +
		INSTR_TIME_GET_MILLISEC(jit->inlining_counter) +
		INSTR_TIME_GET_MILLISEC(jit->optimization_counter) +
		INSTR_TIME_GET_MILLISEC(jit->emission_counter);
}

/* Adds the compiling of one process, or of all workers together. */
static void
add_jit(PoPlanTree *tree, const JitInstrumentation *jit)
{
	tree->jit_functions += jit->created_functions;
	tree->jit_ms += jit_time(jit);
}

/* Notes the longest time that one worker of a Gather compiled for; a planstate_tree_walker callback. */
static bool
note_worker_jit(PlanState *state, double *longest)
{
	if (state->worker_jit_instrument != NULL)
		for (int i = 0; i < state->worker_jit_instrument->num_workers; i++)
			*longest = Max(*longest, jit_time(&state->worker_jit_instrument->jit_instr[i]));
	return planstate_tree_walker(state, note_worker_jit, longest);
}

/* Adds the compiling of a plan: all of it, and that of the process which took longest, for which the others waited. */
static void
add_plan_jit(PoPlanTree *tree, QueryDesc *desc)
{
	EState	   *estate = desc->estate;
	double		longest = 0;

	if (estate->es_jit != NULL)
	{
		longest = jit_time(&estate->es_jit->instr);
		add_jit(tree, &estate->es_jit->instr);
	}
	if (estate->es_jit_worker_instr != NULL)
	{
		add_jit(tree, estate->es_jit_worker_instr);
		(void) note_worker_jit(desc->planstate, &longest);
	}
	tree->jit_wall_ms += longest;
}

/* Adds what was measured of the whole statement: triggers, compilation. */
void
po_node_stats_statement(PoPlanTree *tree, QueryDesc *desc)
{
	EState	   *estate = desc->estate;
	ListCell   *lc;

	if (!tree->executed)
		return;
	foreach(lc, estate->es_opened_result_relations)
		add_triggers(tree, (ResultRelInfo *) lfirst(lc));
	foreach(lc, estate->es_tuple_routing_result_relations)
		add_triggers(tree, (ResultRelInfo *) lfirst(lc));
	foreach(lc, estate->es_trig_target_relations)
		add_triggers(tree, (ResultRelInfo *) lfirst(lc));
	add_plan_jit(tree, desc);
}
