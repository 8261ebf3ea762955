/* Plan analysis */

CREATE FUNCTION perf_optimizer.plan_nodes(query text, params text[] DEFAULT NULL, execute boolean DEFAULT false,
    OUT node_id int, OUT parent_id int, OUT depth int, OUT node_type text, OUT relation regclass, OUT alias text,
    OUT index_name text, OUT startup_cost float8, OUT total_cost float8, OUT self_cost float8, OUT plan_rows float8,
    OUT plan_width int, OUT actual_rows float8, OUT loops float8, OUT total_time_ms float8, OUT self_time_ms float8,
    OUT rows_removed float8, OUT shared_hit_blocks bigint, OUT shared_read_blocks bigint,
    OUT temp_written_blocks bigint, OUT condition text, OUT filter text, OUT join_filter text, OUT keys text,
    OUT subplan_name text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_plan_nodes';
COMMENT ON FUNCTION perf_optimizer.plan_nodes(text, text[], boolean) IS
'The nodes of a statement''s plan in the order of EXPLAIN, one a row. query: one statement that has a plan; params: values of $1, $2, ... in text form (NULL: a generic plan); execute: run it once and roll it back, else the measured columns are NULL. Rows and rows_removed are per loop; times are milliseconds over all loops (beneath a Gather the average of the processes), blocks include the subtree; self_cost is the node''s part of the whole statement''s cost. Needs the rights that running the statement needs. Raises 42601 for a syntax error or several statements, 0A000 for a statement without a plan, 42501 without the rights, 22023 for a wrong number of params, 22004 for a NULL query or execute.';
