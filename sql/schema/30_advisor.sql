/* Index suggestions */

CREATE TYPE perf_optimizer.index_suggestion AS (
    rank int, relation regclass, access_method text, definition text, estimated_size_bytes bigint,
    workload_cost_before float8, workload_cost_after float8, improvement_pct float8, write_cost_pct float8,
    queries_improved int, query_ids bigint[], reason text);
COMMENT ON TYPE perf_optimizer.index_suggestion IS
'A row of suggest_indexes: its rank, the table, the access method, the statement that creates the index (it runs as it stands), its estimated size in bytes, the workload''s cost without any suggestion and with this one and all better ranks, the improvement in percent between these two, what maintaining the index costs in percent of the workload''s cost, how many statements it makes at least 1 % cheaper, their query ids, and the reason in one sentence.';

CREATE FUNCTION perf_optimizer.suggest_indexes(relation regclass DEFAULT NULL, queries text[] DEFAULT NULL,
    weights float8[] DEFAULT NULL, storage_budget_bytes bigint DEFAULT NULL, max_indexes int DEFAULT NULL,
    min_improvement_pct float8 DEFAULT 1, time_limit_ms int DEFAULT NULL)
RETURNS SETOF perf_optimizer.index_suggestion
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_suggest_indexes';
COMMENT ON FUNCTION perf_optimizer.suggest_indexes(regclass, text[], float8[], bigint, int, float8, int) IS
'The indexes that serve a workload best, best first; nothing is created or executed. relation: only indexes on this table, partitioned table, partition or materialized view; queries: the workload (NULL: the statements of this database in pg_stat_statements that the caller may see, weighted by their calls and planned as the roles that issued them, under the search_path that they had as far as it is known); weights: how often each query runs (NULL: 1 each); storage_budget_bytes: limit of all suggested indexes together; max_indexes: limit of their number; min_improvement_pct: what each must save at least, in percent of the workload''s cost; time_limit_ms: after that the best so far is returned, with a notice, and each reason says so; what serves one of the statements that cost most is found all the same; three quarters of what statement_timeout leaves are a limit, too. A cancel raises 57014 with the best so far as its detail. reason: what the index does for which statement, and for which statements the gain rests on the planner''s estimates of joins, with the factor by which these may be exceeded. Statements that cannot be planned are left out with a notice, see suggest_indexes_skipped. Needs the rights that running the queries needs. Raises 22023 for limits, weights or an empty list that make no sense, 22004 for NULLs in arrays, 42809 for a relation that cannot have indexes, 55000 when the workload is to come from pg_stat_statements and that is not there, and the first query''s own error when none of the given ones can be planned.';

CREATE FUNCTION perf_optimizer.suggest_indexes_skipped(OUT query_id bigint, OUT query text, OUT reason text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'perf_optimizer_suggest_indexes_skipped';
COMMENT ON FUNCTION perf_optimizer.suggest_indexes_skipped() IS
'The statements that this session''s last call of suggest_indexes, by the same role, left out because they cannot be planned: their query id (NULL: unknown), text and the error.';
