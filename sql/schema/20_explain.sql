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
'The nodes of a statement''s plan in the order of EXPLAIN, one a row. query: one statement that has a plan; params: values of $1, $2, ... in text form (NULL: a plan for one of the caller''s own captured executions, else a generic one); execute: run it once and roll it back, else the measured columns are NULL. Rows and rows_removed are per loop; times are milliseconds over all loops (beneath a Gather the average of the processes), blocks include the subtree; self_cost is the node''s part of the whole statement''s cost. Needs the rights that running the statement needs. Raises 42601 for a syntax error or several statements, 0A000 for a statement without a plan, 42501 without the rights, 22023 for a wrong number of params, 22004 for a NULL query or execute.';

CREATE FUNCTION perf_optimizer.plan_findings(query text, params text[] DEFAULT NULL, execute boolean DEFAULT false,
    OUT rule text, OUT severity text, OUT node_id int, OUT relation regclass, OUT message text, OUT evidence jsonb,
    OUT suggested_sql text, OUT advice text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_plan_findings';
COMMENT ON FUNCTION perf_optimizer.plan_findings(text, text[], boolean) IS
'What the rules find in a statement''s plan, most severe first. Arguments and errors as of plan_nodes. Severity is high, medium or low by the share of the statement''s time (of its cost, unless executed) that the finding explains, or info. A suggested CREATE INDEX was proven by planning the statement with it. A rule that cannot be sure stays quiet; rules about measured figures need execute.';

CREATE FUNCTION perf_optimizer.analyze_query(query text, params text[] DEFAULT NULL, execute boolean DEFAULT false,
    OUT query_id bigint, OUT plan_source text, OUT estimated_cost float8, OUT estimated_rows float8,
    OUT planning_time_ms float8, OUT execution_time_ms float8, OUT actual_rows float8, OUT used_indexes text[],
    OUT recommendations text[], OUT findings jsonb, OUT execution_plan jsonb, OUT trigger_time_ms float8,
    OUT jit_time_ms float8)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_analyze_query';
COMMENT ON FUNCTION perf_optimizer.analyze_query(text, text[], boolean) IS
'Everything about one statement''s plan in one row. Arguments and errors as of plan_nodes. plan_source: literal (no parameters), params (the values given), sample (a captured execution of the caller''s), typed generic (its types), generic. Costs are the planner''s units, times milliseconds; execution columns are NULL unless execute. actual_rows: rows returned or changed. findings: the rows of plan_findings; execution_plan: the rows of plan_nodes; trigger_time_ms and jit_time_ms: spent in triggers, foreign keys among them, and compiling expressions. With execute the statement runs once with the caller''s rights and is rolled back: sequences, session advisory locks and what functions send elsewhere stay, deferred triggers do not fire.';

CREATE FUNCTION perf_optimizer.analyze_plan(plan jsonb,
    OUT rule text, OUT severity text, OUT node_id int, OUT relation regclass, OUT message text, OUT evidence jsonb,
    OUT suggested_sql text, OUT advice text)
RETURNS SETOF record
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_analyze_plan';
COMMENT ON FUNCTION perf_optimizer.analyze_plan(jsonb) IS
'What the rules find in a pasted EXPLAIN (FORMAT JSON) of one statement, with or without ANALYZE and BUFFERS, from any server: rows like those of plan_findings, most severe first. Nothing is planned or looked up: relation is NULL, node_id counts nodes in the order of the document, and no index is proven. Raises 22023 for a document that is no plan, 22004 for NULL.';

CREATE FUNCTION perf_optimizer.explain_tree(query text, params text[] DEFAULT NULL, execute boolean DEFAULT false)
RETURNS SETOF text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_explain_tree';
COMMENT ON FUNCTION perf_optimizer.explain_tree(text, text[], boolean) IS
'A statement''s plan as a person reads it in psql, in lines of at most 100 columns: each node''s share of the time (of the cost, unless executed), expected beside actual rows, conditions, and findings below their node. Arguments and errors as of plan_nodes. Plain ASCII unless database and client use UTF8.';
