/* What-if planning */

CREATE FUNCTION perf_optimizer.what_if(query text, indexes text[] DEFAULT '{}', hide regclass[] DEFAULT '{}',
    params text[] DEFAULT NULL,
    OUT cost_before float8, OUT cost_after float8, OUT improvement_pct float8, OUT used_indexes text[],
    OUT estimated_size_bytes bigint, OUT plan_before jsonb, OUT plan_after jsonb)
RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_what_if';
COMMENT ON FUNCTION perf_optimizer.what_if(text, text[], regclass[], text[]) IS
'What the planner would do with a statement if indexes existed or did not. Nothing is created, locked against writers or executed. query: one statement that has a plan; indexes: CREATE INDEX statements, on tables, materialized views, partitions or partitioned tables; hide: existing indexes to plan without (an index of a partitioned table with those of its partitions); params: values of $1, $2, ... in text form (NULL: a generic plan). Costs are the planner''s; improvement_pct is negative when it gets worse; used_indexes are the indexes of the plan after, hypothetical and existing; estimated_size_bytes is the size of all hypothetical indexes after being built; plans are arrays of rows of plan_nodes. Needs the rights that running the statement needs, and SELECT on some column of each indexed table. Raises 42601 for a syntax error or several statements, 0A000 for a statement without a plan and for what an access method cannot do, 22023 for a definition that is no CREATE INDEX and a wrong number of params, 42P01, 42703 and 42704 for unknown tables, columns and operator classes or access methods, 42809 for a relation that cannot be indexed and a hide element that is no index, 42P17 for mutable functions, 42501 without the rights, 22004 for NULLs.';
