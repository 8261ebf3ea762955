/* ---- statistics that correct the planner's estimates ---- */

CREATE TYPE perf_optimizer.statistics_suggestion AS (
    relation regclass, definition text, misestimate_before float8, misestimate_after float8, reason text);
COMMENT ON TYPE perf_optimizer.statistics_suggestion IS
'A row of suggest_statistics: the table, the statement to run (CREATE STATISTICS, ALTER TABLE ... SET STATISTICS, or ANALYZE), how many times the planner''s estimates of rows are too high or too low
without and with it (1 is exact; the geometric mean over what the workload asks), and the reason in one sentence with its numbers.';

CREATE FUNCTION perf_optimizer.suggest_statistics(relation regclass DEFAULT NULL, queries text[] DEFAULT NULL)
RETURNS SETOF perf_optimizer.statistics_suggestion
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'perf_optimizer_suggest_statistics';
COMMENT ON FUNCTION perf_optimizer.suggest_statistics(regclass, text[]) IS
'Statistics that correct the planner''s estimates for a workload, the most effective first: extended statistics on columns and expressions whose conditions or groupings depend on each other, on expressions
that nothing is known about, a higher target for a column, or ANALYZE where the statistics are old. Each was built on a temporary copy of the table''s rows (a sample of about 30000 of a large table) and
compared with what is really there; the copy is rolled back and the table is only read. relation: this table only; queries: the workload (NULL: the statements of pg_stat_statements that the caller may see).
With unknown parameters, rows of the table lend their values. Needs SELECT on the tables and TEMPORARY on the database; of a partitioned table, the planner judges conditions by each partition''s statistics and groups by the whole''s, so the definition has one statement for each partition, or one for the table; tables with row security are passed over, as are other roles''
conditions with functions that are not the server''s own. Errors: 42P01 and 42809 for the relation, 22023 for an empty list, 22004 for NULLs in it, 25006 in a read-only transaction,
55000 without queries and pg_stat_statements, and the first query''s own error when none of the given ones can be planned.';
