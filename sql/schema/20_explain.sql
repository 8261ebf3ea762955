/* Plan analysis */

CREATE TYPE perf_optimizer.plan_node AS (
    node_id int, parent_id int, depth int, node_type text, relation regclass, alias text,
    index_name text, startup_cost float8, total_cost float8, self_cost float8, plan_rows float8,
    plan_width int, actual_rows float8, loops float8, total_time_ms float8, self_time_ms float8,
    rows_removed float8, shared_hit_blocks bigint, shared_read_blocks bigint,
    temp_written_blocks bigint, condition text, filter text, join_filter text, keys text,
    subplan_name text);
COMMENT ON TYPE perf_optimizer.plan_node IS 'A node of a plan: a row of plan_nodes, whose comment says what the figures mean.';

CREATE FUNCTION perf_optimizer.plan_nodes(query text, params text[] DEFAULT NULL, execute boolean DEFAULT false)
RETURNS SETOF perf_optimizer.plan_node
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_plan_nodes';
COMMENT ON FUNCTION perf_optimizer.plan_nodes(text, text[], boolean) IS
'The nodes of a statement''s plan in the order of EXPLAIN, one a row. query: one statement that has a plan; params: values of $1, $2, ... in text form (NULL: a plan for one of the caller''s own captured executions, else a generic one); execute: run it once and roll it back, else the measured columns are NULL. Rows and rows_removed are per loop; times are milliseconds over all loops (beneath a Gather the average of the processes), blocks include the subtree; self_cost is the node''s part of the whole statement''s cost. Needs the rights that running the statement needs. Raises 42601 for a syntax error or several statements, 0A000 for a statement without a plan, 42501 without the rights, 22023 for a wrong number of params, 22004 for a NULL query or execute.';

CREATE TYPE perf_optimizer.plan_finding AS (
    rule text, severity text, node_id int, relation regclass, message text, evidence jsonb,
    suggested_sql text, advice text);
COMMENT ON TYPE perf_optimizer.plan_finding IS
'What a rule finds in a plan: a row of plan_findings and of analyze_plan. severity: high, medium, low or info; node_id: of plan_nodes, NULL for the statement; message: the fact; evidence: the numbers; suggested_sql: the statement that cures it, if any; advice: what to do.';

CREATE FUNCTION perf_optimizer.plan_findings(query text, params text[] DEFAULT NULL, execute boolean DEFAULT false)
RETURNS SETOF perf_optimizer.plan_finding
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_plan_findings';
COMMENT ON FUNCTION perf_optimizer.plan_findings(text, text[], boolean) IS
'What the rules find in a statement''s plan, most severe first. Arguments and errors as of plan_nodes. Severity is high, medium or low by the share of the statement''s time (of its cost, unless executed) that the finding explains, or info. A suggested CREATE INDEX was proven by planning the statement with it. A rule that cannot be sure stays quiet; rules about measured figures need execute.';

CREATE TYPE perf_optimizer.query_analysis AS (
    query_id bigint, plan_source text, estimated_cost float8, estimated_rows float8,
    planning_time_ms float8, execution_time_ms float8, actual_rows float8, used_indexes text[],
    recommendations text[], findings jsonb, execution_plan jsonb, trigger_time_ms float8,
    jit_time_ms float8);
COMMENT ON TYPE perf_optimizer.query_analysis IS 'The analysis of a statement: the row of analyze_query, whose comment says what the columns mean.';

CREATE FUNCTION perf_optimizer.analyze_query(query text, params text[] DEFAULT NULL, execute boolean DEFAULT false)
RETURNS perf_optimizer.query_analysis
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_analyze_query';
COMMENT ON FUNCTION perf_optimizer.analyze_query(text, text[], boolean) IS
'Everything about one statement''s plan in one row. Arguments and errors as of plan_nodes. plan_source: literal (no parameters), params (the values given), sample (a captured execution of the caller''s), typed generic (its types), generic. Costs are the planner''s units, times milliseconds; execution columns are NULL unless execute. actual_rows: rows returned or changed. findings: the rows of plan_findings; execution_plan: the rows of plan_nodes; trigger_time_ms and jit_time_ms: spent in triggers, foreign keys among them, and compiling expressions. With execute the statement runs once with the caller''s rights and is rolled back: sequences, session advisory locks and what functions send elsewhere stay, deferred triggers do not fire.';

CREATE FUNCTION perf_optimizer.analyze_plan(plan jsonb)
RETURNS SETOF perf_optimizer.plan_finding
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
