/* perf_optimizer: built by "make sql" from sql/schema; edit the fragments there. */

\echo Use "CREATE EXTENSION perf_optimizer" to load this file. \quit

SET LOCAL search_path = pg_catalog, pg_temp;

COMMENT ON SCHEMA perf_optimizer IS 'Query and view optimization: plan analysis, index advice, scheduled refresh and archival.';
GRANT USAGE ON SCHEMA perf_optimizer TO PUBLIC;
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
/* ---- index report: what is wrong with the indexes that exist ---- */

CREATE TYPE perf_optimizer.index_finding AS (
    relation regclass, index regclass, rule text, severity text, size_bytes bigint, scans bigint, message text, suggested_sql text);
COMMENT ON TYPE perf_optimizer.index_finding IS
'A row of index_report: the table, the index (NULL for what concerns no index, such as a foreign key without one), the rule, the severity (high, medium, low or info), the
index''s size in bytes and scans since the statistics began (of a partitioned index with its partitions), what was found in one sentence with its numbers, and the statement that helps.';

CREATE FUNCTION perf_optimizer.index_expected_bytes(index regclass) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_index_expected_bytes';
COMMENT ON FUNCTION perf_optimizer.index_expected_bytes(regclass) IS
'The size in bytes that an existing index would have right after REINDEX, estimated from the table''s statistics: widths, nulls, distinct values (deduplication) and fillfactor.
NULL when the table was never analyzed or you may neither read all of its columns and rows nor all statistics (pg_read_all_stats). Errors: 22004 for a NULL, 42809 for what is not an index of a table, 42P01 for what is gone.';

CREATE FUNCTION perf_optimizer.indexed_relations(relation regclass) RETURNS SETOF oid
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10000
SET search_path = pg_catalog, pg_temp
SET max_parallel_workers_per_gather = 0
AS $$
DECLARE
  kind "char";
BEGIN
  IF indexed_relations.relation IS NULL THEN
    RETURN QUERY
    SELECT c.oid FROM pg_class c
     WHERE c.relkind IN ('r', 'm', 'p') AND c.oid >= 16384
       AND c.relnamespace NOT IN (SELECT n.oid FROM pg_namespace n WHERE n.nspname = 'pg_catalog' OR n.nspname = 'information_schema' OR n.nspname = 'pg_toast' OR n.nspname LIKE 'pg\_temp\_%')
       -- By the extension there is an index: its members are few beside all that depends on something.
       AND c.oid NOT IN (SELECT d.objid FROM pg_extension e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND d.deptype = 'e');
    RETURN;
  END IF;
  SELECT c.relkind INTO kind FROM pg_class c WHERE c.oid = indexed_relations.relation;
  IF kind IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '42P01', MESSAGE = format('relation with OID %s does not exist', indexed_relations.relation::oid);
  ELSIF kind NOT IN ('r', 'm', 'p') THEN
    RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format('"%s" cannot have indexes', indexed_relations.relation),
      HINT = 'Pass a table, a partitioned table or a materialized view in "relation", or NULL for all.';
  END IF;
  RETURN NEXT indexed_relations.relation::oid;
  IF kind = 'p' THEN
    RETURN QUERY SELECT p.relid::oid FROM pg_partition_tree(indexed_relations.relation) p WHERE p.relid <> indexed_relations.relation;
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.indexed_relations(regclass) IS
'A table with its partitions, or for NULL all tables and materialized views but the server''s, temporary ones and those of extensions. Raises 42P01 and 42809. Internal.';

CREATE FUNCTION perf_optimizer.statistics_age(OUT since timestamptz, OUT days float8, OUT elsewhere text)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT s.since, extract(epoch FROM clock_timestamp() - s.since)::float8 / 86400,
         CASE WHEN pg_is_in_recovery() THEN 'this server is a standby: the primary''s own scans are not counted here'
              WHEN EXISTS (SELECT FROM pg_stat_replication r LEFT JOIN pg_replication_slots l ON l.active_pid = r.pid
                            WHERE l.slot_type IS DISTINCT FROM 'logical' AND r.state IS DISTINCT FROM 'backup')
                OR EXISTS (SELECT FROM pg_replication_slots l WHERE l.slot_type = 'physical')
              THEN 'only this server, the primary, was looked at: scans on its standbys are not counted here' END
    FROM (SELECT greatest(d.stats_reset, least(b.stats_reset, a.stats_reset, w.stats_reset)) AS since
            FROM pg_stat_database d CROSS JOIN pg_stat_bgwriter b CROSS JOIN pg_stat_archiver a CROSS JOIN pg_stat_wal w
           WHERE d.datname = current_database()) s
$$;
COMMENT ON FUNCTION perf_optimizer.statistics_age() IS
'Since when the server counts scans of this database: its own reset, or the last start from nothing (initdb, a crash), which all cluster-wide statistics share. elsewhere says why scans on other nodes are not in the counts, NULL when there is no other node. Internal.';

CREATE FUNCTION perf_optimizer.index_facts(relations oid[],
  OUT relation oid, OUT index oid, OUT "constraint" oid, OUT tuples float8, OUT partitioned boolean, OUT attached boolean, OUT valid boolean, OUT needed boolean, OUT btree boolean, OUT has_expressions boolean,
  OUT only_column int, OUT pages int, OUT scans bigint, OUT table_scans bigint, OUT writes bigint, OUT sole boolean, OUT unused boolean, OUT twin oid, OUT twin_alone_unique boolean, OUT cover oid)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 10000
AS 'MODULE_PATHNAME', 'perf_optimizer_index_facts';
COMMENT ON FUNCTION perf_optimizer.index_facts(oid[]) IS
'A row for each index of the tables: its key''s only column (0 where it has more, an expression or a predicate), what was counted of it and its partitions'' parts, whether it is a foreign key''s only one (sole) or unused, the same index that stays while this one can go (twin; only that one is unique: twin_alone_unique), and one that serves all that it serves (cover). And a row for each foreign key without an index, with its constraint only. Internal.';

CREATE FUNCTION perf_optimizer.index_report(relation regclass DEFAULT NULL) RETURNS SETOF perf_optimizer.index_finding
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 100
SET search_path = pg_catalog, pg_temp
SET jit = off
SET enable_nestloop = off
SET work_mem = '64MB'
AS $$
#variable_conflict use_column
DECLARE
  relations oid[] := ARRAY(SELECT r.oid FROM perf_optimizer.indexed_relations(index_report.relation) r(oid));
BEGIN
  -- The planner does not know how many rows the parts have: nested loops over them would take the square of the number of indexes.
  RETURN QUERY
  WITH ix AS MATERIALIZED (
    SELECT x.*, CASE WHEN x.partitioned THEN '' ELSE 'CONCURRENTLY ' END AS concurrently FROM perf_optimizer.index_facts(relations) x),
  age AS MATERIALIZED (
    SELECT a.days < 7 AS young, a.elsewhere, round(a.days::numeric, 1) AS days,
           CASE WHEN a.days >= 2 THEN format('%s days', round(a.days::numeric)) WHEN a.days >= 2.0 / 24 THEN format('%s hours', round((a.days * 24)::numeric)) ELSE format('%s minutes', round((a.days * 1440)::numeric)) END AS ago
      FROM (SELECT coalesce(s.days, 0) AS days, s.elsewhere FROM perf_optimizer.statistics_age() s) a),
  -- Indexes of one column and nothing else, of tables that are not small.
  single AS MATERIALIZED (
    SELECT x.*, c.relname, n.nspname, c.relkind, a.attname, a.atttypid, a.attnotnull
      FROM ix x JOIN pg_class c ON c.oid = x.relation JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = x.relation AND a.attnum = x.only_column
     WHERE x.only_column > 0 AND NOT x.attached AND x.valid AND NOT x.needed AND x.tuples >= 1000),
  -- ---- the rules ----
  found(indrelid, id, rule, severity, message, sql) AS (
    SELECT u.relation, u.index, 'unused-index',
           CASE WHEN a.young OR a.elsewhere IS NOT NULL THEN 'info' WHEN u.tuples >= 100000 THEN 'medium' ELSE 'low' END,
           format('%s has never been scanned since the statistics began, %s ago%s, but every write maintains it%s%s.', u.name, a.ago,
                  CASE WHEN a.young THEN ', too short a time to be sure' END,
                  CASE WHEN u.writes > 0 THEN format(' (%s so far)', u.writes) END,
                  concat('; ' || a.elsewhere, CASE WHEN u.has_expressions THEN '; the planner may still use its statistics on the expression' END)),
           CASE WHEN a.elsewhere IS NULL THEN format('DROP INDEX %s%s', u.concurrently, u.name) END
      FROM (SELECT x.*, x.index::regclass::text AS name FROM ix x WHERE x.unused OFFSET 0) u CROSS JOIN age a
    UNION ALL
    SELECT x.relation, x.index, 'rarely-used-index', CASE WHEN a.young OR a.elsewhere IS NOT NULL THEN 'info' ELSE 'low' END,
           format('%s serves %s of %s scans of its table, and %s writes maintained it%s.', x.index::regclass, x.scans, x.table_scans, x.writes,
                  CASE WHEN a.elsewhere IS NOT NULL THEN '; ' || a.elsewhere WHEN a.young THEN format('; the statistics are only %s days old', a.days) END),
           CASE WHEN a.elsewhere IS NULL THEN format('DROP INDEX %s%s', x.concurrently, x.index::regclass) END
      FROM ix x CROSS JOIN age a
     WHERE x.scans > 0 AND NOT x.attached AND x.valid AND NOT x.needed AND NOT x.sole AND x.scans < 0.1::float8 * x.table_scans AND x.writes > 10 * x.scans
    UNION ALL
    SELECT d.relation, d.index, 'duplicate-index', 'medium',
           format('%s has the same keys, order, operator classes and predicate as %s%s.', d.index::regclass, d.twin::regclass, CASE WHEN d.twin_alone_unique THEN ', which is unique as well' END),
           CASE WHEN d.constraint IS NULL THEN format('DROP INDEX %s%s', d.concurrently, d.index::regclass)
                ELSE (SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', d.relation::regclass, k.conname) FROM pg_constraint k WHERE k.oid = d.constraint) END
      FROM ix d WHERE d.twin IS NOT NULL
    UNION ALL
    SELECT r.relation, r.index, 'redundant-index', 'low',
           format('%s serves nothing that %s does not serve, whose key begins with the same columns.', r.index::regclass, r.cover::regclass), format('DROP INDEX %s%s', r.concurrently, r.index::regclass)
      FROM ix r WHERE r.cover IS NOT NULL
    UNION ALL
    SELECT x.relation, x.index, 'invalid-index', 'high',
           CASE WHEN x.partitioned THEN format('%s is invalid: not every partition has its part of it.', x.index::regclass)
                ELSE format('%s is invalid: no query uses it%s.', x.index::regclass, CASE WHEN x.left_behind THEN ', a REINDEX CONCURRENTLY left it behind' ELSE ', yet writes maintain it' END) END,
           CASE WHEN x.partitioned THEN NULL WHEN x.left_behind THEN format('DROP INDEX CONCURRENTLY %s', x.index::regclass) ELSE format('REINDEX INDEX CONCURRENTLY %s', x.index::regclass) END
      FROM (SELECT i.*, c.relname ~ '_cc(new|old)\d*$' AS left_behind FROM ix i JOIN pg_class c ON c.oid = i.index WHERE NOT i.valid AND NOT (i.attached AND i.partitioned)) x
       -- Somebody may be building it just now.
     WHERE NOT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'relation' AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                                                AND l.relation IN (x.index, x.relation) AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'AccessExclusiveLock') AND l.pid <> pg_backend_pid())
    UNION ALL
    SELECT k.conrelid, NULL, 'invalid-constraint', 'medium',
           format('Constraint %I of %s is not validated: old rows may violate it, and the planner does not trust it.', k.conname, k.conrelid::regclass),
           format('ALTER TABLE %s VALIDATE CONSTRAINT %I', k.conrelid::regclass, k.conname)
      FROM pg_constraint k
     WHERE k.conrelid IN (SELECT unnest(relations)) AND NOT k.convalidated AND k.conparentid = 0 AND coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true'
    UNION ALL
    SELECT k.conrelid, NULL, 'unindexed-foreign-key',
           CASE WHEN rows.n < 1000 THEN 'low' WHEN rows.n >= 100000 AND pg_stat_get_tuples_deleted(k.confrelid) > 0 THEN 'high' ELSE 'medium' END,
           format('Foreign key %I of %s has no index whose first columns are %s: each delete from %s and each update of its key reads all of %s (%s rows).',
                  k.conname, k.conrelid::regclass, names.list, k.confrelid::regclass, k.conrelid::regclass, rows.n),
           format('CREATE INDEX %sON %s (%s)', CASE WHEN t.relkind = 'p' THEN '' ELSE 'CONCURRENTLY ' END, k.conrelid::regclass, names.list)
      FROM ix x JOIN pg_constraint k ON k.oid = x.constraint JOIN pg_class t ON t.oid = k.conrelid
     CROSS JOIN LATERAL (SELECT string_agg(format('%I', a.attname), ', ' ORDER BY u.i) AS list
                           FROM unnest(k.conkey) WITH ORDINALITY u(attnum, i) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum) names
     CROSS JOIN LATERAL (SELECT CASE WHEN t.relkind = 'p' THEN (SELECT sum(greatest(c.reltuples, 0)) FROM pg_partition_tree(k.conrelid) p JOIN pg_class c ON c.oid = p.relid WHERE p.isleaf)
                                     ELSE greatest(t.reltuples, 0) END::bigint AS n) rows
     WHERE x.index IS NULL
    UNION ALL
    SELECT x.relation, x.index, 'bloated-index', CASE WHEN b.size - b.expected >= 1024 ^ 3 THEN 'high' ELSE 'medium' END,
           format('%s takes %s and would take about %s after a rebuild: %s %% of it is empty.', x.index::regclass, pg_size_pretty(b.size), pg_size_pretty(b.expected), round(100 * (1 - b.expected / b.size::numeric))),
           format('REINDEX INDEX CONCURRENTLY %s', x.index::regclass)
      FROM ix x
     CROSS JOIN LATERAL (SELECT pg_relation_size(x.index) AS size, perf_optimizer.index_expected_bytes(x.index) AS expected) b
     WHERE NOT x.partitioned AND x.valid AND x.pages >= 1280 AND x.btree AND b.expected <= 0.5 * b.size
    UNION ALL
    SELECT x.relation, x.index, 'boolean-index', 'low',
           format('%s indexes %I, a boolean%s.', x.index::regclass, x.attname,
                  CASE WHEN s.rare IS NULL THEN ': an index of one of the two values is smaller'
                       WHEN s.rare < 0.2 THEN format(': a partial index of the rarer value (%s %% of the rows) serves the same, smaller; drop this one after', round((100 * s.rare)::numeric, 1))
                       ELSE format(' of which neither value is rare (the rarer makes %s %% of the rows): reading the table is about as fast', round((100 * s.rare)::numeric)) END),
           CASE WHEN s.rare >= 0.2 THEN format('DROP INDEX %s%s', x.concurrently, x.index::regclass)
                ELSE format('CREATE INDEX %sON %s (%I) WHERE %s%I', x.concurrently, x.relation::regclass, x.attname,
                            CASE WHEN s.share_true > 0.5 THEN 'NOT ' ELSE '' END, x.attname) END
      FROM single x
     CROSS JOIN LATERAL (SELECT y.share_true, least(y.share_true, 1 - y.share_true - y.null_frac) AS rare
                           FROM (SELECT (SELECT coalesce(sum(f.freq), 0) FROM unnest(p.most_common_vals::text::text[], p.most_common_freqs) f(val, freq) WHERE f.val = 't') AS share_true, p.null_frac
                                   FROM (SELECT 1) one LEFT JOIN LATERAL (SELECT q.most_common_vals, q.most_common_freqs, q.null_frac FROM pg_stats q
                                     WHERE q.schemaname = x.nspname AND q.tablename = x.relname AND q.attname = x.attname ORDER BY q.inherited DESC LIMIT 1) p ON true) y) s
     WHERE x.atttypid = 'bool'::regtype
    UNION ALL
    SELECT x.relation, x.index, 'mostly-null-index', 'low',
           format('%s %% of the entries of %s are NULL: a partial index serves all but IS NULL and is smaller; drop this one after.', round((100 * s.null_frac)::numeric), x.index::regclass),
           CASE WHEN EXISTS (SELECT FROM pg_index p WHERE p.indrelid = x.relation AND p.indnatts = 1 AND p.indkey[0] = x.only_column AND p.indisvalid AND p.indpred IS NOT NULL AND pg_get_expr(p.indpred, p.indrelid) = format('(%I IS NOT NULL)', x.attname))
                THEN format('DROP INDEX %s%s', x.concurrently, x.index::regclass)
                ELSE format('CREATE INDEX %sON %s USING %s WHERE %I IS NOT NULL', x.concurrently, x.relation::regclass,
                  substring(pg_get_indexdef(x.index) FROM ' USING (.*)$'), x.attname) END
      FROM single x
     CROSS JOIN LATERAL (SELECT q.null_frac FROM pg_stats q WHERE q.schemaname = x.nspname AND q.tablename = x.relname AND q.attname = x.attname ORDER BY q.inherited DESC LIMIT 1) s
     WHERE NOT x.attnotnull AND x.tuples >= 10000 AND s.null_frac >= 0.8)
  SELECT f.indrelid::regclass, f.id::regclass, f.rule, f.severity,
         CASE WHEN x.partitioned THEN (SELECT sum(pg_relation_size(p.relid))::bigint FROM pg_partition_tree(f.id) p WHERE p.isleaf)
              -- Opening a small index to measure it costs more than all rules; it was measured when it was last analyzed.
              WHEN x.pages BETWEEN 1 AND 127 AND x.writes < 10000 AND NOT x.attached THEN x.pages * current_setting('block_size')::bigint
              ELSE pg_relation_size(f.id) END,
         x.scans, f.message, f.sql
    FROM found f LEFT JOIN ix x ON x.index = f.id
   ORDER BY array_position(ARRAY['high', 'medium', 'low', 'info'], f.severity), 5 DESC NULLS LAST, f.message COLLATE "C", f.rule COLLATE "C";
END
$$;
COMMENT ON FUNCTION perf_optimizer.index_report(regclass) IS
'What is wrong with the indexes of a table with its partitions, or of all tables (NULL), most severe first: unused-index, rarely-used-index, duplicate-index, redundant-index, invalid-index,
invalid-constraint, unindexed-foreign-key, bloated-index, boolean-index, mostly-null-index. What is unique, belongs to a constraint, is the replica identity or the only index of a foreign key is never
called unused. Scans are counted by each server for itself: with a standby attached, or on one, such findings are info and propose no statement. Errors: 42P01 and 42809 for a relation that cannot have indexes.';

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
/* ---- materialized views for aggregates that a workload repeats ---- */

CREATE TYPE perf_optimizer.matview_suggestion AS (
    rank int, definition text, unique_index text, estimated_rows float8, estimated_size_bytes bigint, workload_cost_before float8,
    workload_cost_after float8, query_ids bigint[], suggested_schedule text, reason text);
COMMENT ON TYPE perf_optimizer.matview_suggestion IS
'A row of suggest_matviews: its rank, the statement that creates the view and the one for the unique index that a concurrent refresh needs (both run as they stand), its estimated rows and size in bytes,
the planner''s cost of the workload without any suggestion and with this and all better ranks (refreshes not counted), the ids of the statements that can read it, a schedule for schedule_refresh
at which refreshing takes about 1 % of the time at most, and the reason in one sentence, with the cost of a refresh.';

CREATE FUNCTION perf_optimizer.aggregate_views(queries text[], max_views int)
RETURNS SETOF perf_optimizer.matview_suggestion
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 5
AS 'MODULE_PATHNAME', 'perf_optimizer_suggest_matviews';
COMMENT ON FUNCTION perf_optimizer.aggregate_views(text[], int) IS 'suggest_matviews without a word on incremental refreshes. Internal.';

CREATE FUNCTION perf_optimizer.incremental_prospect(definition text) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_incremental_prospect';
COMMENT ON FUNCTION perf_optimizer.incremental_prospect(text) IS
'Whether the view that a CREATE MATERIALIZED VIEW statement would create can be refreshed incrementally by you, and how, or why not, in a sentence. Names in it are to be qualified. Nothing is created. Errors: 22004 for a NULL, 22023 for another statement, and the errors of its query.';

CREATE FUNCTION perf_optimizer.suggest_matviews(queries text[] DEFAULT NULL, max_views int DEFAULT 5)
RETURNS SETOF perf_optimizer.matview_suggestion
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 5
AS $$
DECLARE
  found_view perf_optimizer.matview_suggestion;
BEGIN
  -- No search_path of its own: the queries are the caller's, and so are the names in them.
  FOR found_view IN SELECT a.* FROM perf_optimizer.aggregate_views(suggest_matviews.queries, suggest_matviews.max_views) a LOOP
    BEGIN
      found_view.reason := pg_catalog.concat_ws(' ', found_view.reason, perf_optimizer.incremental_prospect(found_view.definition));
    EXCEPTION WHEN insufficient_privilege THEN
      found_view.reason := pg_catalog.concat_ws(' ', found_view.reason, 'Whether it can be refreshed incrementally is for its owner to find out, with can_refresh_incrementally.');
    END;
    RETURN NEXT found_view;
  END LOOP;
END
$$;
COMMENT ON FUNCTION perf_optimizer.suggest_matviews(text[], int) IS
'Materialized views for expensive aggregates of a workload, best first; nothing is created. An aggregate is a whole SELECT, a sub-select in FROM or a CTE; those that differ in the values that columns
are compared with share a view that has these columns, and the statements keep their conditions. The reason says whether the view can be refreshed incrementally, and by what, or why not. The server does not read a view by itself: the statements must be changed to do so. queries: the workload
(NULL: the statements of pg_stat_statements that the caller may see, weighted by their calls and planned as the roles that issued them); max_views: limit of their number. Errors: 22023 for a limit or list
that makes no sense, 22004 for NULLs, 55000 without queries and pg_stat_statements, and the first query''s own error when none of the given ones can be planned.';
/* ---- partitions and shards for one table ---- */

CREATE FUNCTION perf_optimizer.relation_statements(relation regclass, OUT query_id bigint, OUT calls float8, OUT command text, OUT equal_columns text[],
  OUT limited_columns text[], OUT local_columns text[], OUT joins int, OUT joined_columns text[])
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100
AS 'MODULE_PATHNAME', 'perf_optimizer_relation_statements';
COMMENT ON FUNCTION perf_optimizer.relation_statements(regclass) IS
'The statements of pg_stat_statements, as far as the caller may see them, that touch a table, and by which columns, whatever views lie between. equal_columns: compared with one value wherever the statement reads the table; limited_columns: that, or a range or list; local_columns: were the rows spread by this column, the statement would stay on one shard; joins: other large tables that it reads (from a tenth of the table''s rows on; smaller ones can be on every shard); joined_columns: equated with a column of each of these. No rows without pg_stat_statements. Statements that cannot be planned are left out. Errors: 22004 for a NULL, 55000 when pg_stat_statements is not loaded.';

CREATE FUNCTION perf_optimizer.require_partitionable(relation regclass) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  c pg_class;
  wrong text;
BEGIN
  IF relation IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'argument "relation" must not be null', HINT = 'Pass the table that may be worth partitioning.';
  END IF;
  SELECT * INTO c FROM pg_class WHERE oid = relation;
  IF c.oid IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '42P01', MESSAGE = format('relation with OID %s does not exist', relation::oid);
  END IF;
  wrong := CASE WHEN c.relkind = 'p' THEN 'is partitioned already' WHEN c.relkind = 'f' THEN 'is a foreign table' WHEN c.relkind = 'v' THEN 'is a view'
                WHEN c.relkind = 'm' THEN 'is a materialized view' WHEN c.relkind <> 'r' THEN 'is not a table' WHEN c.relispartition THEN 'is a partition'
                WHEN c.relpersistence = 't' THEN 'is a temporary table'
                WHEN c.oid < 16384 OR c.relnamespace = 'perf_optimizer'::regnamespace THEN 'belongs to the system' END;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format('"%s" %s', c.relname, wrong), HINT = 'Pass an ordinary table in "relation".';
  ELSIF NOT has_table_privilege(relation, 'SELECT') THEN
    RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('permission denied for table %s', c.relname), HINT = 'Advice on partitions reads the first and the last value of a column: it needs SELECT.';
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.require_partitionable(regclass) IS 'Raises 22004, 42P01, 42809 or 42501 for what cannot become a partitioned table. Internal.';

CREATE FUNCTION perf_optimizer.partitioning_obstacles(relation regclass) RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE ROWS 4
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('foreign key "%s" of %s refers to it, and the key that it refers to would change', c.conname, c.conrelid::regclass)
    FROM pg_constraint c WHERE c.contype = 'f' AND c.confrelid = relation
  UNION ALL SELECT format('constraint "%s" is not possible on a partitioned table', c.conname) FROM pg_constraint c WHERE c.contype = 'x' AND c.conrelid = relation
  UNION ALL SELECT format('constraint "%s" is not validated', c.conname) FROM pg_constraint c WHERE c.conrelid = relation AND NOT c.convalidated
  UNION ALL SELECT format('rule "%s" would have to be made again', r.rulename) FROM pg_rewrite r WHERE r.ev_class = relation
  UNION ALL SELECT format('trigger "%s" has transition tables, which partitions do not allow for each row', t.tgname)
    FROM pg_trigger t WHERE t.tgrelid = relation AND t.tgtype & 1 = 1 AND (t.tgoldtable IS NOT NULL OR t.tgnewtable IS NOT NULL)
  UNION ALL SELECT 'its row security would have to be made again' FROM pg_class c WHERE c.oid = relation AND c.relrowsecurity
  UNION ALL SELECT 'it is unlogged' FROM pg_class c WHERE c.oid = relation AND c.relpersistence = 'u'
  UNION ALL SELECT 'it has a type, an heir or a parent' FROM pg_class c WHERE c.oid = relation AND (c.reloftype <> 0 OR EXISTS (SELECT FROM pg_inherits i WHERE relation IN (i.inhrelid, i.inhparent)))
  UNION ALL SELECT format('its owner may not create tables in schema "%s"', n.nspname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = relation AND NOT has_schema_privilege(c.relowner, n.oid, 'CREATE')
  UNION ALL SELECT DISTINCT format('%s depends on it', pg_describe_object(CASE WHEN d.classid = 'pg_rewrite'::regclass THEN 'pg_class'::regclass ELSE d.classid END, coalesce(r.ev_class, d.objid), 0))
    FROM pg_depend d LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
   WHERE (d.refclassid = 'pg_class'::regclass AND d.refobjid = relation OR d.refclassid = 'pg_type'::regclass AND d.refobjid = (SELECT c.reltype FROM pg_class c WHERE c.oid = relation))
     AND (d.classid IN ('pg_proc'::regclass, 'pg_policy'::regclass, 'pg_publication_rel'::regclass) OR d.classid = 'pg_rewrite'::regclass AND r.ev_class <> relation
          OR d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_type'::regclass)
$$;
COMMENT ON FUNCTION perf_optimizer.partitioning_obstacles(regclass) IS 'What stands against putting a partitioned table into the place of a table, a clause each: what refers to it and would go on referring to the old one, and what a partitioned table cannot have.';

CREATE FUNCTION perf_optimizer.name_with(name text, suffix text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT left(name, n) || suffix FROM generate_series(length(name), 0, -1) n WHERE octet_length(left(name, n) || suffix) <= 63 LIMIT 1
$$;
COMMENT ON FUNCTION perf_optimizer.name_with(text, text) IS 'A name with a suffix, shortened before it to the length of a name. Internal.';

CREATE FUNCTION perf_optimizer.table_script(relation regclass, keys text[], OUT before text, OUT made_like text, OUT column_list text, OUT after_rows text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
AS $$
WITH it AS (
  SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, perf_optimizer.name_with(c.relname, '_unpartitioned') AS old, n.nspname, c.relowner, c.relacl, c.reltablespace
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation
), index AS (
  SELECT i.indexrelid, i.indisunique, x.relname AS name, k.conname, k.contype, pg_get_constraintdef(k.oid) AS condef, pg_get_indexdef(i.indexrelid) AS def,
         (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.i) FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(attnum, i)
            JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = u.attnum WHERE u.i <= i.indnkeyatts) AS columns,
         (SELECT string_agg(quote_ident(key), ', ' ORDER BY key) FROM unnest(keys) key
           WHERE NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(attnum, i) JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = u.attnum AND u.i <= i.indnkeyatts AND a.attname = key)) AS missing
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u')
   WHERE i.indrelid = relation AND i.indisvalid
), part(stage, place, text) AS (
  SELECT 1, i.name::text, format('ALTER INDEX %I.%I RENAME TO %I;', it.nspname, i.name, perf_optimizer.name_with(i.name, '_unpartitioned')) FROM index i, it
  -- After the rows: keys, indexes, foreign keys, triggers, sequences, rights, policies.
  UNION ALL SELECT 2, '1' || i.name, format('ALTER TABLE %s ADD CONSTRAINT %I %s;', it.name, i.conname, CASE WHEN i.missing IS NULL THEN i.condef
      ELSE overlay(i.condef PLACING '(' || i.columns || ', ' || i.missing || ')' FROM position('(' || i.columns || ')' IN i.condef) FOR length(i.columns) + 2) END)
    FROM index i, it WHERE i.conname IS NOT NULL
  UNION ALL SELECT 2, '2' || i.name, CASE WHEN i.missing IS NULL THEN i.def ELSE regexp_replace(i.def, '^CREATE UNIQUE INDEX', 'CREATE INDEX') END || ';' FROM index i WHERE i.conname IS NULL
  UNION ALL SELECT 2, '3' || k.conname, format('ALTER TABLE %s ADD CONSTRAINT %I %s;', it.name, k.conname, pg_get_constraintdef(k.oid)) FROM pg_constraint k, it WHERE k.conrelid = relation AND k.contype = 'f'
  UNION ALL SELECT 2, '4' || a.attname, CASE d.deptype WHEN 'a' THEN format('ALTER SEQUENCE %s OWNED BY %s.%I;', d.objid::regclass, it.name, a.attname)
      ELSE format('SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence(%L, %L), last_value, is_called) FROM %s;', it.name, a.attname, d.objid::regclass) END
    FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = d.refobjsubid, it
   WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = relation AND d.deptype IN ('a', 'i')
  UNION ALL SELECT 2, '5' || t.tgname, pg_get_triggerdef(t.oid) || ';' || CASE t.tgenabled WHEN 'O' THEN '' ELSE format(E'\nALTER TABLE %s %s TRIGGER %I;', it.name,
      CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, t.tgname) END FROM pg_trigger t, it WHERE t.tgrelid = relation AND NOT t.tgisinternal
  UNION ALL SELECT 2, '6' || g.grantee::regrole || g.privilege_type, format('GRANT %s ON %s TO %s%s;', g.privilege_type, it.name, CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END,
      CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) FROM it, aclexplode(it.relacl) g WHERE g.grantee <> it.relowner
  UNION ALL SELECT 2, '7' || a.attname || g.grantee::regrole || g.privilege_type, format('GRANT %s (%I) ON %s TO %s%s;', g.privilege_type, a.attname, it.name,
      CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END, CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pg_attribute a, it, aclexplode(a.attacl) g WHERE a.attrelid = relation AND NOT a.attisdropped AND g.grantee <> it.relowner
  UNION ALL SELECT 2, '8', format('COMMENT ON TABLE %s IS %L;', it.name, obj_description(relation, 'pg_class')) FROM it WHERE obj_description(relation, 'pg_class') IS NOT NULL
  UNION ALL SELECT 2, '9' || p.policy, format(E'SELECT perf_optimizer.drop_archive_policy(%L);\nSELECT perf_optimizer.create_archive_policy(%L, %s);', p.policy, it.name,
      (SELECT string_agg(format('%s => %L', CASE o.key WHEN 'policy' THEN 'name' ELSE o.key END, o.value), ', ' ORDER BY o.key <> 'time_column', o.key <> 'older_than', o.key)
         FROM jsonb_each_text(to_jsonb(p) - '{relation,owner,created_at}'::text[]) o WHERE o.value IS NOT NULL))
    FROM perf_optimizer.archive_policies p, it WHERE p.relation = $1
)
SELECT concat_ws(E'\n', 'BEGIN;', CASE WHEN it.relowner <> session_user::regrole THEN format('SET LOCAL ROLE %s;', it.relowner::regrole) END, format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE;', it.name),
                 (SELECT string_agg(p.text, E'\n' ORDER BY p.place) FROM part p WHERE p.stage = 1), format('ALTER TABLE %s RENAME TO %I;', it.name, it.old)),
       format('(LIKE %I.%I INCLUDING ALL EXCLUDING INDEXES)', it.nspname, it.old),
       (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''),
       (SELECT string_agg(p.text, E'\n' ORDER BY p.place) FROM part p WHERE p.stage = 2)
  FROM it
$$;
COMMENT ON FUNCTION perf_optimizer.table_script(regclass, text[]) IS
'Parts of a script that puts another table into the place of a table. before: begins the transaction, locks the table, gives it and its indexes other names; made_like: what follows CREATE TABLE name; column_list: of the INSERT that moves the rows; after_rows: makes constraints, indexes, triggers, rights and archive policies again, keys with the columns keys added. Internal.';

CREATE FUNCTION perf_optimizer.column_range(relation regclass, column_name name, zone text, OUT low timestamp, OUT high timestamp, OUT exact boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
AS $$
DECLARE
  zoned boolean := EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = column_name AND a.atttypid = 'timestamptz'::regtype);
BEGIN
  exact := EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                    WHERE i.indrelid = relation AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree' AND a.attname = column_name);
  IF exact THEN
    EXECUTE format('SELECT (SELECT %1$s FROM %2$s WHERE %3$I > ''-infinity'' ORDER BY %3$I LIMIT 1), (SELECT %1$s FROM %2$s WHERE %3$I < ''infinity'' ORDER BY %3$I DESC LIMIT 1)',
                   CASE WHEN zoned THEN format('%I AT TIME ZONE %L', column_name, zone) ELSE quote_ident(column_name) END, relation, column_name)
      INTO low, high;
  ELSE
    SELECT min(v.value), max(v.value) INTO low, high
      FROM pg_stats s JOIN pg_class c ON c.oid = relation JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = s.schemaname,
           LATERAL (SELECT CASE WHEN zoned THEN t::timestamptz AT TIME ZONE zone ELSE t::timestamp END
                      FROM (SELECT unnest(s.histogram_bounds::text::text[]) UNION ALL SELECT unnest(s.most_common_vals::text::text[])) u(t)) v(value)
     WHERE s.tablename = c.relname AND s.attname = column_name AND isfinite(v.value);
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.column_range(regclass, name, text) IS
'The lowest and the highest finite value of a column of a time type, of timestamptz in a time zone: by an index (exact), or else as ANALYZE saw them; NULLs when nothing is known. The table is not read as a whole. Internal.';

CREATE FUNCTION perf_optimizer.time_columns(relation regclass, OUT column_name name, OUT type oid, OUT limited_pct float8, OUT reads float8, OUT policies text[], OUT older_than interval,
  OUT timezone text, OUT correlation float8, OUT nulls boolean)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 2
SET search_path = pg_catalog, pg_temp
AS $$
  WITH use AS MATERIALIZED (
    SELECT r.calls, r.limited_columns FROM perf_optimizer.relation_statements(relation) r WHERE r.command <> 'INSERT'
  ), policy AS (
    SELECT p.time_column, array_agg(p.policy ORDER BY p.policy) AS names, min(p.older_than) AS older_than, min(p.timezone) AS timezone FROM perf_optimizer.archive_policies p WHERE p.relation = $1 GROUP BY 1
  )
  SELECT a.attname, a.atttypid, (SELECT 100 * coalesce(sum(u.calls) FILTER (WHERE a.attname::text = ANY (u.limited_columns)), 0) / sum(u.calls) FROM use u),
         (SELECT sum(u.calls) FROM use u), p.names, p.older_than, p.timezone, s.correlation, NOT a.attnotnull AND coalesce(s.null_frac, 0) > 0
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN policy p ON p.time_column = a.attname
    LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited
   WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
     AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
   ORDER BY p.names IS NULL, 3 DESC NULLS LAST, abs(s.correlation) DESC NULLS LAST, a.attnum
$$;
COMMENT ON FUNCTION perf_optimizer.time_columns(regclass) IS
'The columns of a table by which time could divide it, the best first: limited_pct, which share of the recorded reads (calls other than INSERT; reads is their number) looks at a part of the time only, NULL when none is recorded; policies: archive policies over it, with the shortest older_than; correlation: of the order of rows with it, -1 to 1; nulls: it has some. Internal.';

CREATE FUNCTION perf_optimizer.partition_step(span interval, bytes bigint, keep interval) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH step(size, seconds) AS (
    VALUES (interval '1 day', 86400), (interval '7 days', 604800), (interval '1 month', 2629800), (interval '3 months', 7889400), (interval '1 year', 31557600)
  ), fitting AS (
    SELECT s.size, s.seconds FROM step s WHERE extract(epoch FROM span) / s.seconds <= least(greatest(bytes / 1073741824, 12), 100)
    UNION ALL SELECT s.size, s.seconds FROM step s WHERE s.seconds = 31557600
  ), chosen AS (
    SELECT f.size, f.seconds FROM fitting f ORDER BY f.seconds LIMIT 1
  )
  -- What is kept ends with a step: a third of it at most is kept for longer than asked.
  SELECT coalesce((SELECT s.size FROM step s, chosen c WHERE c.seconds > extract(epoch FROM keep) / 3 AND s.seconds <= extract(epoch FROM keep) / 3 AND extract(epoch FROM span) / s.seconds <= 200
                    ORDER BY s.seconds DESC LIMIT 1), (SELECT c.size FROM chosen c))
$$;
COMMENT ON FUNCTION perf_optimizer.partition_step(interval, bigint, interval) IS
'How long a partition is to be, from a day to a year: about 1 GB, but not fewer than 12 nor more than 100 of them over the span at hand, and where rows are kept for some time (keep, else NULL) at most a third of that, with up to 200. Internal.';

CREATE FUNCTION perf_optimizer.partition_statements(relation regclass, column_name name, type oid, low timestamp, high timestamp, step interval, zone text)
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE ROWS 50
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
AS $$
  WITH word(unit, pattern) AS (
    SELECT w.unit, w.pattern FROM (VALUES (interval '1 day', 'day', 'YYYYMMDD'), ('7 days', 'week', 'YYYYMMDD'), ('1 month', 'month', 'YYYYMM'), ('3 months', 'quarter', 'YYYY"q"Q'), ('1 year', 'year', 'YYYY')) w(step, unit, pattern)
     WHERE w.step = $6
  ), bound AS (
    SELECT b.at FROM (SELECT now() AT TIME ZONE zone) here(now), word w, generate_series(date_trunc(w.unit, low), greatest(high, CASE WHEN high > here.now - 12 * step THEN here.now END) + 3 * step, step) b(at)
  ), target AS (
    SELECT n.nspname, c.relname, 'WITH (' || array_to_string(c.reloptions, ', ') || ')' AS options, c.relam, (SELECT m.amname FROM pg_am m WHERE m.oid = c.relam) AS method
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation
  )
  SELECT concat_ws(' ', format('CREATE TABLE %I.%I PARTITION OF %1$I.%3$I FOR VALUES FROM (%4$L) TO (%5$L)', t.nspname, perf_optimizer.name_with(t.relname, '_p' || to_char(b.at, w.pattern)), t.relname,
                   CASE WHEN type = 'timestamptz'::regtype THEN (b.at AT TIME ZONE zone)::text WHEN type = 'date'::regtype THEN b.at::date::text ELSE b.at::text END,
                   CASE WHEN type = 'timestamptz'::regtype THEN ((b.at + step) AT TIME ZONE zone)::text WHEN type = 'date'::regtype THEN (b.at + step)::date::text ELSE (b.at + step)::text END),
                   CASE WHEN t.relam <> 2 THEN 'USING ' || quote_ident(t.method) END, t.options) || ';'
    FROM bound b, word w, target t ORDER BY b.at
$$;
COMMENT ON FUNCTION perf_optimizer.partition_statements(regclass, name, oid, timestamp, timestamp, interval, text) IS
'The statements that create partitions from low to high, and, unless that is long ago, to now, with three more behind. Partitions of timestamptz begin at midnight of zone. Internal.';

CREATE FUNCTION perf_optimizer.write_pattern(relation regclass, column_name name, correlation float8) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN s.n_tup_ins = 0 THEN NULL
              WHEN s.n_tup_upd + s.n_tup_del <= 0.1 * s.n_tup_ins AND correlation >= 0.9 THEN format('Rows are appended in its order (%s inserted, %s updated or deleted): old partitions need no more vacuum.', s.n_tup_ins, s.n_tup_upd + s.n_tup_del)
              WHEN s.n_tup_upd > s.n_tup_ins THEN format('Rows are updated more often than inserted (%s and %s): an update of "%s" can move a row to another partition.', s.n_tup_upd, s.n_tup_ins, column_name) END
    FROM pg_stat_all_tables s WHERE s.relid = relation
$$;
COMMENT ON FUNCTION perf_optimizer.write_pattern(regclass, name, float8) IS 'A sentence about how a table is written, with its counts since the statistics were reset; NULL where nothing is remarkable. Internal.';

CREATE FUNCTION perf_optimizer.partition_script(relation regclass, column_name name, partitions text[], rest boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT concat_ws(E'\n', script.before, format('CREATE TABLE %s %s PARTITION BY RANGE (%I)%s;', it.name, script.made_like, column_name, ' TABLESPACE ' || quote_ident(t.spcname)), array_to_string(partitions, E'\n'),
                   CASE WHEN rest THEN format('CREATE TABLE %I.%I PARTITION OF %s DEFAULT;', it.nspname, perf_optimizer.name_with(it.relname, '_rest'), it.name) END,
                   format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM %3$s;', it.name, script.column_list, it.old), script.after_rows, format('ANALYZE %s;', it.name), 'COMMIT;',
                   format('-- When all is well: DROP TABLE %s;', it.old))
    FROM (SELECT n.nspname, c.relname, c.reltablespace, format('%I.%I', n.nspname, c.relname) AS name, format('%I.%I', n.nspname, perf_optimizer.name_with(c.relname, '_unpartitioned')) AS old
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation) it
    LEFT JOIN pg_tablespace t ON t.oid = it.reltablespace, perf_optimizer.table_script(relation, ARRAY[column_name::text]) script
$$;
COMMENT ON FUNCTION perf_optimizer.partition_script(regclass, name, text[], boolean) IS
'The script that puts a table partitioned by range of a column into the place of a table and moves the rows: one transaction. partitions: statements that create them; rest: with one for all else. Internal.';

CREATE FUNCTION perf_optimizer.keys_without(relation regclass, column_name name) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT string_agg(format('"%s"', x.relname), ', ' ORDER BY x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
   WHERE i.indrelid = relation AND i.indisunique AND i.indisvalid
     AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(attnum, i) JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = u.attnum WHERE u.i <= i.indnkeyatts AND a.attname = column_name)
$$;
COMMENT ON FUNCTION perf_optimizer.keys_without(regclass, name) IS 'The names of a table''s unique indexes whose key lacks a column, NULL when there are none. Internal.';

CREATE FUNCTION perf_optimizer.why_not_partitioned(relation regclass, bytes bigint, min_bytes bigint, column_name name, policies text[], limited_pct float8, nulls boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE
    WHEN bytes < min_bytes / CASE WHEN policies IS NULL THEN 1 ELSE 4 END THEN
      format('It has %s: partitions cost planning and open files, and pay from about %s on, or a quarter of that where an archive policy takes rows away.', pg_size_pretty(bytes), pg_size_pretty(min_bytes))
    WHEN column_name IS NULL THEN 'It has no column of a time type to divide it by.'
    WHEN policies IS NULL AND limited_pct IS NULL THEN 'No archive policy takes rows of it away, and no recorded statement reads it (pg_stat_statements): nothing is known that partitions would help.'
    WHEN policies IS NULL AND limited_pct < 50 THEN
      format('No archive policy takes rows of it away, and %s %% of the calls that read it limit "%s", the best of its columns: the others would look into every partition.', round(limited_pct), column_name)
    WHEN nulls AND EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = relation AND c.contype = 'p') THEN
      format('Partitions by "%s" would pay, but the primary key would have to contain that column, and it has NULLs.', column_name)
    ELSE (SELECT format('Partitions by "%s" would pay, but something stands against putting a partitioned table into its place: %s.', column_name, string_agg(o, '; ' ORDER BY o))
            FROM perf_optimizer.partitioning_obstacles(relation) o HAVING count(*) > 0) END
$$;
COMMENT ON FUNCTION perf_optimizer.why_not_partitioned(regclass, bigint, bigint, name, text[], float8, boolean) IS 'Why a table is not to be partitioned by its best column, in a sentence; NULL when it is. Internal.';

CREATE FUNCTION perf_optimizer.partitioning_advice(relation regclass, min_bytes bigint, OUT definition text, OUT reason text, OUT strategy text, OUT key_column name, OUT share_pct float8)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  bytes bigint := pg_total_relation_size(relation);
  best record;
  range record;
  step interval;
  parts text[];
  rest boolean;
BEGIN
  strategy := 'range';
  SELECT t.*, coalesce(t.timezone, current_setting('TimeZone')) AS zone INTO best FROM perf_optimizer.time_columns(relation) t LIMIT 1;
  key_column := best.column_name;
  share_pct := best.limited_pct;
  reason := perf_optimizer.why_not_partitioned(relation, bytes, min_bytes, best.column_name, best.policies, best.limited_pct, best.nulls);
  IF reason IS NOT NULL THEN
    RETURN;
  END IF;
  SELECT * INTO range FROM perf_optimizer.column_range(relation, best.column_name, best.zone);
  IF range.low IS NULL THEN
    reason := format('Partitions by "%s" would pay, but its lowest and highest value are not known: ANALYZE %s;', best.column_name, relation);
    RETURN;
  END IF;
  step := perf_optimizer.partition_step(range.high - range.low, bytes, best.older_than);
  parts := ARRAY(SELECT * FROM perf_optimizer.partition_statements(relation, best.column_name, best.type, range.low, range.high, step, best.zone));
  rest := NOT range.exact OR NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = best.column_name AND a.attnotnull);
  definition := perf_optimizer.partition_script(relation, best.column_name, parts, rest);
  reason := concat_ws(' ',
    format('%s in %s partitions of %s by "%s".', pg_size_pretty(bytes), cardinality(parts), step, best.column_name),
    CASE WHEN best.policies IS NOT NULL THEN format('Archive policies (%s) take rows away by it: whole partitions leave at once.', array_to_string(best.policies, ', ')) END,
    CASE WHEN best.limited_pct IS NULL THEN 'No recorded statement reads it.' ELSE format('%s %% of the calls that read it limit this column and look into few partitions, the others into all.', round(best.limited_pct)) END,
    perf_optimizer.write_pattern(relation, best.column_name, best.correlation),
    format('What changes: %s can no longer be unique by itself; "%s" is added to the keys, and a unique index that is no constraint becomes a plain one.', perf_optimizer.keys_without(relation, best.column_name), best.column_name),
    CASE WHEN EXISTS (SELECT FROM perf_optimizer.archive_policies p WHERE p.relation = $1 AND p.destination IS NOT NULL) THEN 'Whole partitions go to an archive that is partitioned too; into the present one rows go one by one.' END,
    'All runs in one transaction, during which others wait, and needs the space of the table once more.',
    CASE WHEN rest THEN 'Rows outside of the partitions go to the one for the rest: create later partitions in time.' ELSE 'Rows outside of the partitions are refused: create later ones in time.' END);
END
$$;
COMMENT ON FUNCTION perf_optimizer.partitioning_advice(regclass, bigint) IS 'suggest_partitioning''s row about partitions, with another size in bytes from which on they pay. Internal.';

CREATE FUNCTION perf_optimizer.shard_columns(relation regclass, OUT column_name name, OUT local_pct float8, OUT joined_pct float8, OUT statements bigint, OUT distinct_values float8)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 4
SET search_path = pg_catalog, pg_temp
AS $$
  WITH use AS MATERIALIZED (
    SELECT * FROM perf_optimizer.relation_statements(relation)
  ), spread AS (
    SELECT a.attname, CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * greatest(c.reltuples, 0) ELSE s.n_distinct END AS n
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
      JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited
     WHERE c.oid = relation AND s.null_frac = 0 AND coalesce(s.most_common_freqs[1], 0) <= 0.1
  ), found AS (
    SELECT s.attname, s.n, 100 * coalesce(sum(u.calls) FILTER (WHERE s.attname::text = ANY (u.local_columns)), 0) / sum(u.calls) AS local_pct,
           100 * coalesce(sum(u.calls) FILTER (WHERE u.joins > 0 AND s.attname::text = ANY (u.joined_columns)), 0) / nullif(sum(u.calls) FILTER (WHERE u.joins > 0), 0) AS joined_pct,
           count(*) FILTER (WHERE s.attname::text = ANY (u.local_columns)) AS statements
      FROM spread s CROSS JOIN use u WHERE s.n >= 64 GROUP BY 1, 2
  )
  -- Single inserts are local whichever column it is.
  SELECT f.attname, f.local_pct, f.joined_pct, f.statements, f.n FROM found f
   WHERE EXISTS (SELECT FROM use u WHERE u.command <> 'INSERT' AND f.attname::text = ANY (u.local_columns))
   ORDER BY f.local_pct DESC, f.joined_pct DESC NULLS LAST, f.n DESC, f.attname
$$;
COMMENT ON FUNCTION perf_optimizer.shard_columns(regclass) IS
'The columns by which a table could be spread over shards, the best first: local_pct, which share of the recorded calls would stay on one shard (statements: how many do); joined_pct, which share of the calls that join other large tables pairs rows by it with all of them (NULL: there are none). Only columns without NULLs, with 64 distinct values or more, none of them in more than a tenth of the rows. Internal.';

CREATE FUNCTION perf_optimizer.citus_script(relation regclass, column_name name) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT concat_ws(E'\n', string_agg(format('ALTER TABLE %1$s DROP CONSTRAINT %2$I, ADD CONSTRAINT %2$I %3$s;', relation, k.conname,
                     overlay(pg_get_constraintdef(k.oid) PLACING '(' || y.columns || ', ' || quote_ident(column_name) || ')' FROM position('(' || y.columns || ')' IN pg_get_constraintdef(k.oid)) FOR length(y.columns) + 2)),
                     E'\n' ORDER BY k.conname),
                   format('SELECT create_distributed_table(%L, %L);', relation, column_name))
    FROM pg_constraint k, LATERAL (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.i) AS columns, bool_or(a.attname = column_name) AS has
                                     FROM unnest(k.conkey) WITH ORDINALITY u(attnum, i) JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = u.attnum) y
   WHERE k.conrelid = relation AND k.contype IN ('p', 'u') AND NOT y.has
$$;
COMMENT ON FUNCTION perf_optimizer.citus_script(regclass, name) IS 'The statements that distribute a table with Citus: its keys get the column, then create_distributed_table. Internal.';

CREATE FUNCTION perf_optimizer.foreign_script(relation regclass, column_name name, servers text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH it AS (
    SELECT n.nspname, c.relname, format('%I.%I', n.nspname, c.relname) AS name, format('%I.%I', n.nspname, perf_optimizer.name_with(c.relname, '_unpartitioned')) AS old,
           (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END, ', ' ORDER BY a.attnum)
              FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') ||
           coalesce((SELECT string_agg(', ' || pg_get_constraintdef(k.oid), '' ORDER BY k.contype, k.conname) FROM pg_constraint k WHERE k.conrelid = relation AND k.contype IN ('p', 'u')), '') AS columns
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation
  ), shard AS (
    SELECT u.i - 1 AS number, u.server, perf_optimizer.name_with(it.relname, '_shard' || u.i - 1) AS name FROM unnest(servers) WITH ORDINALITY u(server, i), it
  )
  SELECT concat_ws(E'\n', (SELECT string_agg(format('-- On %s first: CREATE TABLE %I.%I (%s);', s.server, it.nspname, s.name, replace(it.columns, E'\n', ' ')), E'\n' ORDER BY s.number) FROM shard s),
                   'BEGIN;', format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE;', it.name), format('ALTER TABLE %s RENAME TO %I;', it.name, perf_optimizer.name_with(it.relname, '_unpartitioned')),
                   format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING COMMENTS) PARTITION BY HASH (%I);', it.name, it.old, column_name),
                   (SELECT string_agg(format('CREATE FOREIGN TABLE %I.%I PARTITION OF %s FOR VALUES WITH (MODULUS %s, REMAINDER %s) SERVER %I;', it.nspname, s.name, it.name, cardinality(servers), s.number, s.server), E'\n' ORDER BY s.number) FROM shard s),
                   format('INSERT INTO %s (%s) SELECT %2$s FROM %3$s;', it.name, script.column_list, it.old), 'COMMIT;', format('-- When all is well: DROP TABLE %s;', it.old))
    FROM it, perf_optimizer.table_script(relation, '{}') script
$$;
COMMENT ON FUNCTION perf_optimizer.foreign_script(regclass, name, text[]) IS 'The script that spreads a table over foreign servers as a table partitioned by hash; what must be there on each server is in comments. Internal.';

CREATE FUNCTION perf_optimizer.distribution_advice(relation regclass, min_bytes bigint, OUT definition text, OUT reason text, OUT strategy text, OUT key_column name, OUT share_pct float8)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 2
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  best record;
  servers text[] := ARRAY(SELECT s.srvname FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
                           WHERE w.fdwname = 'postgres_fdw' AND has_server_privilege(s.oid, 'USAGE') ORDER BY 1);
  citus boolean := EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'citus');
  obstacles text;
BEGIN
  SELECT * INTO best FROM perf_optimizer.shard_columns(relation) WHERE local_pct >= 50 LIMIT 1;
  IF best.column_name IS NULL OR pg_total_relation_size(relation) < min_bytes THEN
    RETURN;
  END IF;
  key_column := best.column_name;
  share_pct := best.local_pct;
  reason := concat_ws(' ',
    format('Spread over several servers by "%s" (%s values), %s %% of the calls, %s statements, stay on one shard.', best.column_name, round(best.distinct_values), round(best.local_pct), best.statements),
    format('%s %% of the calls that join other large tables pair their rows by it, if those are spread alike.', round(best.joined_pct)),
    format('Keys must contain it: %s would be unique only together with it.', perf_optimizer.keys_without(relation, best.column_name)));
  IF citus OR cardinality(servers) < 2 THEN
    strategy := 'citus';
    definition := CASE WHEN citus THEN perf_optimizer.citus_script(relation, best.column_name) END;
    reason := reason || CASE WHEN citus THEN '' ELSE format(' With Citus, which is not installed here: %s', perf_optimizer.citus_script(relation, best.column_name)) END;
    RETURN NEXT;
  ELSE
    strategy := 'postgres_fdw';
    SELECT string_agg(o, '; ' ORDER BY o) INTO obstacles FROM perf_optimizer.partitioning_obstacles(relation) o;
    definition := CASE WHEN obstacles IS NULL THEN perf_optimizer.foreign_script(relation, best.column_name, servers) END;
    reason := reason || coalesce(format(' Something stands against it: %s.', obstacles), ' Each server checks the keys of its part; foreign keys, triggers and rights are not carried over, and what two servers commit is not one transaction.');
    RETURN NEXT;
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.distribution_advice(regclass, bigint) IS 'suggest_partitioning''s row about several servers, if a column keeps half of the calls on one of them, with another size in bytes from which on that pays. Internal.';

CREATE FUNCTION perf_optimizer.suggest_partitioning(relation regclass, OUT definition text, OUT reason text, OUT strategy text, OUT key_column name, OUT share_pct float8)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 2
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM perf_optimizer.require_partitionable(relation);
  RETURN QUERY SELECT a.* FROM perf_optimizer.partitioning_advice(relation, 1073741824) a;
  RETURN QUERY SELECT d.* FROM perf_optimizer.distribution_advice(relation, 10737418240) d;
END
$$;
COMMENT ON FUNCTION perf_optimizer.suggest_partitioning(regclass) IS
'Whether to divide a table by time, and, from 10 GB on, by which column to spread it over servers. definition: a script that runs as printed, in one transaction: the new table with its partitions in the place of the old one, which is renamed and kept, the rows, keys (the partition key is added), indexes, foreign keys, triggers, sequences, rights and archive policies; NULL where the reason says why not. strategy: range, citus or postgres_fdw; key_column; share_pct: the calls of pg_stat_statements that read few partitions, or that stay on one shard (NULL: none is recorded). Weighed are size, archive policies, what statements compare, and how the table is written. Nothing is changed. Errors: 22004 for a NULL, 42P01, 42809 for what is not an ordinary table (partitioned already, a partition, foreign, a view, temporary, of the system), 42501 without SELECT, 55000 when pg_stat_statements is created but not loaded.';
/* ---- workload: reports over pg_stat_statements ---- */

CREATE FUNCTION perf_optimizer.slow_queries(
  min_mean_ms float8 DEFAULT 0,
  min_calls bigint DEFAULT 1,
  max_rows int DEFAULT 20,
  order_by text DEFAULT 'total_time',
  OUT query_id bigint,
  OUT role_name name,
  OUT query text,
  OUT calls bigint,
  OUT total_time_ms float8,
  OUT mean_time_ms float8,
  OUT max_time_ms float8,
  OUT stddev_time_ms float8,
  OUT p50_ms float8,
  OUT p95_ms float8,
  OUT p99_ms float8,
  OUT row_count bigint,
  OUT rows_per_call float8,
  OUT time_share_pct float8,
  OUT hit_ratio float8,
  OUT temp_bytes bigint,
  OUT wal_bytes bigint,
  OUT findings text[],
  OUT read_blocks bigint,
  OUT toplevel boolean)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 20
SET search_path = pg_catalog, pg_temp
SET work_mem = '64MB'
AS 'MODULE_PATHNAME', 'perf_optimizer_slow_queries';

COMMENT ON FUNCTION perf_optimizer.slow_queries(float8, bigint, int, text) IS
'The statements of this database that cost the most, from pg_stat_statements, which must be preloaded and created.
min_mean_ms: least mean execution time in milliseconds. min_calls: least number of calls. max_rows: how many rows.
order_by: total_time, mean_time, p95, calls, temp, wal or reads, largest first; p95 needs perf_optimizer preloaded.
Times are milliseconds of execution (planning is not in them), time_share_pct is the share of all execution time of this
database, hit_ratio the part of block accesses that shared buffers served, read_blocks the rest, temp_bytes what was written to temporary
files. p50_ms, p95_ms and p99_ms are NULL unless perf_optimizer is preloaded and tracks the statement; a notice says so once in a session. toplevel is false for
statements run inside functions (pg_stat_statements.track = all). findings names the rules that fire: slow-query,
high-total-time, low-hit-ratio, temp-heavy, wal-heavy; where tracked high-variance, n-plus-one, repeated-query, plan-flip, too.
Texts and identifiers of other roles are hidden unless you are a member of pg_read_all_stats.
Errors: 22004 for a NULL argument, 22023 for a wrong value, 55000 when pg_stat_statements is not there, or when
order_by is p95 and perf_optimizer is not preloaded.';
/* ---- tracking: what the shared table knows of this database's statements ---- */

CREATE FUNCTION perf_optimizer.tracked_statements(
  OUT query_id bigint,
  OUT userid oid,
  OUT toplevel boolean,
  OUT calls bigint,
  OUT errors bigint,
  OUT row_count float8,
  OUT total_time_ms float8,
  OUT mean_time_ms float8,
  OUT min_time_ms float8,
  OUT max_time_ms float8,
  OUT stddev_time_ms float8,
  OUT p50_ms float8,
  OUT p95_ms float8,
  OUT p99_ms float8,
  OUT plans int,
  OUT first_seen timestamptz,
  OUT last_seen timestamptz,
  OUT n_plus_one boolean,
  OUT repeated boolean,
  OUT plan_flip boolean,
  OUT failed_time_ms float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_tracked_statements';

COMMENT ON FUNCTION perf_optimizer.tracked_statements() IS
'The statements of this database that are tracked, one row for each statement, role and level, without those still running.
calls ended well, errors did not and took failed_time_ms. Times are milliseconds of execution; p50_ms, p95_ms and p99_ms come from a histogram whose
buckets are at most 3.2 % wide from 10 microseconds on. plans is the number of plan shapes kept, four at most. n_plus_one and repeated tell that it ran in bursts, plan_flip that one
of its plan shapes has at least twice the mean time of another, over five calls or more of each.
query_id is NULL for other roles'' statements unless you are a member of pg_read_all_stats. No rows unless preloaded.';

CREATE FUNCTION perf_optimizer.tracked_plans(
  OUT query_id bigint,
  OUT userid oid,
  OUT toplevel boolean,
  OUT plan_id bigint,
  OUT calls bigint,
  OUT total_time_ms float8,
  OUT first_seen timestamptz,
  OUT last_seen timestamptz,
  OUT plan text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_tracked_plans';

COMMENT ON FUNCTION perf_optimizer.tracked_plans() IS
'The plan shapes of the tracked statements of this database: nodes, relations and indexes make the shape, costs and constants do not.
plan is the text of the first execution that was captured, NULL when none was. Identifiers and texts of other roles are NULL
unless you are a member of pg_read_all_stats. No rows unless preloaded.';

CREATE FUNCTION perf_optimizer.tracked_bursts(
  OUT query_id bigint,
  OUT userid oid,
  OUT toplevel boolean,
  OUT relid oid,
  OUT kind text,
  OUT bursts bigint,
  OUT executions bigint,
  OUT max_burst bigint,
  OUT total_time_ms float8,
  OUT parent_query_id bigint,
  OUT suggestion text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_tracked_bursts';

COMMENT ON FUNCTION perf_optimizer.tracked_bursts() IS
'Bursts of the tracked statements of this database, as n_plus_one_queries shows them with their texts. No rows unless preloaded.';

CREATE FUNCTION perf_optimizer.tracked_histograms(
  OUT query_id bigint,
  OUT userid oid,
  OUT toplevel boolean,
  OUT latency_ms float8[],
  OUT counts bigint[])
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_tracked_histograms';

COMMENT ON FUNCTION perf_optimizer.tracked_histograms() IS
'The latency histograms of the tracked statements of this database: the middle of each bucket that is not empty, in milliseconds,
in rising order, and how many executions fell into it. No rows unless preloaded.';

CREATE FUNCTION perf_optimizer.tracked_loads(top int, OUT query_id bigint, OUT calls float8, OUT total_time_ms float8, OUT row_count float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 20
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_tracked_loads';
COMMENT ON FUNCTION perf_optimizer.tracked_loads(int) IS
'The tracked statements of this database that took most time, top of them, and in one more row, without query_id, all others and those of other roles that the caller may not know. No rows unless preloaded.';

CREATE FUNCTION perf_optimizer.tracked_latencies(OUT latency_ms float8, OUT count bigint)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_tracked_latencies';
COMMENT ON FUNCTION perf_optimizer.tracked_latencies() IS
'The latency histogram of all tracked statements of this database together: the middle of each bucket that is not empty, in milliseconds, and how many executions fell into it. No rows unless preloaded.';

CREATE FUNCTION perf_optimizer.query_samples(
  OUT query_id bigint,
  OUT userid oid,
  OUT toplevel boolean,
  OUT kind text,
  OUT captured_at timestamptz,
  OUT time_ms float8,
  OUT query text,
  OUT params text[],
  OUT param_types text[],
  OUT constant_types text[],
  OUT sample_search_path text,
  OUT plannable boolean)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_query_samples';

COMMENT ON FUNCTION perf_optimizer.query_samples() IS
'Captured executions of this database''s statements: kind slow is the newest that took about as long as the 95th percentile,
typical one near the median. query is the text as it was sent, params the values of $1, $2, ... in text form, constant_types
the types of the constants that a normalised text replaces, in its order (NULL: not known). A statement of a client that failed has no params;
a utility statement other than CALL and DO no strings, for they may be passwords. plannable tells that text and values
are whole, so that the statement plans as it is. perf_optimizer.capture_samples, perf_optimizer.redact_samples and
perf_optimizer.sample_length set what is kept. You see your own, and all as a member of pg_read_all_stats.
Errors: 55000 unless perf_optimizer is preloaded.';

CREATE FUNCTION perf_optimizer.tracking_stats(
  OUT statements int,
  OUT max_statements int,
  OUT evicted bigint,
  OUT evicted_calls bigint,
  OUT evicted_time_ms float8,
  OUT text_used_ratio float8,
  OUT texts_dropped bigint,
  OUT since timestamptz)
LANGUAGE c VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_tracking_stats';

COMMENT ON FUNCTION perf_optimizer.tracking_stats() IS
'How full the shared table of the whole cluster is: statements of max_statements (perf_optimizer.track_max), how many were
evicted to make room and the calls and time that went with them, how much of perf_optimizer.text_memory is used,
how many samples, plans and suggestions made room for others or found none. Errors: 55000 unless perf_optimizer is preloaded.';

CREATE FUNCTION perf_optimizer.reset_tracking() RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_reset_tracking';

COMMENT ON FUNCTION perf_optimizer.reset_tracking() IS
'Forgets what was tracked in this database, samples and plans included; the history of snapshots stays.
Not undone by ROLLBACK. Errors: 55000 unless perf_optimizer is preloaded.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.reset_tracking() FROM PUBLIC;
/* ---- workload: texts of statements, and statements that run again and again ---- */

CREATE FUNCTION perf_optimizer.statement_texts(
  OUT query_id bigint,
  OUT userid oid,
  OUT query text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  statements text;
BEGIN
  SELECT c.oid::regclass::text INTO statements
    FROM pg_extension e
    JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e'
    JOIN pg_class c ON c.oid = d.objid AND c.relname = 'pg_stat_statements' AND c.relkind = 'v'
   WHERE e.extname = 'pg_stat_statements' AND current_setting('pg_stat_statements.max', true) IS NOT NULL;
  IF statements IS NOT NULL THEN
    RETURN QUERY EXECUTE format(
      'SELECT DISTINCT ON (s.queryid, s.userid) s.queryid, s.userid, s.query FROM %s s
        WHERE s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) AND s.queryid IS NOT NULL AND s.query IS NOT NULL', statements);
  END IF;
  IF current_setting('perf_optimizer.track_max', true) IS NOT NULL THEN
    IF statements IS NULL THEN
      RETURN QUERY SELECT DISTINCT ON (s.query_id, s.userid) s.query_id, s.userid, s.query FROM perf_optimizer.query_samples() s;
    ELSE
      RETURN QUERY EXECUTE format(
        'SELECT DISTINCT ON (t.query_id, t.userid) t.query_id, t.userid, t.query FROM perf_optimizer.query_samples() t
          WHERE NOT EXISTS (SELECT 1 FROM %s s WHERE s.queryid = t.query_id AND s.userid = t.userid AND s.query IS NOT NULL)', statements);
    END IF;
  END IF;
END
$$;

COMMENT ON FUNCTION perf_optimizer.statement_texts() IS
'The texts of this database''s statements that you may see: normalised from pg_stat_statements where it is there, else as captured in samples.';

CREATE FUNCTION perf_optimizer.n_plus_one_queries(
  OUT query_id bigint,
  OUT query text,
  OUT relation regclass,
  OUT kind text,
  OUT bursts bigint,
  OUT executions bigint,
  OUT avg_burst float8,
  OUT max_burst bigint,
  OUT total_time_ms float8,
  OUT parent_query_id bigint,
  OUT parent_query text,
  OUT suggestion text,
  OUT role_name name)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
  IF current_setting('perf_optimizer.track_max', true) IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '55000',
      MESSAGE = 'n_plus_one_queries needs perf_optimizer in shared_preload_libraries',
      HINT = 'Set shared_preload_libraries = ''pg_stat_statements, perf_optimizer'' in postgresql.conf and restart the server.';
  END IF;
  RETURN QUERY
  WITH texts AS MATERIALIZED (SELECT t.query_id, t.userid, t.query FROM perf_optimizer.statement_texts() t)
  SELECT b.query_id, q.query, (SELECT c.oid FROM pg_class c WHERE c.oid = b.relid)::regclass, b.kind, b.bursts, b.executions,
         b.executions::float8 / greatest(b.bursts, 1), b.max_burst, b.total_time_ms, b.parent_query_id, p.query,
         CASE b.kind WHEN 'n-plus-one' THEN b.suggestion
                     ELSE 'The same statement with the same values runs up to ' || b.max_burst || ' times in a row: keep its result for the transaction, or cache it.' END,
         pg_get_userbyid(b.userid)
    FROM perf_optimizer.tracked_bursts() b
    LEFT JOIN texts q ON q.query_id = b.query_id AND q.userid = b.userid
    LEFT JOIN texts p ON p.query_id = b.parent_query_id AND p.userid = b.userid
   ORDER BY b.total_time_ms DESC, b.executions DESC, b.query_id;
END
$$;

COMMENT ON FUNCTION perf_optimizer.n_plus_one_queries() IS
'Statements of this database that one session runs five times or more in one transaction, or with gaps of at most 50 ms and four other
statements, each returning ten rows or fewer, since tracking began or was reset; the costliest first.
kind is n-plus-one when a column is compared with different values and repeated-query when all values are the same. bursts counts such runs, executions
the executions in them, avg_burst and max_burst their length, total_time_ms the time of those executions in milliseconds.
parent_query is the procedure or the statement before that the burst seems to belong to, NULL when none is known.
suggestion is a statement that reads the rows of all values at once: pass the arrays as its parameters; where the statement''s own text cannot be changed
safely, a plain read of the relation. Not counted: what a set query''s function, a trigger or COPY runs for each row,
deferred triggers, statements that write or lock rows, system catalogs. Texts and identifiers of other roles are NULL unless you are a member of pg_read_all_stats.
Errors: 55000 unless perf_optimizer is preloaded.';
/* ---- history of the workload: tables ---- */

CREATE TABLE perf_optimizer.snapshot (
  snapshot_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  from_at timestamptz NOT NULL,
  taken_at timestamptz NOT NULL,
  merged int NOT NULL DEFAULT 1,
  connections int,
  active int,
  idle_in_transaction int,
  waiting int,
  max_connections int,
  commits float8,
  rollbacks float8,
  blocks_hit float8,
  blocks_read float8,
  temp_bytes float8,
  deadlocks float8,
  database_bytes bigint,
  transaction_ids float8,
  wal_bytes float8
);
CREATE INDEX snapshot_taken_at_idx ON perf_optimizer.snapshot (taken_at);
COMMENT ON TABLE perf_optimizer.snapshot IS 'Snapshots of this database''s workload: what happened from from_at to taken_at. merged counts the snapshots that were thinned out into one; transaction_ids and wal_bytes are what the whole server used and wrote.';

CREATE TABLE perf_optimizer.snapshot_text (
  query_id bigint NOT NULL,
  userid oid NOT NULL,
  query text NOT NULL,
  PRIMARY KEY (query_id, userid)
);
COMMENT ON TABLE perf_optimizer.snapshot_text IS 'Texts of the statements in the history, each once.';

CREATE TABLE perf_optimizer.snapshot_statement (
  snapshot_id bigint NOT NULL REFERENCES perf_optimizer.snapshot ON DELETE CASCADE,
  query_id bigint NOT NULL,
  userid oid NOT NULL,
  toplevel boolean NOT NULL,
  calls float8 NOT NULL,
  total_ms float8 NOT NULL,
  squares float8 NOT NULL,
  row_count float8 NOT NULL,
  hit_blocks float8 NOT NULL,
  read_blocks float8 NOT NULL,
  temp_bytes float8 NOT NULL,
  wal_bytes float8 NOT NULL,
  latency_ms float8[],
  counts bigint[],
  PRIMARY KEY (snapshot_id, query_id, userid, toplevel)
);
CREATE INDEX snapshot_statement_query_idx ON perf_optimizer.snapshot_statement (query_id, snapshot_id);
COMMENT ON TABLE perf_optimizer.snapshot_statement IS 'What each statement did in a snapshot''s interval. squares is the sum of squared distances from the mean, latency_ms and counts the histogram.';

CREATE TABLE perf_optimizer.snapshot_plan (
  query_id bigint NOT NULL,
  userid oid NOT NULL,
  toplevel boolean NOT NULL,
  plan_id bigint NOT NULL,
  first_seen timestamptz NOT NULL,
  last_seen timestamptz NOT NULL,
  plan text,
  PRIMARY KEY (query_id, userid, toplevel, plan_id)
);
COMMENT ON TABLE perf_optimizer.snapshot_plan IS 'Plan shapes of the statements in the history, with the text of one execution.';

CREATE TABLE perf_optimizer.snapshot_plan_use (
  snapshot_id bigint NOT NULL REFERENCES perf_optimizer.snapshot ON DELETE CASCADE,
  query_id bigint NOT NULL,
  userid oid NOT NULL,
  toplevel boolean NOT NULL,
  plan_id bigint NOT NULL,
  calls float8 NOT NULL,
  total_ms float8 NOT NULL,
  PRIMARY KEY (snapshot_id, query_id, userid, toplevel, plan_id)
);
COMMENT ON TABLE perf_optimizer.snapshot_plan_use IS 'How often each plan shape ran in a snapshot''s interval, and how long.';

CREATE TABLE perf_optimizer.snapshot_table (
  snapshot_id bigint NOT NULL REFERENCES perf_optimizer.snapshot ON DELETE CASCADE,
  relid oid NOT NULL,
  relation text NOT NULL,
  seq_scan float8 NOT NULL,
  seq_tup_read float8 NOT NULL,
  idx_scan float8 NOT NULL,
  inserted float8 NOT NULL,
  updated float8 NOT NULL,
  deleted float8 NOT NULL,
  live_rows float8 NOT NULL,
  dead_rows float8 NOT NULL,
  total_bytes bigint NOT NULL,
  PRIMARY KEY (snapshot_id, relid)
);
COMMENT ON TABLE perf_optimizer.snapshot_table IS 'What happened to each table in a snapshot''s interval, and its size at the end; tables to which nothing happened are left out.';

CREATE TABLE perf_optimizer.snapshot_index (
  snapshot_id bigint NOT NULL REFERENCES perf_optimizer.snapshot ON DELETE CASCADE,
  indexid oid NOT NULL,
  relid oid NOT NULL,
  index_name text NOT NULL,
  scans float8 NOT NULL,
  bytes bigint NOT NULL,
  PRIMARY KEY (snapshot_id, indexid)
);
COMMENT ON TABLE perf_optimizer.snapshot_index IS 'Scans of each index in a snapshot''s interval; indexes that were not scanned are left out.';

CREATE TABLE perf_optimizer.snapshot_wait (
  snapshot_id bigint NOT NULL REFERENCES perf_optimizer.snapshot ON DELETE CASCADE,
  query_id bigint NOT NULL,
  userid oid NOT NULL,
  wait_class text NOT NULL,
  seconds float8 NOT NULL,
  PRIMARY KEY (snapshot_id, query_id, userid, wait_class)
);
COMMENT ON TABLE perf_optimizer.snapshot_wait IS 'Load by statement and wait class in a snapshot''s interval, in session seconds; query_id 0 where it is not known.';

CREATE TABLE perf_optimizer.snapshot_setting (
  snapshot_id bigint NOT NULL REFERENCES perf_optimizer.snapshot ON DELETE CASCADE,
  name text NOT NULL,
  setting text,
  previous text,
  PRIMARY KEY (snapshot_id, name)
);
COMMENT ON TABLE perf_optimizer.snapshot_setting IS 'Settings of the server that changed in a snapshot''s interval.';

CREATE TABLE perf_optimizer.snapshot_last (
  kind text NOT NULL,
  key text NOT NULL,
  since text,
  numbers float8[],
  setting text,
  latency_ms float8[],
  counts bigint[],
  PRIMARY KEY (kind, key)
) WITH (fillfactor = 60);
COMMENT ON TABLE perf_optimizer.snapshot_last IS 'The counters and settings as the last snapshot found them, so that the next one can tell what is new.';
COMMENT ON COLUMN perf_optimizer.snapshot_last.since IS 'Since when the counters count, where that is known: another moment means that they were reset.';

/* ---- history of the workload: reading ---- */

CREATE FUNCTION perf_optimizer.histogram_percentile(latency_ms float8[], counts bigint[], fraction float8) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT h.latency FROM (
    SELECT u.latency, sum(u.n) OVER (ORDER BY u.latency) AS seen, sum(u.n) OVER () AS total FROM unnest(latency_ms, counts) u(latency, n)) h
   WHERE h.seen >= greatest(fraction * h.total, 1) ORDER BY h.latency LIMIT 1
$$;
COMMENT ON FUNCTION perf_optimizer.histogram_percentile(float8[], bigint[], float8) IS
'The latency that a fraction (0 to 1) of the executions in a histogram does not exceed; NULL for an empty histogram.';

CREATE FUNCTION perf_optimizer.welch_p_value(n1 float8, mean1 float8, stddev1 float8, n2 float8, mean2 float8, stddev2 float8) RETURNS float8
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_welch_p_value';
COMMENT ON FUNCTION perf_optimizer.welch_p_value(float8, float8, float8, float8, float8, float8) IS
'How likely a rise of the mean from mean1 to mean2 would be by chance (Welch''s t-test, one-sided), from numbers of executions, means and population deviations.';

CREATE FUNCTION perf_optimizer.sum_squares(squares float8, squared_totals float8, total float8, calls float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT squares + greatest(squared_totals - total * total / calls, 0) $$;
COMMENT ON FUNCTION perf_optimizer.sum_squares(float8, float8, float8, float8) IS
'The sum of squared distances from the common mean over several intervals: of their own sums of squares, of total * total / calls of each, and of total and calls.';

CREATE FUNCTION perf_optimizer.may_read_statement(userid oid) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_may_read_statement';
COMMENT ON FUNCTION perf_optimizer.may_read_statement(oid) IS
'Whether you may see the identifiers, texts and plans of a role''s statements: your own, and all as a member of pg_read_all_stats.';

CREATE VIEW perf_optimizer.snapshots WITH (security_barrier) AS
  SELECT * FROM perf_optimizer.snapshot;
COMMENT ON VIEW perf_optimizer.snapshots IS 'Snapshots of this database''s workload: what happened from from_at to taken_at, and the state at the end.';

CREATE VIEW perf_optimizer.statement_history WITH (security_barrier) AS
  SELECT s.snapshot_id, n.from_at, n.taken_at, s.query_id, s.userid, s.toplevel, t.query, s.calls, s.total_ms, s.squares, s.row_count,
         s.hit_blocks, s.read_blocks, s.temp_bytes, s.wal_bytes, s.latency_ms, s.counts
    FROM perf_optimizer.snapshot_statement s
    JOIN perf_optimizer.snapshot n USING (snapshot_id)
    LEFT JOIN perf_optimizer.snapshot_text t ON t.query_id OPERATOR(pg_catalog.=) s.query_id AND t.userid OPERATOR(pg_catalog.=) s.userid
   WHERE perf_optimizer.may_read_statement(s.userid);
COMMENT ON VIEW perf_optimizer.statement_history IS 'What each statement that you may see did in each snapshot''s interval.';

CREATE VIEW perf_optimizer.text_history WITH (security_barrier) AS
  SELECT t.query_id, t.userid, t.query FROM perf_optimizer.snapshot_text t WHERE perf_optimizer.may_read_statement(t.userid);
COMMENT ON VIEW perf_optimizer.text_history IS 'The texts of the statements in the history that you may see.';

CREATE VIEW perf_optimizer.plan_history WITH (security_barrier) AS
  SELECT u.snapshot_id, n.from_at, n.taken_at, u.query_id, u.userid, u.toplevel, u.plan_id, u.calls, u.total_ms, p.first_seen, p.last_seen, p.plan
    FROM perf_optimizer.snapshot_plan_use u
    JOIN perf_optimizer.snapshot n USING (snapshot_id)
    JOIN perf_optimizer.snapshot_plan p USING (query_id, userid, toplevel, plan_id)
   WHERE perf_optimizer.may_read_statement(u.userid);
COMMENT ON VIEW perf_optimizer.plan_history IS 'The plan shapes of the statements that you may see in each snapshot''s interval.';

CREATE VIEW perf_optimizer.load_history WITH (security_barrier) AS
  SELECT w.snapshot_id, n.from_at, n.taken_at,
         CASE WHEN w.query_id OPERATOR(pg_catalog.<>) 0 AND perf_optimizer.may_read_statement(w.userid) THEN w.query_id END AS query_id,
         w.userid, w.wait_class, w.seconds
    FROM perf_optimizer.snapshot_wait w
    JOIN perf_optimizer.snapshot n USING (snapshot_id);
COMMENT ON VIEW perf_optimizer.load_history IS 'Load by statement and wait class in each snapshot''s interval, in session seconds.';

CREATE VIEW perf_optimizer.table_history WITH (security_barrier) AS
  SELECT t.*, n.from_at, n.taken_at FROM perf_optimizer.snapshot_table t JOIN perf_optimizer.snapshot n USING (snapshot_id);
COMMENT ON VIEW perf_optimizer.table_history IS 'What happened to each table in each snapshot''s interval, and its size at the end.';

CREATE VIEW perf_optimizer.index_history WITH (security_barrier) AS
  SELECT i.*, n.from_at, n.taken_at FROM perf_optimizer.snapshot_index i JOIN perf_optimizer.snapshot n USING (snapshot_id);
COMMENT ON VIEW perf_optimizer.index_history IS 'Scans of each index in each snapshot''s interval.';

CREATE VIEW perf_optimizer.setting_history WITH (security_barrier) AS
  SELECT s.snapshot_id, n.taken_at, s.name, s.setting, s.previous
    FROM perf_optimizer.snapshot_setting s JOIN perf_optimizer.snapshot n USING (snapshot_id)
   WHERE pg_catalog.pg_has_role(current_user, 'pg_read_all_settings', 'USAGE') OR EXISTS (SELECT 1 FROM pg_catalog.pg_settings g WHERE g.name OPERATOR(pg_catalog.=) s.name);
COMMENT ON VIEW perf_optimizer.setting_history IS 'Settings of the server that changed between snapshots.';

GRANT SELECT ON perf_optimizer.snapshots, perf_optimizer.statement_history, perf_optimizer.text_history, perf_optimizer.plan_history, perf_optimizer.load_history,
  perf_optimizer.table_history, perf_optimizer.index_history, perf_optimizer.setting_history TO PUBLIC;
/* ---- latency objectives: targets and the error budgets that they leave ---- */

CREATE TABLE perf_optimizer.latency_target (
  name text PRIMARY KEY,
  target_ms float8 NOT NULL,
  objective_pct float8 NOT NULL,
  query_id bigint,
  role_name name,
  application_name text,
  period interval NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE perf_optimizer.latency_target IS 'Which share of executions is to be how fast; written by set_latency_target and drop_latency_target alone. Read the view latency_objectives.';
SELECT pg_extension_config_dump('perf_optimizer.latency_target', '');

CREATE TABLE perf_optimizer.snapshot_objective (
  snapshot_id bigint NOT NULL REFERENCES perf_optimizer.snapshot ON DELETE CASCADE,
  name text NOT NULL REFERENCES perf_optimizer.latency_target ON DELETE CASCADE,
  calls float8 NOT NULL,
  within float8 NOT NULL,
  PRIMARY KEY (name, snapshot_id)
);
CREATE INDEX snapshot_objective_snapshot_idx ON perf_optimizer.snapshot_objective (snapshot_id);
CREATE TABLE perf_optimizer.snapshot_application (
  snapshot_id bigint NOT NULL REFERENCES perf_optimizer.snapshot ON DELETE CASCADE,
  application_name text NOT NULL,
  latency_ms float8[] NOT NULL,
  counts bigint[] NOT NULL,
  PRIMARY KEY (snapshot_id, application_name)
);
COMMENT ON TABLE perf_optimizer.snapshot_application IS 'The histogram of the executions, in a snapshot''s interval, of an application that a target was for.';

COMMENT ON TABLE perf_optimizer.snapshot_objective IS 'How many executions there were in a snapshot''s interval that a target is for, and how many were as fast.';

CREATE FUNCTION perf_optimizer.count_within(latency_ms float8[], counts bigint[], target_ms float8) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(sum(u.n), 0)::float8 FROM unnest(latency_ms, counts) u(latency, n) WHERE u.latency <= target_ms $$;
COMMENT ON FUNCTION perf_optimizer.count_within(float8[], bigint[], float8) IS 'How many executions of a histogram took at most target_ms milliseconds; those of a bucket count as its middle, which is at most 1.6 % away.';

CREATE FUNCTION perf_optimizer.watch_applications(names text[], OUT application_name text, OUT since timestamptz, OUT calls float8, OUT latency_ms float8[], OUT counts bigint[])
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_watch_applications';
COMMENT ON FUNCTION perf_optimizer.watch_applications(text[]) IS
'Has the executions of these applications in this database counted, and of no others, and returns what was counted so far. Those beyond the 64 that the server has room for are left out. No rows unless preloaded. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.watch_applications(text[]) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_objectives(snapshot bigint, target text DEFAULT NULL) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO perf_optimizer.snapshot_objective (snapshot_id, name, calls, within)
  SELECT c.snapshot_id, c.name, sum(h.calls), sum(perf_optimizer.count_within(c.latency_ms, c.counts, c.target_ms))
    FROM (SELECT s.snapshot_id, t.name, t.target_ms, s.latency_ms, s.counts
            FROM perf_optimizer.latency_target t
            JOIN perf_optimizer.snapshot_statement s ON (s.query_id = t.query_id OR t.query_id IS NULL AND s.toplevel)
           WHERE s.counts IS NOT NULL AND t.application_name IS NULL AND (t.role_name IS NULL OR s.userid = (SELECT r.oid FROM pg_roles r WHERE r.rolname = t.role_name))
          UNION ALL
          SELECT s.snapshot_id, t.name, t.target_ms, s.latency_ms, s.counts
            FROM perf_optimizer.latency_target t JOIN perf_optimizer.snapshot_application s USING (application_name)) c
   CROSS JOIN LATERAL (SELECT sum(u.n)::float8 AS calls FROM unnest(c.counts) u(n)) h
   WHERE (snapshot IS NULL OR c.snapshot_id = snapshot) AND (target IS NULL OR c.name = target)
   GROUP BY 1, 2 HAVING sum(h.calls) > 0
$$;
COMMENT ON FUNCTION perf_optimizer.record_objectives(bigint, text) IS 'Counts the executions in a snapshot (NULL: in all) that targets are for, those inside functions only where a statement is named. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_objectives(bigint, text) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.merge_objectives(ids bigint[], keeper bigint) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH gone AS (
    DELETE FROM perf_optimizer.snapshot_objective o WHERE o.snapshot_id = ANY (ids) RETURNING *)
  INSERT INTO perf_optimizer.snapshot_objective (snapshot_id, name, calls, within) SELECT keeper, g.name, sum(g.calls), sum(g.within) FROM gone g GROUP BY 2;
  WITH gone AS (
    DELETE FROM perf_optimizer.snapshot_application a WHERE a.snapshot_id = ANY (ids) RETURNING *)
  INSERT INTO perf_optimizer.snapshot_application (snapshot_id, application_name, latency_ms, counts)
  SELECT keeper, b.application_name, array_agg(b.latency ORDER BY b.latency), array_agg(b.n ORDER BY b.latency)
    FROM (SELECT g.application_name, u.latency, sum(u.n)::bigint AS n FROM gone g CROSS JOIN LATERAL unnest(g.latency_ms, g.counts) u(latency, n) GROUP BY 1, 2) b GROUP BY 2
$$;
COMMENT ON FUNCTION perf_optimizer.merge_objectives(bigint[], bigint) IS 'Merges what snapshots know of targets and of applications into one of them. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.merge_objectives(bigint[], bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.put_latency_target(name text, target_ms float8, objective_pct float8, query_id bigint, role_name name, period interval, application_name text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  -- A snapshot being taken counts for the targets before or after.
  LOCK TABLE perf_optimizer.snapshot_last IN SHARE ROW EXCLUSIVE MODE;
  INSERT INTO perf_optimizer.latency_target AS t (name, target_ms, objective_pct, query_id, role_name, period, application_name)
  VALUES (put_latency_target.name, put_latency_target.target_ms, put_latency_target.objective_pct, put_latency_target.query_id, put_latency_target.role_name, put_latency_target.period, put_latency_target.application_name)
  ON CONFLICT (name) DO UPDATE SET (target_ms, objective_pct, query_id, role_name, period, application_name) = (excluded.target_ms, excluded.objective_pct, excluded.query_id, excluded.role_name, excluded.period, excluded.application_name)
    WHERE (t.target_ms, t.objective_pct, t.query_id, t.role_name, t.period, t.application_name)
          IS DISTINCT FROM (excluded.target_ms, excluded.objective_pct, excluded.query_id, excluded.role_name, excluded.period, excluded.application_name);
  IF FOUND THEN
    DELETE FROM perf_optimizer.snapshot_objective o WHERE o.name = put_latency_target.name;
    PERFORM perf_optimizer.record_objectives(NULL, put_latency_target.name);
  END IF;
  IF put_latency_target.application_name IS NOT NULL AND current_setting('perf_optimizer.track_max', true) IS NOT NULL
     AND NOT EXISTS (SELECT FROM perf_optimizer.watched_applications() w WHERE w.key = put_latency_target.application_name) THEN
    RAISE EXCEPTION USING ERRCODE = '53400', MESSAGE = 'the server counts the executions of 64 applications, and there is an objective for each of them',
      HINT = 'Drop an objective for another application, in this database or another one, with drop_latency_target(), and take a snapshot there.';
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.put_latency_target(text, float8, float8, bigint, name, interval, text) IS 'Stores a target, counts for it what the history has, and sees to its application''s being watched; raises 53400 where there is no room for that. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.put_latency_target(text, float8, float8, bigint, name, interval, text) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.set_latency_target(name text, target_ms float8, objective_pct float8 DEFAULT 99, query_id bigint DEFAULT NULL, role_name name DEFAULT NULL, period interval DEFAULT '30 days',
  application_name text DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_set_latency_target';
COMMENT ON FUNCTION perf_optimizer.set_latency_target(text, float8, float8, bigint, name, interval, text) IS
'Sets a latency objective: objective_pct percent (more than 0, less than 100) of the executions in any period are to take at most target_ms milliseconds. query_id: of that statement; role_name: of statements of that role; application_name: of what clients of that application_name send, counted from when the first objective names it, with neither query_id nor role_name; none of them: of all that clients send. One of that name is changed; what the history already has is counted anew. latency_objectives shows how it stands. Errors: 22004 for a NULL, 22023 for a wrong value, 42704 no such role, 53400 more than 64 applications, 42501 unless you are a member of pg_read_all_stats, 25006 in a read-only transaction and on a standby.';

CREATE FUNCTION perf_optimizer.drop_latency_target(name text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_drop_latency_target';
COMMENT ON FUNCTION perf_optimizer.drop_latency_target(text) IS 'Removes a latency objective; false when there is none of that name. Errors: 22004 for a NULL, 42501 unless you are a member of pg_read_all_stats, 25006 in a read-only transaction and on a standby.';

CREATE FUNCTION perf_optimizer.burn_rate(calls float8, within float8, objective_pct float8) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT (calls - within) * 100 / nullif(calls * (100 - objective_pct), 0) $$;
COMMENT ON FUNCTION perf_optimizer.burn_rate(float8, float8, float8) IS 'The part of executions that were slower than their target, divided by the part that may be; NULL for none.';

CREATE VIEW perf_optimizer.latency_objectives WITH (security_barrier) AS
WITH moment AS (
  SELECT pg_catalog.now() OPERATOR(pg_catalog.-) interval '1 hour' AS hour, pg_catalog.now() OPERATOR(pg_catalog.-) interval '6 hours' AS hours, pg_catalog.now() OPERATOR(pg_catalog.-) interval '3 days' AS days),
counted AS (
  SELECT t.*, s.*
    FROM perf_optimizer.latency_target t CROSS JOIN moment m
   CROSS JOIN LATERAL (
     SELECT pg_catalog.sum(x.calls) AS calls, pg_catalog.sum(x.within) AS within, pg_catalog.min(n.from_at) AS since,
            perf_optimizer.burn_rate(pg_catalog.sum(x.calls), pg_catalog.sum(x.within), t.objective_pct) AS burn_rate,
            perf_optimizer.burn_rate(pg_catalog.sum(x.calls) FILTER (WHERE n.taken_at OPERATOR(pg_catalog.>) m.hour), pg_catalog.sum(x.within) FILTER (WHERE n.taken_at OPERATOR(pg_catalog.>) m.hour), t.objective_pct) AS burn_rate_1h,
            perf_optimizer.burn_rate(pg_catalog.sum(x.calls) FILTER (WHERE n.taken_at OPERATOR(pg_catalog.>) m.hours), pg_catalog.sum(x.within) FILTER (WHERE n.taken_at OPERATOR(pg_catalog.>) m.hours), t.objective_pct) AS burn_rate_6h,
            perf_optimizer.burn_rate(pg_catalog.sum(x.calls) FILTER (WHERE n.taken_at OPERATOR(pg_catalog.>) m.days), pg_catalog.sum(x.within) FILTER (WHERE n.taken_at OPERATOR(pg_catalog.>) m.days), t.objective_pct) AS burn_rate_3d
       FROM perf_optimizer.snapshot_objective x JOIN perf_optimizer.snapshot n USING (snapshot_id)
      WHERE x.name OPERATOR(pg_catalog.=) t.name AND n.taken_at OPERATOR(pg_catalog.>) (pg_catalog.now() OPERATOR(pg_catalog.-) t.period)) s
   WHERE pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE'))
SELECT c.name,
       CASE WHEN c.calls IS NULL THEN 'unknown' WHEN c.burn_rate OPERATOR(pg_catalog.>=) 1 THEN 'exhausted' WHEN c.burn_rate_1h OPERATOR(pg_catalog.>=) 14.4 THEN 'critical'
            WHEN c.burn_rate_6h OPERATOR(pg_catalog.>=) 6 OR c.burn_rate_3d OPERATOR(pg_catalog.>=) 1 THEN 'warning' ELSE 'ok' END AS status,
       c.target_ms, c.objective_pct, c.query_id, c.role_name, c.application_name, c.period, c.calls::bigint AS calls, c.within::bigint AS calls_within,
       (100 OPERATOR(pg_catalog.*) c.within) OPERATOR(pg_catalog./) c.calls AS attained_pct, 100 OPERATOR(pg_catalog.*) (1 OPERATOR(pg_catalog.-) c.burn_rate) AS budget_left_pct,
       c.burn_rate_1h, c.burn_rate_6h, c.burn_rate_3d, c.since
  FROM counted c;
COMMENT ON VIEW perf_optimizer.latency_objectives IS
'How the targets of set_latency_target stand, by the snapshots of their period: executions, those within the target, the share attained, budget_left_pct: what is left of the executions that may be slower (100: none was, below 0: too many were), and burn rates: 1 uses up the budget exactly in its period. status: unknown (no execution in the history), exhausted, critical (14.4 or more over the last hour), warning (6 over 6 hours, or 1 over 3 days), ok. since: how far back the history goes. For members of pg_read_all_stats.';
GRANT SELECT ON perf_optimizer.latency_objectives TO PUBLIC;

CREATE FUNCTION perf_optimizer.objective_metrics(OUT name text, OUT kind text, OUT help text, OUT labels jsonb, OUT value float8)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY
  WITH o AS MATERIALIZED (SELECT * FROM perf_optimizer.latency_objectives v WHERE v.calls > 0)
  SELECT 'perf_optimizer_latency_objective_budget_left_ratio', 'gauge', 'What is left of an objective''s error budget; below 0 it is missed.', jsonb_build_object('objective', o.name), o.budget_left_pct / 100 FROM o
  UNION ALL
  SELECT 'perf_optimizer_latency_objective_burn_rate', 'gauge', 'How many times faster than its period allows an objective''s error budget was used up, by the length of the last window.',
         jsonb_build_object('objective', o.name, 'window', w.length), w.rate
    FROM o CROSS JOIN LATERAL (VALUES ('1h', o.burn_rate_1h), ('6h', o.burn_rate_6h), ('3d', o.burn_rate_3d)) w(length, rate) WHERE w.rate IS NOT NULL;
END
$$;
COMMENT ON FUNCTION perf_optimizer.objective_metrics() IS 'The metrics of latency objectives that have executions; a part of metrics().';
/* ---- history of the workload: taking snapshots ---- */

CREATE TYPE perf_optimizer.counters AS (
  key text,
  since text,
  numbers float8[],
  latency_ms float8[],
  counts bigint[]);
COMMENT ON TYPE perf_optimizer.counters IS
'Counters of one object that only grow until they are reset: since when they count, where that is known, the numbers, and a histogram where there is one. Internal.';

CREATE FUNCTION perf_optimizer.growth(present float8[], last float8[]) RETURNS float8[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_growth';
COMMENT ON FUNCTION perf_optimizer.growth(float8[], float8[]) IS
'What counters grew by since they were last looked at; all of them when one of them fell, because then they were reset in between. Internal.';

CREATE FUNCTION perf_optimizer.exchange_counters(kind text, present perf_optimizer.counters[])
RETURNS TABLE (key text, numbers float8[], last float8[], grown float8[], latency_ms float8[], counts bigint[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT p.key, p.numbers, CASE WHEN g.goes_on THEN b.numbers END, g.grown, h.latency_ms, h.counts
    FROM unnest(present) p
    LEFT JOIN perf_optimizer.snapshot_last b ON b.kind = exchange_counters.kind AND b.key = p.key AND b.since IS NOT DISTINCT FROM p.since
   CROSS JOIN LATERAL (
      SELECT x.grown, x.grown[1] < p.numbers[1] AS goes_on FROM (SELECT perf_optimizer.growth(p.numbers, b.numbers) AS grown) x) g
    LEFT JOIN LATERAL (
      SELECT array_agg(x.latency ORDER BY x.latency) AS latency_ms, array_agg(x.n ORDER BY x.latency) AS counts
        FROM (SELECT n.latency, n.n - coalesce(o.n, 0) AS n
                FROM unnest(p.latency_ms, p.counts) n(latency, n)
                LEFT JOIN unnest(b.latency_ms, b.counts) o(latency, n) ON o.latency = n.latency AND g.goes_on) x
       WHERE x.n > 0) h ON g.grown[1] > 0 AND p.counts IS NOT NULL;
  DELETE FROM perf_optimizer.snapshot_last l
   WHERE l.kind = exchange_counters.kind AND NOT EXISTS (SELECT 1 FROM unnest(present) p WHERE p.key = l.key);
  INSERT INTO perf_optimizer.snapshot_last AS l (kind, key, since, numbers, latency_ms, counts)
    SELECT exchange_counters.kind, p.key, p.since, p.numbers, p.latency_ms, p.counts FROM unnest(present) p
    ON CONFLICT ON CONSTRAINT snapshot_last_pkey DO UPDATE
      SET since = excluded.since, numbers = excluded.numbers, latency_ms = excluded.latency_ms, counts = excluded.counts
      WHERE (l.since, l.numbers) IS DISTINCT FROM (excluded.since, excluded.numbers);
END
$$;
COMMENT ON FUNCTION perf_optimizer.exchange_counters(text, perf_optimizer.counters[]) IS
'Takes the counters of all objects of a kind in the place of those that the last snapshot found, and returns for each the numbers, those of last time (NULL when it
is new or was reset since), and what numbers and histogram grew by. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.exchange_counters(text, perf_optimizer.counters[]) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.statements_view(name text) RETURNS regclass
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT c.oid::regclass
    FROM pg_extension e
    JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e'
    JOIN pg_class c ON c.oid = d.objid AND c.relname = name AND c.relkind = 'v'
   WHERE e.extname = 'pg_stat_statements' AND current_setting('pg_stat_statements.max', true) IS NOT NULL
$$;
COMMENT ON FUNCTION perf_optimizer.statements_view(text) IS
'A view of the extension pg_stat_statements, in whatever schema it is; NULL where it is not created in this database or not loaded. Internal.';

CREATE FUNCTION perf_optimizer.has_column(relation regclass, name text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = name AND a.attnum > 0 AND NOT a.attisdropped)
$$;
COMMENT ON FUNCTION perf_optimizer.has_column(regclass, text) IS 'Whether a relation has a column of that name. Internal.';

CREATE FUNCTION perf_optimizer.listed_since() RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  since timestamptz;
BEGIN
  IF perf_optimizer.statements_view('pg_stat_statements_info') IS NOT NULL THEN
    EXECUTE format('SELECT i.stats_reset FROM %s i', perf_optimizer.statements_view('pg_stat_statements_info')) INTO since;
  END IF;
  RETURN since;
END
$$;
COMMENT ON FUNCTION perf_optimizer.listed_since() IS 'Since when pg_stat_statements counts; NULL where it is not there or too old to say. Internal.';

CREATE FUNCTION perf_optimizer.listed_counters() RETURNS SETOF perf_optimizer.counters
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  statements regclass := perf_optimizer.statements_view('pg_stat_statements');
BEGIN
  IF statements IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY EXECUTE format(
    'SELECT format(''%%s %%s %%s'', s.queryid, s.userid, %1$s),
            coalesce(min(extract(epoch FROM %2$s)), extract(epoch FROM perf_optimizer.listed_since()))::text,
            ARRAY[sum(s.calls), sum(s.total_exec_time), sum(s.calls * s.stddev_exec_time ^ 2), sum(s.rows), sum(s.shared_blks_hit),
                  sum(s.shared_blks_read), sum(s.temp_blks_written) * current_setting(''block_size'')::int, sum(s.wal_bytes)]::float8[],
            NULL::float8[], NULL::bigint[]
       FROM %3$s s
      WHERE s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) AND s.queryid IS NOT NULL AND s.calls > 0
      GROUP BY 1',
    CASE WHEN perf_optimizer.has_column(statements, 'toplevel') THEN 's.toplevel' ELSE 'true' END,
    CASE WHEN perf_optimizer.has_column(statements, 'stats_since') THEN 's.stats_since' ELSE 'NULL::timestamptz' END,
    statements);
END
$$;
COMMENT ON FUNCTION perf_optimizer.listed_counters() IS
'The counters of this database''s statements in pg_stat_statements: calls, milliseconds, sum of squares, rows, blocks hit and read, temporary bytes, WAL bytes. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.listed_counters() FROM PUBLIC;

CREATE FUNCTION perf_optimizer.tracked_counters() RETURNS SETOF perf_optimizer.counters
LANGUAGE sql VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('%s %s %s', t.query_id, t.userid, t.toplevel), extract(epoch FROM t.first_seen)::text,
         ARRAY[t.calls, t.total_time_ms, t.calls * t.stddev_time_ms ^ 2, t.row_count], h.latency_ms, h.counts
    FROM perf_optimizer.tracked_statements() t
    JOIN perf_optimizer.tracked_histograms() h ON h.query_id = t.query_id AND h.userid = t.userid AND h.toplevel = t.toplevel
   WHERE t.query_id IS NOT NULL
$$;
COMMENT ON FUNCTION perf_optimizer.tracked_counters() IS
'The counters of this database''s tracked statements: calls, milliseconds, sum of squares, rows, and the histogram. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.tracked_counters() FROM PUBLIC;

CREATE FUNCTION perf_optimizer.window_squares(present float8[], last float8[]) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN last[1] > 0 AND present[1] > last[1]
              THEN greatest(present[3] - last[3]
                            - ((present[2] - last[2]) / (present[1] - last[1]) - last[2] / last[1]) ^ 2 * last[1] * (present[1] - last[1]) / present[1], 0)
              ELSE present[3] END
$$;
COMMENT ON FUNCTION perf_optimizer.window_squares(float8[], float8[]) IS
'The sum of squared distances from their own mean of the executions between two looks at counters (calls, milliseconds, sum of squares). Internal.';

CREATE FUNCTION perf_optimizer.record_statements(snapshot bigint) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  WITH tracked AS MATERIALIZED (
    SELECT * FROM perf_optimizer.exchange_counters('tracked', ARRAY(SELECT c FROM perf_optimizer.tracked_counters() c))),
  listed AS MATERIALIZED (
    SELECT * FROM perf_optimizer.exchange_counters('listed', ARRAY(SELECT c FROM perf_optimizer.listed_counters() c))),
  -- Tracking knows more, unless it forgot the statement or was off for much of the time.
  chosen AS (
    SELECT string_to_array(coalesce(t.key, l.key), ' ') AS key, c.by_tracking, l.grown AS blocks, t.latency_ms, t.counts,
           CASE WHEN c.by_tracking THEN t.numbers ELSE l.numbers END AS numbers,
           CASE WHEN c.by_tracking THEN t.last ELSE l.last END AS last,
           CASE WHEN c.by_tracking THEN t.grown ELSE l.grown END AS grown
      FROM tracked t
      FULL JOIN listed l ON l.key = t.key
     CROSS JOIN LATERAL (SELECT t.key IS NOT NULL AND CASE WHEN t.last IS NULL THEN l.last IS NULL ELSE 2 * t.grown[1] >= coalesce(l.grown[1], 0) END AS by_tracking) c)
  INSERT INTO perf_optimizer.snapshot_statement (snapshot_id, query_id, userid, toplevel, calls, total_ms, squares, row_count,
         hit_blocks, read_blocks, temp_bytes, wal_bytes, latency_ms, counts)
  SELECT snapshot, c.key[1]::bigint, c.key[2]::oid, c.key[3]::boolean, c.grown[1], c.grown[2], perf_optimizer.window_squares(c.numbers, c.last), c.grown[4],
         coalesce(c.blocks[5], 0), coalesce(c.blocks[6], 0), coalesce(c.blocks[7], 0), coalesce(c.blocks[8], 0), c.latency_ms, c.counts
    FROM chosen c WHERE c.grown[1] > 0;
  INSERT INTO perf_optimizer.snapshot_text (query_id, userid, query)
    SELECT t.query_id, t.userid, t.query FROM perf_optimizer.statement_texts() t
     WHERE EXISTS (SELECT 1 FROM perf_optimizer.snapshot_statement s WHERE s.snapshot_id = snapshot AND s.query_id = t.query_id AND s.userid = t.userid)
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_statements(bigint) IS 'Adds to a snapshot what statements did since the one before. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_statements(bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_plans(snapshot bigint) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO perf_optimizer.snapshot_plan AS s (query_id, userid, toplevel, plan_id, first_seen, last_seen, plan)
    SELECT p.query_id, p.userid, p.toplevel, p.plan_id, p.first_seen, p.last_seen, p.plan FROM perf_optimizer.tracked_plans() p WHERE p.query_id IS NOT NULL
    ON CONFLICT (query_id, userid, toplevel, plan_id) DO UPDATE SET last_seen = greatest(s.last_seen, excluded.last_seen), plan = coalesce(s.plan, excluded.plan)
      WHERE s.last_seen < excluded.last_seen OR (s.plan IS NULL AND excluded.plan IS NOT NULL);
  WITH grown AS (
    SELECT string_to_array(g.key, ' ') AS key, g.grown
      FROM perf_optimizer.exchange_counters('plan', ARRAY(
             SELECT ROW(format('%s %s %s %s', p.query_id, p.userid, p.toplevel, p.plan_id), extract(epoch FROM p.first_seen)::text,
                        ARRAY[p.calls, p.total_time_ms], NULL, NULL)::perf_optimizer.counters
               FROM perf_optimizer.tracked_plans() p WHERE p.query_id IS NOT NULL)) g
     WHERE g.grown[1] > 0)
  INSERT INTO perf_optimizer.snapshot_plan_use (snapshot_id, query_id, userid, toplevel, plan_id, calls, total_ms)
    SELECT snapshot, g.key[1]::bigint, g.key[2]::oid, g.key[3]::boolean, g.key[4]::bigint, g.grown[1], g.grown[2] FROM grown g
     WHERE EXISTS (SELECT 1 FROM perf_optimizer.snapshot_plan p
                    WHERE p.query_id = g.key[1]::bigint AND p.userid = g.key[2]::oid AND p.toplevel = g.key[3]::boolean AND p.plan_id = g.key[4]::bigint);
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_plans(bigint) IS 'Adds to a snapshot which plan shapes ran since the one before. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_plans(bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.locked_relations() RETURNS oid[]
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH locked AS MATERIALIZED (
    SELECT l.relation AS oid FROM pg_locks l WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid IS DISTINCT FROM pg_backend_pid())
  SELECT ARRAY(SELECT l.oid FROM locked l
               UNION SELECT i.indrelid FROM pg_index i JOIN locked l ON l.oid = i.indexrelid
               UNION SELECT i.indexrelid FROM pg_index i JOIN locked l ON l.oid = i.indrelid)
$$;
COMMENT ON FUNCTION perf_optimizer.locked_relations() IS
'Relations whose measuring would wait for a lock that somebody holds or waits for, with the tables of such indexes and the indexes of such tables. Internal.';

CREATE FUNCTION perf_optimizer.last_known_bytes(relation oid) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT c.relpages::bigint * current_setting('block_size')::int FROM pg_class c WHERE c.oid = relation
$$;
COMMENT ON FUNCTION perf_optimizer.last_known_bytes(oid) IS 'The size of a relation as VACUUM or ANALYZE saw it last; takes no lock on it. Internal.';

CREATE FUNCTION perf_optimizer.record_tables(snapshot bigint, locked oid[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO perf_optimizer.snapshot_table (snapshot_id, relid, relation, seq_scan, seq_tup_read, idx_scan, inserted, updated, deleted, live_rows, dead_rows, total_bytes)
  SELECT snapshot, t.relid, format('%I.%I', t.schemaname, t.relname), g.grown[2], g.grown[3], g.grown[4], g.grown[5], g.grown[6], g.grown[7], t.n_live_tup, t.n_dead_tup,
         coalesce(CASE WHEN t.relid = ANY (locked) THEN perf_optimizer.last_known_bytes(t.relid) ELSE pg_total_relation_size(t.relid) END, 0)
    FROM perf_optimizer.exchange_counters('table', ARRAY(
           SELECT ROW(s.relid, NULL, ARRAY[s.seq_scan + coalesce(s.idx_scan, 0) + s.n_tup_ins + s.n_tup_upd + s.n_tup_del, s.seq_scan, s.seq_tup_read,
                                           coalesce(s.idx_scan, 0), s.n_tup_ins, s.n_tup_upd, s.n_tup_del]::float8[], NULL, NULL)::perf_optimizer.counters
             FROM pg_stat_user_tables s WHERE s.schemaname <> 'perf_optimizer')) g
    JOIN pg_stat_user_tables t ON t.relid = g.key::oid
   WHERE g.grown[1] > 0;
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_tables(bigint, oid[]) IS 'Adds to a snapshot what happened to tables since the one before; does not touch those that are locked. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_tables(bigint, oid[]) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_indexes(snapshot bigint, locked oid[]) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO perf_optimizer.snapshot_index (snapshot_id, indexid, relid, index_name, scans, bytes)
  SELECT snapshot, i.indexrelid, i.relid, format('%I.%I', i.schemaname, i.indexrelname), g.grown[1],
         coalesce(CASE WHEN i.indexrelid = ANY (locked) THEN perf_optimizer.last_known_bytes(i.indexrelid) ELSE pg_relation_size(i.indexrelid) END, 0)
    FROM perf_optimizer.exchange_counters('index', ARRAY(
           SELECT ROW(s.indexrelid, NULL, ARRAY[s.idx_scan]::float8[], NULL, NULL)::perf_optimizer.counters
             FROM pg_stat_user_indexes s WHERE s.schemaname <> 'perf_optimizer')) g
    JOIN pg_stat_user_indexes i ON i.indexrelid = g.key::oid
   WHERE g.grown[1] > 0;
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_indexes(bigint, oid[]) IS 'Adds to a snapshot the scans of indexes since the one before; does not touch those that are locked. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_indexes(bigint, oid[]) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_database(snapshot bigint) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE perf_optimizer.snapshot n
     SET (connections, active, idle_in_transaction, waiting) = (
           SELECT count(*), count(*) FILTER (WHERE a.state = 'active'), count(*) FILTER (WHERE a.state LIKE 'idle in transaction%'),
                  count(*) FILTER (WHERE a.wait_event_type = 'Lock')
             FROM pg_stat_activity a WHERE a.datname = current_database() AND a.backend_type = 'client backend'),
         max_connections = current_setting('max_connections')::int,
         database_bytes = pg_database_size(current_database()),
         (commits, rollbacks, blocks_hit, blocks_read, temp_bytes, deadlocks) = (
           SELECT g.grown[1], g.grown[2], g.grown[3], g.grown[4], g.grown[5], g.grown[6]
             FROM perf_optimizer.exchange_counters('database', ARRAY(
                    SELECT ROW('', NULL, ARRAY[s.xact_commit, s.xact_rollback, s.blks_hit, s.blks_read, s.temp_bytes, s.deadlocks]::float8[], NULL, NULL)::perf_optimizer.counters
                      FROM pg_stat_database s WHERE s.datname = current_database())) g),
         (transaction_ids, wal_bytes) = (
           -- These count from the beginning of the server: what came before the first look says nothing.
           SELECT CASE WHEN g.last IS NOT NULL THEN g.grown[1] END, CASE WHEN g.last IS NOT NULL THEN g.grown[2] END
             FROM perf_optimizer.exchange_counters('server', ARRAY[
                    ROW('', NULL, ARRAY[pg_snapshot_xmax(pg_current_snapshot())::text, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text]::float8[], NULL, NULL)::perf_optimizer.counters]) g)
   WHERE n.snapshot_id = snapshot;
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_database(bigint) IS 'Adds to a snapshot connections, counters and size of the database. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_database(bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_settings(snapshot bigint) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- What this session or its role sets is no setting of the server.
  own_sources text[] := ARRAY['session', 'client', 'override', 'interactive', 'user', 'database user'];
BEGIN
  INSERT INTO perf_optimizer.snapshot_setting (snapshot_id, name, setting, previous)
    SELECT snapshot, s.name, s.reset_val, l.setting
      FROM pg_settings s JOIN perf_optimizer.snapshot_last l ON l.kind = 'setting' AND l.key = s.name
     WHERE s.source <> ALL (own_sources) AND s.reset_val IS DISTINCT FROM l.setting;
  INSERT INTO perf_optimizer.snapshot_last AS a (kind, key, setting)
    SELECT 'setting', g.name, g.reset_val FROM pg_settings g WHERE g.source <> ALL (own_sources)
    ON CONFLICT (kind, key) DO UPDATE SET setting = excluded.setting WHERE a.setting IS DISTINCT FROM excluded.setting;
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_settings(bigint) IS 'Adds to a snapshot the settings of the server that changed since the one before. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_settings(bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_waits(snapshot bigint) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF current_setting('perf_optimizer.track_max', true) IS NULL THEN
    RETURN;
  END IF;
  INSERT INTO perf_optimizer.snapshot_wait (snapshot_id, query_id, userid, wait_class, seconds)
  SELECT snapshot, k.key[1]::bigint, k.key[2]::oid, k.key[3], g.grown[1]
    FROM perf_optimizer.exchange_counters('wait', ARRAY(
           SELECT ROW(format('%s/%s/%s', coalesce(w.query_id, 0), coalesce(w.userid, 0), w.wait_class), NULL, ARRAY[sum(w.seconds)], NULL, NULL)::perf_optimizer.counters
             FROM perf_optimizer.wait_profile() w GROUP BY w.query_id, w.userid, w.wait_class)) g
   CROSS JOIN LATERAL (SELECT string_to_array(g.key, '/') AS key) k
   WHERE g.grown[1] > 0;
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_waits(bigint) IS 'Adds to a snapshot what sessions waited for since the one before. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_waits(bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.watched_applications() RETURNS SETOF perf_optimizer.counters
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT w.application_name, extract(epoch FROM w.since)::text, ARRAY[w.calls], w.latency_ms, w.counts
    FROM perf_optimizer.watch_applications(ARRAY(SELECT DISTINCT t.application_name FROM perf_optimizer.latency_target t WHERE t.application_name IS NOT NULL)) w
$$;
COMMENT ON FUNCTION perf_optimizer.watched_applications() IS 'What was counted of the applications that targets are for, which are watched from now on. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.watched_applications() FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_applications(snapshot bigint) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO perf_optimizer.snapshot_application (snapshot_id, application_name, latency_ms, counts)
  SELECT snapshot, g.key, g.latency_ms, g.counts
    FROM perf_optimizer.exchange_counters('application', ARRAY(SELECT w FROM perf_optimizer.watched_applications() w)) g WHERE g.grown[1] > 0
$$;
COMMENT ON FUNCTION perf_optimizer.record_applications(bigint) IS 'Adds to a snapshot what the applications did that targets are for. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_applications(bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.record_snapshot() RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
  since timestamptz;
  locked oid[];
  id bigint;
BEGIN
  LOCK TABLE perf_optimizer.snapshot_last IN SHARE ROW EXCLUSIVE MODE;
  SELECT max(s.taken_at) INTO since FROM perf_optimizer.snapshot s;
  IF since IS NULL THEN
    SELECT coalesce(min(t.first_seen), perf_optimizer.listed_since()) INTO since FROM perf_optimizer.tracked_statements() t;
  END IF;
  INSERT INTO perf_optimizer.snapshot (from_at, taken_at) VALUES (coalesce(since, clock_timestamp()), clock_timestamp()) RETURNING snapshot_id INTO id;
  locked := perf_optimizer.locked_relations();
  PERFORM perf_optimizer.record_statements(id);
  PERFORM perf_optimizer.record_plans(id);
  PERFORM perf_optimizer.record_tables(id, locked);
  PERFORM perf_optimizer.record_indexes(id, locked);
  PERFORM perf_optimizer.record_database(id);
  PERFORM perf_optimizer.record_settings(id);
  PERFORM perf_optimizer.record_waits(id);
  PERFORM perf_optimizer.record_applications(id);
  PERFORM perf_optimizer.record_objectives(id);
  PERFORM perf_optimizer.thin_history();
  RETURN id;
END
$$;
COMMENT ON FUNCTION perf_optimizer.record_snapshot() IS 'Does the work of take_snapshot(), as the owner of the extension. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.record_snapshot() FROM PUBLIC;

CREATE FUNCTION perf_optimizer.take_snapshot() RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_take_snapshot';
COMMENT ON FUNCTION perf_optimizer.take_snapshot() IS
'Adds a snapshot to the history of this database''s workload and returns its number: what statements, plan shapes, tables, indexes and waits did
since the snapshot before, the first one since tracking began; connections, sizes and changed settings. Works without preloading on what
pg_stat_statements and the server''s statistics views know. For members of pg_read_all_stats.
Errors: 42501 for others, 25006 in a read-only transaction and on a standby.';

/* ---- history of the workload: thinning it out ---- */

CREATE FUNCTION perf_optimizer.merge_statements(ids bigint[], keeper bigint) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH gone AS (
    DELETE FROM perf_optimizer.snapshot_statement s WHERE s.snapshot_id = ANY (ids) RETURNING *),
  histogram AS (
    SELECT b.query_id, b.userid, b.toplevel, array_agg(b.latency ORDER BY b.latency) AS latency_ms, array_agg(b.n ORDER BY b.latency) AS counts
      FROM (SELECT s.query_id, s.userid, s.toplevel, u.latency, sum(u.n)::bigint AS n
              FROM gone s CROSS JOIN LATERAL unnest(s.latency_ms, s.counts) u(latency, n) GROUP BY 1, 2, 3, 4) b
     GROUP BY 1, 2, 3)
  INSERT INTO perf_optimizer.snapshot_statement (snapshot_id, query_id, userid, toplevel, calls, total_ms, squares, row_count,
         hit_blocks, read_blocks, temp_bytes, wal_bytes, latency_ms, counts)
  SELECT keeper, s.query_id, s.userid, s.toplevel, sum(s.calls), sum(s.total_ms), perf_optimizer.sum_squares(sum(s.squares), sum(s.total_ms ^ 2 / s.calls), sum(s.total_ms), sum(s.calls)),
         sum(s.row_count), sum(s.hit_blocks), sum(s.read_blocks), sum(s.temp_bytes), sum(s.wal_bytes), min(h.latency_ms), min(h.counts)
    FROM gone s LEFT JOIN histogram h USING (query_id, userid, toplevel)
   GROUP BY 2, 3, 4;
  WITH gone AS (
    DELETE FROM perf_optimizer.snapshot_plan_use s WHERE s.snapshot_id = ANY (ids) RETURNING *)
  INSERT INTO perf_optimizer.snapshot_plan_use (snapshot_id, query_id, userid, toplevel, plan_id, calls, total_ms)
  SELECT keeper, s.query_id, s.userid, s.toplevel, s.plan_id, sum(s.calls), sum(s.total_ms) FROM gone s GROUP BY 2, 3, 4, 5;
  WITH gone AS (
    DELETE FROM perf_optimizer.snapshot_wait s WHERE s.snapshot_id = ANY (ids) RETURNING *)
  INSERT INTO perf_optimizer.snapshot_wait (snapshot_id, query_id, userid, wait_class, seconds)
  SELECT keeper, s.query_id, s.userid, s.wait_class, sum(s.seconds) FROM gone s GROUP BY 2, 3, 4;
$$;
COMMENT ON FUNCTION perf_optimizer.merge_statements(bigint[], bigint) IS 'Merges what snapshots know of statements, plan shapes and waits into one of them. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.merge_statements(bigint[], bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.merge_relations(ids bigint[], keeper bigint) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH gone AS (
    DELETE FROM perf_optimizer.snapshot_table s WHERE s.snapshot_id = ANY (ids) RETURNING *),
  newest AS (
    SELECT DISTINCT ON (s.relid) s.relid, s.relation, s.live_rows, s.dead_rows, s.total_bytes FROM gone s ORDER BY s.relid, s.snapshot_id DESC)
  INSERT INTO perf_optimizer.snapshot_table (snapshot_id, relid, relation, seq_scan, seq_tup_read, idx_scan, inserted, updated, deleted, live_rows, dead_rows, total_bytes)
  SELECT keeper, n.relid, n.relation, sum(s.seq_scan), sum(s.seq_tup_read), sum(s.idx_scan), sum(s.inserted), sum(s.updated), sum(s.deleted), n.live_rows, n.dead_rows, n.total_bytes
    FROM gone s JOIN newest n USING (relid) GROUP BY n.relid, n.relation, n.live_rows, n.dead_rows, n.total_bytes;
  WITH gone AS (
    DELETE FROM perf_optimizer.snapshot_index s WHERE s.snapshot_id = ANY (ids) RETURNING *),
  newest AS (
    SELECT DISTINCT ON (s.indexid) s.indexid, s.relid, s.index_name, s.bytes FROM gone s ORDER BY s.indexid, s.snapshot_id DESC)
  INSERT INTO perf_optimizer.snapshot_index (snapshot_id, indexid, relid, index_name, scans, bytes)
  SELECT keeper, n.indexid, n.relid, n.index_name, sum(s.scans), n.bytes
    FROM gone s JOIN newest n USING (indexid) GROUP BY n.indexid, n.relid, n.index_name, n.bytes;
$$;
COMMENT ON FUNCTION perf_optimizer.merge_relations(bigint[], bigint) IS 'Merges what snapshots know of tables and indexes into one of them. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.merge_relations(bigint[], bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.merge_server(ids bigint[], keeper bigint) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH gone AS (
    DELETE FROM perf_optimizer.snapshot_setting s WHERE s.snapshot_id = ANY (ids) RETURNING *)
  INSERT INTO perf_optimizer.snapshot_setting (snapshot_id, name, setting, previous)
  SELECT keeper, s.name, (array_agg(s.setting ORDER BY s.snapshot_id DESC))[1], (array_agg(s.previous ORDER BY s.snapshot_id))[1] FROM gone s GROUP BY 2;
  UPDATE perf_optimizer.snapshot k
     SET (from_at, merged, commits, rollbacks, blocks_hit, blocks_read, temp_bytes, deadlocks, transaction_ids, wal_bytes) = (
           SELECT min(s.from_at), sum(s.merged), sum(s.commits), sum(s.rollbacks), sum(s.blocks_hit), sum(s.blocks_read), sum(s.temp_bytes), sum(s.deadlocks),
                  sum(s.transaction_ids), sum(s.wal_bytes)
             FROM perf_optimizer.snapshot s WHERE s.snapshot_id = ANY (ids))
   WHERE k.snapshot_id = keeper;
$$;
COMMENT ON FUNCTION perf_optimizer.merge_server(bigint[], bigint) IS 'Merges what snapshots know of the server into one of them. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.merge_server(bigint[], bigint) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.merge_hours(before timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  hour record;
BEGIN
  -- Whole hours only, so that each snapshot is merged once.
  FOR hour IN
    SELECT max(s.snapshot_id) AS keeper, array_agg(s.snapshot_id) AS ids
      FROM perf_optimizer.snapshot s WHERE s.taken_at < date_trunc('hour', before, 'UTC')
     GROUP BY date_trunc('hour', s.taken_at, 'UTC') HAVING count(*) > 1
  LOOP
    PERFORM perf_optimizer.merge_statements(hour.ids, hour.keeper);
    PERFORM perf_optimizer.merge_relations(hour.ids, hour.keeper);
    PERFORM perf_optimizer.merge_server(hour.ids, hour.keeper);
    PERFORM perf_optimizer.merge_objectives(hour.ids, hour.keeper);
    DELETE FROM perf_optimizer.snapshot WHERE snapshot_id = ANY (hour.ids) AND snapshot_id <> hour.keeper;
  END LOOP;
END
$$;
COMMENT ON FUNCTION perf_optimizer.merge_hours(timestamptz) IS 'Merges the snapshots of each hour that ended before a moment into one. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.merge_hours(timestamptz) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.thin_history() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  oldest timestamptz := now() - current_setting('perf_optimizer.snapshot_retention')::interval;
BEGIN
  DELETE FROM perf_optimizer.snapshot WHERE taken_at < oldest;
  IF FOUND THEN
    DELETE FROM perf_optimizer.snapshot_plan p WHERE p.last_seen < oldest;
    DELETE FROM perf_optimizer.snapshot_text t WHERE NOT EXISTS (SELECT 1 FROM perf_optimizer.snapshot_statement s WHERE s.query_id = t.query_id AND s.userid = t.userid);
  END IF;
  PERFORM perf_optimizer.merge_hours(now() - current_setting('perf_optimizer.snapshot_detail')::interval);
END
$$;
COMMENT ON FUNCTION perf_optimizer.thin_history() IS
'Forgets snapshots older than perf_optimizer.snapshot_retention and merges those older than perf_optimizer.snapshot_detail into one an hour. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.thin_history() FROM PUBLIC;
/* ---- history of the workload: statements over time ---- */

CREATE FUNCTION perf_optimizer.require_argument(value text, name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF value IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = format('argument "%s" must not be null', name), HINT = format('Pass a value for "%s".', name);
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.require_argument(text, text) IS 'Raises 22004 for a NULL. Internal.';

CREATE FUNCTION perf_optimizer.query_history(
  query_id bigint,
  since timestamptz DEFAULT pg_catalog.now() OPERATOR(pg_catalog.-) interval '1 day',
  OUT snapshot_id bigint,
  OUT from_at timestamptz,
  OUT taken_at timestamptz,
  OUT role_name name,
  OUT calls float8,
  OUT total_time_ms float8,
  OUT mean_time_ms float8,
  OUT stddev_time_ms float8,
  OUT p50_ms float8,
  OUT p95_ms float8,
  OUT p99_ms float8,
  OUT row_count float8,
  OUT hit_ratio float8,
  OUT temp_bytes float8,
  OUT wal_bytes float8,
  OUT plan_id bigint)
RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 300
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
  PERFORM perf_optimizer.require_argument(query_history.query_id::text, 'query_id');
  PERFORM perf_optimizer.require_argument(query_history.since::text, 'since');
  RETURN QUERY
  SELECT h.snapshot_id, h.from_at, h.taken_at, pg_get_userbyid(h.userid), h.calls, h.total_ms, h.total_ms / h.calls, sqrt(h.squares / h.calls),
         perf_optimizer.histogram_percentile(h.latency_ms, h.counts, 0.50), perf_optimizer.histogram_percentile(h.latency_ms, h.counts, 0.95),
         perf_optimizer.histogram_percentile(h.latency_ms, h.counts, 0.99), h.row_count, h.hit_blocks / nullif(h.hit_blocks + h.read_blocks, 0),
         h.temp_bytes, h.wal_bytes,
         (SELECT u.plan_id FROM perf_optimizer.plan_history u
           WHERE u.snapshot_id = h.snapshot_id AND u.query_id = h.query_id AND u.userid = h.userid AND u.toplevel = h.toplevel ORDER BY u.calls DESC, u.plan_id LIMIT 1)
    FROM perf_optimizer.statement_history h
   WHERE h.query_id = query_history.query_id AND h.taken_at >= query_history.since
   ORDER BY h.taken_at, h.userid, h.toplevel;
END
$$;
COMMENT ON FUNCTION perf_optimizer.query_history(bigint, timestamptz) IS
'One row for each snapshot since a moment in which the statement ran, and for each role and level that ran it: what it did from from_at to taken_at. Times are milliseconds;
percentiles are NULL where it was not tracked. plan_id is the plan shape that ran most often. You see your own, and all as a member of pg_read_all_stats.
Errors: 22004 for a NULL argument.';

CREATE FUNCTION perf_optimizer.query_plans(
  query_id bigint,
  OUT plan_id bigint,
  OUT first_seen timestamptz,
  OUT last_seen timestamptz,
  OUT calls bigint,
  OUT mean_time_ms float8,
  OUT plan text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 4
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
  PERFORM perf_optimizer.require_argument(query_plans.query_id::text, 'query_id');
  RETURN QUERY
  WITH live AS MATERIALIZED (
    SELECT t.userid, t.toplevel, t.plan_id, t.calls, t.total_time_ms, t.first_seen, t.last_seen, t.plan
      FROM perf_optimizer.tracked_plans() t WHERE t.query_id = query_plans.query_id),
  kept AS (
    SELECT h.userid, h.toplevel, h.plan_id, sum(h.calls)::bigint AS calls, sum(h.total_ms) AS total_time_ms, min(h.first_seen) AS first_seen, max(h.last_seen) AS last_seen, min(h.plan) AS plan
      FROM perf_optimizer.plan_history h WHERE h.query_id = query_plans.query_id GROUP BY 1, 2, 3),
  both_of AS (
    SELECT coalesce(l.plan_id, k.plan_id) AS plan_id, least(l.first_seen, k.first_seen) AS first_seen, greatest(l.last_seen, k.last_seen) AS last_seen,
           CASE WHEN coalesce(l.calls, 0) >= coalesce(k.calls, 0) THEN l.calls ELSE k.calls END AS calls,
           CASE WHEN coalesce(l.calls, 0) >= coalesce(k.calls, 0) THEN l.total_time_ms ELSE k.total_time_ms END AS total_time_ms,
           coalesce(l.plan, k.plan) AS plan
      FROM live l FULL JOIN kept k ON k.userid = l.userid AND k.toplevel = l.toplevel AND k.plan_id = l.plan_id)
  SELECT b.plan_id, min(b.first_seen), max(b.last_seen), sum(b.calls)::bigint, sum(b.total_time_ms) / nullif(sum(b.calls), 0), min(b.plan)
    FROM both_of b GROUP BY b.plan_id ORDER BY max(b.last_seen) DESC, b.plan_id;
END
$$;
COMMENT ON FUNCTION perf_optimizer.query_plans(bigint) IS
'The plan shapes of a statement, newest first, from tracking and from the history: how often each ran and its mean time in milliseconds, over whichever of the two saw more
executions, and the text of one captured execution (NULL when none was captured). You see your own, and all as a member of pg_read_all_stats. Errors: 22004 for a NULL argument.';

CREATE TYPE perf_optimizer.statement_window AS (
  query_id bigint,
  userid oid,
  toplevel boolean,
  is_recent boolean,
  calls float8,
  total_ms float8,
  squares float8,
  row_count float8,
  hit_blocks float8,
  read_blocks float8,
  temp_bytes float8,
  wal_bytes float8);
COMMENT ON TYPE perf_optimizer.statement_window IS 'What a statement did in one of two intervals of the history. Internal.';

CREATE FUNCTION perf_optimizer.statement_windows(since timestamptz, boundary timestamptz, until timestamptz)
RETURNS SETOF perf_optimizer.statement_window
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  SELECT h.query_id, h.userid, h.toplevel, h.taken_at > boundary, sum(h.calls), sum(h.total_ms),
         perf_optimizer.sum_squares(sum(h.squares), sum(h.total_ms * h.total_ms / h.calls), sum(h.total_ms), sum(h.calls)),
         sum(h.row_count), sum(h.hit_blocks), sum(h.read_blocks), sum(h.temp_bytes), sum(h.wal_bytes)
    FROM perf_optimizer.statement_history h WHERE h.taken_at > since AND h.taken_at <= until
   GROUP BY 1, 2, 3, 4
$$;
COMMENT ON FUNCTION perf_optimizer.statement_windows(timestamptz, timestamptz, timestamptz) IS
'What each statement that you may see did in two intervals of the history, from since to boundary and from there to until. Internal.';

CREATE FUNCTION perf_optimizer.main_plans(
  since timestamptz,
  boundary timestamptz,
  until timestamptz,
  OUT query_id bigint,
  OUT userid oid,
  OUT toplevel boolean,
  OUT is_recent boolean,
  OUT plan_id bigint,
  OUT plan text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  SELECT DISTINCT ON (p.query_id, p.userid, p.toplevel, p.is_recent) p.query_id, p.userid, p.toplevel, p.is_recent, p.plan_id, p.plan
    FROM (SELECT h.query_id, h.userid, h.toplevel, h.taken_at > boundary AS is_recent, h.plan_id, min(h.plan) AS plan, sum(h.calls) AS calls
            FROM perf_optimizer.plan_history h WHERE h.taken_at > since AND h.taken_at <= until
           GROUP BY 1, 2, 3, 4, 5) p
   ORDER BY p.query_id, p.userid, p.toplevel, p.is_recent, p.calls DESC, p.plan_id
$$;
COMMENT ON FUNCTION perf_optimizer.main_plans(timestamptz, timestamptz, timestamptz) IS
'The plan shape that ran most often of each statement that you may see, in each of two intervals. Internal.';

CREATE FUNCTION perf_optimizer.find_regressions(
  recent perf_optimizer.statement_window[],
  since timestamptz,
  boundary timestamptz,
  until timestamptz,
  OUT query_id bigint,
  OUT role_name name,
  OUT query text,
  OUT rule text,
  OUT baseline_calls float8,
  OUT baseline_mean_ms float8,
  OUT baseline_stddev_ms float8,
  OUT recent_calls float8,
  OUT recent_mean_ms float8,
  OUT recent_stddev_ms float8,
  OUT factor float8,
  OUT time_share_pct float8,
  OUT p_value float8,
  OUT baseline_plan_id bigint,
  OUT recent_plan_id bigint,
  OUT baseline_plan text,
  OUT recent_plan text,
  OUT message text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  WITH windows AS MATERIALIZED (
    SELECT w.*, w.total_ms / w.calls AS mean, sqrt(w.squares / w.calls) AS stddev, sum(w.total_ms) FILTER (WHERE w.toplevel) OVER () AS all_ms
      FROM unnest(recent) w WHERE w.is_recent),
  -- Few take so much of the time: only their baselines are looked up.
  judged AS MATERIALIZED (
    SELECT r.query_id, r.userid, r.toplevel, b.calls AS calls1, b.mean AS mean1, b.stddev AS stddev1, r.calls AS calls2, r.mean AS mean2, r.stddev AS stddev2,
           100 * r.total_ms / nullif(r.all_ms, 0) AS share, perf_optimizer.welch_p_value(b.calls, b.mean, b.stddev, r.calls, r.mean, r.stddev) AS p
      FROM windows r
     CROSS JOIN LATERAL (
        SELECT sum(h.calls) AS calls, sum(h.total_ms) / sum(h.calls) AS mean,
               sqrt(perf_optimizer.sum_squares(sum(h.squares), sum(h.total_ms * h.total_ms / h.calls), sum(h.total_ms), sum(h.calls)) / sum(h.calls)) AS stddev
          FROM perf_optimizer.statement_history h
         WHERE h.query_id = r.query_id AND h.userid = r.userid AND h.toplevel = r.toplevel AND h.taken_at > since AND h.taken_at <= boundary) b
     WHERE r.total_ms >= 0.2 * r.all_ms AND r.mean >= 1.5 * b.mean),
  plans AS MATERIALIZED (
    SELECT * FROM perf_optimizer.main_plans(since, boundary, until) WHERE EXISTS (SELECT 1 FROM judged))
  SELECT j.query_id, pg_get_userbyid(j.userid), t.query, CASE WHEN b.plan_id <> r.plan_id AND j.mean2 >= 2 * j.mean1 THEN 'plan-flip' ELSE 'regression' END,
         j.calls1, j.mean1, j.stddev1, j.calls2, j.mean2, j.stddev2, j.mean2 / nullif(j.mean1, 0), j.share, j.p, b.plan_id, r.plan_id, b.plan, r.plan,
         format('takes %s ms on average instead of %s ms%s', round(j.mean2::numeric, 3), round(j.mean1::numeric, 3),
                CASE WHEN b.plan_id <> r.plan_id THEN format(', with plan %s instead of %s', r.plan_id, b.plan_id) ELSE '' END)
    FROM judged j
    LEFT JOIN plans b ON b.query_id = j.query_id AND b.userid = j.userid AND b.toplevel = j.toplevel AND NOT b.is_recent
    LEFT JOIN plans r ON r.query_id = j.query_id AND r.userid = j.userid AND r.toplevel = j.toplevel AND r.is_recent
    LEFT JOIN perf_optimizer.text_history t ON t.query_id = j.query_id AND t.userid = j.userid
   WHERE j.p < 0.01
   ORDER BY (j.mean2 - j.mean1) * j.calls2 DESC, j.query_id
$$;
COMMENT ON FUNCTION perf_optimizer.find_regressions(perf_optimizer.statement_window[], timestamptz, timestamptz, timestamptz) IS
'query_regressions for what statements did in a recent interval, from boundary to until, with the baseline from since to boundary. Internal.';

CREATE FUNCTION perf_optimizer.require_interval(value interval, name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM perf_optimizer.require_argument(value::text, name);
  IF value <= interval '0' THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('argument "%s" must be longer than nothing', name), HINT = 'Pass an interval such as ''1 hour''.';
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.require_interval(interval, text) IS 'Raises 22004 for a NULL, 22023 for an interval that is not longer than nothing. Internal.';

CREATE FUNCTION perf_optimizer.query_regressions(
  baseline interval DEFAULT '7 days',
  recent interval DEFAULT '1 hour',
  OUT query_id bigint,
  OUT role_name name,
  OUT query text,
  OUT rule text,
  OUT baseline_calls float8,
  OUT baseline_mean_ms float8,
  OUT baseline_stddev_ms float8,
  OUT recent_calls float8,
  OUT recent_mean_ms float8,
  OUT recent_stddev_ms float8,
  OUT factor float8,
  OUT time_share_pct float8,
  OUT p_value float8,
  OUT baseline_plan_id bigint,
  OUT recent_plan_id bigint,
  OUT baseline_plan text,
  OUT recent_plan text,
  OUT message text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM perf_optimizer.require_interval(query_regressions.baseline, 'baseline');
  PERFORM perf_optimizer.require_interval(query_regressions.recent, 'recent');
  RETURN QUERY SELECT * FROM perf_optimizer.find_regressions(ARRAY(SELECT w FROM perf_optimizer.statement_windows(now() - query_regressions.recent, now() - query_regressions.recent, 'infinity') w),
    now() - query_regressions.recent - query_regressions.baseline, now() - query_regressions.recent, 'infinity');
END
$$;
COMMENT ON FUNCTION perf_optimizer.query_regressions(interval, interval) IS
'Statements that became slower: their mean time over the snapshots of the last "recent" is at least 1.5 times that of the "baseline" before it, they take at least 20 %
of the execution time of the recent snapshots, and the rise is no chance (p_value of Welch''s test below 0.01). rule is plan-flip when another plan shape than
in the baseline runs most often and the mean at least doubled, else regression; both plans are named where they are known. factor is the ratio of the means.
Needs snapshots (take_snapshot, schedule_snapshot) in both windows. You see your own statements, and all as a member of pg_read_all_stats.
Errors: 22004 for a NULL, 22023 for an interval that is not longer than nothing.';

/* ---- waits ---- */

CREATE FUNCTION perf_optimizer.wait_history(
  OUT at timestamptz,
  OUT wait_class text,
  OUT sessions int)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_wait_history';
COMMENT ON FUNCTION perf_optimizer.wait_history() IS
'The last 3600 looks at the sessions of all databases, as far as they are of this one: how many were running or waiting, by class: cpu, io, wal, lock, lwlock, ipc, replication,
client, other, idle in transaction. One look every perf_optimizer.sample_interval, fewer while nobody is active. Errors: 55000 unless perf_optimizer is preloaded.';

CREATE FUNCTION perf_optimizer.wait_profile(
  OUT query_id bigint,
  OUT userid oid,
  OUT wait_class text,
  OUT seconds float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_wait_profile';
COMMENT ON FUNCTION perf_optimizer.wait_profile() IS
'Load of this database by statement and wait class since the server started, in session seconds; userid is NULL for processes without a role, query_id where it is not known, and for other roles'' statements
unless you are a member of pg_read_all_stats. Errors: 55000 unless perf_optimizer is preloaded.';

CREATE FUNCTION perf_optimizer.wait_stats(
  OUT looks bigint,
  OUT last_look timestamptz,
  OUT pause_ms int,
  OUT statements int,
  OUT max_statements int,
  OUT evicted bigint)
LANGUAGE c VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_wait_stats';
COMMENT ON FUNCTION perf_optimizer.wait_stats() IS
'How the sampler of waits does, for the whole cluster: looks at the sessions since the server started, the last of them, how long it pauses until the next one (longer while nobody is
active, NULL when perf_optimizer.sample_interval is 0), how many statements it counts for of the most that it can, and how many were forgotten to make room.
Errors: 55000 unless perf_optimizer is preloaded.';
/* ---- workload: reports as documents ---- */

CREATE FUNCTION perf_optimizer.report_window(since timestamptz, until timestamptz, OUT from_at timestamptz, OUT to_at timestamptz)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  to_at := coalesce(until, clock_timestamp());
  from_at := coalesce(since, to_at - interval '1 day');
  IF NOT isfinite(from_at) OR NOT isfinite(to_at) THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('argument "%s" must be finite', CASE WHEN isfinite(from_at) THEN 'until' ELSE 'since' END), HINT = 'Leave both out for the last day.';
  ELSIF from_at >= to_at THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'argument "since" must be before "until"', HINT = 'Leave both out for the last day.';
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.report_window(timestamptz, timestamptz) IS
'The interval of a report: the day before "until", which is now, where nothing is said. Raises 22023 when it is empty or endless. Internal.';

CREATE FUNCTION perf_optimizer.is_own_text(query text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(query OPERATOR(pg_catalog.~) 'perf_optimizer[."]', false);
COMMENT ON FUNCTION perf_optimizer.is_own_text(text) IS 'Whether a statement names this extension; reports leave those out. Internal.';

CREATE FUNCTION perf_optimizer.statement_rules(
  calls float8, total_ms float8, hit_blocks float8, read_blocks float8, temp_bytes float8, wal_bytes float8,
  all_ms float8, all_read_blocks float8, all_temp_bytes float8, all_wal_bytes float8,
  p50_ms float8 DEFAULT NULL, p95_ms float8 DEFAULT NULL, p99_ms float8 DEFAULT NULL) RETURNS text[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_statement_rules';
COMMENT ON FUNCTION perf_optimizer.statement_rules(float8, float8, float8, float8, float8, float8, float8, float8, float8, float8, float8, float8, float8) IS
'The findings of slow_queries that the counters of a statement decide beside the sums of all: slow-query, high-total-time, low-hit-ratio, temp-heavy, wal-heavy, and with percentiles
high-variance. Internal.';

/* ---- from the history ---- */

CREATE FUNCTION perf_optimizer.report_totals(since timestamptz, until timestamptz, windows perf_optimizer.statement_window[], recent boolean) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT to_jsonb(n) || to_jsonb(s) || jsonb_build_object('since', since, 'until', until, 'hit_ratio', n.blocks_hit / nullif(n.blocks_hit + n.blocks_read, 0), 'mean_ms', s.total_ms / nullif(s.calls, 0))
    FROM (SELECT count(*) AS snapshots, sum(extract(epoch FROM x.taken_at - greatest(x.from_at, since)))::float8 AS seconds, sum(x.commits) AS commits, sum(x.rollbacks) AS rollbacks,
                 sum(x.blocks_hit) AS blocks_hit, sum(x.blocks_read) AS blocks_read, sum(x.temp_bytes) AS temp_bytes, sum(x.deadlocks) AS deadlocks, max(x.connections) AS connections,
                 max(x.max_connections) AS max_connections, (array_agg(x.database_bytes ORDER BY x.taken_at DESC))[1] AS database_bytes
            FROM perf_optimizer.snapshots x WHERE x.taken_at > since AND x.taken_at <= until) n
   CROSS JOIN (SELECT sum(w.calls) AS calls, sum(w.total_ms) AS total_ms, count(DISTINCT w.query_id) AS statements, sum(w.wal_bytes) AS wal_bytes
                 FROM unnest(windows) w WHERE w.is_recent = recent AND w.toplevel) s
$$;
COMMENT ON FUNCTION perf_optimizer.report_totals(timestamptz, timestamptz, perf_optimizer.statement_window[], boolean) IS
'Sums over the snapshots of an interval, and over its statements as far as you may see them. Internal.';

CREATE FUNCTION perf_optimizer.costliest_statements(
  windows perf_optimizer.statement_window[],
  max_rows int,
  OUT query_id bigint,
  OUT userid oid,
  OUT toplevel boolean,
  OUT query text,
  OUT recent perf_optimizer.statement_window,
  OUT all_ms float8,
  OUT all_read float8,
  OUT all_temp float8,
  OUT all_wal float8)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
  WITH summed AS (
    SELECT w AS recent, w.query_id, w.userid, w.toplevel, sum(w.total_ms) FILTER (WHERE w.toplevel) OVER () AS all_ms, sum(w.read_blocks) FILTER (WHERE w.toplevel) OVER () AS all_read,
           sum(w.temp_bytes) FILTER (WHERE w.toplevel) OVER () AS all_temp, sum(w.wal_bytes) FILTER (WHERE w.toplevel) OVER () AS all_wal
      FROM unnest(windows) w WHERE w.is_recent),
  ranked AS (
    SELECT s.*, t.query, row_number() OVER (ORDER BY (s.recent).total_ms DESC, s.query_id) AS place
      FROM summed s LEFT JOIN perf_optimizer.text_history t USING (query_id, userid)
     WHERE NOT perf_optimizer.is_own_text(t.query))
  SELECT r.query_id, r.userid, r.toplevel, r.query, r.recent, r.all_ms, r.all_read, r.all_temp, r.all_wal
    FROM ranked r
   WHERE r.place <= max_rows
      OR perf_optimizer.statement_rules((r.recent).calls, (r.recent).total_ms, (r.recent).hit_blocks, (r.recent).read_blocks, (r.recent).temp_bytes, (r.recent).wal_bytes,
                                        r.all_ms, r.all_read, r.all_temp, r.all_wal) && ARRAY['low-hit-ratio', 'temp-heavy', 'wal-heavy']
   ORDER BY r.place
$$;
COMMENT ON FUNCTION perf_optimizer.costliest_statements(perf_optimizer.statement_window[], int) IS
'The statements of the recent interval that took most time, and those that read or wrote much of what all do, with the sums of all. Internal.';

CREATE FUNCTION perf_optimizer.statement_details(
  since timestamptz,
  until timestamptz,
  query_id bigint,
  userid oid,
  toplevel boolean,
  OUT latency_ms float8[],
  OUT counts bigint[],
  OUT points jsonb)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH inside AS MATERIALIZED (
    SELECT h.taken_at, h.calls, h.total_ms, h.latency_ms, h.counts, ntile(120) OVER (ORDER BY h.taken_at) AS part
      FROM perf_optimizer.statement_history h
     WHERE h.query_id = statement_details.query_id AND h.userid = statement_details.userid AND h.toplevel = statement_details.toplevel AND h.taken_at > since AND h.taken_at <= until)
  SELECT b.latency_ms, b.counts, p.points
    FROM (SELECT array_agg(x.latency ORDER BY x.latency) AS latency_ms, array_agg(x.n ORDER BY x.latency) AS counts
            FROM (SELECT u.latency, sum(u.n)::bigint AS n FROM inside i CROSS JOIN LATERAL unnest(i.latency_ms, i.counts) u(latency, n) GROUP BY 1) x) b
   CROSS JOIN (SELECT jsonb_agg(jsonb_build_array(x.at, x.mean_ms, x.calls) ORDER BY x.at) AS points
                 FROM (SELECT extract(epoch FROM max(i.taken_at))::bigint AS at, sum(i.total_ms) / sum(i.calls) AS mean_ms, sum(i.calls) AS calls
                         FROM inside i GROUP BY i.part) x) p
$$;
COMMENT ON FUNCTION perf_optimizer.statement_details(timestamptz, timestamptz, bigint, oid, boolean) IS
'The histogram of a statement in an interval, and its course: moment, mean time and calls of up to 120 parts. Internal.';

CREATE FUNCTION perf_optimizer.report_statements(since timestamptz, until timestamptz, windows perf_optimizer.statement_window[], max_rows int) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  WITH top AS MATERIALIZED (
    SELECT c.*, d.*, perf_optimizer.histogram_percentile(d.latency_ms, d.counts, 0.50) AS p50, perf_optimizer.histogram_percentile(d.latency_ms, d.counts, 0.95) AS p95,
           perf_optimizer.histogram_percentile(d.latency_ms, d.counts, 0.99) AS p99
      FROM perf_optimizer.costliest_statements(windows, max_rows) c
     CROSS JOIN LATERAL perf_optimizer.statement_details(since, until, c.query_id, c.userid, c.toplevel) d),
  waits AS (
    SELECT l.query_id, l.userid, jsonb_object_agg(l.wait_class, l.seconds) AS seconds
      FROM (SELECT h.query_id, h.userid, h.wait_class, sum(h.seconds) AS seconds
              FROM perf_optimizer.load_history h WHERE h.taken_at > since AND h.taken_at <= until AND h.query_id IS NOT NULL GROUP BY 1, 2, 3) l
     GROUP BY 1, 2)
  SELECT jsonb_agg(jsonb_build_object(
           'query_id', t.query_id::text, 'role', pg_get_userbyid(t.userid), 'toplevel', t.toplevel, 'query', left(t.query, 4000), 'calls', r.calls, 'total_ms', r.total_ms,
           'time_share_pct', 100 * r.total_ms / nullif(t.all_ms, 0), 'mean_ms', r.total_ms / r.calls, 'stddev_ms', sqrt(r.squares / r.calls), 'earlier_mean_ms', e.total_ms / e.calls,
           'p50_ms', t.p50, 'p95_ms', t.p95, 'p99_ms', t.p99, 'rows_per_call', r.row_count / r.calls, 'hit_ratio', r.hit_blocks / nullif(r.hit_blocks + r.read_blocks, 0),
           'read_blocks', r.read_blocks, 'temp_bytes', r.temp_bytes, 'wal_bytes', r.wal_bytes, 'latency_ms', t.latency_ms, 'counts', t.counts, 'points', t.points, 'waits', w.seconds,
           'rules', perf_optimizer.statement_rules(r.calls, r.total_ms, r.hit_blocks, r.read_blocks, r.temp_bytes, r.wal_bytes, t.all_ms, t.all_read, t.all_temp, t.all_wal, t.p50, t.p95, t.p99))
         ORDER BY r.total_ms DESC, t.query_id)
    FROM top t
   CROSS JOIN LATERAL (SELECT (t.recent).*) r
    LEFT JOIN unnest(windows) e ON NOT e.is_recent AND e.query_id = t.query_id AND e.userid = t.userid AND e.toplevel = t.toplevel
    LEFT JOIN waits w ON w.query_id = t.query_id AND w.userid = t.userid
$$;
COMMENT ON FUNCTION perf_optimizer.report_statements(timestamptz, timestamptz, perf_optimizer.statement_window[], int) IS
'The costliest statements of an interval of the history with percentiles, histogram, course, waits and the rules that fire. Internal.';

CREATE FUNCTION perf_optimizer.report_changes(windows perf_optimizer.statement_window[], max_rows int) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH pairs AS (
    SELECT query_id, userid, toplevel, coalesce(b.total_ms, 0) AS before_ms, coalesce(r.total_ms, 0) AS now_ms, b.calls AS before_calls, r.calls AS now_calls
      FROM (SELECT * FROM unnest(windows) w WHERE NOT w.is_recent) b FULL JOIN (SELECT * FROM unnest(windows) w WHERE w.is_recent) r USING (query_id, userid, toplevel)
     WHERE EXISTS (SELECT 1 FROM unnest(windows) w WHERE NOT w.is_recent)),
  top AS (
    SELECT p.*, t.query FROM pairs p LEFT JOIN perf_optimizer.text_history t USING (query_id, userid)
     WHERE p.now_ms <> p.before_ms AND NOT perf_optimizer.is_own_text(t.query)
     ORDER BY abs(p.now_ms - p.before_ms) DESC, p.query_id LIMIT max_rows)
  SELECT coalesce(jsonb_agg(jsonb_build_object(
           'query', left(t.query, 1000), 'query_id', t.query_id::text, 'role', pg_get_userbyid(t.userid),
           'change', CASE WHEN t.before_calls IS NULL THEN 'new' WHEN t.now_calls IS NULL THEN 'gone' WHEN t.now_ms > t.before_ms THEN 'more' ELSE 'less' END,
           'total_before_ms', t.before_ms, 'total_ms', t.now_ms, 'difference_ms', t.now_ms - t.before_ms, 'calls_before', t.before_calls, 'calls', t.now_calls,
           'mean_before_ms', t.before_ms / t.before_calls, 'mean_ms', t.now_ms / t.now_calls)
         ORDER BY abs(t.now_ms - t.before_ms) DESC, t.query_id), '[]')
    FROM top t
$$;
COMMENT ON FUNCTION perf_optimizer.report_changes(perf_optimizer.statement_window[], int) IS
'The statements whose total time changed most from one interval to the next; none when the first has no snapshot. Internal.';

CREATE FUNCTION perf_optimizer.report_load(since timestamptz, until timestamptz) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH placed AS MATERIALIZED (
    SELECT s.snapshot_id, s.from_at, s.taken_at, ntile(240) OVER (ORDER BY s.taken_at) AS part
      FROM perf_optimizer.snapshots s WHERE s.taken_at > since AND s.taken_at <= until),
  parts AS (
    SELECT p.part, min(p.from_at) AS from_at, max(p.taken_at) AS to_at FROM placed p GROUP BY 1),
  classes AS (
    SELECT p.part, l.wait_class, sum(l.seconds) AS seconds FROM perf_optimizer.load_history l JOIN placed p USING (snapshot_id) GROUP BY 1, 2)
  SELECT coalesce(jsonb_agg(jsonb_build_object('from', extract(epoch FROM p.from_at)::bigint, 'to', extract(epoch FROM p.to_at)::bigint, 'sessions', coalesce(c.sessions, '{}')) ORDER BY p.to_at), '[]')
    FROM parts p
    LEFT JOIN LATERAL (SELECT jsonb_object_agg(k.wait_class, k.seconds / greatest(extract(epoch FROM p.to_at - p.from_at), 1)) AS sessions FROM classes k WHERE k.part = p.part) c ON true
$$;
COMMENT ON FUNCTION perf_optimizer.report_load(timestamptz, timestamptz) IS 'Average sessions by wait class in up to 240 parts of an interval. Internal.';

CREATE FUNCTION perf_optimizer.report_tables(since timestamptz, until timestamptz, max_rows int) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH newest AS (
    SELECT DISTINCT ON (h.relid) h.relid, h.relation, h.live_rows, h.dead_rows, h.total_bytes
      FROM perf_optimizer.table_history h WHERE h.taken_at > since AND h.taken_at <= until ORDER BY h.relid, h.taken_at DESC),
  summed AS (
    SELECT h.relid, sum(h.seq_scan) AS seq_scans, sum(h.seq_tup_read) AS rows_read_by_seq_scans, sum(h.idx_scan) AS index_scans, sum(h.inserted) AS inserted, sum(h.updated) AS updated,
           sum(h.deleted) AS deleted, sum(h.seq_tup_read + h.idx_scan + h.inserted + h.updated + h.deleted) AS activity
      FROM perf_optimizer.table_history h WHERE h.taken_at > since AND h.taken_at <= until GROUP BY 1 ORDER BY activity DESC, h.relid LIMIT max_rows)
  SELECT coalesce(jsonb_agg(jsonb_build_object(
           'relation', n.relation, 'seq_scans', s.seq_scans, 'rows_read_by_seq_scans', s.rows_read_by_seq_scans, 'index_scans', s.index_scans, 'inserted', s.inserted, 'updated', s.updated,
           'deleted', s.deleted, 'live_rows', n.live_rows, 'dead_rows', n.dead_rows, 'size_bytes', n.total_bytes) ORDER BY s.activity DESC, n.relation), '[]')
    FROM summed s JOIN newest n USING (relid)
$$;
COMMENT ON FUNCTION perf_optimizer.report_tables(timestamptz, timestamptz, int) IS 'The busiest tables of an interval. Internal.';

/* ---- from what is tracked now ---- */

CREATE FUNCTION perf_optimizer.live_statements(max_rows int) RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_agg(jsonb_build_object(
           'query_id', t.query_id::text, 'role', pg_get_userbyid(t.userid), 'toplevel', t.toplevel, 'query', left(x.query, 4000), 'calls', t.calls, 'total_ms', t.total_time_ms,
           'mean_ms', t.mean_time_ms, 'stddev_ms', t.stddev_time_ms, 'p50_ms', t.p50_ms, 'p95_ms', t.p95_ms, 'p99_ms', t.p99_ms,
           'rows_per_call', t.row_count / nullif(t.calls, 0), 'time_share_pct', 100 * t.total_time_ms / nullif(t.all_ms, 0), 'latency_ms', h.latency_ms, 'counts', h.counts,
           'rules', perf_optimizer.statement_rules(t.calls, t.total_time_ms, 0, 0, 0, 0, t.all_ms, 0, 0, 0, t.p50_ms, t.p95_ms, t.p99_ms))
         ORDER BY t.total_time_ms DESC, t.query_id)
    FROM (SELECT s.*, x.query, sum(s.total_time_ms) FILTER (WHERE s.toplevel) OVER () AS all_ms
            FROM perf_optimizer.tracked_statements() s LEFT JOIN perf_optimizer.statement_texts() x USING (query_id, userid)
           WHERE s.query_id IS NOT NULL AND s.calls > 0 AND NOT perf_optimizer.is_own_text(x.query) ORDER BY s.total_time_ms DESC LIMIT max_rows) t
    LEFT JOIN perf_optimizer.tracked_histograms() h USING (query_id, userid, toplevel)
   CROSS JOIN LATERAL (SELECT t.query) x
$$;
COMMENT ON FUNCTION perf_optimizer.live_statements(int) IS 'The costliest tracked statements, for reports on intervals without snapshots. Internal.';

CREATE FUNCTION perf_optimizer.live_load() RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH minutes AS (
    SELECT date_trunc('minute', w.at) AS minute, w.wait_class, sum(w.sessions) * extract(epoch FROM current_setting('perf_optimizer.sample_interval')::interval) / 60 AS sessions
      FROM perf_optimizer.wait_history() w GROUP BY 1, 2)
  SELECT coalesce(jsonb_agg(jsonb_build_object('from', extract(epoch FROM m.minute)::bigint, 'to', extract(epoch FROM m.minute)::bigint + 60, 'sessions', m.sessions) ORDER BY m.minute), '[]')
    FROM (SELECT k.minute, jsonb_object_agg(k.wait_class, k.sessions) AS sessions FROM minutes k GROUP BY 1) m
$$;
COMMENT ON FUNCTION perf_optimizer.live_load() IS 'Average sessions by wait class in the last minutes, for reports on intervals without snapshots. Internal.';

CREATE FUNCTION perf_optimizer.report_n_plus_one(max_rows int) RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(jsonb_agg(to_jsonb(q) ORDER BY q.total_time_ms DESC), '[]')
    FROM (SELECT n.query, n.relation::text AS relation, n.kind, n.bursts, n.executions, n.avg_burst, n.max_burst, n.total_time_ms, n.parent_query, n.suggestion
            FROM perf_optimizer.n_plus_one_queries() n WHERE n.query IS NOT NULL AND NOT perf_optimizer.is_own_text(n.query) LIMIT max_rows) q
$$;
COMMENT ON FUNCTION perf_optimizer.report_n_plus_one(int) IS 'The costliest bursts. Internal.';

CREATE FUNCTION perf_optimizer.report_indexes(max_rows int) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(jsonb_agg(to_jsonb(i) ORDER BY i.size_bytes DESC, i.index_name), '[]')
    FROM (SELECT format('%I.%I', x.schemaname, x.indexrelname) AS index_name, format('%I.%I', x.schemaname, x.relname) AS table_name, x.idx_scan AS scans_since_reset,
                 perf_optimizer.last_known_bytes(x.indexrelid) AS size_bytes, g.indisunique AS is_unique,
                 CASE WHEN NOT g.indisvalid THEN 'invalid: no query uses it, writes maintain it'
                      WHEN x.idx_scan = 0 AND NOT g.indisunique AND NOT g.indisreplident THEN 'never scanned on this node since statistics began' END AS note
            FROM pg_stat_user_indexes x JOIN pg_index g ON g.indexrelid = x.indexrelid JOIN pg_class c ON c.oid = x.indexrelid
           WHERE x.schemaname <> 'perf_optimizer' ORDER BY c.relpages DESC, x.indexrelid LIMIT max_rows) i
$$;
COMMENT ON FUNCTION perf_optimizer.report_indexes(int) IS 'Facts about the largest indexes. Internal.';

CREATE FUNCTION perf_optimizer.report_maintenance() RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object(
    'matviews', coalesce((SELECT jsonb_agg(jsonb_build_object('matview', m.matview::text, 'last_refresh', m.last_refresh, 'mode', m.last_mode, 'duration_ms', m.last_duration_ms, 'stale', m.stale,
                                                              'size_bytes', m.size_bytes, 'finding', m.finding, 'suggested_sql', m.suggested_sql) ORDER BY m.matview::text) FROM perf_optimizer.matview_status m), '[]'),
    'jobs', coalesce((SELECT jsonb_agg(jsonb_build_object('job_id', j.job_id, 'job', j.name, 'kind', j.kind, 'target', j.target, 'schedule', j.schedule, 'enabled', j.enabled, 'last_run', j.last_run,
                                                          'last_status', j.last_status, 'failures_in_a_row', j.consecutive_failures, 'next_run', j.next_run) ORDER BY j.name, j.job_id) FROM perf_optimizer.jobs j), '[]'),
    'archive_policies', coalesce((SELECT jsonb_agg(jsonb_build_object('policy', p.policy, 'relation', p.relation, 'strategy', p.strategy, 'older_than', p.older_than, 'schedule', p.schedule,
                                                                      'last_archive', r.finished_at, 'last_status', r.status, 'rows', r.rows_archived, 'why_stopped', r.why_stopped, 'message', r.message) ORDER BY p.policy)
                                    FROM perf_optimizer.archive_policies p
                                    LEFT JOIN LATERAL (SELECT * FROM perf_optimizer.archive_runs a WHERE a.policy = p.policy ORDER BY a.run_id DESC LIMIT 1) r ON true), '[]'))
$$;
COMMENT ON FUNCTION perf_optimizer.report_maintenance() IS 'The state of materialized views, jobs and archive policies, as far as you may see them. Internal.';

/* ---- what it means ---- */

CREATE FUNCTION perf_optimizer.rule_advice(rule text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE rule
    WHEN 'slow-query' THEN 'Look at its plan with analyze_query.'
    WHEN 'high-total-time' THEN 'Make it faster, run it less often, or cache its result: nothing else saves as much.'
    WHEN 'high-variance' THEN 'Look at query_samples: other values, locks or cold data may be behind the slow executions.'
    WHEN 'low-hit-ratio' THEN 'It reads from outside shared buffers: an index that reads less, or more memory.'
    WHEN 'temp-heavy' THEN 'It sorts or hashes on disk: raise work_mem for it, or let an index deliver the order.'
    WHEN 'wal-heavy' THEN 'Write fewer rows or fewer indexes, or spread checkpoints further apart.'
    WHEN 'regression' THEN 'See what changed since: values, amount of data, settings, statistics (ANALYZE).'
    WHEN 'plan-flip' THEN 'The planner chose another plan: compare both, then ANALYZE or correct the estimate that is off.'
    WHEN 'n-plus-one' THEN 'Read the rows of all values with one statement.'
    WHEN 'repeated-query' THEN 'Keep its result for the transaction, or cache it.'
    WHEN 'missing-index' THEN 'Create the index while the system is quiet, and measure again.'
    WHEN 'job-fails' THEN 'Read the error in job_attempts; retry_job runs it again.'
    WHEN 'archive-fails' THEN 'preview_archive lists what is in the way.'
    END
$$;
COMMENT ON FUNCTION perf_optimizer.rule_advice(text) IS 'What to do about a finding of a report, in a sentence. Internal.';

CREATE TYPE perf_optimizer.report_finding AS (rule text, severity text, object text, message text, evidence jsonb, suggested_sql text, weight float8);
COMMENT ON TYPE perf_optimizer.report_finding IS 'A finding of a report; those of one severity are ordered by weight, as a rule the percentage of the workload that it concerns. Internal.';

CREATE FUNCTION perf_optimizer.statement_findings(statements jsonb) RETURNS SETOF perf_optimizer.report_finding
LANGUAGE sql STABLE PARALLEL SAFE ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT r.rule,
         CASE WHEN r.rule = 'slow-query' AND s.mean_ms >= 1000 OR r.rule = 'high-total-time' AND s.time_share_pct >= 50 THEN 'high' WHEN r.rule = 'high-variance' THEN 'low' ELSE 'medium' END,
         s.query_id,
         CASE r.rule
           WHEN 'slow-query' THEN format('takes %s ms on average over %s calls', round(s.mean_ms::numeric, 1), s.calls)
           WHEN 'high-total-time' THEN format('takes %s %% of all execution time', round(s.time_share_pct::numeric, 1))
           WHEN 'high-variance' THEN format('its slowest hundredth takes %s ms or more, the middle %s ms', round(s.p99_ms::numeric, 2), round(s.p50_ms::numeric, 3))
           WHEN 'low-hit-ratio' THEN format('found %s %% of its blocks in shared buffers and read %s', round((100 * s.hit_ratio)::numeric, 1), pg_size_pretty((s.read_blocks * current_setting('block_size')::int)::bigint))
           WHEN 'temp-heavy' THEN format('wrote %s to temporary files', pg_size_pretty(s.temp_bytes::bigint))
           WHEN 'wal-heavy' THEN format('wrote %s of WAL', pg_size_pretty(s.wal_bytes::bigint)) END,
         jsonb_strip_nulls(jsonb_build_object('query', left(s.query, 300) || CASE WHEN length(s.query) > 300 THEN '…' ELSE '' END, 'role', s.role, 'calls', s.calls, 'total_ms', s.total_ms, 'p95_ms', s.p95_ms)), NULL, s.time_share_pct
    FROM jsonb_to_recordset(statements) AS s(query_id text, role text, query text, calls float8, total_ms float8, mean_ms float8, time_share_pct float8, p50_ms float8, p95_ms float8, p99_ms float8,
                                             hit_ratio float8, read_blocks float8, temp_bytes float8, wal_bytes float8, rules text[])
   CROSS JOIN LATERAL unnest(s.rules) r(rule)
   WHERE r.rule <> 'high-variance' OR s.p99_ms >= 1
$$;
COMMENT ON FUNCTION perf_optimizer.statement_findings(jsonb) IS 'The findings of the statements of a report. Internal.';

CREATE FUNCTION perf_optimizer.advice_findings(indexes jsonb, bursts jsonb, all_ms float8) RETURNS SETOF perf_optimizer.report_finding
LANGUAGE sql STABLE PARALLEL SAFE ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 'missing-index', CASE WHEN i.improvement_pct - coalesce(i.earlier_pct, 0) >= 50 THEN 'high' WHEN i.improvement_pct - coalesce(i.earlier_pct, 0) >= 10 THEN 'medium' ELSE 'low' END, i.relation, i.reason,
         jsonb_build_object('improvement_pct', i.improvement_pct, 'size_bytes', i.estimated_size_bytes, 'statements_improved', i.queries_improved), i.definition, i.improvement_pct - coalesce(i.earlier_pct, 0)
    FROM (SELECT x.*, lag(x.improvement_pct) OVER (ORDER BY x.rank) AS earlier_pct
            FROM jsonb_to_recordset(indexes) AS x(rank int, relation text, definition text, estimated_size_bytes bigint, improvement_pct float8, queries_improved int, reason text)) i
  UNION ALL
  SELECT b.kind, CASE WHEN b.max_burst >= 50 THEN 'medium' ELSE 'low' END, b.relation, format('one session runs it up to %s times in a row, %s times in all', b.max_burst, b.executions),
         jsonb_strip_nulls(jsonb_build_object('query', left(b.query, 300), 'parent', left(b.parent_query, 300), 'total_ms', b.total_time_ms)), CASE WHEN b.kind = 'n-plus-one' THEN b.suggestion END, 100 * b.total_time_ms / greatest(all_ms, b.total_time_ms, 1)
    FROM jsonb_to_recordset(bursts) AS b(kind text, relation text, query text, parent_query text, suggestion text, max_burst bigint, executions bigint, total_time_ms float8)
$$;
COMMENT ON FUNCTION perf_optimizer.advice_findings(jsonb, jsonb, float8) IS 'The findings of the suggested indexes and the bursts of a report, beside the time of all statements. Internal.';

CREATE FUNCTION perf_optimizer.regression_findings(windows perf_optimizer.statement_window[], since timestamptz, until timestamptz) RETURNS SETOF perf_optimizer.report_finding
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT r.rule, 'high', r.query_id::text, r.message,
         jsonb_strip_nulls(jsonb_build_object('query', left(r.query, 300), 'role', r.role_name, 'factor', r.factor, 'p_value', r.p_value, 'plan_before', r.baseline_plan,
                                              'plan_now', CASE WHEN r.recent_plan_id <> r.baseline_plan_id THEN r.recent_plan END)),
         NULL, r.time_share_pct
    FROM perf_optimizer.find_regressions(windows, since - interval '7 days', since, until) r WHERE NOT perf_optimizer.is_own_text(r.query)
$$;
COMMENT ON FUNCTION perf_optimizer.regression_findings(perf_optimizer.statement_window[], timestamptz, timestamptz) IS 'The statements that are slower in an interval than in the seven days before it. Internal.';

CREATE FUNCTION perf_optimizer.maintenance_findings(maintenance jsonb) RETURNS SETOF perf_optimizer.report_finding
LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 'job-fails', CASE WHEN j.failures_in_a_row >= 3 THEN 'high' ELSE 'medium' END, j.job, CASE j.failures_in_a_row WHEN 1 THEN 'its last run failed' ELSE format('its last %s runs failed', j.failures_in_a_row) END,
         jsonb_build_object('kind', j.kind, 'target', j.target, 'last_run', j.last_run, 'last_status', j.last_status), format('SELECT perf_optimizer.run_job(%s)', j.job_id), 100
    FROM jsonb_to_recordset(maintenance->'jobs') AS j(job_id bigint, job text, kind text, target text, last_run timestamptz, last_status text, failures_in_a_row int) WHERE j.failures_in_a_row > 0
  UNION ALL
  SELECT 'archive-fails', 'medium', a.policy, coalesce(a.message, a.why_stopped), jsonb_build_object('relation', a.relation, 'last_archive', a.last_archive),
         format('SELECT * FROM perf_optimizer.preview_archive(%L)', a.policy), 50
    FROM jsonb_to_recordset(maintenance->'archive_policies') AS a(policy text, relation text, last_status text, last_archive timestamptz, why_stopped text, message text) WHERE a.last_status IN ('failed', 'crashed')
  UNION ALL
  SELECT 'matview', CASE WHEN m.last_refresh IS NULL THEN 'low' ELSE 'medium' END, m.matview, m.finding, jsonb_build_object('size_bytes', m.size_bytes), m.suggested_sql, 1
    FROM jsonb_to_recordset(maintenance->'matviews') AS m(matview text, finding text, suggested_sql text, size_bytes bigint, last_refresh timestamptz) WHERE m.finding IS NOT NULL
$$;
COMMENT ON FUNCTION perf_optimizer.maintenance_findings(jsonb) IS 'The findings of the jobs, archive policies and materialized views of a report. Internal.';

CREATE FUNCTION perf_optimizer.report_findings(windows perf_optimizer.statement_window[], totals jsonb, statements jsonb, indexes jsonb, bursts jsonb, maintenance jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(jsonb_agg(to_jsonb(f) - 'weight' || jsonb_build_object('advice', perf_optimizer.rule_advice(f.rule))
                            ORDER BY array_position(ARRAY['high', 'medium', 'low', 'info'], f.severity), f.weight DESC, f.rule, f.object), '[]')
    FROM (SELECT * FROM perf_optimizer.statement_findings(statements)
          UNION ALL SELECT * FROM perf_optimizer.advice_findings(indexes, bursts, (totals->>'total_ms')::float8)
          UNION ALL SELECT * FROM perf_optimizer.regression_findings(windows, (totals->>'since')::timestamptz, (totals->>'until')::timestamptz)
          UNION ALL SELECT * FROM perf_optimizer.maintenance_findings(maintenance)) f
$$;
COMMENT ON FUNCTION perf_optimizer.report_findings(perf_optimizer.statement_window[], jsonb, jsonb, jsonb, jsonb, jsonb) IS 'What a report finds, most severe first. Internal.';

CREATE FUNCTION perf_optimizer.report_tiles(t jsonb, e jsonb, findings jsonb, jobs jsonb, tracking jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH n AS (
    SELECT (t->>'hit_ratio')::float8 AS hit_ratio, (t->>'blocks_hit')::float8 + (t->>'blocks_read')::float8 AS blocks, (t->>'connections')::float8 / (t->>'max_connections')::float8 AS connected,
           (t->>'rollbacks')::float8 AS rollbacks, (t->>'commits')::float8 AS commits, (t->>'deadlocks')::float8 AS deadlocks, (SELECT age(d.datfrozenxid) FROM pg_database d WHERE d.datname = current_database()) AS age,
           (SELECT count(*) FROM jsonb_array_elements(findings) f WHERE f->>'severity' = 'high') AS high, (SELECT count(*) FROM jsonb_array_elements(findings) f WHERE f->>'severity' = 'medium') AS medium,
           (SELECT count(*) FROM jsonb_array_elements(jobs) j WHERE (j->>'failures_in_a_row')::int > 0) AS failing),
  tiles (label, unit, value, before, state, note) AS (
    SELECT 'Findings', 'n', to_jsonb(jsonb_array_length(findings)), NULL::jsonb, CASE WHEN n.high > 0 THEN 'bad' WHEN n.medium > 0 THEN 'warn' ELSE 'good' END, CASE WHEN n.high > 0 THEN n.high || ' high' END FROM n
    UNION ALL VALUES ('Execution time', 'ms', t->'total_ms', e->'total_ms', NULL, NULL), ('Calls', 'n', t->'calls', e->'calls', NULL, NULL), ('Mean time', 'ms', t->'mean_ms', e->'mean_ms', NULL, NULL)
    UNION ALL SELECT 'Buffer hits', 'ratio', t->'hit_ratio', e->'hit_ratio', CASE WHEN n.blocks >= 100000 THEN CASE WHEN n.hit_ratio < 0.9 THEN 'warn' ELSE 'good' END END, NULL FROM n
    UNION ALL SELECT 'Connections, most', 'n', t->'connections', e->'connections', CASE WHEN n.connected > 0.9 THEN 'bad' WHEN n.connected > 0.8 THEN 'warn' ELSE 'good' END, 'of ' || (t->>'max_connections') FROM n WHERE n.connected IS NOT NULL
    UNION ALL VALUES ('Commits', 'n', t->'commits', e->'commits', NULL, NULL)
    UNION ALL SELECT 'Rollbacks', 'n', t->'rollbacks', e->'rollbacks', CASE WHEN n.rollbacks >= 100 AND n.rollbacks >= 0.1 * (n.commits + n.rollbacks) THEN 'warn' ELSE 'good' END, NULL FROM n WHERE n.rollbacks IS NOT NULL
    UNION ALL SELECT 'Deadlocks', 'n', t->'deadlocks', e->'deadlocks', CASE WHEN n.deadlocks > 0 THEN 'warn' ELSE 'good' END, NULL FROM n WHERE n.deadlocks IS NOT NULL
    UNION ALL VALUES ('Temporary files', 'bytes', t->'temp_bytes', e->'temp_bytes', NULL, NULL), ('Database', 'bytes', t->'database_bytes', e->'database_bytes', NULL, NULL)
    UNION ALL SELECT 'Oldest transaction ids', 'n', to_jsonb(n.age), NULL, CASE WHEN n.age >= 1000000000 THEN 'bad' WHEN n.age >= 0.75 * current_setting('autovacuum_freeze_max_age')::float8 THEN 'warn' ELSE 'good' END,
                     'vacuum forced at ' || trim(to_char(current_setting('autovacuum_freeze_max_age')::bigint, '999G999G999G999')) FROM n
    UNION ALL SELECT 'Jobs', 'n', to_jsonb(jsonb_array_length(jobs)), NULL, CASE WHEN n.failing > 0 THEN 'bad' ELSE 'good' END, CASE WHEN n.failing > 0 THEN n.failing || ' failing' END FROM n WHERE jobs <> '[]'
    UNION ALL SELECT 'Tracked statements', 'n', tracking->'statements', NULL, CASE WHEN (tracking->>'evicted')::float8 > 0 THEN 'warn' ELSE 'good' END,
                     concat_ws(', ', 'of ' || (tracking->>'max_statements'), CASE WHEN (tracking->>'evicted')::float8 > 0 THEN (tracking->>'evicted') || ' evicted' END) WHERE tracking IS NOT NULL)
  SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(x))) FROM tiles x WHERE x.value IS NOT NULL AND x.value <> 'null'
$$;
COMMENT ON FUNCTION perf_optimizer.report_tiles(jsonb, jsonb, jsonb, jsonb, jsonb) IS
'The figures at the head of a report: label, unit (n, ms, bytes, ratio), value, that of the interval before, state (good, warn, bad) where it says something about health, a note. Internal.';

/* ---- the document ---- */

CREATE FUNCTION perf_optimizer.report_settings(since timestamptz, until timestamptz) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('seen_at', s.taken_at, 'name', s.name, 'before', s.previous, 'now', s.setting, 'unit', g.unit) ORDER BY s.taken_at DESC, s.name), '[]')
    FROM perf_optimizer.setting_history s LEFT JOIN pg_settings g USING (name) WHERE s.taken_at > since AND s.taken_at <= until
$$;
COMMENT ON FUNCTION perf_optimizer.report_settings(timestamptz, timestamptz) IS 'The settings that changed in an interval. Internal.';

CREATE FUNCTION perf_optimizer.report_plans(query_id bigint) RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('plan_id', p.plan_id::text, 'calls', p.calls, 'mean_ms', p.mean_time_ms, 'first_seen', p.first_seen, 'last_seen', p.last_seen, 'plan', p.plan)), '[]')
    FROM perf_optimizer.query_plans(query_id) p WHERE query_id IS NOT NULL
$$;
COMMENT ON FUNCTION perf_optimizer.report_plans(bigint) IS 'The plan shapes of a statement. Internal.';

CREATE FUNCTION perf_optimizer.compose_report(since timestamptz, until timestamptz, suggestions jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
  from_at timestamptz;
  to_at timestamptz;
  earlier_at timestamptz;
  is_tracked boolean := current_setting('perf_optimizer.track_max', true) IS NOT NULL;
  windows perf_optimizer.statement_window[];
  statements jsonb;
  load jsonb;
  bursts jsonb := '[]';
  tracking jsonb;
  totals jsonb;
  earlier jsonb;
  maintenance jsonb := perf_optimizer.report_maintenance();
  findings jsonb;
BEGIN
  SELECT w.from_at, w.to_at INTO from_at, to_at FROM perf_optimizer.report_window(since, until) w;
  earlier_at := from_at - (to_at - from_at);
  windows := ARRAY(SELECT w FROM perf_optimizer.statement_windows(earlier_at, from_at, to_at) w);
  totals := perf_optimizer.report_totals(from_at, to_at, windows, true);
  earlier := perf_optimizer.report_totals(earlier_at, from_at, windows, false);
  statements := perf_optimizer.report_statements(from_at, to_at, windows, 50);
  load := perf_optimizer.report_load(from_at, to_at);
  IF is_tracked THEN
    statements := coalesce(statements, perf_optimizer.live_statements(50));
    load := CASE WHEN load = '[]' THEN perf_optimizer.live_load() ELSE load END;
    bursts := perf_optimizer.report_n_plus_one(50);
    SELECT to_jsonb(t) INTO tracking FROM perf_optimizer.tracking_stats() t;
  END IF;
  statements := coalesce(statements, '[]');
  findings := perf_optimizer.report_findings(windows, totals, statements, coalesce(suggestions, '[]'), bursts, maintenance);
  RETURN jsonb_build_object(
    'generated_at', clock_timestamp(), 'since', from_at, 'until', to_at, 'database', current_database(), 'server', version(), 'tracked', is_tracked, 'tracking', tracking,
    'source', CASE WHEN (totals->>'snapshots')::int > 0 THEN 'history' ELSE 'live' END, 'totals', totals, 'earlier', earlier,
    'tiles', perf_optimizer.report_tiles(totals, earlier, findings, maintenance->'jobs', tracking), 'load', load,
    'findings', findings, 'statements', statements, 'changes', perf_optimizer.report_changes(windows, 20), 'n_plus_one', bursts,
    'plans', perf_optimizer.report_plans((statements->0->>'query_id')::bigint), 'suggested_indexes', suggestions,
    'tables', perf_optimizer.report_tables(from_at, to_at, 50), 'indexes', perf_optimizer.report_indexes(50),
    'settings', perf_optimizer.report_settings(from_at, to_at)) || maintenance;
END
$$;
COMMENT ON FUNCTION perf_optimizer.compose_report(timestamptz, timestamptz, jsonb) IS 'Does the work of workload_report, which hands it the suggested indexes. Internal.';

CREATE FUNCTION perf_optimizer.report_suggestions() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET client_min_messages = error
SET jit = off
AS $$
BEGIN
  -- The statements mean what they mean under the caller's search_path, so none is set here and every name is qualified.
  RETURN (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('rank', s.rank, 'relation', s.relation::pg_catalog.text, 'definition', s.definition,
            'estimated_size_bytes', s.estimated_size_bytes, 'improvement_pct', s.improvement_pct, 'queries_improved', s.queries_improved, 'reason', s.reason) ORDER BY s.rank)
            FROM perf_optimizer.suggest_indexes(max_indexes => 10, time_limit_ms => 250) s);
EXCEPTION WHEN object_not_in_prerequisite_state THEN
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION perf_optimizer.report_suggestions() IS 'The indexes that suggest_indexes names for this database''s workload within a quarter of a second; NULL without pg_stat_statements. Internal.';

CREATE FUNCTION perf_optimizer.workload_report(since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN perf_optimizer.compose_report(since, until, perf_optimizer.report_suggestions());
COMMENT ON FUNCTION perf_optimizer.workload_report(timestamptz, timestamptz) IS
'The workload of this database from since to until (default: the last day) as one document: health, totals and those of the interval before, load by wait class, ranked findings, the
costliest statements with percentiles, histograms, waits and their course, what changed from the interval before, N+1 statements, plans of the costliest statement, suggested indexes, tables,
indexes, materialized views, jobs, archive policies and changed settings. Statements that name this extension are left out of its lists. From the history (take_snapshot), or where the
interval has no snapshot ("source": "live") from what is tracked now. Holds what the caller may see.
Errors: 22023 when since is not before until.';
/* ---- workload: the report as a page ---- */

CREATE FUNCTION perf_optimizer.report_style() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$ SELECT $style$
:root { color-scheme: light dark; --bg: #f6f7f8; --fg: #1b2026; --soft: #55606c; --line: #d8dde3; --card: #ffffff; --code: #f1f3f5; --accent: #1f63ad; --good: #2e7d4f; --warn: #955800; --bad: #b3261e;
  --low: #3f6212; --heat: 200, 50, 30; --cpu: #2f9e5f; --io: #3477d6; --lock: #c8372d; --lwlock: #d97b29; --ipc: #8758c4; --wal: #4b3fb5; --replication: #b5418f; --client: #87919c; --other: #3fa3a3; --idle: #c29a12; }
@media (prefers-color-scheme: dark) { :root { --bg: #12161a; --fg: #e4e8ec; --soft: #9ca7b3; --line: #303840; --card: #1a2026; --code: #232a31; --accent: #79b1ee; --good: #6fcf97; --warn: #f0b34c; --bad: #ff8b7d;
  --low: #a5cf6d; --heat: 255, 105, 80; --cpu: #45b877; --io: #5b98ea; --lock: #e5584d; --lwlock: #e8954c; --ipc: #a680dd; --wal: #8b83f0; --replication: #dd77bd; --client: #9aa4ae; --other: #58bcbc; --idle: #d9b53a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem 1.25rem 3rem; max-width: 88rem; background: var(--bg); color: var(--fg); font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .2rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .3rem; }
h3 { font-size: .95rem; margin: 0 0 .3rem; } h3.next { margin-top: 1rem; }
p { margin: .2rem 0 .7rem; }
a { color: var(--accent); }
.soft { color: var(--soft); }
.small { font-size: .82rem; }
nav { position: sticky; top: 0; z-index: 1; display: flex; gap: .25rem 1rem; overflow-x: auto; margin: .6rem -1.25rem; padding: .5rem 1.25rem; background: var(--bg); border-bottom: 1px solid var(--line); white-space: nowrap; font-size: .88rem; }
nav a { text-decoration: none; }
section { scroll-margin-top: 3rem; }
h2 { scroll-margin-top: 3rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .6rem; margin: 1rem 0; }
.tile, .card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .55rem .75rem; min-width: 0; }
.tile { border-left: 4px solid var(--line); }
.tile.good { border-left-color: var(--good); } .tile.warn { border-left-color: var(--warn); } .tile.bad { border-left-color: var(--bad); }
.tile b { display: block; font-size: 1.3rem; line-height: 1.3; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.tile span { display: block; font-size: .82rem; }
.findings { list-style: none; margin: 0; padding: 0; display: grid; gap: .6rem; }
.findings p { margin: .15rem 0 .4rem; overflow-wrap: anywhere; }
.badge { display: inline-block; min-width: 4.2em; padding: 0 .5em; border: 1px solid currentColor; border-radius: 1em; font-size: .78rem; font-weight: 600; text-align: center; }
.high, .bad > .note { color: var(--bad); } .medium, .warn > .note { color: var(--warn); } .low { color: var(--low); } .info { color: var(--soft); }
.more { color: var(--bad); } .less { color: var(--good); }
code, pre { font: .82rem/1.45 ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; white-space: pre-wrap; margin: 0; }
.code { display: flex; gap: .5rem; align-items: flex-start; margin: .3rem 0; padding: .35rem .55rem; background: var(--code); border-radius: .35rem; }
.code code { flex: 1; min-width: 0; max-height: 16rem; overflow: auto; }
button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; text-align: inherit; }
.copy { padding: 0 .5rem; border: 1px solid var(--line); border-radius: .3rem; background: var(--card); font-size: .78rem; }
button:focus-visible, summary:focus-visible, a:focus-visible, input:focus-visible, .scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
input[type="search"] { width: min(24rem, 100%); margin: 0 0 .5rem; padding: .3rem .6rem; font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .4rem; }
table { border-collapse: collapse; width: 100%; font-size: .87rem; }
th, td { text-align: left; vertical-align: top; padding: .38rem .6rem; border-bottom: 1px solid var(--line); }
tbody tr:last-child > td { border-bottom: 0; }
th { vertical-align: bottom; font-weight: 600; white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th button { font-weight: 600; }
th button::after { content: "\2195"; display: inline-block; width: 1.1em; text-align: right; color: var(--soft); opacity: .55; }
th[aria-sort="ascending"] button::after { content: "\2191"; color: var(--accent); opacity: 1; }
th[aria-sort="descending"] button::after { content: "\2193"; color: var(--accent); opacity: 1; }
td code { display: block; min-width: 18rem; max-height: 6rem; overflow: auto; }
td .clamp { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; max-height: none; }
td .sub { display: block; font-size: .78rem; color: var(--soft); } td.n .sub { white-space: nowrap; }
.open, .all { color: var(--accent); font-size: .8rem; } .all { padding: .4rem 0; }
tr.detail > td { background: var(--code); }
.detail .grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: .8rem; position: sticky; left: .6rem; max-width: min(84rem, calc(100vw - 4.5rem)); }
.chart { display: grid; grid-template-columns: auto 1fr; gap: 0 .5rem; font-size: .78rem; color: var(--soft); }
.chart .y { display: flex; flex-direction: column; justify-content: space-between; text-align: right; font-variant-numeric: tabular-nums; }
.chart .x { grid-column: 2; display: flex; justify-content: space-between; padding-top: .15rem; }
.chart svg { width: 100%; height: 14rem; border-bottom: 1px solid var(--line); border-top: 1px solid var(--line); }
.chart.small-chart svg { height: 6rem; }
svg { display: block; }
svg line, svg path { vector-effect: non-scaling-stroke; }
svg.spark { width: 7rem; height: 1.8rem; }
.bar { display: flex; width: 5.5rem; height: .7rem; margin-top: .3rem; overflow: hidden; border-radius: .2rem; background: var(--line); }
.bar span { display: block; height: 100%; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: .6rem 0 0; padding: 0; list-style: none; font-size: .85rem; }
.legend span { display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: 2px; }
.c-cpu { background: var(--cpu); fill: var(--cpu); } .c-io { background: var(--io); fill: var(--io); } .c-lock { background: var(--lock); fill: var(--lock); } .c-lwlock { background: var(--lwlock); fill: var(--lwlock); }
.c-wal { background: var(--wal); fill: var(--wal); } .c-replication { background: var(--replication); fill: var(--replication); } .c-ipc { background: var(--ipc); fill: var(--ipc); } .c-client { background: var(--client); fill: var(--client); } .c-other { background: var(--other); fill: var(--other); } .c-idle { background: var(--idle); fill: var(--idle); }
.plan { list-style: none; margin: 0; padding: 0; }
.plan li { display: flex; gap: .8rem; padding: 0 .4rem; border-radius: 2px; font: .82rem/1.55 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.plan span { flex: 1; min-width: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.plan b { font-weight: 600; white-space: nowrap; }
details { margin: .5rem 0; } summary { cursor: pointer; overflow-wrap: anywhere; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip:focus { position: static; width: auto; height: auto; clip-path: none; }
@media (max-width: 40rem) {
  body { padding: .75rem .75rem 2rem; font-size: 14px; }
  nav { margin: .5rem -.75rem; padding: .45rem .75rem; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .tile b { font-size: 1.1rem; }
  .chart svg { height: 10rem; }
  td code { min-width: 12rem; }
}
@media print {
  :root { color-scheme: light; --bg: #fff; --fg: #000; --soft: #444; --line: #bbb; --card: #fff; --code: #f4f4f4; --accent: #1f63ad; --good: #2e7d4f; --warn: #955800; --bad: #b3261e; --low: #3f6212; --heat: 200, 50, 30; }
  @page { margin: 12mm; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 10px; }
  nav, .copy, .open, .all, input[type="search"], th button::after { display: none !important; }
  .scroll { overflow: visible; border: 0; }
  table { font-size: 8px; } th, td { padding: 2px 4px; white-space: normal !important; }
  td code, .code code { min-width: 0; max-height: none; font-size: 7.5px; } td .clamp { -webkit-line-clamp: 6; }
  h2 { break-after: avoid; } tr, .tile, .card, .findings > li { break-inside: avoid; }
  .bar { width: 3rem; } svg.spark { width: 4rem; }
}
$style$::text $function$;
COMMENT ON FUNCTION perf_optimizer.report_style() IS 'The style sheet of the page of report_html. Internal.';
CREATE FUNCTION perf_optimizer.report_script() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$ SELECT $script$
"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const main = document.getElementById("main");
  const SVG = "http://www.w3.org/2000/svg";
  const CLASSES = [["cpu", "c-cpu"], ["io", "c-io"], ["wal", "c-wal"], ["lock", "c-lock"], ["lwlock", "c-lwlock"], ["ipc", "c-ipc"], ["replication", "c-replication"], ["client", "c-client"], ["other", "c-other"], ["idle in transaction", "c-idle"]];

  const FEW = 15;

  /* ---- elements: every text goes through append or textContent, none through markup ---- */
  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) if (value !== null && value !== undefined) node.setAttribute(name, value);
    for (const child of children) if (child !== null && child !== undefined && child !== "") node.append(child);
    return node;
  }
  function el(tag, attributes, ...children) { return fill(document.createElement(tag), attributes, children); }
  function svg(tag, attributes, ...children) { return fill(document.createElementNS(SVG, tag), attributes, children); }

  /* ---- numbers and moments as people read them ---- */
  const absent = value => value === null || value === undefined;
  function number(value, digits) {
    if (absent(value)) return "";
    const size = Math.abs(value);
    return Number(value).toLocaleString("en", { maximumFractionDigits: digits === undefined ? (size < 0.01 ? 4 : size < 1 ? 3 : size < 100 ? 2 : 0) : digits });
  }
  function bytes(value) {
    if (absent(value)) return "";
    const units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let i = 0;
    while (Math.abs(value) >= 1024 && i < units.length - 1) { value /= 1024; i++; }
    return number(value, i && Math.abs(value) < 100 ? 1 : 0) + " " + units[i];
  }
  function milliseconds(value) {
    if (absent(value)) return "";
    const size = Math.abs(value);
    if (size >= 3600000) return number(value / 3600000, 1) + " h";
    if (size >= 60000) return number(value / 60000, 1) + " min";
    if (size >= 1000) return number(value / 1000, 2) + " s";
    return number(value) + " ms";
  }
  function percent(value) { return absent(value) ? "" : number(100 * value, Math.abs(value) < 0.1 ? 2 : 1) + " %"; }
  function moment(value) { return absent(value) ? "" : new Date(value).toISOString().replace("T", " ").slice(0, 16) + " UTC"; }
  function plural(n, one) { return number(n, 0) + " " + one + (n === 1 ? "" : "s"); }
  const FORMATS = { n: number, ms: milliseconds, bytes: bytes, ratio: percent, time: moment };
  function change(now, before) {
    if (!before || absent(now)) return "";
    const factor = now / before, more = Math.round(100 * (factor - 1));
    return factor >= 2 ? "\u00d7\u00a0" + number(factor, 1) : more === 0 ? "" : (more > 0 ? "+" : "\u2212") + Math.abs(more) + "\u00a0%";
  }

  /* ---- parts of the page ---- */
  function section(title, text, ...nodes) {
    const id = title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    document.getElementById("sections").append(el("a", { href: "#" + id }, title));
    main.append(el("section", { "aria-labelledby": id }, el("h2", { id: id }, title), text ? el("p", { class: "soft" }, text) : null, ...nodes));
  }
  function codeBlock(text) {
    const button = el("button", { type: "button", class: "copy", "aria-label": "Copy: " + text.slice(0, 80) }, "Copy");
    button.addEventListener("click", () => {
      if (!navigator.clipboard) return;
      navigator.clipboard.writeText(text).then(() => { button.textContent = "Copied"; }, () => { button.textContent = "Not allowed"; });
    });
    return el("div", { class: "code" }, el("code", {}, text), button);
  }
  const isNumber = kind => ["n", "ms", "bytes", "ratio"].includes(kind);
  function cell(row, [, key, kind]) {
    const value = typeof key === "function" ? key(row) : row[key];
    const td = el("td", { class: isNumber(kind) ? "n" : null });
    if (kind === "code") td.append(value ? el("code", {}, String(value)) : "");
    else if (value instanceof Node) td.append(value);
    else td.textContent = FORMATS[kind] ? FORMATS[kind](value) : absent(value) ? "" : String(value);
    return td;
  }
  function compare(x, y) {
    if (absent(x) || absent(y)) return absent(x) - absent(y);
    return typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
  }
  /* columns: [title, key or function, kind, value to sort by]; kinds: text, code, n, ms, bytes, ratio, time, node.  detail(row) makes what a row opens to. */
  function table(caption, columns, rows, detail) {
    const body = el("tbody");
    const heads = columns.map(([title, , kind], index) => {
      const button = el("button", { type: "button" }, title);
      const th = el("th", { scope: "col", class: isNumber(kind) ? "n" : null }, button);
      button.addEventListener("click", () => sort(index, th));
      return th;
    });
    const lines = rows.map(row => {
      const tr = el("tr", {}, ...columns.map(column => cell(row, column)));
      const keys = columns.map(([, key, , order]) => order ? order(row) : typeof key === "function" ? key(row) : row[key]);
      const below = detail ? openable(tr, row, columns.length, detail) : null;
      return { tr, below, keys, text: tr.textContent.toLowerCase() };
    });
    function show() { for (const { tr, below } of lines) body.append(...(below ? [tr, below] : [tr])); }
    function sort(index, th) {
      const down = th.getAttribute("aria-sort") !== "descending";
      for (const head of heads) head.removeAttribute("aria-sort");
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      lines.sort((a, b) => {
        const x = a.keys[index], y = b.keys[index];
        return absent(x) || absent(y) ? compare(x, y) : down ? compare(y, x) : compare(x, y);
      });
      show();
      if (lines.changed) lines.changed();
    }
    show();
    const tools = rows.length > FEW ? limited(caption, lines) : null;
    const box = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption + ", scrolls sideways" },
      el("table", {}, el("caption", { class: "hidden" }, caption), el("thead", {}, el("tr", {}, ...heads)), body));
    return tools ? el("div", {}, tools.input, box, tools.button) : box;
  }
  /* Of a long table the first rows are shown, all at a click, and those with a text in them. */
  function limited(caption, lines) {
    const input = el("input", { type: "search", placeholder: "Filter", "aria-label": "Filter " + caption.toLowerCase() });
    const button = el("button", { type: "button", class: "all" }, "Show all " + lines.length);
    let all = false;
    function apply() {
      const wanted = input.value.toLowerCase(), whole = all || wanted !== "";
      [...lines].sort((a, b) => a.tr.sectionRowIndex - b.tr.sectionRowIndex).forEach((line, place) => {
        line.tr.hidden = !(whole || place < FEW) || !line.text.includes(wanted);
        if (line.below && line.tr.hidden) line.below.hidden = true;
      });
      button.hidden = whole;
    }
    input.addEventListener("input", apply);
    button.addEventListener("click", () => { all = true; apply(); });
    lines.changed = apply;
    apply();
    return { input, button };
  }
  function openable(tr, row, width, detail) {
    const inside = el("td", { colspan: width }), below = el("tr", { class: "detail" }, inside);
    const button = el("button", { type: "button", class: "open", "aria-expanded": "false" }, "Details");
    below.hidden = true;
    button.addEventListener("click", () => {
      if (!inside.firstChild) inside.append(detail(row));
      below.hidden = !below.hidden;
      button.setAttribute("aria-expanded", String(!below.hidden));
    });
    (tr.firstChild.querySelector(".sub") || tr.firstChild).append(" ", button);
    return below;
  }
  /* bars: [from, to, [[class, value], ...], title]; x runs from from to to, y up to top. */
  function stackedChart(label, from, to, top, bars, yFormat, xLabels, small) {
    const chart = svg("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", role: "img", "aria-label": label });
    const x = v => 1000 * (Math.max(v, from) - from) / Math.max(to - from, 1e-9);
    chart.append(svg("line", { x1: 0, x2: 1000, y1: 50, y2: 50, stroke: "var(--line)" }));
    for (const [start, end, parts, title] of bars) {
      let base = 0;
      const group = svg("g", {}, svg("title", {}, title));
      for (const [name, value] of parts) {
        if (!value) continue;
        group.append(svg("rect", { x: x(start).toFixed(2), width: Math.max(1, x(end) - x(start) - (small ? 1 : 0)).toFixed(2), y: (100 - 100 * (base + value) / top).toFixed(2), height: (100 * value / top).toFixed(2), class: name }));
        base += value;
      }
      chart.append(group);
    }
    return el("div", { class: small ? "chart small-chart" : "chart" }, el("div", { class: "y", "aria-hidden": "true" }, ...[top, top / 2, 0].map(v => el("span", {}, yFormat(v)))), chart,
      el("div", { class: "x", "aria-hidden": "true" }, ...xLabels.map(v => el("span", {}, v))));
  }

  /* ---- the sections ---- */
  function tiles() {
    main.append(el("div", { class: "tiles", role: "list", "aria-label": "Health" }, ...data.tiles.map(t => {
      const format = FORMATS[t.unit], delta = t.unit === "ratio" ? "" : change(t.value, t.before), words = { warn: "look at it: ", bad: "attend to it: " };
      return el("div", { class: "tile " + (t.state || ""), role: "listitem" }, el("span", { class: "soft" }, words[t.state] ? el("span", { class: "hidden" }, words[t.state]) : null, t.label), el("b", {}, format(t.value, t.unit === "n" ? 0 : undefined)),
        t.note ? el("span", { class: "note" }, t.note) : null, absent(t.before) ? null : el("span", { class: "soft" }, "before " + format(t.before, t.unit === "n" ? 0 : undefined) + (delta ? ", " + delta : "")));
    })));
  }
  const LABELS = { total_ms: "total", p95_ms: "95th percentile", size_bytes: "size", improvement_pct: "workload cheaper by", p_value: "by chance" };
  function evidence(f) {
    const shown = Object.entries(f.evidence || {}).filter(([key, v]) => !/^(query|parent|plan_before|plan_now)$/.test(key) && !absent(v));
    const text = shown.map(([key, v]) => (LABELS[key] || key.replace(/_/g, " ")) + " " +
      (/_bytes$/.test(key) ? bytes(v) : /_pct$/.test(key) ? number(v, 1) + " %" : /_ms$/.test(key) ? milliseconds(v) : /^last_(run|archive)$/.test(key) ? moment(v) : typeof v === "number" ? number(v) : v)).join(" \u00b7 ");
    return text ? el("p", { class: "soft small" }, text) : null;
  }
  function sentence(text) { return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : "."); }
  /* Findings about one statement are one card; each keeps its own sentence. */
  function grouped(list) {
    const groups = new Map();
    for (const f of list) {
      const key = f.evidence && f.evidence.query && !f.suggested_sql && f.object ? f.object + " " + f.evidence.role : {};
      if (groups.has(key)) groups.get(key).push(f); else groups.set(key, [f]);
    }
    return [...groups.values()];
  }
  function finding(group) {
    const f = group[0], e = f.evidence || {};
    const plans = [["Plan before", e.plan_before], ["Plan now", e.plan_now]].filter(([, text]) => text);
    return el("li", { class: "card" }, el("h3", {}, el("span", { class: "badge " + f.severity }, f.severity), " ", group.map(g => g.rule).join(", "), e.query || !f.object ? "" : " \u00b7 " + f.object),
      ...group.map(g => el("p", {}, sentence(g.message) + (g.advice ? " " + g.advice : ""))), evidence(f),
      e.query ? el("pre", { class: "soft" }, e.query) : null, e.parent ? el("p", { class: "soft small" }, "Run by: ", el("code", {}, e.parent)) : null, f.suggested_sql ? codeBlock(f.suggested_sql) : null,
      plans.length ? el("details", {}, el("summary", {}, plans.length > 1 ? "Both plans" : plans[0][0]), ...plans.map(([title, text]) => el("div", {}, el("h3", {}, title), planTree(text)))) : null);
  }
  function findings() {
    const count = s => data.findings.filter(f => f.severity === s).length;
    const text = ["high", "medium", "low"].filter(count).map(s => count(s) + " " + s).join(", ");
    const cards = grouped(data.findings).map(finding);
    section("Findings", cards.length ? "Most severe first: " + text + "." : "Nothing was found.", cards.length ? el("ol", { class: "findings" }, ...cards.slice(0, 12)) : null,
      cards.length > 12 ? el("details", {}, el("summary", {}, plural(cards.length - 12, "more card")), el("ol", { class: "findings", start: "13" }, ...cards.slice(12))) : null);
  }
  function load() {
    const points = data.load;
    if (!points.length) return section("Load over time", "There is no snapshot in this interval: take_snapshot() or schedule_snapshot() makes them.");
    const from = data.source === "live" ? points[0].from : Math.max(points[0].from, Date.parse(data.since) / 1000), to = points[points.length - 1].to;
    const sum = p => CLASSES.reduce((all, [c]) => all + (p.sessions[c] || 0), 0);
    const peak = Math.max(...points.map(sum)), top = peak > 5 ? Math.ceil(peak) : Math.max(Math.ceil(peak * 10) / 10, 0.1);
    const bars = points.map(p => [p.from, p.to, CLASSES.map(([name, color]) => [color, p.sessions[name] || 0]),
      moment(p.to * 1000) + ": " + (CLASSES.filter(([c]) => p.sessions[c]).map(([c]) => c + " " + number(p.sessions[c], 2)).join(", ") || "idle")]);
    const seconds = p => p.to - Math.max(p.from, from), all = points.reduce((s, p) => s + sum(p) * seconds(p), 0);
    const shares = CLASSES.map(([name, color]) => [name, color, points.reduce((s, p) => s + (p.sessions[name] || 0) * seconds(p), 0)]).filter(([, , s]) => s > 0);
    const average = all / Math.max(points.reduce((s, p) => s + seconds(p), 0), 1);
    section("Load over time", "Average sessions that were running or waiting, by what they did: " + number(average, 2) + " over the time shown, at most " + number(peak, 2) + ".", el("div", { class: "card" },
      stackedChart("Average active sessions over time: " + (shares.map(([name, , s]) => name + " " + percent(s / all)).join(", ") || "none"), from, to, top, bars, v => number(v, 2), [moment(from * 1000), moment(to * 1000)]),
      el("ul", { class: "legend" }, ...shares.map(([name, color, s]) => el("li", {}, el("span", { class: color }), name + " " + percent(s / all))))));
  }
  function spark(s) {
    const points = s.points || [];
    if (points.length < 2) return "";
    const top = Math.max(...points.map(p => p[1])) || 1, first = points[0][0], last = points[points.length - 1][0];
    const path = points.map((p, i) => (i ? "L" : "M") + (120 * (p[0] - first) / Math.max(last - first, 1)).toFixed(1) + " " + (26 - 24 * p[1] / top).toFixed(1)).join("");
    return svg("svg", { viewBox: "0 0 120 28", preserveAspectRatio: "none", class: "spark", role: "img", "aria-label": "Mean time over the interval, at most " + milliseconds(top) }, svg("path", { d: path, fill: "none", stroke: "var(--accent)", "stroke-width": 1.5 }));
  }
  function waitBar(s) {
    const all = CLASSES.reduce((sum, [c]) => sum + ((s.waits || {})[c] || 0), 0);
    if (!all) return "";
    const parts = CLASSES.filter(([c]) => s.waits[c]).map(([name, color]) => [name, color, s.waits[name] / all]);
    return el("div", { class: "bar", role: "img", title: parts.map(([name, , share]) => name + " " + percent(share)).join(", "), "aria-label": parts.map(([name, , share]) => name + " " + percent(share)).join(", ") },
      ...parts.map(([, color, share]) => el("span", { class: color, style: "width:" + (100 * share).toFixed(1) + "%" })));
  }
  function histogram(s) {
    const pairs = (s.latency_ms || []).map((ms, i) => [ms, s.counts[i]]);
    if (!pairs.length) return el("p", { class: "soft" }, "Latencies of this statement are not tracked.");
    const bins = new Map();
    for (const [ms, n] of pairs) { const bin = Math.floor(Math.log2(ms) * 4); bins.set(bin, (bins.get(bin) || 0) + n); }
    const first = Math.min(...bins.keys()), last = Math.max(...bins.keys()) + 1, top = Math.max(...bins.values());
    return stackedChart("Histogram of latencies from " + milliseconds(pairs[0][0]) + " to " + milliseconds(pairs[pairs.length - 1][0]), first, last, top,
      [...bins].map(([bin, n]) => [bin, bin + 1, [["c-io", n]], milliseconds(Math.pow(2, bin / 4)) + " to " + milliseconds(Math.pow(2, (bin + 1) / 4)) + ": " + plural(n, "execution")]),
      v => number(v, 0), [milliseconds(Math.pow(2, first / 4)), milliseconds(Math.pow(2, (first + last) / 8)), milliseconds(Math.pow(2, last / 4))], true);
  }
  function course(s) {
    const points = s.points || [];
    if (points.length < 2) return el("p", { class: "soft" }, "One snapshot only: no course.");
    const top = Math.max(...points.map(p => p[1])) || 1, gap = Math.max(...points.slice(1).map((p, i) => p[0] - points[i][0]));
    return stackedChart("Mean time over the interval, at most " + milliseconds(top), points[0][0] - gap, points[points.length - 1][0], top,
      points.map((p, i) => [i ? points[i - 1][0] : p[0] - gap, p[0], [["c-cpu", p[1]]], moment(p[0] * 1000) + ": mean " + milliseconds(p[1]) + ", " + plural(p[2], "call")]),
      milliseconds, [moment((points[0][0] - gap) * 1000), moment(points[points.length - 1][0] * 1000)], true);
  }
  function statementDetail(s) {
    return el("div", { class: "grid" }, el("div", {}, el("h3", {}, "Statement " + s.query_id), s.query ? codeBlock(s.query) : null,
      el("p", { class: "soft small" }, ["role " + s.role, s.toplevel ? "" : "run inside a function", number(s.rows_per_call) + " rows a call", "deviation " + milliseconds(s.stddev_ms), absent(s.hit_ratio) ? "" : percent(s.hit_ratio) + " of blocks found in shared buffers", s.temp_bytes ? "temporary files " + bytes(s.temp_bytes) : "", s.wal_bytes ? "WAL " + bytes(s.wal_bytes) : ""].filter(Boolean).join(" \u00b7 "))),
      el("div", {}, el("h3", {}, "How long executions took"), histogram(s)), el("div", {}, el("h3", {}, "Mean time over the interval"), course(s)));
  }
  function statements() {
    if (!data.statements.length) return section("Statements", "No statement was seen in this interval.");
    section("Statements", data.source === "live" ? "Since tracking began: the interval has no snapshot." : "Those of the interval that took most time.", table("Statements", [
      ["Statement", s => el("div", {}, el("code", { class: "clamp" }, s.query || s.query_id), el("span", { class: "sub" }, s.role + (s.toplevel ? "" : ", nested") + (s.rules && s.rules.length ? " \u00b7 " + s.rules.join(", ") : ""))), "node", s => s.query],
      ["Calls", "calls", "n"], ["Total", "total_ms", "ms"], ["Share", s => absent(s.time_share_pct) ? null : s.time_share_pct / 100, "ratio"],
      ["Mean", s => el("span", {}, milliseconds(s.mean_ms), s.earlier_mean_ms ? el("span", { class: "sub" }, change(s.mean_ms, s.earlier_mean_ms)) : null), "ms", s => s.mean_ms],
      ["p50", "p50_ms", "ms"], ["p95", "p95_ms", "ms"], ["p99", "p99_ms", "ms"], ["Rows", "rows_per_call", "n"],
      ["Waits", waitBar, "node", s => s.waits ? Object.values(s.waits).reduce((a, b) => a + b, 0) : null], ["Course", spark, "node", s => s.points && s.points.length ? s.points[s.points.length - 1][1] : null]], data.statements, statementDetail));
  }
  function fromTo(before, now, format) { return el("span", {}, el("span", { class: "soft" }, (format(before) || "\u2013") + " \u2192 "), format(now) || "\u2013"); }
  function comparison() {
    const t = data.totals, e = data.earlier;
    if (!e.snapshots || !t.snapshots) return;
    const rows = [["Execution time", "total_ms", "ms"], ["Calls", "calls", "n"], ["Mean time", "mean_ms", "ms"], ["Distinct statements", "statements", "n"], ["Commits", "commits", "n"], ["Rollbacks", "rollbacks", "n"], ["Buffer hits", "hit_ratio", "ratio"],
      ["Temporary files", "temp_bytes", "bytes"], ["WAL of statements", "wal_bytes", "bytes"], ["Deadlocks", "deadlocks", "n"], ["Database size", "database_bytes", "bytes"]]
      .map(([what, key, kind]) => ({ what, before: FORMATS[kind](e[key]), now: FORMATS[kind](t[key]), change: change(t[key], e[key]) }));
    section("Comparison", moment(t.since) + " to " + moment(t.until) + " beside the interval before, from " + moment(e.since) + ".",
      table("Sums of both intervals", [["What", "what", "text"], ["Before", "before", "text"], ["Now", "now", "text"], ["Change", "change", "text"]], rows),
      ...(data.changes.length ? [el("h3", { class: "next" }, "Statements that changed most"), table("Statements that changed most", [["Statement", c => el("code", { class: "clamp" }, c.query || c.query_id), "node", c => c.query],
        ["Change", c => el("span", { class: c.change === "new" || c.change === "more" ? "more" : "less" }, c.change), "node", c => c.change], ["Difference", "difference_ms", "ms"],
        ["Time", c => fromTo(c.total_before_ms, c.total_ms, milliseconds), "ms", c => c.total_ms], ["Calls", c => fromTo(c.calls_before, c.calls, number), "n", c => c.calls], ["Mean", c => fromTo(c.mean_before_ms, c.mean_ms, milliseconds), "ms", c => c.mean_ms]], data.changes)] : []));
  }
  function planShares(lines) {
    const costs = lines.map(line => { const m = /\(cost=[0-9.]+\.\.([0-9.]+) /.exec(line); return m ? Number(m[1]) : null; });
    const depth = lines.map(line => line.search(/\S/));
    const total = costs.find(c => c !== null) || 1;
    return costs.map((cost, i) => {
      if (cost === null) return null;
      let below = 0, level = null;
      for (let j = i + 1; j < lines.length && !(costs[j] !== null && depth[j] <= depth[i]); j++) {
        if (costs[j] === null || (level !== null && depth[j] > level)) continue;
        level = depth[j];
        below += costs[j];
      }
      return Math.max(0, Math.min(1, (cost - below) / total));
    });
  }
  function planTree(text) {
    const lines = text.replace(/\s+$/, "").split("\n"), shares = planShares(lines);
    return el("ol", { class: "plan scroll" }, ...lines.map((line, i) => el("li", shares[i] >= 0.01 ? { style: "background: rgba(var(--heat), " + (0.08 + 0.5 * shares[i]).toFixed(2) + ")" } : {},
      el("span", {}, line), shares[i] >= 0.01 ? el("b", {}, percent(shares[i])) : null)));
  }
  function plans() {
    if (!data.plans.length || !data.statements.length) return;
    section("Plans of the costliest statement", "Shares are those of the estimated cost of each node without the nodes below it.", codeBlock(data.statements[0].query || data.statements[0].query_id),
      ...data.plans.map(p => el("div", { class: "card", style: "margin-top: .6rem" }, el("h3", {}, "Plan " + p.plan_id), el("p", { class: "soft small" }, plural(p.calls, "call") + ", mean " + milliseconds(p.mean_ms) + ", seen from " + moment(p.first_seen) + " to " + moment(p.last_seen)),
        p.plan ? planTree(p.plan) : el("p", { class: "soft" }, "No text of this plan was captured."))));
  }
  /* A section that is one table, where there are rows; columns in which no row has a value are left out. */
  function list(title, text, rows, columns) {
    if (!rows || !rows.length) return;
    section(title, text, table(title, columns.filter(([, key]) => typeof key === "function" || rows.some(r => !absent(r[key]))), rows));
  }
  function lists() {
    list("N+1 and repeated statements", "One session runs these again and again, for each row of a list or with the same values.", data.n_plus_one, [["Statement", "query", "code"], ["Kind", "kind", "text"], ["Relation", "relation", "text"],
      ["Bursts", "bursts", "n"], ["Executions", "executions", "n"], ["Longest", "max_burst", "n"], ["Time", "total_time_ms", "ms"], ["Run by", "parent_query", "code"], ["Instead", "suggestion", "code"]]);
    list("Suggested indexes", "What the planner says they would save; each percentage counts the better ranks in.", data.suggested_indexes, [["Rank", "rank", "n"], ["Statement to run", "definition", "code"], ["Saves", i => i.improvement_pct / 100, "ratio"],
      ["Statements", "queries_improved", "n"], ["Size", "estimated_size_bytes", "bytes"], ["Why", "reason", "text"]]);
    list("Tables", "The busiest of the interval.", data.tables, [["Table", "relation", "text"], ["Size", "size_bytes", "bytes"], ["Sequential scans", "seq_scans", "n"], ["Rows they read", "rows_read_by_seq_scans", "n"], ["Index scans", "index_scans", "n"],
      ["Inserted", "inserted", "n"], ["Updated", "updated", "n"], ["Deleted", "deleted", "n"], ["Live rows", "live_rows", "n"], ["Dead rows", "dead_rows", "n"]]);
    list("Indexes", "The largest.", data.indexes, [["Index", "index_name", "text"], ["Table", "table_name", "text"], ["Size", "size_bytes", "bytes"], ["Scans", "scans_since_reset", "n"], ["Unique", i => i.is_unique ? "yes" : "", "text"], ["Note", "note", "text"]]);
    list("Materialized views", "", data.matviews, [["View", "matview", "text"], ["Size", "size_bytes", "bytes"], ["Refreshed", "last_refresh", "time"], ["Mode", "mode", "text"], ["Took", "duration_ms", "ms"],
      ["Stale", m => absent(m.stale) ? "" : m.stale ? "yes" : "no", "text"], ["Finding", "finding", "text"], ["Statement to run", "suggested_sql", "code"]]);
    list("Jobs", "", data.jobs, [["Job", "job", "text"], ["Kind", "kind", "text"], ["Target", "target", "code"], ["Schedule", "schedule", "text"], ["Enabled", j => j.enabled ? "yes" : "no", "text"], ["Last run", "last_run", "time"],
      ["Status", "last_status", "text"], ["Failures in a row", "failures_in_a_row", "n"], ["Next run", "next_run", "time"]]);
    list("Archive policies", "", data.archive_policies, [["Policy", "policy", "text"], ["Relation", "relation", "text"], ["Strategy", "strategy", "text"], ["Older than", "older_than", "text"], ["Schedule", "schedule", "text"], ["Last run ended", "last_archive", "time"],
      ["Status", "last_status", "text"], ["Rows", "rows", "n"], ["Stopped because", "why_stopped", "text"], ["Error", "message", "text"]]);
    list("Changed settings", "", data.settings, [["Setting", "name", "text"], ["Before", "before", "text"], ["Now", "now", "text"], ["Unit", "unit", "text"], ["Seen", "seen_at", "time"]]);
  }

  document.title = "Workload of " + data.database;
  document.getElementById("title").textContent = "Workload of " + data.database;
  document.getElementById("about").textContent = moment(data.since) + " to " + moment(data.until) + " \u00b7 " + plural(data.totals.snapshots || 0, "snapshot") + " \u00b7 " + data.server.split(" on ")[0] + " \u00b7 made " + moment(data.generated_at);
  tiles();
  load();
  findings();
  statements();
  comparison();
  plans();
  lists();
})();
$script$::text $function$;
COMMENT ON FUNCTION perf_optimizer.report_script() IS 'The script that draws the page of report_html from its document. Internal.';
CREATE FUNCTION perf_optimizer.report_template() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$ SELECT replace(replace($template$<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>Workload report</title>
<link rel="icon" href="data:,">
<style>@@STYLE@@</style>
</head>
<body>
<a class="hidden skip" href="#main">To the report</a>
<header>
<h1 id="title">Workload report</h1>
<p class="soft" id="about">Drawn by a script of this page.</p>
</header>
<noscript><p>Scripts are switched off here: this page draws itself with one of its own, and loads nothing.</p></noscript>
<nav id="sections" aria-label="Sections"></nav>
<main id="main" tabindex="-1"></main>
<script type="application/json" id="data">@@DATA@@</script>
<script>@@SCRIPT@@</script>
</body>
</html>
$template$, '@@STYLE@@', perf_optimizer.report_style()), '@@SCRIPT@@', perf_optimizer.report_script()) $function$;
COMMENT ON FUNCTION perf_optimizer.report_template() IS 'The page that report_html fills with its document in the place of a mark. Internal.';

CREATE FUNCTION perf_optimizer.fill_template(report jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT replace(perf_optimizer.report_template(), '@@DATA@@', replace(replace(replace(report::text, '<', '\u003c'), '>', '\u003e'), '&', '\u0026'))
$$;
COMMENT ON FUNCTION perf_optimizer.fill_template(jsonb) IS
'The page with a document in it. Of all characters only < > and & could end or begin anything in the page; inside JSON they stand in strings alone, where they are escaped. Internal.';

CREATE FUNCTION perf_optimizer.report_html(since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS text
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN perf_optimizer.fill_template(perf_optimizer.workload_report(since, until));
COMMENT ON FUNCTION perf_optimizer.report_html(timestamptz, timestamptz) IS
'workload_report(since, until) as one HTML page that needs nothing else, no network either: write it to a file, as with psql -XAtc, and open it. Texts of statements are shown as text, whatever they hold.
Encoded as your client_encoding, which should be UTF8. Errors: 22023 when since is not before until.';
/* ---- Scheduled jobs: tables ---- */

CREATE TABLE perf_optimizer.identity (
	incarnation uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
	database oid NOT NULL,
	one boolean NOT NULL DEFAULT true PRIMARY KEY CHECK (one)
);
COMMENT ON TABLE perf_optimizer.identity IS 'Which installation of the extension this is: one row, made at CREATE EXTENSION, not dumped. Jobs of another incarnation, and all jobs of a copied database, are held until resume_all_jobs().';
COMMENT ON COLUMN perf_optimizer.identity.incarnation IS 'Made anew at CREATE EXTENSION; kept by pg_upgrade.';
COMMENT ON COLUMN perf_optimizer.identity.database IS 'OID of the database in which the row was made; another one means that this database is a copy.';
INSERT INTO perf_optimizer.identity (database)
	SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database();

CREATE SEQUENCE perf_optimizer.job_id_seq;
COMMENT ON SEQUENCE perf_optimizer.job_id_seq IS 'Numbers of jobs.';

CREATE TABLE perf_optimizer.job (
	job_id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('perf_optimizer.job_id_seq'),
	incarnation uuid NOT NULL,
	owner oid NOT NULL,
	owner_name text NOT NULL,
	name text NOT NULL,
	kind text NOT NULL,
	relid oid NOT NULL DEFAULT 0,
	target text,
	action text,
	command text,
	schedule text CHECK (schedule IS NOT NULL OR after_job IS NOT NULL),
	timezone text NOT NULL,
	timeout interval,
	max_attempts int NOT NULL,
	backoff interval NOT NULL,
	max_backoff interval NOT NULL,
	priority int NOT NULL,
	enabled boolean NOT NULL,
	paused boolean NOT NULL DEFAULT false,
	retry_after_crash boolean NOT NULL,
	after_job bigint,
	exclude_window text,
	at timestamptz,
	done boolean NOT NULL DEFAULT false,
	next_run timestamptz,
	rebase boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	changed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	UNIQUE (owner, name)
);
CREATE INDEX job_next_run_idx ON perf_optimizer.job (next_run) WHERE enabled AND NOT paused;
CREATE INDEX job_rebase_idx ON perf_optimizer.job (job_id) WHERE rebase;
CREATE INDEX job_after_job_idx ON perf_optimizer.job (after_job) WHERE after_job IS NOT NULL;
COMMENT ON TABLE perf_optimizer.job IS 'Definitions of scheduled jobs; written by the schedule functions only. Read the view jobs.';
COMMENT ON COLUMN perf_optimizer.job.incarnation IS 'The incarnation that knows relid and owner; in another one the names count.';
COMMENT ON COLUMN perf_optimizer.job.schedule IS 'Null: the job has no slots of its own and runs after another job only. @once: its one slot is at.';
COMMENT ON COLUMN perf_optimizer.job.done IS 'The one slot of a job that runs once has been taken.';
COMMENT ON COLUMN perf_optimizer.job.rebase IS 'The definition changed and the scheduler has not seen it yet: the first slot counts from the commit.';

CREATE SEQUENCE perf_optimizer.run_id_seq;
COMMENT ON SEQUENCE perf_optimizer.run_id_seq IS 'Numbers of runs.';

-- As domains these are looked up once a session; a check of the table would be read anew by each statement.
CREATE DOMAIN perf_optimizer.run_status AS text
	CHECK (VALUE IN ('queued', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'crashed', 'skipped'));
COMMENT ON DOMAIN perf_optimizer.run_status IS 'The states of a run of a job.';
CREATE DOMAIN perf_optimizer.run_cause AS text CHECK (VALUE IN ('slot', 'catch-up', 'request', 'start', 'after'));
COMMENT ON DOMAIN perf_optimizer.run_cause IS 'Why a run is there: a slot of its job, one that was missed, run_job or retry_job, a start of the server, or the job before it.';

CREATE TABLE perf_optimizer.job_run (
	run_id bigint PRIMARY KEY DEFAULT pg_catalog.nextval('perf_optimizer.run_id_seq'),
	job_id bigint NOT NULL,
	owner oid NOT NULL,
	name text NOT NULL,
	attempt int NOT NULL DEFAULT 0,
	status perf_optimizer.run_status NOT NULL DEFAULT 'queued',
	cause perf_optimizer.run_cause NOT NULL,
	priority int NOT NULL DEFAULT 0,
	scheduled_for timestamptz NOT NULL,
	queued_at timestamptz NOT NULL,
	not_before timestamptz NOT NULL,
	after_runs bigint[],
	started_at timestamptz,
	finished_at timestamptz,
	pid int,
	rows_affected bigint,
	sqlstate text,
	message text,
	detail text,
	hint text,
	context text,
	dead_letter boolean NOT NULL DEFAULT false
);
CREATE INDEX job_run_job_idx ON perf_optimizer.job_run (job_id, run_id);
CREATE INDEX job_run_open_idx ON perf_optimizer.job_run (job_id) WHERE status IN ('queued', 'running');
CREATE INDEX job_run_finished_idx ON perf_optimizer.job_run (finished_at);
CREATE INDEX job_run_dead_idx ON perf_optimizer.job_run (job_id) WHERE dead_letter;
COMMENT ON TABLE perf_optimizer.job_run IS 'One row a slot of a job; written by the workers. Read the view job_runs.';
COMMENT ON COLUMN perf_optimizer.job_run.after_runs IS 'Runs that go first: refreshes of views that this one reads, due at the same time.';

CREATE TABLE perf_optimizer.job_attempt (
	run_id bigint NOT NULL REFERENCES perf_optimizer.job_run ON DELETE CASCADE,
	attempt int NOT NULL,
	status text NOT NULL CHECK (status IN ('running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'crashed')),
	pid int,
	started_at timestamptz NOT NULL,
	finished_at timestamptz,
	sqlstate text,
	message text,
	detail text,
	hint text,
	context text,
	PRIMARY KEY (run_id, attempt)
);
COMMENT ON TABLE perf_optimizer.job_attempt IS 'Attempts that another followed, a row each; the last attempt of a run is in job_run. Written by the workers. Read the view job_attempts.';

SELECT pg_catalog.pg_extension_config_dump('perf_optimizer.job', '');
SELECT pg_catalog.pg_extension_config_dump('perf_optimizer.job_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('perf_optimizer.run_id_seq', '');

CREATE FUNCTION perf_optimizer.job_changed() RETURNS trigger
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_job_changed';
COMMENT ON FUNCTION perf_optimizer.job_changed() IS 'Trigger of the job and run tables: wakes the scheduler at commit, and keeps out rows that arrive by logical replication.';
REVOKE ALL ON FUNCTION perf_optimizer.job_changed() FROM PUBLIC;
CREATE TRIGGER job_changed BEFORE INSERT OR UPDATE OR DELETE ON perf_optimizer.job
	FOR EACH ROW EXECUTE FUNCTION perf_optimizer.job_changed();
ALTER TABLE perf_optimizer.job ENABLE ALWAYS TRIGGER job_changed;
COMMENT ON TRIGGER job_changed ON perf_optimizer.job IS 'Wakes the scheduler at commit, and keeps out rows that arrive by logical replication.';
CREATE TRIGGER run_changed BEFORE INSERT OR UPDATE OR DELETE ON perf_optimizer.job_run
	FOR EACH ROW EXECUTE FUNCTION perf_optimizer.job_changed();
ALTER TABLE perf_optimizer.job_run ENABLE ALWAYS TRIGGER run_changed;
COMMENT ON TRIGGER run_changed ON perf_optimizer.job_run IS 'Wakes the scheduler at commit, and keeps out rows that arrive by logical replication.';

/* ---- Scheduled jobs: functions ---- */

CREATE FUNCTION perf_optimizer.next_run(schedule text, after timestamptz DEFAULT pg_catalog.now(), timezone text DEFAULT pg_catalog.current_setting('TimeZone'))
	RETURNS timestamptz LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_next_run';
COMMENT ON FUNCTION perf_optimizer.next_run(text, timestamptz, text) IS 'The first moment after "after" at which a schedule (cron expression with 5 or 6 fields, or an interval such as "every 5 minutes") is due in an IANA time zone; infinity for @reboot. Errors: 22004 for a null, 22023 for a wrong schedule or zone.';

CREATE FUNCTION perf_optimizer.schedule_refresh(matview regclass, schedule text, mode text DEFAULT 'auto', name text DEFAULT NULL,
	timezone text DEFAULT NULL, timeout interval DEFAULT NULL, max_attempts int DEFAULT 3, backoff interval DEFAULT '10 seconds',
	max_backoff interval DEFAULT '1 hour', priority int DEFAULT 0, enabled boolean DEFAULT true,
	after_job bigint DEFAULT NULL, exclude_window text DEFAULT NULL, retry_after_crash boolean DEFAULT false)
	RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_schedule_refresh';
COMMENT ON FUNCTION perf_optimizer.schedule_refresh(regclass, text, text, text, text, interval, int, interval, interval, int, boolean, bigint, text, boolean) IS 'Schedules REFRESH of a materialized view (mode auto, concurrent or full) and returns the job''s id; an existing job of that name and owner is changed. A null name becomes "refresh <view>", a null timezone the session''s, a null timeout none. Errors: 42809 not a materialized view, 42501 not its owner, 22023 wrong schedule, zone, mode or option, 42710 the name belongs to a job of another kind.';

CREATE FUNCTION perf_optimizer.schedule_archive(policy text, schedule text, name text DEFAULT NULL,
	timezone text DEFAULT NULL, timeout interval DEFAULT NULL, max_attempts int DEFAULT 3, backoff interval DEFAULT '10 seconds',
	max_backoff interval DEFAULT '1 hour', priority int DEFAULT 0, enabled boolean DEFAULT true,
	after_job bigint DEFAULT NULL, exclude_window text DEFAULT NULL, retry_after_crash boolean DEFAULT false)
	RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_schedule_archive';
COMMENT ON FUNCTION perf_optimizer.schedule_archive(text, text, text, text, interval, int, interval, interval, int, boolean, bigint, text, boolean) IS 'Schedules runs of an archive policy and returns the job''s id; an existing job of that name and owner is changed. A null name becomes "archive <policy>". Errors: 42704 no such policy, 42501 it is not yours, 22023 wrong schedule, zone or option.';

CREATE FUNCTION perf_optimizer.schedule_maintenance(relation regclass, schedule text, action text DEFAULT 'vacuum_analyze', name text DEFAULT NULL,
	timezone text DEFAULT NULL, timeout interval DEFAULT NULL, max_attempts int DEFAULT 3, backoff interval DEFAULT '10 seconds',
	max_backoff interval DEFAULT '1 hour', priority int DEFAULT 0, enabled boolean DEFAULT true,
	after_job bigint DEFAULT NULL, exclude_window text DEFAULT NULL, retry_after_crash boolean DEFAULT false)
	RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_schedule_maintenance';
COMMENT ON FUNCTION perf_optimizer.schedule_maintenance(regclass, text, text, text, text, interval, int, interval, interval, int, boolean, bigint, text, boolean) IS 'Schedules maintenance of a relation: vacuum_analyze, vacuum, analyze, reindex_concurrently or prewarm (needs pg_prewarm); returns the job''s id. A null name becomes "<action> <relation>". Errors: 42809 wrong kind of relation, 42501 not its owner, 22023 unknown action, wrong schedule, zone or option, 55000 pg_prewarm is not installed.';

CREATE FUNCTION perf_optimizer.schedule_command(name text, schedule text, command text,
	timezone text DEFAULT NULL, timeout interval DEFAULT NULL, max_attempts int DEFAULT 3, backoff interval DEFAULT '10 seconds',
	max_backoff interval DEFAULT '1 hour', priority int DEFAULT 0, enabled boolean DEFAULT true,
	after_job bigint DEFAULT NULL, exclude_window text DEFAULT NULL, retry_after_crash boolean DEFAULT false)
	RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_schedule_command';
COMMENT ON FUNCTION perf_optimizer.schedule_command(text, text, text, text, interval, int, interval, interval, int, boolean, bigint, text, boolean) IS 'Schedules SQL that runs as the caller, at top level: each statement is a transaction of its own unless the text opens one, and the first error ends the run. Returns the job''s id; an existing job of that name and owner is changed. Errors: 42601 the text does not parse, 22023 wrong schedule, zone or option, 42710 the name belongs to a job of another kind.';

CREATE FUNCTION perf_optimizer.schedule_once(name text, at timestamptz, command text,
	timezone text DEFAULT NULL, timeout interval DEFAULT NULL, max_attempts int DEFAULT 3, backoff interval DEFAULT '10 seconds',
	max_backoff interval DEFAULT '1 hour', priority int DEFAULT 0, enabled boolean DEFAULT true,
	after_job bigint DEFAULT NULL, exclude_window text DEFAULT NULL, retry_after_crash boolean DEFAULT false)
	RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_schedule_once';
COMMENT ON FUNCTION perf_optimizer.schedule_once(text, timestamptz, text, text, interval, int, interval, interval, int, boolean, bigint, text, boolean) IS 'Schedules SQL that runs once, at a moment or, when that has passed, at commit; then the job is done and stays in the view jobs until unschedule. Returns the job''s id. The same call again changes nothing, another moment lets it run again. Errors: 42601 the text does not parse, 22023 a moment that is not finite or a wrong option, 42710 the name belongs to a job of another kind.';

CREATE FUNCTION perf_optimizer.alter_job(job_id bigint, schedule text DEFAULT NULL, command text DEFAULT NULL, action text DEFAULT NULL,
	name text DEFAULT NULL, at timestamptz DEFAULT NULL,
	timezone text DEFAULT NULL, timeout interval DEFAULT NULL, max_attempts int DEFAULT NULL, backoff interval DEFAULT NULL,
	max_backoff interval DEFAULT NULL, priority int DEFAULT NULL, enabled boolean DEFAULT NULL,
	after_job bigint DEFAULT NULL, exclude_window text DEFAULT NULL, retry_after_crash boolean DEFAULT NULL)
	RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_alter_job';
COMMENT ON FUNCTION perf_optimizer.alter_job(bigint, text, text, text, text, timestamptz, text, interval, int, interval, interval, int, boolean, bigint, text, boolean) IS 'Changes what is given of a job and keeps the rest (null); action is also the mode of a refresh. An empty schedule or exclude_window, a timeout of 0 and an after_job of 0 take the setting away. True when something changed. Errors: 42704 no such job, 42501 not yours, 42710 the owner has another job of that name, 22023 a wrong value, or one that the kind of job does not have.';

CREATE FUNCTION perf_optimizer.schedule_snapshot(schedule text DEFAULT 'every 5 minutes', name text DEFAULT NULL,
	timezone text DEFAULT NULL, timeout interval DEFAULT NULL, max_attempts int DEFAULT 3, backoff interval DEFAULT '10 seconds',
	max_backoff interval DEFAULT '1 hour', priority int DEFAULT 0, enabled boolean DEFAULT true,
	after_job bigint DEFAULT NULL, exclude_window text DEFAULT NULL, retry_after_crash boolean DEFAULT false)
	RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_schedule_snapshot';
COMMENT ON FUNCTION perf_optimizer.schedule_snapshot(text, text, text, interval, int, interval, interval, int, boolean, bigint, text, boolean) IS 'Schedules take_snapshot(), the history of the workload, and returns the job''s id; an existing job of that name and owner is changed. A null name becomes "snapshot workload". Errors: 42501 unless you are a member of pg_read_all_stats, 22023 wrong schedule, zone or option.';

CREATE FUNCTION perf_optimizer.unschedule(job_id bigint) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_unschedule';
COMMENT ON FUNCTION perf_optimizer.unschedule(bigint) IS 'Removes a job; its waiting runs are cancelled, a running one ends as it would, the history stays. False when there is no such job. Error: 42501 when it belongs to somebody else.';

CREATE FUNCTION perf_optimizer.unschedule(name text) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_unschedule_name';
COMMENT ON FUNCTION perf_optimizer.unschedule(text) IS 'Removes the caller''s job of that name, or, when the caller has none, the one such job that the caller may alter; false when there is none. Error: 42725 when several would fit.';

CREATE FUNCTION perf_optimizer.pause_job(job_id bigint) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_pause_job';
COMMENT ON FUNCTION perf_optimizer.pause_job(bigint) IS 'Keeps a job from taking slots until resume_job; scheduling it again does not resume it. True when it was not paused before. Errors: 42704 no such job, 42501 not yours.';

CREATE FUNCTION perf_optimizer.resume_job(job_id bigint) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_resume_job';
COMMENT ON FUNCTION perf_optimizer.resume_job(bigint) IS 'Lets a paused job take slots again, from now on. True when it was paused. Errors: 42704 no such job, 42501 not yours.';

CREATE FUNCTION perf_optimizer.pause_all_jobs() RETURNS int
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_pause_all_jobs';
COMMENT ON FUNCTION perf_optimizer.pause_all_jobs() IS 'Pauses every job that the caller may alter; returns how many were not paused before.';

CREATE FUNCTION perf_optimizer.resume_all_jobs() RETURNS int
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_resume_all_jobs';
COMMENT ON FUNCTION perf_optimizer.resume_all_jobs() IS 'Resumes every job that the caller may alter, and takes over jobs that came with a dump or a copy of the database: their targets and owners are looked up by name. Returns how many jobs were paused or held.';

CREATE FUNCTION perf_optimizer.run_job(job_id bigint) RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_run_job';
COMMENT ON FUNCTION perf_optimizer.run_job(bigint) IS 'Enqueues a run of a job, paused or not, that starts after the commit; returns its run_id. Errors: 55000 not preloaded, 42704 no such job, 42501 not yours.';

CREATE FUNCTION perf_optimizer.retry_job(job_id bigint) RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_retry_job';
COMMENT ON FUNCTION perf_optimizer.retry_job(bigint) IS 'Takes a job out of the dead letters and enqueues a run; returns its run_id. Errors: 55000 not preloaded, or the job is no dead letter; 42704 no such job; 42501 not yours.';

CREATE FUNCTION perf_optimizer.cancel_run(run_id bigint) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_cancel_run';
COMMENT ON FUNCTION perf_optimizer.cancel_run(bigint) IS 'Cancels a run: a waiting one at commit, a running one at once (its statement is interrupted). False when it has ended already. Errors: 42704 no such run, 42501 not yours.';

CREATE FUNCTION perf_optimizer.wait_for_run(run_id bigint, timeout interval DEFAULT '1 minute') RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_wait_for_run';
COMMENT ON FUNCTION perf_optimizer.wait_for_run(bigint, interval) IS 'Waits until a run has ended, at most for timeout, and returns its status; a status of queued or running means that the time was up. Errors: 55000 not preloaded, the run was enqueued in this very transaction, or it is of a kind that waits for other snapshots (use CALL await_run); 42704 no such run; 42501 not yours.';

CREATE PROCEDURE perf_optimizer.await_run(run_id bigint, timeout interval DEFAULT '1 minute', INOUT status text DEFAULT NULL)
	LANGUAGE c
	AS 'MODULE_PATHNAME', 'perf_optimizer_await_run';
COMMENT ON PROCEDURE perf_optimizer.await_run(bigint, interval, text) IS 'Commits, then waits like wait_for_run but without holding a snapshot, so also for runs that build or rebuild indexes concurrently. Errors: 55000 not preloaded, 2D000 inside a transaction block, 42704 no such run, 42501 not yours.';

/* ---- Scheduled jobs: views ---- */

CREATE VIEW perf_optimizer.jobs WITH (security_barrier) AS
	SELECT j.job_id, j.name, j.kind,
		CASE WHEN j.kind = 'command' THEN j.command
			WHEN c.oid IS NOT NULL THEN pg_catalog.format('%I.%I', n.nspname, c.relname) COLLATE "default"
			ELSE j.target END AS target,
		j.action, j.schedule, j.timezone, j.enabled AND NOT j.paused AS enabled,
		coalesce(o.rolname::text COLLATE "default", j.owner_name) AS owner,
		CASE WHEN j.enabled AND NOT j.paused THEN j.next_run END AS next_run,
		r.started_at AS last_run, r.status::text AS last_status,
		(SELECT count(*) FROM perf_optimizer.job_run f
			WHERE f.job_id = j.job_id AND f.status IN ('failed', 'timed_out', 'crashed')
				AND f.run_id > coalesce((SELECT max(g.run_id) FROM perf_optimizer.job_run g
					WHERE g.job_id = j.job_id AND g.status = 'succeeded'), 0))::int AS consecutive_failures,
		j.priority, j.paused, j.incarnation <> i.incarnation OR i.database <> d.oid AS held,
		j.timeout, j.max_attempts, j.backoff, j.max_backoff, j.retry_after_crash, j.created_at, j.changed_at,
		j.after_job, j.exclude_window, j.at, j.done
	FROM perf_optimizer.job j
		CROSS JOIN perf_optimizer.identity i
		JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
		LEFT JOIN pg_catalog.pg_roles o ON CASE WHEN j.incarnation = i.incarnation THEN o.oid = j.owner ELSE o.rolname = j.owner_name END
		LEFT JOIN pg_catalog.pg_class c ON c.oid = j.relid AND j.incarnation = i.incarnation
		LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		LEFT JOIN LATERAL (SELECT l.started_at, l.status FROM perf_optimizer.job_run l
			WHERE l.job_id = j.job_id AND l.started_at IS NOT NULL ORDER BY l.run_id DESC LIMIT 1) r ON true
	WHERE CASE WHEN o.oid IS NOT NULL THEN pg_catalog.pg_has_role(o.oid, 'USAGE')
		ELSE (SELECT s.rolsuper FROM pg_catalog.pg_roles s WHERE s.rolname = current_user) END;
COMMENT ON VIEW perf_optimizer.jobs IS 'The jobs that the current role may alter: its own and those of roles it is a member of; a superuser sees all. held: the job came with a dump or a copy of the database and waits for resume_all_jobs().';

CREATE FUNCTION perf_optimizer.no_worker_since() RETURNS timestamptz LANGUAGE c VOLATILE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'perf_optimizer_no_worker_since';
COMMENT ON FUNCTION perf_optimizer.no_worker_since() IS 'Since when max_worker_processes has left no worker for the runs that wait in this database, or for its scheduler; null while there is one, and without preloading. Internal, read the message of waiting runs in the view job_runs.';

CREATE VIEW perf_optimizer.job_runs WITH (security_barrier) AS
	SELECT r.run_id, r.job_id, r.name, r.attempt, r.status::text AS status, r.scheduled_for, r.started_at, r.finished_at,
		(EXTRACT(epoch FROM r.finished_at - r.started_at) * 1000)::float8 AS duration_ms,
		r.rows_affected, r.sqlstate, CASE WHEN r.status = 'queued' AND r.not_before <= pg_catalog.now() AND (SELECT perf_optimizer.no_worker_since()) IS NOT NULL
			THEN 'waits for a worker process: all of max_worker_processes are taken' ELSE r.message END AS message,
		r.detail, r.hint, r.context, r.cause::text AS cause, r.pid,
		CASE WHEN r.status = 'queued' THEN r.not_before END AS not_before
	FROM perf_optimizer.job_run r
	WHERE CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles o WHERE o.oid = r.owner)
		THEN pg_catalog.pg_has_role(r.owner, 'USAGE')
		ELSE (SELECT s.rolsuper FROM pg_catalog.pg_roles s WHERE s.rolname = current_user) END;
COMMENT ON VIEW perf_optimizer.job_runs IS 'One row a slot of a job, with the outcome of its last attempt; attempt counts those so far. message says of a waiting run when the server has no worker process to spare for it. Shows runs of the current role and of roles it is a member of.';

CREATE VIEW perf_optimizer.job_attempts WITH (security_barrier) AS
	SELECT a.run_id, a.attempt, a.status, a.pid, a.started_at, a.finished_at, a.sqlstate, a.message, a.detail, a.hint, a.context
	FROM perf_optimizer.job_attempt a
	WHERE EXISTS (SELECT FROM perf_optimizer.job_runs r WHERE r.run_id = a.run_id)
	UNION ALL
	SELECT r.run_id, r.attempt, r.status, r.pid, r.started_at, r.finished_at, r.sqlstate, r.message, r.detail, r.hint, r.context
	FROM perf_optimizer.job_runs r
	WHERE r.attempt > 0 AND r.status <> 'queued'
		AND NOT EXISTS (SELECT FROM perf_optimizer.job_attempt a WHERE a.run_id = r.run_id AND a.attempt = r.attempt);
COMMENT ON VIEW perf_optimizer.job_attempts IS 'One row an attempt of a run, with its error. Shows runs of the current role and of roles it is a member of.';

CREATE VIEW perf_optimizer.dead_letter_jobs WITH (security_barrier) AS
	SELECT r.job_id, r.run_id, r.name, d.attempt AS attempts, r.status, r.scheduled_for, r.finished_at, r.sqlstate, r.message, r.detail, r.hint
	FROM perf_optimizer.job_run d JOIN perf_optimizer.job_runs r ON r.run_id = d.run_id
	WHERE d.dead_letter;
COMMENT ON VIEW perf_optimizer.dead_letter_jobs IS 'Runs that failed in their last attempt, until retry_job or the end of the history''s retention.';

CREATE VIEW perf_optimizer.job_metrics WITH (security_barrier) AS
	SELECT j.job_id, j.name, m.runs, m.succeeded, m.failed,
		m.succeeded::float8 / nullif(m.succeeded + m.failed, 0) AS success_ratio,
		m.p50_ms, m.p95_ms, m.avg_wait_ms, m.runs / greatest(m.hours, 1) AS runs_per_hour,
		m.skipped, m.cancelled
	FROM perf_optimizer.jobs j CROSS JOIN LATERAL (
		SELECT count(*) FILTER (WHERE r.started_at IS NOT NULL) AS runs,
			count(*) FILTER (WHERE r.status = 'succeeded') AS succeeded,
			count(*) FILTER (WHERE r.status IN ('failed', 'timed_out', 'crashed')) AS failed,
			count(*) FILTER (WHERE r.status = 'skipped') AS skipped,
			count(*) FILTER (WHERE r.status = 'cancelled') AS cancelled,
			pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY r.duration_ms) FILTER (WHERE r.status = 'succeeded') AS p50_ms,
			pg_catalog.percentile_cont(0.95) WITHIN GROUP (ORDER BY r.duration_ms) FILTER (WHERE r.status = 'succeeded') AS p95_ms,
			avg(EXTRACT(epoch FROM r.started_at - r.scheduled_for) * 1000) FILTER (WHERE r.attempt = 1)::float8 AS avg_wait_ms,
			(EXTRACT(epoch FROM pg_catalog.now() - min(r.scheduled_for)) / 3600)::float8 AS hours
		FROM perf_optimizer.job_runs r WHERE r.job_id = j.job_id) m;
COMMENT ON VIEW perf_optimizer.job_metrics IS 'Each job over the history that is kept (perf_optimizer.history_retention): runs that started, how they ended (failed counts failed, timed_out and crashed), the percentiles of the duration of successful ones, the average time from slot to start of runs without a retry, and runs an hour since the first. Times in milliseconds.';

GRANT SELECT ON perf_optimizer.jobs, perf_optimizer.job_runs, perf_optimizer.job_attempts, perf_optimizer.dead_letter_jobs,
	perf_optimizer.job_metrics TO PUBLIC;
/* ---- Suggestions carried out and tried by workers ---- */

CREATE FUNCTION perf_optimizer.apply_suggestion(definition text) RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_apply_suggestion';
COMMENT ON FUNCTION perf_optimizer.apply_suggestion(text) IS 'Has a background worker carry out what a suggestion says, as the caller, once this transaction commits; returns the run_id of job_runs and job_progress. definition: one or more of CREATE INDEX, DROP INDEX, REINDEX, CREATE and DROP STATISTICS, ANALYZE, VACUUM, CREATE MATERIALIZED VIEW, and ALTER TABLE that sets a statistics target or options, validates or drops a constraint. An index without a name gets one; a concurrent build that fails, is cancelled or runs out of time leaves no index behind. Works without preloading too. Errors: 22004 for a NULL, 42601 for a text that is no SQL, 22023 for another statement, what CREATE INDEX would raise (42501 not the owner of the table, 42P07 the name is taken), 42501 for a superuser while perf_optimizer.allow_superuser_jobs is off.';

CREATE FUNCTION perf_optimizer.verify_suggestion(definition text, queries text[] DEFAULT NULL, keep boolean DEFAULT false) RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_verify_suggestion';
COMMENT ON FUNCTION perf_optimizer.verify_suggestion(text, text[], boolean) IS 'Has a background worker try an index once this transaction commits: it runs the statements that would use it, builds it, runs them again, and drops it unless keep is set and it pays; returns the run_id. The run''s detail in job_runs is a JSON object with the verdict (pays, does not pay, unused), the times and costs before and after of each statement, and how many became slower. definition: one CREATE INDEX; queries: the statements (NULL: those of pg_stat_statements). Only SELECTs without volatile functions, row locks and unknown parameters are executed, in a read-only transaction and as the role that they belong to; the rest is priced by the planner, maintenance by writes as well. Use CALL await_run to wait for it. Errors: 22004 for a NULL, 22023 for what is no CREATE INDEX or for an empty list, what CREATE INDEX would raise, 55000 without queries and pg_stat_statements.';

CREATE FUNCTION perf_optimizer.schedule_index_tuning(schedule text, storage_budget_bytes bigint DEFAULT NULL, name text DEFAULT NULL,
	timezone text DEFAULT NULL, timeout interval DEFAULT NULL, max_attempts int DEFAULT 3, backoff interval DEFAULT '10 seconds',
	max_backoff interval DEFAULT '1 hour', priority int DEFAULT 0, enabled boolean DEFAULT true,
	after_job bigint DEFAULT NULL, exclude_window text DEFAULT NULL, retry_after_crash boolean DEFAULT false)
	RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_schedule_index_tuning';
COMMENT ON FUNCTION perf_optimizer.schedule_index_tuning(text, bigint, text, text, interval, int, interval, interval, int, boolean, bigint, text, boolean) IS 'Schedules trials of indexes and returns the job''s id: each run takes the best suggestion for the statements of pg_stat_statements on a table of the caller, verifies it as verify_suggestion does, and keeps it only if it pays. storage_budget_bytes: limit of all indexes that the job keeps (a comment on each says so). Nothing of this happens unless it is scheduled. A null name becomes "index_tuning workload". Errors: 22023 wrong schedule, zone, budget or option, 55000 pg_stat_statements is not there.';

CREATE FUNCTION perf_optimizer.runner_progress(OUT run_id bigint, OUT phase text, OUT done bigint, OUT total bigint, OUT since timestamptz)
	RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 4
	AS 'MODULE_PATHNAME', 'perf_optimizer_runner_progress';
COMMENT ON FUNCTION perf_optimizer.runner_progress() IS 'What the runners of this database say they are at, as far as the caller has the privileges of the role that they run as; total 0: not known. Internal, read the view job_progress.';

CREATE VIEW perf_optimizer.job_progress WITH (security_barrier) AS
	SELECT r.run_id, r.job_id, p.phase, p.done, p.total,
		CASE WHEN p.total > 0 THEN least(100 * p.done::float8 / p.total, 100) END AS progress_pct,
		CASE WHEN p.total > 0 AND p.done > 0 THEN pg_catalog.clock_timestamp()
			+ (pg_catalog.clock_timestamp() - p.since) * (greatest(p.total - p.done, 0)::float8 / p.done) END AS eta
	FROM perf_optimizer.job_runs r
		LEFT JOIN perf_optimizer.runner_progress() s ON s.run_id = r.run_id
		LEFT JOIN LATERAL (
			SELECT c.command || ': ' || c.phase AS phase,
				CASE WHEN c.blocks_total > 0 THEN c.blocks_done WHEN c.tuples_total > 0 THEN c.tuples_done ELSE c.lockers_done END AS done,
				CASE WHEN c.blocks_total > 0 THEN c.blocks_total WHEN c.tuples_total > 0 THEN c.tuples_total ELSE c.lockers_total END AS total
			FROM pg_catalog.pg_stat_progress_create_index c WHERE c.pid = r.pid
			UNION ALL
			SELECT 'VACUUM: ' || v.phase, CASE WHEN v.phase = 'vacuuming heap' THEN v.heap_blks_vacuumed ELSE v.heap_blks_scanned END, v.heap_blks_total
			FROM pg_catalog.pg_stat_progress_vacuum v WHERE v.pid = r.pid
			UNION ALL
			SELECT 'ANALYZE: ' || a.phase, a.sample_blks_scanned, a.sample_blks_total
			FROM pg_catalog.pg_stat_progress_analyze a WHERE a.pid = r.pid
			UNION ALL
			SELECT l.command || ': ' || l.phase, l.heap_blks_scanned, l.heap_blks_total
			FROM pg_catalog.pg_stat_progress_cluster l WHERE l.pid = r.pid
			LIMIT 1) c ON true
		CROSS JOIN LATERAL (SELECT coalesce(c.phase, s.phase, 'running') AS phase, coalesce(c.done, s.done, 0) AS done,
			coalesce(c.total, s.total, 0) AS total, coalesce(s.since, r.started_at) AS since) p
	WHERE r.status = 'running';
COMMENT ON VIEW perf_optimizer.job_progress IS 'What the running runs are at, and when they will be done at their rate so far: done and total count blocks, rows, or what the kind of job counts; progress_pct and eta are NULL where the total is not known. Shows runs of the current role and of roles it is a member of.';
GRANT SELECT ON perf_optimizer.job_progress TO PUBLIC;
/* ---- Maintenance by a worker, now ---- */

CREATE FUNCTION perf_optimizer.optimize_table(relation regclass) RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'perf_optimizer_optimize_table';
COMMENT ON FUNCTION perf_optimizer.optimize_table(regclass) IS 'Has a background worker VACUUM (ANALYZE) a table, a partitioned table with its partitions, or a materialized view once this transaction commits; returns the run_id of job_runs and job_progress. Works without preloading too. schedule_maintenance does the same on a schedule. Errors: 22004 for a NULL, 42P01 for what is gone, 42809 for what cannot be vacuumed, 42501 unless you own it (from PostgreSQL 17 on: or have MAINTAIN), 25006 in a read-only transaction and on a standby.';

/* ---- materialized views ---- */

CREATE TABLE perf_optimizer.matview_state (
  matview regclass PRIMARY KEY,
  rule_oid oid NOT NULL,
  last_refresh timestamptz NOT NULL,
  last_mode text NOT NULL,
  last_duration_ms float8 NOT NULL,
  rows_inserted bigint NOT NULL,
  rows_updated bigint NOT NULL,
  rows_deleted bigint,
  base_changes bigint,
  base_files text
);
COMMENT ON TABLE perf_optimizer.matview_state IS
  'The last refresh of each materialized view by perf_optimizer. Written by refresh() alone; read it through matview_status. rule_oid tells a view from a later one with the same OID.';

CREATE TABLE perf_optimizer.matview_incremental (
  matview regclass PRIMARY KEY,
  settings text[] NOT NULL
);
COMMENT ON TABLE perf_optimizer.matview_incremental IS
  'Views registered by enable_incremental, and the settings (names and values in turn) with which their queries are run. Dumps contain it.';
SELECT pg_catalog.pg_extension_config_dump('perf_optimizer.matview_incremental', '');

CREATE TABLE perf_optimizer.matview_tracking (
  matview oid PRIMARY KEY,
  query_print bigint NOT NULL,
  view_print bigint NOT NULL,
  consumed pg_snapshot,
  bases oid[] NOT NULL,
  reason text,
  lookups jsonb
);
COMMENT ON TABLE perf_optimizer.matview_tracking IS
  'What the last refresh of each registered view saw: fingerprints of what its query reaches and of the view, the snapshot, the tables whose logs it reads, or the reason why the next refresh compares in full, and lookups: of each relation in which it finds rows by their keys the columns that an index should begin with. Written by refresh() and enable_incremental() alone.';

CREATE TABLE perf_optimizer.matview_log (
  base oid PRIMARY KEY,
  log oid NOT NULL,
  logged int2[] NOT NULL,
  used int2[] NOT NULL
);
COMMENT ON TABLE perf_optimizer.matview_log IS
  'The log of changes (a table perf_optimizer.matview_log_<oid>) of each table that a registered view reads, the columns that it holds, and the columns without whose change an update is not logged.';

CREATE FUNCTION perf_optimizer.matview_bases(matview regclass) RETURNS regclass[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH RECURSIVE reads (relid) AS (
    SELECT d.refobjid
    FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
    WHERE r.ev_class = $1 AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> $1
    UNION
    SELECT d.refobjid
    FROM reads b
    JOIN pg_class v ON v.oid = b.relid AND v.relkind = 'v'
    JOIN pg_rewrite r ON r.ev_class = v.oid
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid <> v.oid
  )
  SELECT coalesce(array_agg(c.oid::regclass ORDER BY c.oid::regclass::text), '{}')
  FROM reads JOIN pg_class c ON c.oid = reads.relid
  WHERE c.relkind IN ('r', 'p', 'm', 'f')
$$;
COMMENT ON FUNCTION perf_optimizer.matview_bases(regclass) IS
  'The tables, materialized views and foreign tables that a materialized view reads, through plain views too. What functions in its query read is not known to the catalog and not included.';

CREATE FUNCTION perf_optimizer.matview_base_activity(matview regclass, OUT changes bigint, OUT files text)
LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH RECURSIVE tree (relid) AS (
    SELECT unnest(perf_optimizer.matview_bases($1))::oid
    UNION
    SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.relid
  )
  SELECT CASE WHEN bool_or(c.relkind = 'f') OR NOT current_setting('track_counts')::boolean THEN NULL
              ELSE coalesce(sum(pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_xact_tuples_inserted(c.oid)
                                + pg_stat_get_tuples_updated(c.oid) + pg_stat_get_xact_tuples_updated(c.oid)
                                + pg_stat_get_tuples_deleted(c.oid) + pg_stat_get_xact_tuples_deleted(c.oid)), 0)
              END::bigint,
         md5(coalesce(string_agg(c.oid || '/' || c.relfilenode, ',' ORDER BY c.oid), ''))
  FROM tree JOIN pg_class c ON c.oid = tree.relid
$$;
COMMENT ON FUNCTION perf_optimizer.matview_base_activity(regclass) IS
  'Rows written so far to what a materialized view reads, by the statistics counters and this session''s own unreported writes (NULL when there are none: foreign tables, track_counts off), and a digest of the files, which changes with TRUNCATE and rewrites.';

CREATE FUNCTION perf_optimizer.matview_unique_key(matview regclass, OUT columns text[], OUT may_be_null boolean)
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_matview_unique_key';
COMMENT ON FUNCTION perf_optimizer.matview_unique_key(regclass) IS
  'The output columns that a materialized view''s query makes unique (DISTINCT, UNION, GROUP BY keys, the primary key of a single table), and whether they may hold NULLs. NULL when nothing is provable.';

CREATE FUNCTION perf_optimizer.capture_change() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_capture_change';
COMMENT ON FUNCTION perf_optimizer.capture_change() IS
  'The trigger function that notes changes for incremental refresh; enable_incremental makes its triggers. It does nothing on a table that no registered view reads.';

CREATE FUNCTION perf_optimizer.can_refresh_incrementally(matview regclass, OUT ok boolean, OUT reason text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_can_refresh_incrementally';
COMMENT ON FUNCTION perf_optimizer.can_refresh_incrementally(regclass) IS
  'Whether enable_incremental would register a materialized view for the current user, and why not: all reasons, separated by semicolons. Needs ownership of the view (from PostgreSQL 17 also MAINTAIN). Errors: 42809 not a materialized view, 42501 no right, 22004 a NULL.';

CREATE FUNCTION perf_optimizer.enable_incremental(matview regclass) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_enable_incremental';
COMMENT ON FUNCTION perf_optimizer.enable_incremental(regclass) IS
  'Registers a materialized view for incremental refresh: makes triggers on the tables that its query reads, which note changes, and pins the settings of this session that results may depend on. Returns what is tracked. The next refresh compares in full. Waits only moments for a lock on the tables. Needs ownership of the view and of its tables. Errors: 0A000 the query does not allow it (can_refresh_incrementally says why), 42501 no right, 42809 not a materialized view, 55P03 the tables were busy, 22004 a NULL.';

CREATE FUNCTION perf_optimizer.disable_incremental(matview regclass) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_disable_incremental';
COMMENT ON FUNCTION perf_optimizer.disable_incremental(regclass) IS
  'Ends the incremental refresh of a materialized view, and removes the triggers and logs that no other view needs. Does nothing when it was not enabled. Needs ownership of the view. Errors: 42809 not a materialized view, 42501 no right, 22004 a NULL.';

CREATE FUNCTION perf_optimizer.matview_pending(matview regclass) RETURNS bigint
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_matview_pending';
COMMENT ON FUNCTION perf_optimizer.matview_pending(regclass) IS
  'How many committed changes of its tables a registered materialized view has not taken in, each combination of noted values counted once a transaction. NULL for a view that is not registered, or whose next refresh compares in full.';

CREATE FUNCTION perf_optimizer.matview_has_index(relation oid, columns text[], rises text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT EXISTS (
    SELECT FROM pg_index i
    JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_am am ON am.oid = x.relam AND am.amname = 'btree'
    CROSS JOIN LATERAL (
      -- A column of another order or collation than its own is none that a refresh asks for.
      SELECT array_agg(CASE WHEN a.attcollation <> i.indcollation[p - 1]
                                 OR NOT EXISTS (SELECT FROM pg_opclass o JOIN pg_opclass d ON d.opcfamily = o.opcfamily AND d.opcdefault WHERE o.oid = i.indclass[p - 1])
                            THEN '' ELSE ltrim(rtrim(pg_get_indexdef(i.indexrelid, p, false), ')'), '(') END ORDER BY p)
      FROM generate_series(1, i.indnkeyatts) AS p
      LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[p - 1]) AS h (held)
    CROSS JOIN LATERAL (
      SELECT array_agg(ltrim(rtrim(c, ')'), '(')) FROM unnest(columns) AS c) AS w (wanted)
    WHERE i.indrelid = relation AND i.indisvalid AND i.indpred IS NULL
      AND (coalesce(w.wanted, '{}') <@ h.held[:cardinality(columns)] AND (rises IS NULL OR h.held[cardinality(columns) + 1] = ltrim(rtrim(rises, ')'), '('))
           OR i.indisunique AND h.held <@ w.wanted))
$$;
COMMENT ON FUNCTION perf_optimizer.matview_has_index(oid, text[], text) IS
  'Whether a relation has a B-tree index that begins with some columns in any order, followed by what rises with a key unless that is NULL, or a unique index of some of the columns. Internal.';

CREATE FUNCTION perf_optimizer.matview_missing_index(lookups jsonb, OUT relation regclass, OUT columns text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH RECURSIVE wish AS (
    SELECT l.*
    FROM ROWS FROM (jsonb_to_recordset($1) AS (relation oid, columns text[], rises text, selective boolean)) WITH ORDINALITY AS l (relation, columns, rises, selective, place)
  ), tree (root, relid) AS (
    SELECT DISTINCT w.relation, w.relation FROM wish w
    UNION ALL
    SELECT t.root, c.oid FROM tree t JOIN pg_inherits i ON i.inhparent = t.relid JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition
  ), leaf AS (
    SELECT t.root, c.oid AS relid, c.relpages, c.relname, n.nspname
    FROM tree t JOIN pg_class c ON c.oid = t.relid AND c.relkind <> 'p' JOIN pg_namespace n ON n.oid = c.relnamespace
  )
  SELECT w.relation::regclass, concat_ws(', ', VARIADIC w.columns || w.rises)
  FROM wish w
  WHERE (SELECT sum(f.relpages) FROM leaf f WHERE f.root = w.relation) >= 100
    -- One value has at most a twentieth of the rows.
    AND (w.selective IS NOT TRUE OR EXISTS (SELECT FROM leaf f JOIN pg_stats s ON s.schemaname = f.nspname AND s.tablename = f.relname
                                    WHERE f.root = w.relation AND quote_ident(s.attname) = ANY (w.columns) AND (s.n_distinct < 0 OR s.n_distinct >= 20)))
    AND NOT perf_optimizer.matview_has_index(w.relation, w.columns, w.rises)
    AND EXISTS (SELECT FROM leaf f WHERE f.root = w.relation AND NOT perf_optimizer.matview_has_index(f.relid, w.columns, w.rises))
  ORDER BY w.place
  LIMIT 1
$$;
COMMENT ON FUNCTION perf_optimizer.matview_missing_index(jsonb) IS
  'The first relation, of at least 100 pages with its partitions, in which an incremental refresh looks rows up without an index, of each partition, that begins with the columns asked for, and these columns as CREATE INDEX takes them; of matview_tracking.lookups. Where a lookup says selective, only if the statistics that you may see give one of the columns 20 values or more.';

CREATE FUNCTION perf_optimizer.forget_dropped_matviews() RETURNS event_trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_forget_dropped_matviews';
COMMENT ON FUNCTION perf_optimizer.forget_dropped_matviews() IS
  'The event trigger function that forgets materialized views that were dropped, and removes triggers and logs that no other view needs.';
-- Of all commands: any object that a view depends on may take it along.
CREATE EVENT TRIGGER perf_optimizer_forget_dropped_matviews ON sql_drop
  EXECUTE FUNCTION perf_optimizer.forget_dropped_matviews();
ALTER EVENT TRIGGER perf_optimizer_forget_dropped_matviews ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER perf_optimizer_forget_dropped_matviews IS
  'Tidies up after materialized views that were registered for incremental refresh.';

CREATE FUNCTION perf_optimizer.refresh(matview regclass, mode text DEFAULT 'auto', OUT mode_used text,
  OUT rows_inserted bigint, OUT rows_updated bigint, OUT rows_deleted bigint, OUT duration_ms float8, OUT reason text)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_refresh';
COMMENT ON FUNCTION perf_optimizer.refresh(regclass, text) IS
  'Refreshes a materialized view. mode: incremental computes only the rows that noted changes concern and needs enable_incremental; concurrent runs the whole query and writes only the rows that differ, needs no unique index and blocks no reader; full is the server''s REFRESH, which replaces the relation and blocks readers; auto is the cheapest that blocks no reader: nothing at all (mode_used skipped) or incremental for a registered view, else concurrent, or full for a view that was never populated. A registered view whose rows cannot be told from the noted changes is refreshed by the whole query, and reason says why. Returns what was done; duration_ms is milliseconds, rows_deleted is NULL after full (not counted). Needs ownership of the view (from PostgreSQL 17 also MAINTAIN). Errors: 42809 not a materialized view, 42501 no right, 22023 unknown mode, 22004 a NULL, 55000 mode incremental for a view that is not registered, 23505 the query breaks a unique index of the view.';

CREATE FUNCTION perf_optimizer.refresh_in_order(matviews regclass[] DEFAULT NULL, mode text DEFAULT 'auto')
RETURNS TABLE (matview regclass, mode_used text, rows_inserted bigint, rows_updated bigint, rows_deleted bigint, duration_ms float8, reason text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 20
AS $$
DECLARE
  target pg_catalog.regclass;
  targets pg_catalog.regclass[];
BEGIN
  IF pg_catalog.array_position(matviews, NULL) IS NOT NULL THEN
    RAISE EXCEPTION 'argument "matviews" must not contain NULL' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  -- Everything is qualified instead of a pinned search_path, in which the views' queries would run.
  targets := ARRAY(
    WITH RECURSIVE chain (view, depth) AS (
      SELECT m.oid::pg_catalog.regclass, 0
      FROM pg_catalog.pg_class m
      WHERE CASE WHEN matviews IS NOT NULL THEN m.oid OPERATOR(pg_catalog.=) ANY (matviews::pg_catalog.oid[])
                 WHEN m.relkind OPERATOR(pg_catalog.<>) 'm' THEN false
                 WHEN pg_catalog.pg_has_role(m.relowner, 'USAGE') THEN true
                 WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 OPERATOR(pg_catalog.>=) 170000
                 THEN pg_catalog.has_table_privilege(m.oid, 'MAINTAIN')
                 ELSE false
            END
      UNION
      SELECT b.relation, c.depth OPERATOR(pg_catalog.+) 1
      FROM chain c
      CROSS JOIN LATERAL pg_catalog.unnest(perf_optimizer.matview_bases(c.view)) AS b (relation)
      JOIN pg_catalog.pg_class m ON m.oid OPERATOR(pg_catalog.=) b.relation AND m.relkind OPERATOR(pg_catalog.=) 'm'
    )
    SELECT c.view FROM chain c GROUP BY c.view ORDER BY pg_catalog.max(c.depth) DESC, c.view::pg_catalog.oid);
  FOREACH target IN ARRAY targets LOOP
    RETURN QUERY SELECT target, r.mode_used, r.rows_inserted, r.rows_updated, r.rows_deleted, r.duration_ms, r.reason
                 FROM perf_optimizer.refresh(target, mode) AS r;
  END LOOP;
END $$;
COMMENT ON FUNCTION perf_optimizer.refresh_in_order(regclass[], text) IS
  'Refreshes materialized views and every materialized view that they read, directly or through other views: each once, and what is read before what reads it. matviews NULL means all that the current user may refresh. mode and the columns are those of refresh, which is called for each in this one transaction; an error undoes all. Returns a row for each view in the order of the refreshes. Errors: 22004 a NULL, and those of refresh.';

CREATE VIEW perf_optimizer.matview_status AS
SELECT m.oid::pg_catalog.regclass AS matview,
       u.unique_index,
       i.matview IS NOT NULL AS incremental,
       s.last_refresh,
       s.last_mode,
       s.last_duration_ms,
       p.changes AS pending_changes,
       CASE WHEN NOT m.relispopulated THEN true
            WHEN p.changes IS NOT NULL THEN p.changes OPERATOR(pg_catalog.>) 0
            WHEN s.base_files OPERATOR(pg_catalog.=) a.files
                 AND a.changes OPERATOR(pg_catalog.>=) s.base_changes
            THEN a.changes OPERATOR(pg_catalog.>) s.base_changes
       END AS stale,
       perf_optimizer.matview_bases(m.oid) AS depends_on,
       pg_catalog.pg_total_relation_size(m.oid) AS size_bytes,
       CASE WHEN NOT m.relispopulated
            THEN 'never populated: reading it is an error until the first refresh'
            WHEN w.finding IS NOT NULL AND (u.unique_index IS NOT NULL OR k.columns IS NULL) THEN w.finding
            WHEN u.unique_index IS NOT NULL THEN NULL
            WHEN k.columns IS NULL
            THEN 'no unique index: REFRESH MATERIALIZED VIEW CONCURRENTLY fails with 55000, and the query proves no columns unique; perf_optimizer.refresh needs no unique index'
            WHEN k.may_be_null
            THEN 'no unique index: REFRESH MATERIALIZED VIEW CONCURRENTLY fails with 55000; the query makes these columns unique, but where one of them is NULL, CONCURRENTLY writes the row anew each time (perf_optimizer.refresh does not)'
            ELSE 'no unique index: REFRESH MATERIALIZED VIEW CONCURRENTLY fails with 55000; the query makes these columns unique'
       END AS finding,
       (CASE WHEN NOT m.relispopulated
            THEN pg_catalog.format('REFRESH MATERIALIZED VIEW %I.%I', n.nspname, m.relname)
            WHEN w.finding IS NOT NULL AND (u.unique_index IS NOT NULL OR k.columns IS NULL) THEN w.suggested_sql
            WHEN u.unique_index IS NOT NULL THEN NULL
            WHEN k.columns IS NULL
            THEN pg_catalog.format('SELECT * FROM perf_optimizer.refresh(%L, %L)',
                                   pg_catalog.format('%I.%I', n.nspname, m.relname), 'concurrent')
            ELSE pg_catalog.format('CREATE UNIQUE INDEX CONCURRENTLY ON %I.%I (%s)', n.nspname, m.relname,
                                   (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(c.name), ', ' ORDER BY c.position)
                                    FROM pg_catalog.unnest(k.columns) WITH ORDINALITY AS c (name, position)))
       END) COLLATE pg_catalog."default" AS suggested_sql,
       CASE WHEN i.matview IS NULL OR t.consumed IS NOT NULL THEN NULL
            ELSE coalesce(t.reason, 'this is its first refresh since it was registered or restored')
       END AS full_reason
FROM pg_catalog.pg_class m
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) m.relnamespace
JOIN pg_catalog.pg_rewrite r ON r.ev_class OPERATOR(pg_catalog.=) m.oid
LEFT JOIN perf_optimizer.matview_state s
  ON s.matview OPERATOR(pg_catalog.=) m.oid AND s.rule_oid OPERATOR(pg_catalog.=) r.oid
LEFT JOIN perf_optimizer.matview_incremental i ON i.matview OPERATOR(pg_catalog.=) m.oid
LEFT JOIN perf_optimizer.matview_tracking t ON t.matview OPERATOR(pg_catalog.=) m.oid
CROSS JOIN LATERAL (SELECT CASE WHEN i.matview IS NOT NULL THEN perf_optimizer.matview_pending(m.oid) END) AS p (changes)
LEFT JOIN LATERAL (
  SELECT pg_catalog.format('%I.%I', n.nspname, x.relname) COLLATE pg_catalog."default" AS unique_index
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class x ON x.oid OPERATOR(pg_catalog.=) i.indexrelid
  JOIN pg_catalog.pg_am am ON am.oid OPERATOR(pg_catalog.=) x.relam
  WHERE i.indrelid OPERATOR(pg_catalog.=) m.oid AND i.indisunique AND i.indimmediate AND i.indisvalid
    AND i.indpred IS NULL AND am.amname OPERATOR(pg_catalog.=) 'btree'
    AND 0::smallint OPERATOR(pg_catalog.<>) ALL (i.indkey::smallint[])
  ORDER BY i.indnatts, x.relname
  LIMIT 1) u ON true
CROSS JOIN LATERAL perf_optimizer.matview_unique_key(m.oid) k
CROSS JOIN LATERAL perf_optimizer.matview_base_activity(m.oid) a
CROSS JOIN LATERAL perf_optimizer.matview_missing_index(CASE WHEN i.matview IS NOT NULL THEN t.lookups END) x
CROSS JOIN LATERAL (
  SELECT CASE WHEN x.relation IS NOT NULL
              THEN pg_catalog.format('incremental refresh looks rows up in %s, where %s with: %s', c.name,
                                     CASE WHEN c.partitioned THEN 'not every partition has an index that begins' ELSE 'no index begins' END, x.columns)
              WHEN i.matview IS NOT NULL AND m.relhasindex AND m.relpages OPERATOR(pg_catalog.>=) 100
                   AND NOT EXISTS (SELECT FROM pg_catalog.pg_options_to_table(m.reloptions) AS o WHERE o.option_name OPERATOR(pg_catalog.=) 'fillfactor')
              THEN 'incremental refresh updates rows in place: with room left in its pages most updates need no new index entries'
         END,
         CASE WHEN x.relation IS NOT NULL
              THEN pg_catalog.format('CREATE INDEX %sON %s (%s)', CASE WHEN NOT c.partitioned THEN 'CONCURRENTLY ' END, c.name, x.columns)
              ELSE pg_catalog.format('ALTER MATERIALIZED VIEW %I.%I SET (fillfactor = 90)', n.nspname, m.relname)
         END
  FROM (SELECT CASE WHEN r.relation IS NOT NULL THEN pg_catalog.format('%I.%I', xn.nspname, xc.relname) END, xc.relkind OPERATOR(pg_catalog.=) 'p'
        FROM (SELECT x.relation) AS r (relation)
        LEFT JOIN pg_catalog.pg_class xc ON xc.oid OPERATOR(pg_catalog.=) r.relation
        LEFT JOIN pg_catalog.pg_namespace xn ON xn.oid OPERATOR(pg_catalog.=) xc.relnamespace) AS c (name, partitioned)
) AS w (finding, suggested_sql)
WHERE m.relkind OPERATOR(pg_catalog.=) 'm';
COMMENT ON VIEW perf_optimizer.matview_status IS
  'Each materialized view: a unique index that REFRESH CONCURRENTLY can use, our last refresh (moment, mode, milliseconds), whether its tables were written since by the statistics counters (stale; other sessions report up to ten seconds late, and it is NULL when unknown: never refreshed by us, tables truncated or rewritten, statistics reset), what it reads, its size in bytes, and what is wrong with the statement that cures it. For a view that enable_incremental registered (incremental), pending_changes counts the noted changes that it has not taken in, stale says whether there are any, and full_reason why its next refresh compares in full; pending_changes is NULL then. finding and suggested_sql then also name an index that an incremental refresh lacks, and a fillfactor.';
GRANT SELECT ON perf_optimizer.matview_status TO PUBLIC;

/* ---- archival ---- */

CREATE TABLE perf_optimizer.archive_policy (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE,
  owner regrole NOT NULL,
  relation regclass NOT NULL,
  time_column name NOT NULL,
  older_than interval NOT NULL,
  strategy text NOT NULL CHECK (strategy IN ('move', 'copy', 'delete')),
  destination regclass,
  predicate text,
  batch_rows int NOT NULL,
  max_rows_per_second int,
  max_replica_lag interval,
  schedule text,
  timezone text NOT NULL,
  fk_policy text NOT NULL CHECK (fk_policy IN ('refuse', 'cascade')),
  max_share_pct float8,
  max_runtime interval,
  run_window text,
  max_wal_bytes_per_second bigint,
  purge_after interval,
  on_drift text NOT NULL CHECK (on_drift IN ('error', 'add_columns')),
  export_directory text,
  created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE perf_optimizer.archive_policy IS
  'Archive policies. Written by create_archive_policy, alter_archive_policy and drop_archive_policy alone; each use checks the row and the user''s rights again. Read it through archive_policies.';
SELECT pg_extension_config_dump('perf_optimizer.archive_policy', '');
SELECT pg_extension_config_dump('perf_optimizer.archive_policy_id_seq', '');

CREATE TABLE perf_optimizer.archive_run (
  run_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  policy_id int NOT NULL,
  policy text NOT NULL,
  owner regrole NOT NULL,
  action text NOT NULL DEFAULT 'archive' CHECK (action IN ('archive', 'restore')),
  status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'succeeded', 'failed', 'crashed')),
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz,
  rows_archived bigint NOT NULL DEFAULT 0,
  rows_purged bigint NOT NULL DEFAULT 0,
  batches bigint NOT NULL DEFAULT 0,
  cutoff timestamptz,
  why_stopped text,
  message text,
  digest bigint NOT NULL DEFAULT 0,
  digest_of text,
  rows_estimated bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
COMMENT ON TABLE perf_optimizer.archive_run IS
  'Runs of archive policies; rows of dropped policies stay. digest: exclusive or of the hashes, by the expression digest_of (NULL: not all were hashed), of the rows that came to the archive and that left it. rows_estimated: how many of rows_archived and rows_purged are estimates, of large partitions that came or left as a whole. Written by run_archive and restore_archive alone. Read it through archive_runs.';
SELECT pg_extension_config_dump('perf_optimizer.archive_run', '');
SELECT pg_extension_config_dump('perf_optimizer.archive_run_run_id_seq', '');
CREATE INDEX archive_run_policy ON perf_optimizer.archive_run (policy_id, status);
COMMENT ON INDEX perf_optimizer.archive_run_policy IS 'Finds a policy''s runs.';

CREATE SEQUENCE perf_optimizer.archive_file_id_seq;
COMMENT ON SEQUENCE perf_optimizer.archive_file_id_seq IS 'Numbers of files with archived rows.';

CREATE TABLE perf_optimizer.archive_file (
  file_id bigint PRIMARY KEY,
  policy_id int NOT NULL,
  policy text NOT NULL,
  owner regrole NOT NULL,
  run_id bigint NOT NULL,
  path text NOT NULL,
  columns text NOT NULL,
  row_count bigint NOT NULL,
  bytes bigint NOT NULL,
  sha256 text NOT NULL,
  oldest timestamptz NOT NULL,
  newest timestamptz NOT NULL,
  rows_restored bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  purged_at timestamptz
);
COMMENT ON TABLE perf_optimizer.archive_file IS
  'The manifest of the files that archived rows went to; a file without a row here holds rows that are still in their table. Written by run_archive and restore_archive alone. Read it through archive_files.';
SELECT pg_extension_config_dump('perf_optimizer.archive_file', '');
SELECT pg_extension_config_dump('perf_optimizer.archive_file_id_seq', '');
CREATE INDEX archive_file_policy ON perf_optimizer.archive_file (policy_id, newest) WHERE purged_at IS NULL;
COMMENT ON INDEX perf_optimizer.archive_file_policy IS 'Finds a policy''s files by time.';

CREATE FUNCTION perf_optimizer.create_archive_policy(relation regclass, time_column name, older_than interval,
  strategy text DEFAULT 'move', destination regclass DEFAULT NULL, predicate text DEFAULT NULL,
  batch_rows int DEFAULT 5000, max_rows_per_second int DEFAULT NULL, max_replica_lag interval DEFAULT NULL,
  schedule text DEFAULT NULL, name text DEFAULT NULL, timezone text DEFAULT NULL, fk_policy text DEFAULT 'refuse',
  max_share_pct float8 DEFAULT NULL, max_runtime interval DEFAULT NULL, run_window text DEFAULT NULL,
  max_wal_bytes_per_second bigint DEFAULT NULL, purge_after interval DEFAULT NULL, on_drift text DEFAULT 'error',
  export_directory text DEFAULT NULL)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_create_archive_policy';
COMMENT ON FUNCTION perf_optimizer.create_archive_policy(regclass, name, interval, text, regclass, text, int, int, interval, text, text, text, text, float8, interval, text, bigint, interval, text, text) IS
  'Makes an archive policy and returns its name (default: the table''s). Rows whose time_column (timestamptz, timestamp or date) is more than older_than ago, and for which predicate (one boolean expression) holds, are moved or copied to destination (NULL: <relation>_archive is made) or deleted. A run commits batches of up to batch_rows rows, stays below max_rows_per_second and max_wal_bytes_per_second (when neither is given: 8 MB of WAL a second), waits while a replica is more than max_replica_lag behind, ends after max_runtime, and works only within run_window (such as "mon-fri 22:00-06:00" in the policys time zone). purge_after deletes archived rows at that age. on_drift: error, or add_columns to add columns to the destination that the table got. export_directory moves rows into CSV files there instead (needs the rights of pg_write_server_files). A foreign table as destination needs a primary key on the table. timezone (IANA name; default the session''s; needed for columns without time zone unless the session is in UTC) is where ages are counted. fk_policy: refuse, or cascade to let ON DELETE actions of foreign keys happen. max_share_pct refuses a first run that would take more of the table. schedule makes a job. The caller must own the table. Errors: 42809, 42501, 42703, 42804 (not a table, not the owner, no such column, not a time), 22023 and 22004 (a wrong or missing value), 42601 (predicate), 42P07 (the name of the archive is taken), 42710 (the policy exists), 55000 (something would make each run fail).';

CREATE FUNCTION perf_optimizer.alter_archive_policy(policy text, older_than interval DEFAULT NULL, predicate text DEFAULT NULL,
  batch_rows int DEFAULT NULL, max_rows_per_second int DEFAULT NULL, max_replica_lag interval DEFAULT NULL,
  schedule text DEFAULT NULL, timezone text DEFAULT NULL, fk_policy text DEFAULT NULL, max_share_pct float8 DEFAULT NULL,
  max_runtime interval DEFAULT NULL, run_window text DEFAULT NULL, max_wal_bytes_per_second bigint DEFAULT NULL,
  purge_after interval DEFAULT NULL, on_drift text DEFAULT NULL, reset text[] DEFAULT NULL)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_alter_archive_policy';
COMMENT ON FUNCTION perf_optimizer.alter_archive_policy(text, interval, text, int, int, interval, text, text, text, float8, interval, text, bigint, interval, text, text[]) IS
  'Changes an archive policy: arguments as of create_archive_policy, a NULL keeps what is. reset names options that go back to having no value, before what is given is set: predicate, max_rows_per_second, max_replica_lag, schedule (removes the job), max_share_pct, max_runtime, run_window, max_wal_bytes_per_second, purge_after. A run that is going on is not affected. Errors: as of create_archive_policy, 42704 no such policy, 42501 not its owner, 22023 an option that cannot be reset.';

CREATE FUNCTION perf_optimizer.drop_archive_policy(policy text) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_drop_archive_policy';
COMMENT ON FUNCTION perf_optimizer.drop_archive_policy(text) IS
  'Removes an archive policy and the caller''s jobs that run it. The destination, its rows and the recorded runs stay. Errors: 42704 no such policy, 42501 not its owner, 22004 a NULL.';

CREATE FUNCTION perf_optimizer.preview_archive(policy text, OUT eligible_rows bigint, OUT eligible_bytes bigint,
  OUT oldest timestamptz, OUT newest timestamptz, OUT batches bigint, OUT partitions text[], OUT blockers text[], OUT hints text[])
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_preview_archive';
COMMENT ON FUNCTION perf_optimizer.preview_archive(text) IS
  'What a run of the policy would take if it began now: rows (counted), bytes (estimated), their oldest and newest moment, batches of batch_rows rows (a rate makes them smaller, and more), partitions that would change their parent as a whole, blockers: what would make the run fail, with the way out, and hints: what makes it slow (foreign keys without an index), with the statement that cures it; run_archive tells of these by notices. With blockers in the tables'' definitions the rows are not counted, and the numbers are NULL. Changes nothing. Errors: 42704, 42501, 22004.';

CREATE PROCEDURE perf_optimizer.run_archive(policy text, max_batches int DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'perf_optimizer_run_archive';
COMMENT ON PROCEDURE perf_optimizer.run_archive(text, int) IS
  'Runs an archive policy to its end, or for max_batches batches. Commits batch by batch: with move to a local table each row is in exactly one of the two tables at every moment. The freed space is reused by the table, not given back to the operating system, except by whole partitions. Errors: 2D000 inside a transaction block, before any work; 42704, 42501, 22004, 22023; 55P03 the policy is running already; 55000 blockers; 27000 a trigger would lose rows; others as the tables raise them. All but the first six are recorded in archive_runs with the reason.';

CREATE PROCEDURE perf_optimizer.restore_archive(policy text, from_time timestamptz, to_time timestamptz)
LANGUAGE c
AS 'MODULE_PATHNAME', 'perf_optimizer_restore_archive';
COMMENT ON PROCEDURE perf_optimizer.restore_archive(text, timestamptz, timestamptz) IS
  'Brings archived rows back whose time lies from from_time on and before to_time, batch by batch; recorded in archive_runs with the action restore. Rows of move leave the archive, those of copy and of files stay there. A later run archives them again unless the policy is changed. Generated columns are computed anew; columns that the table does not have any more stay behind. Errors: 2D000 inside a transaction block, before any work; 42704, 42501, 22004; 22023 an empty range; 55P03 the policy is running; 55000 blockers (no primary key on the table, the archive is on another server, the policy deletes); 23505 a row with that key is there; 58030 a file was changed.';

CREATE FUNCTION perf_optimizer.verify_archive(policy text, OUT check_name text, OUT ok boolean, OUT expected bigint,
  OUT found bigint, OUT message text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_verify_archive';
COMMENT ON FUNCTION perf_optimizer.verify_archive(text) IS
  'Checks an archive, one row a check: that no row is in both tables by primary key (with copy: that copies are the same as their originals), that the archive has as many rows as runs have put there and that these have the content that they had then (by a hash; not where rows came as whole partitions, or columns were added since), that each file has its recorded length and SHA-256. Reads both tables whole; changes nothing. Errors: 42704, 42501, 22004; 55000 a table is gone.';

CREATE VIEW perf_optimizer.archive_policies AS
SELECT p.name AS policy, p.owner, p.relation, p.time_column, p.older_than, p.strategy, p.destination, p.predicate,
       p.batch_rows, p.max_rows_per_second, p.max_replica_lag, p.schedule, p.timezone, p.fk_policy, p.max_share_pct,
       p.max_runtime, p.max_wal_bytes_per_second, p.created_at, p.run_window, p.purge_after, p.on_drift, p.export_directory
FROM perf_optimizer.archive_policy p
WHERE pg_catalog.pg_has_role(p.owner, 'USAGE');
COMMENT ON VIEW perf_optimizer.archive_policies IS
  'The archive policies of the roles whose rights the current user has.';
GRANT SELECT ON perf_optimizer.archive_policies TO PUBLIC;

CREATE VIEW perf_optimizer.archive_runs AS
SELECT r.run_id, r.policy, r.status, r.started_at, r.finished_at, r.rows_archived, r.batches, r.cutoff, r.why_stopped,
       r.message, r.action, r.rows_purged, r.rows_estimated
FROM perf_optimizer.archive_run r
WHERE pg_catalog.pg_has_role(r.owner, 'USAGE');
COMMENT ON VIEW perf_optimizer.archive_runs IS
  'The runs of archive policies. status: running, succeeded, failed, crashed (found by the next run: the backend or server ended during it). action: archive or restore; rows_archived: taken, or brought back; rows_purged: deleted from the archive; rows_estimated: how many of these were not counted, but estimated from statistics, because a partition of more than 8 MB came or went as a whole. why_stopped: nothing left, max_batches, max_runtime, run_window, replica_lag, blocked, cancelled, error, crashed; message is the error''s text.';
GRANT SELECT ON perf_optimizer.archive_runs TO PUBLIC;

CREATE VIEW perf_optimizer.archive_files AS
SELECT f.file_id, f.policy, f.run_id, f.path, f.row_count, f.bytes, f.sha256, f.oldest, f.newest, f.rows_restored, f.created_at,
       f.purged_at
FROM perf_optimizer.archive_file f
WHERE pg_catalog.pg_has_role(f.owner, 'USAGE');
COMMENT ON VIEW perf_optimizer.archive_files IS
  'The files that archived rows went to: CSV with a header, in the database''s encoding; purged_at: when purge_after removed the file.';
GRANT SELECT ON perf_optimizer.archive_files TO PUBLIC;
/* ---- cached results ---- */

CREATE FUNCTION perf_optimizer.cached_query(query text, ttl interval, params text[] DEFAULT NULL, tags text[] DEFAULT NULL)
RETURNS SETOF jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100
AS 'MODULE_PATHNAME', 'perf_optimizer_cached_query';
COMMENT ON FUNCTION perf_optimizer.cached_query(text, interval, text[], text[]) IS
'Returns the rows of a SELECT as jsonb objects, one a row, from shared memory where a result is there that is no older than ttl and whose tables have not changed since, computed with the caller''s rights otherwise. query: one SELECT; ttl: the greatest age, which matters for what no table change shows, such as now(); params: values of $1, $2, ... in text form; tags: names for cache_invalidate. Results are shared by calls of the same role with the same text, params, tags and settings. While one session computes, others wait for it. A NOTICE says when a result cannot be kept (foreign and temporary tables, system catalogs, STABLE functions that are not the server''s); perf_optimizer.result_cache_stale = on takes results up to their age whatever was changed. Errors: 22004 a NULL, 22023 ttl or a wrong number of params, 0A000 no SELECT, or one that locks rows or calls VOLATILE functions, 55000 the cache is off, and those of the query.';

CREATE FUNCTION perf_optimizer.cache_invalidate(pattern text DEFAULT NULL, tag text DEFAULT NULL) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_cache_invalidate';
COMMENT ON FUNCTION perf_optimizer.cache_invalidate(text, text) IS
'Drops results of cached_query of this database from the cache, and returns how many: the caller''s own, a superuser''s call those of all roles. pattern: of LIKE, for the text of the query; tag: one of its tags; NULL for any. Results that are being computed are not kept. ROLLBACK does not undo it. Errors: 22025 a bad pattern, 55000 the cache is off.';

CREATE FUNCTION perf_optimizer.result_cache_stats(OUT entries bigint, OUT used_bytes bigint, OUT max_bytes bigint, OUT hits bigint,
  OUT misses bigint, OUT hit_ratio float8, OUT stale bigint, OUT waits bigint, OUT evictions bigint, OUT invalidations bigint,
  OUT refused bigint)
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'perf_optimizer_result_cache_stats';
COMMENT ON FUNCTION perf_optimizer.result_cache_stats() IS
'Tells how the cache of cached_query does, in one row for all databases, since the server started. entries: results, and what is known of others; hits: calls that were served, of which stale ones may have been overtaken by changes; misses: calls that computed; hit_ratio: hits of both, 0 to 1; waits: calls that waited for another''s computation; evictions: entries that made room for others; invalidations: results that changes of their tables or cache_invalidate made worthless; refused: computed results that could not be kept. Errors: 55000 the cache is off.';

CREATE FUNCTION perf_optimizer.result_cache_metrics(OUT name text, OUT kind text, OUT help text, OUT labels jsonb, OUT value float8)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 9
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  IF coalesce(pg_size_bytes(current_setting('perf_optimizer.result_cache_size', true)), 0) = 0 THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT 'perf_optimizer_result_cache_' || m.name, m.kind, m.help, m.labels, m.value
    FROM perf_optimizer.result_cache_stats() c
   CROSS JOIN LATERAL (VALUES
    ('entries', 'gauge', 'Results in the cache of cached_query, and what is known of others.', '{}'::jsonb, c.entries::float8),
    ('used_bytes', 'gauge', 'Bytes that results in the cache take.', '{}', c.used_bytes),
    ('max_bytes', 'gauge', 'Bytes that the cache has room for.', '{}', c.max_bytes),
    ('calls_total', 'counter', 'Calls of cached_query that were served (hit) or computed (miss).', '{"outcome": "hit"}', c.hits),
    ('calls_total', 'counter', 'Calls of cached_query that were served (hit) or computed (miss).', '{"outcome": "miss"}', c.misses),
    ('stale_hits_total', 'counter', 'Calls that took a result which changes may have overtaken.', '{}', c.stale),
    ('waits_total', 'counter', 'Calls that waited for the computation of another one.', '{}', c.waits),
    ('evictions_total', 'counter', 'Entries that made room for others.', '{}', c.evictions),
    ('invalidations_total', 'counter', 'Results that changes of their tables or cache_invalidate made worthless.', '{}', c.invalidations),
    ('refused_total', 'counter', 'Computed results that could not be kept.', '{}', c.refused)) m(name, kind, help, labels, value);
END
$$;
COMMENT ON FUNCTION perf_optimizer.result_cache_metrics() IS 'The metrics of the cache of cached_query, of all databases; no rows where it is off. A part of metrics().';
/* ---- monitoring: connections, sizes, tables, caches, replication ---- */

CREATE FUNCTION perf_optimizer.connection_stats(
  OUT max_connections int, OUT total int, OUT active int, OUT idle int, OUT idle_in_transaction int, OUT waiting int,
  OUT used_ratio float8, OUT reserved_connections int, OUT oldest_transaction_ms float8, OUT oldest_idle_in_transaction_ms float8,
  OUT mean_session_age_ms float8, OUT peak_active int, OUT suggested_pool_size int, OUT applications jsonb, OUT advice text)
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
WITH session AS (
  SELECT a.*, clock_timestamp() AS at FROM pg_stat_activity a WHERE a.backend_type = 'client backend'
), counted AS (
  SELECT count(*)::int AS total, count(*) FILTER (WHERE state = 'active')::int AS active, count(*) FILTER (WHERE state = 'idle')::int AS idle,
         count(*) FILTER (WHERE state LIKE 'idle in transaction%')::int AS idle_in_transaction,
         count(*) FILTER (WHERE wait_event_type = 'Lock')::int AS waiting,
         max(extract(epoch FROM at - xact_start) * 1000)::float8 AS oldest_transaction_ms,
         max(extract(epoch FROM at - state_change) * 1000) FILTER (WHERE state LIKE 'idle in transaction%')::float8 AS oldest_idle_ms,
         avg(extract(epoch FROM at - backend_start) * 1000)::float8 AS mean_age_ms
    FROM session
), peak AS (
  SELECT greatest((SELECT max(s.active) FROM perf_optimizer.snapshots s WHERE s.taken_at > now() - interval '7 days'), c.active) AS active FROM counted c
), limits AS (
  SELECT current_setting('max_connections')::int AS maximum,
         (SELECT sum(setting::int)::int FROM pg_settings WHERE name IN ('superuser_reserved_connections', 'reserved_connections')) AS reserved
), application AS (
  SELECT coalesce(nullif(application_name, ''), '(none)') AS name, count(*) AS total, count(*) FILTER (WHERE state = 'active') AS active,
         count(*) FILTER (WHERE state = 'idle') AS idle, count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS idle_in_transaction
    FROM session GROUP BY 1
)
SELECT l.maximum, c.total, c.active, c.idle, c.idle_in_transaction, c.waiting, c.total::float8 / greatest(l.maximum - l.reserved, 1), l.reserved,
       c.oldest_transaction_ms, c.oldest_idle_ms, c.mean_age_ms, p.active,
       greatest(ceil(p.active * 1.25), 2)::int,
       (SELECT coalesce(jsonb_agg(to_jsonb(a) ORDER BY a.total DESC, a.name), '[]') FROM application a),
       CASE WHEN c.total >= 0.9 * (l.maximum - l.reserved) THEN format('%s of %s connections are in use: end idle sessions, use a pooler, or raise max_connections.', c.total, l.maximum - l.reserved)
            WHEN c.total >= 20 AND c.idle > 3 * p.active THEN format('%s of %s sessions are idle and at most %s were active at a time: a pooler such as PgBouncer in transaction mode would need a pool of about %s.',
                                                                    c.idle, c.total, p.active, greatest(ceil(p.active * 1.25), 2))
            WHEN c.total > 0 AND c.idle_in_transaction > greatest(c.active, 4) THEN format('%s sessions are idle inside a transaction: commit sooner, or set idle_in_transaction_session_timeout.', c.idle_in_transaction)
       END
  FROM counted c, peak p, limits l
$$;
COMMENT ON FUNCTION perf_optimizer.connection_stats() IS
'Client connections of the server in one row. waiting: for a lock. used_ratio (0 to 1): of those that are not reserved. Ages and times in milliseconds. peak_active: most active sessions at a time in the snapshots of the last 7 days and now; suggested_pool_size: that with a quarter more, for a pooler in transaction mode. applications: an array with name, total, active, idle, idle_in_transaction. advice: NULL when there is nothing to say. States of other roles'' sessions are known to members of pg_read_all_stats only.';

CREATE FUNCTION perf_optimizer.database_size(OUT component text, OUT size_bytes bigint)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED ROWS 8
SET search_path = pg_catalog, pg_temp
AS $$
WITH relation AS (
  SELECT CASE WHEN n.nspname IN ('pg_catalog', 'information_schema') THEN 'system catalogs'
              WHEN c.relkind IN ('t') OR n.nspname = 'pg_toast' THEN 'toast'
              WHEN c.relkind = 'i' THEN 'indexes'
              WHEN c.relkind = 'm' THEN 'materialized views'
              WHEN c.relkind = 'S' THEN 'sequences' ELSE 'tables' END AS component,
         pg_relation_size(c.oid, 'main') AS main, pg_relation_size(c.oid, 'fsm') + pg_relation_size(c.oid, 'vm') + pg_relation_size(c.oid, 'init') AS maps
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'm', 'i', 't', 'S') AND NOT c.relisshared
), part AS (
  SELECT r.component, sum(r.main)::bigint AS bytes FROM relation r GROUP BY 1
  UNION ALL SELECT 'free space and visibility maps', sum(r.maps)::bigint FROM relation r
), whole AS (
  SELECT pg_database_size(current_database()) AS bytes
)
SELECT p.component, p.bytes FROM part p WHERE p.bytes > 0
UNION ALL SELECT 'other files', greatest(w.bytes - (SELECT sum(p.bytes) FROM part p), 0)::bigint FROM whole w
UNION ALL SELECT 'total', w.bytes FROM whole w
ORDER BY 2 DESC, 1
$$;
COMMENT ON FUNCTION perf_optimizer.database_size() IS
'What this database''s size in bytes consists of, largest first: total, tables, indexes, toast, materialized views, sequences, system catalogs, maps, other files. Needs CONNECT on the database or pg_read_all_stats.';

CREATE FUNCTION perf_optimizer.table_stats(relation regclass DEFAULT NULL,
  OUT relname regclass, OUT live_rows bigint, OUT dead_rows bigint, OUT dead_ratio float8, OUT total_bytes bigint, OUT table_bytes bigint,
  OUT index_bytes bigint, OUT toast_bytes bigint, OUT seq_scans bigint, OUT index_scans bigint, OUT index_scan_ratio float8, OUT inserts bigint,
  OUT updates bigint, OUT deletes bigint, OUT hot_update_ratio float8, OUT hit_ratio float8, OUT last_vacuum timestamptz, OUT last_analyze timestamptz,
  OUT vacuums bigint, OUT analyzes bigint, OUT modified_since_analyze bigint, OUT xid_age bigint)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
SELECT s.relid::regclass, s.n_live_tup, s.n_dead_tup, s.n_dead_tup::float8 / nullif(s.n_live_tup + s.n_dead_tup, 0),
       pg_total_relation_size(s.relid), pg_relation_size(s.relid), pg_indexes_size(s.relid),
       CASE WHEN c.reltoastrelid <> 0 THEN pg_total_relation_size(c.reltoastrelid) ELSE 0 END,
       s.seq_scan, s.idx_scan, s.idx_scan::float8 / nullif(s.seq_scan + s.idx_scan, 0), s.n_tup_ins, s.n_tup_upd, s.n_tup_del,
       s.n_tup_hot_upd::float8 / nullif(s.n_tup_upd, 0), io.heap_blks_hit::float8 / nullif(io.heap_blks_hit + io.heap_blks_read, 0),
       greatest(s.last_vacuum, s.last_autovacuum), greatest(s.last_analyze, s.last_autoanalyze), s.vacuum_count + s.autovacuum_count,
       s.analyze_count + s.autoanalyze_count, s.n_mod_since_analyze, age(c.relfrozenxid)::bigint
  FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid JOIN pg_statio_user_tables io ON io.relid = s.relid
 WHERE $1 IS NULL OR s.relid = $1 OR EXISTS (SELECT FROM pg_partition_tree($1) t WHERE t.relid = s.relid)
 ORDER BY 5 DESC, 1
$$;
COMMENT ON FUNCTION perf_optimizer.table_stats(regclass) IS
'Size and use of the tables and materialized views of this database, largest first, or of one with its partitions (relation). Counts are since the statistics were reset, rows are estimates, sizes bytes, ratios 0 to 1 (NULL where nothing was counted). last_vacuum and last_analyze: by hand or automatic. Error: 42P01 for an unknown relation.';

CREATE FUNCTION perf_optimizer.cache_stats(
  OUT relation regclass, OUT kind text, OUT hit_ratio float8, OUT hit_blocks bigint, OUT read_blocks bigint, OUT read_share_pct float8, OUT size_bytes bigint)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
WITH use AS (
  SELECT t.relid AS oid, 'table' AS kind, t.heap_blks_hit AS hit, t.heap_blks_read AS read FROM pg_statio_user_tables t
  UNION ALL
  SELECT i.indexrelid, 'index', i.idx_blks_hit, i.idx_blks_read FROM pg_statio_user_indexes i
  UNION ALL
  SELECT c.reltoastrelid, 'toast', t.toast_blks_hit + t.tidx_blks_hit, t.toast_blks_read + t.tidx_blks_read
    FROM pg_statio_user_tables t JOIN pg_class c ON c.oid = t.relid WHERE c.reltoastrelid <> 0
)
SELECT u.oid::regclass, u.kind, u.hit::float8 / nullif(u.hit + u.read, 0), u.hit, u.read,
       100.0 * u.read / nullif(sum(u.read) OVER (), 0), pg_relation_size(u.oid)
  FROM use u WHERE u.hit + u.read > 0 ORDER BY u.read DESC, u.hit DESC, 1
$$;
COMMENT ON FUNCTION perf_optimizer.cache_stats() IS
'How well shared buffers serve each table, index and TOAST table of this database since the statistics were reset, those with most reads first. hit_ratio (0 to 1): block accesses that found their block; read_share_pct: of all reads of this database''s relations. A read may still come from the operating system''s cache.';

CREATE FUNCTION perf_optimizer.replication_stats(
  OUT kind text, OUT name text, OUT state text, OUT sync_state text, OUT lag_bytes bigint, OUT write_lag_ms float8, OUT flush_lag_ms float8,
  OUT replay_lag_ms float8, OUT retained_bytes bigint, OUT message text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 4
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  here pg_lsn := CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END;
BEGIN
  RETURN QUERY SELECT 'standby', coalesce(nullif(r.application_name, ''), host(r.client_addr), r.pid::text), r.state, r.sync_state,
      greatest(here - r.replay_lsn, 0)::bigint, (extract(epoch FROM r.write_lag) * 1000)::float8, (extract(epoch FROM r.flush_lag) * 1000)::float8,
      (extract(epoch FROM r.replay_lag) * 1000)::float8, NULL::bigint,
      CASE WHEN r.state <> 'streaming' THEN 'not streaming yet' END
    FROM pg_stat_replication r ORDER BY 2;
  RETURN QUERY SELECT 'slot', s.slot_name::text, CASE WHEN s.active THEN 'active' ELSE 'inactive' END, s.wal_status,
      greatest(here - coalesce(s.confirmed_flush_lsn, s.restart_lsn), 0)::bigint, NULL::float8, NULL::float8, NULL::float8, (here - s.restart_lsn)::bigint,
      CASE WHEN s.wal_status = 'lost' THEN 'the WAL that it needs is gone: drop the slot and build its consumer anew'
           WHEN NOT s.active AND s.restart_lsn IS NOT NULL THEN 'nobody reads it and it keeps WAL: SELECT pg_drop_replication_slot(' || quote_literal(s.slot_name) || ') if it is not needed' END
    FROM pg_replication_slots s ORDER BY 2;
  IF pg_is_in_recovery() THEN
    RETURN QUERY SELECT 'upstream', coalesce((SELECT w.sender_host FROM pg_stat_wal_receiver w), 'archive'),
      coalesce((SELECT w.status FROM pg_stat_wal_receiver w), 'not connected'), NULL::text, (pg_last_wal_receive_lsn() - pg_last_wal_replay_lsn())::bigint,
      NULL::float8, NULL::float8,
      CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 ELSE (extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::float8 END,
      NULL::bigint, CASE WHEN pg_is_wal_replay_paused() THEN 'replay is paused: SELECT pg_wal_replay_resume()' END;
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.replication_stats() IS
'Standbys that stream from this server, replication slots, and on a standby its upstream; one row each. kind: standby, slot or upstream. lag_bytes: WAL that is not replayed (of a slot: not confirmed) there yet; lags in milliseconds as the standby last reported them; retained_bytes: WAL that a slot keeps. For a slot sync_state is its wal_status. Which statements could go to a standby: replica_candidates(). Members of pg_read_all_stats see everything.';
/* ---- metrics in the Prometheus way ---- */

CREATE FUNCTION perf_optimizer.stale_matview_seconds() RETURNS float8
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- Planning the view costs more than all other metrics together.
  IF NOT EXISTS (SELECT FROM pg_class c WHERE c.relkind = 'm') THEN
    RETURN 0;
  END IF;
  RETURN (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - v.last_refresh)), 0)::float8 FROM perf_optimizer.matview_status v WHERE v.stale);
END
$$;
COMMENT ON FUNCTION perf_optimizer.stale_matview_seconds() IS 'How long ago the materialized view was refreshed that has been stale for longest; 0 where none is. A part of metrics().';

CREATE FUNCTION perf_optimizer.server_metrics(OUT name text, OUT kind text, OUT help text, OUT labels jsonb, OUT value float8)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 40
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- In PL/pgSQL, because it keeps the plan: planning took most of the time of a call.
BEGIN
RETURN QUERY
WITH state AS (
  SELECT coalesce(a.state, 'unknown') AS state, count(*) AS sessions FROM pg_stat_activity a WHERE a.backend_type = 'client backend' GROUP BY 1
), db AS (
  SELECT d.* FROM pg_stat_database d WHERE d.datname = current_database()
)
SELECT 'perf_optimizer_connections', 'gauge', 'Client connections of the server by state.', jsonb_build_object('state', s.state), s.sessions::float8 FROM state s
UNION ALL SELECT 'perf_optimizer_connections_max', 'gauge', 'The setting max_connections.', '{}', current_setting('max_connections')::float8
UNION ALL SELECT 'perf_optimizer_connections_used_ratio', 'gauge', 'Client connections as a part of those that are not reserved.', '{}',
    coalesce(sum(s.sessions), 0)::float8 / greatest(current_setting('max_connections')::int - (SELECT sum(g.setting::int) FROM pg_settings g WHERE g.name IN ('superuser_reserved_connections', 'reserved_connections')), 1) FROM state s
UNION ALL SELECT 'perf_optimizer_connections_waiting', 'gauge', 'Sessions that wait for a lock.', '{}', count(*)::float8 FROM pg_stat_activity WHERE wait_event_type = 'Lock'
UNION ALL SELECT 'perf_optimizer_longest_transaction_seconds', 'gauge', 'Age of the oldest open transaction.', '{}',
    coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 FROM pg_stat_activity WHERE backend_type = 'client backend'
UNION ALL SELECT 'perf_optimizer_database_size_bytes', 'gauge', 'Size of this database.', '{}', pg_database_size(current_database())::float8
UNION ALL SELECT 'perf_optimizer_transactions_total', 'counter', 'Transactions of this database by outcome.', l.labels, l.value
    FROM db, LATERAL (VALUES ('{"outcome": "commit"}'::jsonb, db.xact_commit::float8), ('{"outcome": "rollback"}', db.xact_rollback)) l (labels, value)
UNION ALL SELECT 'perf_optimizer_blocks_total', 'counter', 'Block accesses of this database: found in shared buffers, or read.', l.labels, l.value
    FROM db, LATERAL (VALUES ('{"source": "hit"}'::jsonb, db.blks_hit::float8), ('{"source": "read"}', db.blks_read)) l (labels, value)
UNION ALL SELECT 'perf_optimizer_rows_total', 'counter', 'Rows of this database by operation.', l.labels, l.value
    FROM db, LATERAL (VALUES ('{"operation": "returned"}'::jsonb, db.tup_returned::float8), ('{"operation": "fetched"}', db.tup_fetched),
      ('{"operation": "inserted"}', db.tup_inserted), ('{"operation": "updated"}', db.tup_updated), ('{"operation": "deleted"}', db.tup_deleted)) l (labels, value)
UNION ALL SELECT 'perf_optimizer_temporary_bytes_total', 'counter', 'Bytes written to temporary files.', '{}', temp_bytes::float8 FROM db
UNION ALL SELECT 'perf_optimizer_deadlocks_total', 'counter', 'Deadlocks of this database.', '{}', deadlocks::float8 FROM db
UNION ALL SELECT 'perf_optimizer_oldest_transaction_id_age', 'gauge', 'Transactions since this database was frozen.', '{}', age(d.datfrozenxid)::float8
    FROM pg_database d WHERE d.datname = current_database()
UNION ALL SELECT 'perf_optimizer_replication_lag_seconds', 'gauge', 'How far each standby is behind in replaying.', jsonb_build_object('standby', r.application_name),
    max(coalesce(extract(epoch FROM r.replay_lag), 0))::float8 FROM pg_stat_replication r GROUP BY r.application_name
UNION ALL SELECT 'perf_optimizer_stale_matview_seconds', 'gauge', 'Time since the refresh of the materialized view that has been stale for longest, 0 where none is.', '{}', perf_optimizer.stale_matview_seconds()
UNION ALL SELECT 'perf_optimizer_wal_bytes_total', 'counter', 'WAL that the server has written.', '{}', w.wal_bytes::float8 FROM pg_stat_wal w;
END
$$;
COMMENT ON FUNCTION perf_optimizer.server_metrics() IS 'The metrics of server and database; a part of metrics().';

CREATE FUNCTION perf_optimizer.statement_metrics(top int DEFAULT 20, OUT name text, OUT kind text, OUT help text, OUT labels jsonb, OUT value float8)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED ROWS 200
SET search_path = pg_catalog, pg_temp
AS $$
WITH labelled AS (
  SELECT coalesce(t.query_id::text, 'other') AS query_id, t.calls, t.total_time_ms / 1000 AS seconds, t.row_count AS returned FROM perf_optimizer.tracked_loads(top) t
), cell AS (
  SELECT h.latency_ms, h.count::float8 AS n FROM perf_optimizer.tracked_latencies() h
), bound(le) AS (
  VALUES (0.0001::float8), (0.001), (0.005), (0.01), (0.05), (0.1), (0.5), (1), (5), (10), (60)
), whole AS (
  SELECT coalesce(sum(c.n), 0) AS n, coalesce(sum(c.n * c.latency_ms), 0) / 1000 AS seconds FROM cell c HAVING count(*) > 0
)
SELECT 'perf_optimizer_statement_calls_total', 'counter', 'Executions of the statements that took most time, and of all others.', jsonb_build_object('query_id', l.query_id), l.calls FROM labelled l
UNION ALL SELECT 'perf_optimizer_statement_seconds_total', 'counter', 'Execution time of the statements that took most time, and of all others.', jsonb_build_object('query_id', l.query_id), l.seconds FROM labelled l
UNION ALL SELECT 'perf_optimizer_statement_rows_total', 'counter', 'Rows of the statements that took most time, and of all others.', jsonb_build_object('query_id', l.query_id), l.returned FROM labelled l
UNION ALL SELECT 'perf_optimizer_execution_seconds_bucket', 'histogram', 'Execution times of all tracked statements.', jsonb_build_object('le', b.le::text),
    (SELECT coalesce(sum(c.n), 0) FROM cell c WHERE c.latency_ms / 1000 <= b.le) FROM bound b, whole
UNION ALL SELECT 'perf_optimizer_execution_seconds_bucket', 'histogram', 'Execution times of all tracked statements.', '{"le": "+Inf"}', w.n FROM whole w
UNION ALL SELECT 'perf_optimizer_execution_seconds_sum', 'histogram', 'Execution times of all tracked statements.', '{}', w.seconds FROM whole w
UNION ALL SELECT 'perf_optimizer_execution_seconds_count', 'histogram', 'Execution times of all tracked statements.', '{}', w.n FROM whole w
$$;
COMMENT ON FUNCTION perf_optimizer.statement_metrics(int) IS 'The metrics of tracked statements; a part of metrics(). top: how many statements have series of their own, the rest is "other". No statement''s text is read.';

CREATE FUNCTION perf_optimizer.job_metric_rows(OUT name text, OUT kind text, OUT help text, OUT labels jsonb, OUT value float8)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- In PL/pgSQL, because it keeps the plan: planning took most of the time of a call.
BEGIN
RETURN QUERY
SELECT 'perf_optimizer_job_runs', 'gauge', 'Runs of jobs in the history by status.', jsonb_build_object('status', r.status), count(*)::float8 FROM perf_optimizer.job_runs r GROUP BY r.status
UNION ALL SELECT 'perf_optimizer_job_queue_length', 'gauge', 'Runs that are due and wait.', '{}', count(*)::float8 FROM perf_optimizer.job_runs r WHERE r.status = 'queued' AND r.scheduled_for <= now()
UNION ALL SELECT 'perf_optimizer_dead_letter_jobs', 'gauge', 'Jobs whose last run failed for good.', '{}', count(*)::float8 FROM perf_optimizer.dead_letter_jobs d;
END
$$;
COMMENT ON FUNCTION perf_optimizer.job_metric_rows() IS 'The metrics of the jobs that the current user may see; a part of metrics().';

CREATE FUNCTION perf_optimizer.metrics(OUT name text, OUT kind text, OUT help text, OUT labels jsonb, OUT value float8)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED ROWS 200
SET search_path = pg_catalog, pg_temp
AS $$
SELECT m.* FROM perf_optimizer.server_metrics() m
UNION ALL SELECT m.* FROM perf_optimizer.statement_metrics() m
UNION ALL SELECT m.* FROM perf_optimizer.job_metric_rows() m
UNION ALL SELECT m.* FROM perf_optimizer.objective_metrics() m
UNION ALL SELECT m.* FROM perf_optimizer.result_cache_metrics() m
$$;
COMMENT ON FUNCTION perf_optimizer.metrics() IS
'Metrics of the server, this database, its statements and jobs, and the cache of results, one series a row, named as Prometheus does: name with unit, counters end in _total; kind is counter, gauge or histogram. Statements need perf_optimizer preloaded; those beyond the 20 that took most time are summed up as query_id "other". No statement''s text is read. Members of pg_monitor see everything.';

CREATE FUNCTION perf_optimizer.metrics_text() RETURNS text
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
WITH series AS (
  SELECT m.*, CASE WHEN m.kind = 'histogram' THEN regexp_replace(m.name, '_(bucket|sum|count)$', '') ELSE m.name END AS family,
         row_number() OVER () AS place
    FROM perf_optimizer.metrics() m WHERE m.value IS NOT NULL
), line AS (
  SELECT s.family, min(s.place) OVER (PARTITION BY s.family) AS family_place, s.kind, s.help, s.place,
         s.name || coalesce((SELECT '{' || string_agg(l.key || '="' || replace(replace(replace(l.value, '\', '\\'), '"', '\"'), E'\n', '\n') || '"', ',' ORDER BY l.key) || '}'
                               FROM jsonb_each_text(s.labels) l), '') || ' ' ||
         CASE s.value WHEN 'Infinity' THEN '+Inf' WHEN '-Infinity' THEN '-Inf' ELSE s.value::text END AS text
    FROM series s
), family AS (
  SELECT l.family, l.family_place, format(E'# HELP %s %s\n# TYPE %1$s %3$s\n', l.family, replace(replace(min(l.help), '\', '\\'), E'\n', '\n'), min(l.kind))
         || string_agg(l.text, E'\n' ORDER BY l.place) || E'\n' AS text
    FROM line l GROUP BY l.family, l.family_place
)
SELECT coalesce(string_agg(f.text, '' ORDER BY f.family_place), '') FROM family f
$$;
COMMENT ON FUNCTION perf_optimizer.metrics_text() IS
'metrics() in the text format that Prometheus scrapes (version 0.0.4), ready to be served as it is.';
/* ---- health: one row a check ---- */

CREATE FUNCTION perf_optimizer.health(OUT check_name text, OUT status text, OUT value float8, OUT threshold float8, OUT message text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 12
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
-- In PL/pgSQL, because it keeps the plan: planning took most of the time of a call.
BEGIN
RETURN QUERY
WITH activity AS (
  SELECT count(*) FILTER (WHERE a.backend_type = 'client backend') AS clients,
         max(extract(epoch FROM clock_timestamp() - a.xact_start)) FILTER (WHERE a.backend_type = 'client backend') AS oldest_s,
         max(extract(epoch FROM clock_timestamp() - a.state_change)) FILTER (WHERE a.state LIKE 'idle in transaction%') AS idle_s,
         count(*) FILTER (WHERE a.wait_event_type = 'Lock') AS blocked
    FROM pg_stat_activity a
), measure(check_name, value, warning, critical, fact) AS (
  SELECT 'connections', a.clients / greatest(current_setting('max_connections')::float8 - current_setting('superuser_reserved_connections')::float8, 1), 0.8, 0.9,
         'share of max_connections in use' FROM activity a
  UNION ALL SELECT 'long transaction', coalesce(a.oldest_s, 0)::float8, 1800, 14400, 'seconds since the oldest transaction began' FROM activity a
  UNION ALL SELECT 'idle in transaction', coalesce(a.idle_s, 0)::float8, 300, 3600, 'seconds that a session has been idle inside a transaction' FROM activity a
  UNION ALL SELECT 'blocked sessions', a.blocked, 5, 20, 'sessions that wait for a lock' FROM activity a
  UNION ALL SELECT 'transaction ids', max(age(d.datfrozenxid))::float8, 0.75 * current_setting('autovacuum_freeze_max_age')::float8 + 50e6, 1e9,
         'transactions since the oldest database was frozen' FROM pg_database d
  UNION ALL SELECT 'replication lag', coalesce(max(extract(epoch FROM r.replay_lag)), 0)::float8, 30, 300, 'seconds that a standby is behind' FROM pg_stat_replication r
  UNION ALL SELECT 'replication slots', coalesce(max(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END, s.restart_lsn)) FILTER (WHERE NOT s.active), 0)::float8,
         1073741824, 10737418240, 'bytes of WAL that an inactive slot keeps' FROM pg_replication_slots s
  UNION ALL SELECT 'archiver', coalesce(w.last_failed_time > coalesce(w.last_archived_time, '-infinity'), false)::int, 1, 2,
         '1 when the last WAL file could not be archived' FROM pg_stat_archiver w
  UNION ALL SELECT 'checksum failures', coalesce(sum(d.checksum_failures), 0)::float8, 1, 1, 'pages that were damaged when read' FROM pg_stat_database d
  UNION ALL SELECT 'dead letters', (SELECT count(*) FROM perf_optimizer.dead_letter_jobs)::float8, 1, 10, 'jobs whose last run failed for good'
  UNION ALL SELECT 'waiting runs', (SELECT count(*) FROM perf_optimizer.job_runs r WHERE r.status = 'queued' AND r.scheduled_for < now() - interval '1 minute')::float8, 10, 100,
         'runs of jobs that are late by more than a minute'
  UNION ALL SELECT 'worker processes', greatest(4 + w.runners - current_setting('max_worker_processes')::int, 0)::float8, 1, 1e9,
         'missing in max_worker_processes for launcher, scheduler, sampler and perf_optimizer.max_workers'
      FROM (SELECT current_setting('perf_optimizer.max_workers', true)::int AS runners) w WHERE w.runners IS NOT NULL
), judged AS (
  SELECT m.check_name, CASE WHEN m.value IS NULL THEN 'unknown' WHEN m.value >= m.critical THEN 'critical' WHEN m.value >= m.warning THEN 'warning' ELSE 'ok' END AS status,
         m.value, CASE WHEN m.value >= m.critical THEN m.critical ELSE m.warning END AS threshold, m.fact
    FROM measure m
)
SELECT 'overall', CASE WHEN bool_or(j.status = 'critical') THEN 'critical' WHEN bool_or(j.status = 'warning') THEN 'warning' ELSE 'ok' END,
       count(*) FILTER (WHERE j.status IN ('warning', 'critical'))::float8, 1::float8,
       coalesce(string_agg(j.check_name, ', ' ORDER BY j.check_name) FILTER (WHERE j.status IN ('warning', 'critical')), 'nothing to report') FROM judged j
UNION ALL SELECT * FROM (SELECT j.check_name, j.status, j.value, j.threshold, j.fact FROM judged j
  ORDER BY CASE j.status WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, j.check_name) ordered;
END
$$;
COMMENT ON FUNCTION perf_optimizer.health() IS
'The state of the server and of this database, one row a check; the first row, overall, has the worst status and is meant for a probe. status: ok, warning, critical or unknown; value is the measured figure and threshold the one that was reached, or else the lowest that would be. message says what the value is. Members of pg_monitor see all sessions.';
/* ---- benchmarks and baselines ---- */

CREATE FUNCTION perf_optimizer.benchmark_query(query text, iterations int DEFAULT 100, params text[] DEFAULT NULL,
  OUT n int, OUT mean_ms float8, OUT stddev_ms float8, OUT min_ms float8, OUT p50_ms float8, OUT p95_ms float8, OUT p99_ms float8,
  OUT max_ms float8, OUT outliers int, OUT warmup int)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_benchmark_query';
COMMENT ON FUNCTION perf_optimizer.benchmark_query(text, int, text[]) IS
'Executes one statement many times with the caller''s rights and tells the times in milliseconds, planning not included. query: one statement that has a plan; iterations: 1 to 1000000; params: values of $1, $2, ... in text form. It is planned once; a warm-up of a tenth of the iterations, 1 to 10, does not count; each execution is rolled back, as execute of analyze_query is; the cost of reading the clock is taken off. Percentiles are by the nearest rank; outliers are times more than three quartile distances above the upper quartile, and count in all figures. Errors: as of analyze_query, and 22023 for iterations.';

CREATE TABLE perf_optimizer.baseline (
  owner oid NOT NULL,
  name text NOT NULL,
  saved_at timestamptz NOT NULL DEFAULT now(),
  statements jsonb NOT NULL,
  PRIMARY KEY (owner, name)
);
COMMENT ON TABLE perf_optimizer.baseline IS 'Figures of statements that save_baseline kept; no texts. Written by save_baseline and drop_baseline alone.';

CREATE FUNCTION perf_optimizer.baseline_statements() RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
SELECT coalesce(jsonb_agg(jsonb_build_object('query_id', s.query_id, 'role', s.role_name, 'toplevel', s.toplevel, 'calls', s.calls, 'mean', s.mean_time_ms, 'stddev', s.stddev_time_ms)), '[]')
  FROM perf_optimizer.slow_queries(max_rows => 100000) s WHERE s.query_id IS NOT NULL
$$;
COMMENT ON FUNCTION perf_optimizer.baseline_statements() IS 'The figures of the statements that the current user may see, as save_baseline keeps them.';

CREATE FUNCTION perf_optimizer.save_baseline(name text) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_save_baseline';
COMMENT ON FUNCTION perf_optimizer.save_baseline(text) IS
'Keeps the present figures of the statements of this database that you may see, under a name of yours, for compare_baseline; returns how many. A baseline of that name is replaced. Errors: 22004, 22023 no name; 55000 pg_stat_statements is not there.';

CREATE FUNCTION perf_optimizer.drop_baseline(name text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_drop_baseline';
COMMENT ON FUNCTION perf_optimizer.drop_baseline(text) IS 'Forgets your baseline of a name; false when there is none. Errors: 22004, 22023 no name.';

CREATE VIEW perf_optimizer.baselines WITH (security_barrier) AS
SELECT b.name, b.saved_at, pg_catalog.jsonb_array_length(b.statements) AS statement_count, b.owner::pg_catalog.regrole AS owner
  FROM perf_optimizer.baseline b WHERE pg_catalog.pg_has_role(b.owner, 'USAGE');
COMMENT ON VIEW perf_optimizer.baselines IS 'The baselines of the roles whose rights the current user has.';
GRANT SELECT ON perf_optimizer.baselines TO PUBLIC;

CREATE VIEW perf_optimizer.baseline_figures WITH (security_barrier) AS
SELECT b.owner, b.name, s.query_id, s.role, s.toplevel, s.calls, s.mean, s.stddev
  FROM perf_optimizer.baseline b,
       LATERAL pg_catalog.jsonb_to_recordset(b.statements) s (query_id bigint, role name, toplevel boolean, calls float8, mean float8, stddev float8)
 WHERE pg_catalog.pg_has_role(b.owner, 'USAGE');
COMMENT ON VIEW perf_optimizer.baseline_figures IS 'The figures in the baselines of the roles whose rights the current user has.';
GRANT SELECT ON perf_optimizer.baseline_figures TO PUBLIC;

CREATE FUNCTION perf_optimizer.compare_baseline(name text,
  OUT query_id bigint, OUT role_name name, OUT query text, OUT verdict text, OUT baseline_calls bigint, OUT baseline_mean_ms float8,
  OUT calls bigint, OUT mean_ms float8, OUT ratio float8, OUT p_value float8)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM perf_optimizer.require_argument($1, 'name');
  IF NOT EXISTS (SELECT FROM perf_optimizer.baselines b WHERE b.name = $1 AND b.owner = current_user::regrole) THEN
    RAISE EXCEPTION 'baseline "%" does not exist', $1 USING ERRCODE = '42704', HINT = 'The view perf_optimizer.baselines lists the baselines.';
  END IF;
  RETURN QUERY
  WITH present AS (
    SELECT s.query_id, s.role_name, s.toplevel, s.query, s.calls::float8 AS calls, s.mean_time_ms AS mean, s.stddev_time_ms AS stddev
      FROM perf_optimizer.slow_queries(max_rows => 100000) s WHERE s.query_id IS NOT NULL
  ), saved AS (
    SELECT f.* FROM perf_optimizer.baseline_figures f WHERE f.name = $1 AND f.owner = current_user::regrole
  ), grown AS (
    -- What came since, where the counters went on; all there is, where they began anew.
    SELECT p.*, b.calls AS n1, b.mean AS mean1, b.stddev AS stddev1, b.query_id IS NOT NULL AS known,
           CASE WHEN p.calls >= b.calls AND p.calls * p.mean >= b.calls * b.mean * 0.999 THEN b.calls ELSE 0 END AS before
      FROM present p LEFT JOIN saved b ON b.query_id = p.query_id AND b.role = p.role_name AND b.toplevel = p.toplevel
  ), since AS (
    SELECT g.*, g.calls - g.before AS n2,
           (g.calls * g.mean - g.before * coalesce(g.mean1, 0)) / nullif(g.calls - g.before, 0) AS mean2,
           (g.calls * (g.stddev ^ 2 + g.mean ^ 2) - g.before * (coalesce(g.stddev1, 0) ^ 2 + coalesce(g.mean1, 0) ^ 2)) / nullif(g.calls - g.before, 0) AS square2
      FROM grown g
  ), tested AS (
    SELECT s.*, CASE WHEN s.known AND s.n1 >= 2 AND s.n2 >= 2
           THEN perf_optimizer.welch_p_value(s.n1, s.mean1, s.stddev1, s.n2, s.mean2, sqrt(greatest(s.square2 - s.mean2 ^ 2, 0))) END AS p
      FROM since s WHERE s.n2 > 0
  )
  SELECT t.query_id, t.role_name, t.query,
         CASE WHEN NOT t.known THEN 'new' WHEN t.p IS NULL THEN 'too few calls'
              WHEN t.p < 0.01 AND t.mean2 >= 1.2 * t.mean1 THEN 'slower' WHEN t.p > 0.99 AND t.mean2 <= t.mean1 / 1.2 THEN 'faster' ELSE 'same' END,
         t.n1::bigint, t.mean1, t.n2::bigint, t.mean2, t.mean2 / nullif(t.mean1, 0), t.p
    FROM tested t
   ORDER BY CASE WHEN t.known AND t.p < 0.01 AND t.mean2 >= 1.2 * t.mean1 THEN 0 ELSE 1 END, t.n2 * t.mean2 DESC, t.query_id;
END
$$;
COMMENT ON FUNCTION perf_optimizer.compare_baseline(text) IS
'Compares the statements that ran since your baseline of that name was saved (or since the counters were reset) with it, the slower ones first. verdict: slower or faster, by a fifth or more and beyond chance (Welch''s t-test, p_value below 0.01 or above 0.99); same; new; too few calls. p_value: how likely a rise of the mean would be by chance. Times in milliseconds. Errors: 22004 a NULL, 42704 no such baseline, 55000 pg_stat_statements is not there.';
/* ---- database findings: what is wrong with this database and its server ---- */

CREATE TYPE perf_optimizer.database_finding AS (rule text, severity text, object text, message text, evidence jsonb, suggested_sql text);
COMMENT ON TYPE perf_optimizer.database_finding IS
'A row of database_findings: the rule, the severity (high, medium, low or info), what it concerns, what was found in one sentence, the figures with the threshold that they passed, and the statement that helps (NULL where none does).';

CREATE FUNCTION perf_optimizer.table_expected_bytes(relation regclass) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_table_expected_bytes';
COMMENT ON FUNCTION perf_optimizer.table_expected_bytes(regclass) IS
'The size in bytes that the main part of a table or materialized view would have if it were written anew with the rows that the catalog knows, estimated from the widths and nulls of its columns. NULL when it was never analyzed, is no table, is gone, or you may neither read all of its columns and rows nor all statistics (pg_read_all_stats). Error: 22004 for a NULL.';

CREATE FUNCTION perf_optimizer.sequence_position(sequence regclass) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_sequence_position';
COMMENT ON FUNCTION perf_optimizer.sequence_position(regclass) IS
'The last value that a sequence gave. NULL when it gave none, is no sequence, or you have neither SELECT on it nor pg_read_all_stats. Error: 22004 for a NULL.';

CREATE FUNCTION perf_optimizer.memory_bytes() RETURNS bigint
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_memory_bytes';
COMMENT ON FUNCTION perf_optimizer.memory_bytes() IS 'The memory that the server has in bytes: the machine''s, or what control groups (version 1 or 2), by which containers and services are limited, leave of it. NULL where the operating system does not say.';

/* ---- tables ---- */

CREATE FUNCTION perf_optimizer.upkeep_findings() RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 50
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  WITH setting AS MATERIALIZED (
    SELECT current_setting('autovacuum_vacuum_threshold')::float8 AS vacuum_rows, current_setting('autovacuum_vacuum_scale_factor')::float8 AS vacuum_share,
           -- From version 18 on.
           current_setting('autovacuum_vacuum_max_threshold', true)::float8 AS vacuum_most,
           current_setting('autovacuum_analyze_threshold')::float8 AS analyze_rows, current_setting('autovacuum_analyze_scale_factor')::float8 AS analyze_share),
  -- Most tables are small and quiet: what else there is to know of the others is looked up after.
  busy AS MATERIALIZED (
    SELECT * FROM (SELECT c.oid, c.reltuples, c.reloptions, pg_stat_get_live_tuples(c.oid) AS live, pg_stat_get_dead_tuples(c.oid) AS dead, pg_stat_get_mod_since_analyze(c.oid) AS modified
                     FROM perf_optimizer.indexed_relations(NULL) r(oid) JOIN pg_class c ON c.oid = r.oid WHERE c.relkind IN ('r', 'm') OFFSET 0) t
     WHERE t.dead >= 1000 OR t.modified >= 1000 OR t.reltuples < 0 AND t.live >= 1000),
  tab AS MATERIALIZED (
    SELECT c.oid, c.reltuples, c.live, c.dead, c.modified,
           greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid)) AS vacuumed,
           greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)) AS analyzed,
           coalesce((o.own->>'autovacuum_enabled')::boolean, true) AS enabled,
           least(coalesce((o.own->>'autovacuum_vacuum_threshold')::float8, g.vacuum_rows) + coalesce((o.own->>'autovacuum_vacuum_scale_factor')::float8, g.vacuum_share) * greatest(c.reltuples, 0),
                 nullif(coalesce((o.own->>'autovacuum_vacuum_max_threshold')::float8, g.vacuum_most), -1)) AS vacuum_at,
           coalesce((o.own->>'autovacuum_analyze_threshold')::float8, g.analyze_rows) + coalesce((o.own->>'autovacuum_analyze_scale_factor')::float8, g.analyze_share) * greatest(c.reltuples, 0) AS analyze_at
      FROM busy c CROSS JOIN setting g
      LEFT JOIN LATERAL (SELECT jsonb_object_agg(t.option_name, t.option_value) AS own FROM pg_options_to_table(c.reloptions) t WHERE c.reloptions IS NOT NULL) o ON true)
  SELECT 'vacuum-late', CASE WHEN t.dead >= t.live THEN 'medium' ELSE 'low' END, t.oid::regclass::text,
         format('%s dead rows beside %s live ones, %s times what autovacuum starts at; %s.', t.dead, t.live, round((t.dead / t.vacuum_at)::numeric, 1),
                CASE WHEN NOT t.enabled THEN 'autovacuum is off for this table'
                     WHEN t.vacuumed > clock_timestamp() - interval '10 minutes' THEN 'a vacuum just now did not remove them: an old transaction, a slot or a prepared transaction keeps them'
                     WHEN t.vacuumed IS NULL THEN 'it was not vacuumed since the statistics began' ELSE format('the last vacuum was %s', to_char(t.vacuumed, 'YYYY-MM-DD HH24:MI')) END),
         jsonb_build_object('dead_rows', t.dead, 'live_rows', t.live, 'last_vacuum', t.vacuumed, 'autovacuum_enabled', t.enabled, 'threshold', 2 * t.vacuum_at),
         CASE WHEN t.enabled THEN format('VACUUM (ANALYZE) %s', t.oid::regclass) ELSE format('ALTER TABLE %s RESET (autovacuum_enabled)', t.oid::regclass) END
    FROM tab t
   WHERE t.dead >= 1000 AND t.dead >= 2 * t.vacuum_at AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum p WHERE p.relid = t.oid)
  UNION ALL
  SELECT 'analyze-late', 'low', t.oid::regclass::text,
         format('%s rows changed since its statistics were taken %s, %s times what autovacuum analyzes at.', t.modified, to_char(t.analyzed, 'YYYY-MM-DD HH24:MI'), round((t.modified / t.analyze_at)::numeric, 1)),
         jsonb_build_object('modified_rows', t.modified, 'live_rows', t.live, 'last_analyze', t.analyzed, 'threshold', 2 * t.analyze_at), format('ANALYZE %s', t.oid::regclass)
    FROM tab t WHERE t.analyzed IS NOT NULL AND t.modified >= 1000 AND t.modified >= 2 * t.analyze_at
  UNION ALL
  SELECT 'never-analyzed', CASE WHEN t.live >= 100000 THEN 'medium' ELSE 'low' END, t.oid::regclass::text,
         format('%s was never analyzed: the planner guesses at its %s rows.', t.oid::regclass, t.live),
         jsonb_build_object('live_rows', t.live, 'threshold', 1000), format('ANALYZE %s', t.oid::regclass)
    FROM tab t WHERE t.analyzed IS NULL AND t.reltuples < 0 AND t.live >= 1000
  UNION ALL
  SELECT 'never-analyzed', 'low', c.oid::regclass::text,
         format('%s was never analyzed as a whole, which autovacuum does for partitions only: the planner guesses at its columns'' values.', c.oid::regclass),
         jsonb_build_object('live_rows', p.live, 'threshold', 1000), format('ANALYZE %s', c.oid::regclass)
    FROM perf_optimizer.indexed_relations(NULL) r(oid) JOIN pg_class c ON c.oid = r.oid
   CROSS JOIN LATERAL (SELECT sum(pg_stat_get_live_tuples(l.relid)) AS live FROM pg_partition_tree(c.oid) l WHERE l.isleaf) p
   WHERE c.relkind = 'p' AND c.reltuples < 0 AND p.live >= 1000
$$;
COMMENT ON FUNCTION perf_optimizer.upkeep_findings() IS 'Tables that autovacuum does not keep up with: vacuum-late, analyze-late (both from twice its own threshold), never-analyzed. Internal.';

CREATE FUNCTION perf_optimizer.table_findings() RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 50
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  WITH tab AS MATERIALIZED (
    SELECT c.oid, c.relkind, c.relispartition, c.relreplident, c.relpages, current_setting('block_size')::bigint * c.relpages AS bytes,
           greatest(age(c.relfrozenxid), age(s.relfrozenxid)) AS xid_age,
           least(current_setting('autovacuum_freeze_max_age')::int, CASE WHEN c.reloptions IS NOT NULL THEN (SELECT o.option_value::int FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'autovacuum_freeze_max_age') END) AS freeze_at
      FROM perf_optimizer.indexed_relations(NULL) r(oid) JOIN pg_class c ON c.oid = r.oid LEFT JOIN pg_class s ON s.oid = c.reltoastrelid),
  bloat AS (
    SELECT t.oid, t.bytes, perf_optimizer.table_expected_bytes(t.oid) AS expected FROM tab t WHERE t.relkind IN ('r', 'm') AND t.bytes >= 10 * 1024 ^ 2),
  published AS (
    SELECT p.prrelid AS oid FROM pg_publication_rel p JOIN pg_publication b ON b.oid = p.prpubid WHERE b.pubupdate OR b.pubdelete),
  keyless AS (
    SELECT t.oid, t.relreplident = 'd' AND (t.oid IN (SELECT p.oid FROM published p) OR EXISTS (SELECT FROM pg_publication b WHERE b.puballtables AND (b.pubupdate OR b.pubdelete))) AS stuck,
           (SELECT i.indexrelid FROM pg_index i
             WHERE i.indrelid = t.oid AND t.relkind = 'r' AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
               AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
               AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[], i.indoption::int2[]) u(attnum, option) JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = u.attnum
                                WHERE u.option IS NOT NULL AND (u.option <> 0 OR NOT a.attnotnull))
             ORDER BY i.indnkeyatts, i.indexrelid LIMIT 1) AS candidate
      FROM tab t
     WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t.oid AND i.indisprimary)),
  old AS (
    SELECT t.oid, t.xid_age, least(0.75 * t.freeze_at, 1e9) AS limit_age FROM tab t WHERE t.relkind IN ('r', 'm') AND t.xid_age >= least(0.75 * t.freeze_at, 1e9) ORDER BY t.xid_age DESC, t.oid LIMIT 20)
  SELECT 'bloated-table', CASE WHEN b.bytes - b.expected >= 1024 ^ 3 THEN 'high' ELSE 'medium' END, b.oid::regclass::text,
         format('%s takes %s and would take about %s if written anew: %s %% of it is empty. The statement locks it meanwhile; pg_repack does not.', b.oid::regclass, pg_size_pretty(b.bytes), pg_size_pretty(b.expected),
                round(100 * (1 - b.expected / b.bytes::numeric))),
         jsonb_build_object('table_bytes', b.bytes, 'expected_bytes', b.expected, 'empty_ratio', round(1 - b.expected / b.bytes::numeric, 3), 'threshold', 0.5), format('VACUUM (FULL, ANALYZE) %s', b.oid::regclass)
    FROM bloat b WHERE b.expected <= 0.5 * b.bytes
  UNION ALL
  SELECT 'no-primary-key', CASE WHEN k.stuck THEN 'high' WHEN k.candidate IS NOT NULL THEN 'info' ELSE 'low' END, k.oid::regclass::text,
         format('%s has no primary key%s.', k.oid::regclass, CASE WHEN k.stuck THEN ' and is published: UPDATE and DELETE on it fail' WHEN k.candidate IS NOT NULL THEN format(', but %s could be it', k.candidate::regclass)
                                                                  ELSE ': rows cannot be told apart, and logical replication cannot update them' END),
         jsonb_build_object('published', k.stuck, 'unique_index', k.candidate::regclass::text, 'threshold', 'a primary key'),
         CASE WHEN k.candidate IS NOT NULL THEN format('ALTER TABLE %s ADD PRIMARY KEY USING INDEX %I', k.oid::regclass, (SELECT c.relname FROM pg_class c WHERE c.oid = k.candidate))
              WHEN k.stuck THEN format('ALTER TABLE %s REPLICA IDENTITY FULL', k.oid::regclass) END
    FROM keyless k
  UNION ALL
  SELECT 'wraparound', CASE WHEN o.xid_age >= 1e9 THEN 'high' ELSE 'medium' END, o.oid::regclass::text,
         format('The oldest row version of %s may be %s transactions old; the server stops at 2 000 000 000.', o.oid::regclass, o.xid_age),
         jsonb_build_object('xid_age', o.xid_age, 'threshold', o.limit_age), format('VACUUM (FREEZE) %s', o.oid::regclass)
    FROM old o
$$;
COMMENT ON FUNCTION perf_optimizer.table_findings() IS 'Findings about single tables: bloated-table, no-primary-key, wraparound (the 20 oldest). Internal.';

CREATE FUNCTION perf_optimizer.sequence_findings() RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  WITH seq AS (
    SELECT s.seqrelid, s.seqtypid, s.seqincrement, s.seqcycle, s.seqmin, s.seqmax, d.refobjid AS relid, a.attname, a.attidentity <> '' AS identity,
           CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE 9223372036854775807 END AS column_max
      FROM pg_sequence s
      LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
      LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     WHERE s.seqrelid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = s.seqrelid AND e.deptype = 'e')),
  used AS (
    SELECT s.*, p.last, least(s.seqmax, s.column_max) AS top, least(s.seqmax, s.column_max) < s.seqmax OR s.column_max < 9223372036854775807 AS by_column,
           CASE WHEN s.seqincrement > 0 THEN (p.last::numeric - s.seqmin) / nullif(least(s.seqmax, s.column_max)::numeric - s.seqmin, 0)
                ELSE (s.seqmax - p.last::numeric) / nullif(s.seqmax::numeric - s.seqmin, 0) END AS ratio
      FROM seq s CROSS JOIN LATERAL (SELECT perf_optimizer.sequence_position(s.seqrelid) AS last) p
     WHERE NOT (s.seqcycle AND s.seqmax <= s.column_max)),
  rate AS (
    SELECT h.relid, sum(h.inserted) / greatest(extract(epoch FROM max(h.taken_at) - min(h.from_at)) / 86400, 1.0 / 24) AS rows_per_day
      FROM perf_optimizer.table_history h WHERE h.taken_at > now() - interval '30 days' AND h.relid IN (SELECT u.relid FROM used u WHERE u.ratio >= 0.75) GROUP BY 1),
  late AS (
    SELECT u.*, CASE WHEN r.rows_per_day > 0 AND u.seqincrement > 0 THEN (u.top - u.last) / u.seqincrement / r.rows_per_day END AS days
      FROM used u LEFT JOIN rate r ON r.relid = u.relid WHERE u.ratio >= 0.75)
  SELECT 'sequence-exhaustion', CASE WHEN l.ratio >= 0.9 OR l.days < 30 THEN 'high' ELSE 'medium' END, l.seqrelid::regclass::text,
         format('%s is at %s, %s %% of the way to %s%s.', l.seqrelid::regclass, l.last, floor(100 * l.ratio), CASE WHEN l.seqincrement > 0 THEN l.top ELSE l.seqmin END,
                CASE WHEN l.days < 36500 THEN format('; at the rate of the last 30 days it ends on %s', to_char(now() + l.days * interval '1 day', 'YYYY-MM-DD')) ELSE '' END),
         jsonb_build_object('last_value', l.last, 'limit', CASE WHEN l.seqincrement > 0 THEN l.top ELSE l.seqmin END, 'used_ratio', round(l.ratio, 4), 'column', l.relid::regclass::text || '.' || l.attname,
                            'ends_at', CASE WHEN l.days < 36500 THEN now() + l.days * interval '1 day' END, 'threshold', 0.75),
         CASE WHEN l.by_column THEN format('ALTER TABLE %s ALTER COLUMN %I TYPE bigint', l.relid::regclass, l.attname)
                                    || CASE WHEN l.identity OR l.seqtypid = 'int8'::regtype THEN '' ELSE format('; ALTER SEQUENCE %s AS bigint', l.seqrelid::regclass) END
              WHEN l.seqtypid <> 'int8'::regtype THEN format('ALTER SEQUENCE %s AS bigint', l.seqrelid::regclass)
              WHEN l.seqincrement > 0 AND l.seqmax < 9223372036854775807 THEN format('ALTER SEQUENCE %s NO MAXVALUE', l.seqrelid::regclass) END
    FROM late l
$$;
COMMENT ON FUNCTION perf_optimizer.sequence_findings() IS 'Sequences that passed three quarters of what they, or the type of their column, can count to, with the date at the rate that the history knows. Internal.';

CREATE FUNCTION perf_optimizer.matview_findings() RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
  WITH view AS MATERIALIZED (
    SELECT m.*, c.oid, c.relispopulated FROM perf_optimizer.matview_status m JOIN pg_class c ON c.oid = m.matview),
  job AS (
    SELECT j.name, j.target::regclass AS matview, j.job_id, j.enabled, j.next_run, j.last_status, j.consecutive_failures FROM perf_optimizer.jobs j WHERE j.kind = 'refresh' AND to_regclass(j.target) IS NOT NULL),
  judged AS (
    SELECT v.matview::text AS matview, v.last_refresh, j.job_id, j.name, j.next_run,
           CASE WHEN j.job_id IS NULL THEN CASE WHEN v.last_refresh < now() - interval '1 day' THEN 'no job refreshes it' END
                WHEN NOT j.enabled THEN 'its job is paused' WHEN j.consecutive_failures > 0 THEN format('the last %s runs of its job failed', j.consecutive_failures)
                WHEN j.next_run < now() - interval '5 minutes' THEN 'its job is late' END AS reason
      FROM view v LEFT JOIN LATERAL (SELECT * FROM job j WHERE j.matview = v.matview ORDER BY j.enabled DESC, j.consecutive_failures, j.job_id LIMIT 1) j ON true
     WHERE v.stale AND v.last_refresh IS NOT NULL)
  SELECT 'stale-matview', CASE WHEN s.job_id IS NULL THEN 'low' ELSE 'medium' END, s.matview,
         format('The tables of %s changed since its last refresh %s, and %s.', s.matview, to_char(s.last_refresh, 'YYYY-MM-DD HH24:MI'), s.reason),
         jsonb_build_object('last_refresh', s.last_refresh, 'job_id', s.job_id, 'next_run', s.next_run, 'threshold', CASE WHEN s.job_id IS NULL THEN '1 day' ELSE 'its schedule' END),
         format('SELECT * FROM perf_optimizer.refresh(%L)', s.matview)
    FROM judged s WHERE s.reason IS NOT NULL
  UNION ALL
  SELECT 'unrefreshable-matview', CASE WHEN v.relispopulated THEN 'low' ELSE 'medium' END, v.matview::text, format('%s: %s.', v.matview, v.finding),
         jsonb_build_object('populated', v.relispopulated, 'unique_index', v.unique_index, 'threshold', 'populated, with a unique index'), v.suggested_sql
    FROM view v WHERE v.finding IS NOT NULL
$$;
COMMENT ON FUNCTION perf_optimizer.matview_findings() IS 'Materialized views whose tables changed beyond the schedule of their refresh, or that REFRESH CONCURRENTLY refuses. Internal.';

CREATE FUNCTION perf_optimizer.index_findings() RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT r.rule, r.severity, coalesce(r.index, r.relation)::text, r.message,
         jsonb_strip_nulls(jsonb_build_object('table', r.relation::text, 'size_bytes', r.size_bytes, 'scans', r.scans,
           'threshold', CASE r.rule WHEN 'unused-index' THEN 'no scan in 7 days' WHEN 'rarely-used-index' THEN 'a tenth of the scans of its table, a scan in ten writes' WHEN 'bloated-index' THEN 'half of it empty, 10 MB'
                                    WHEN 'mostly-null-index' THEN '80 % nulls' WHEN 'boolean-index' THEN 'no boolean as the only key' WHEN 'duplicate-index' THEN 'no index with the same definition'
                                    WHEN 'redundant-index' THEN 'no index whose key begins alike' WHEN 'unindexed-foreign-key' THEN 'an index that begins with the columns' ELSE 'valid' END)),
         r.suggested_sql
    FROM perf_optimizer.index_report() r
$$;
COMMENT ON FUNCTION perf_optimizer.index_findings() IS 'The rows of index_report as findings. Internal.';

/* ---- the server: facts, and what they mean ---- */

CREATE FUNCTION perf_optimizer.session_facts() RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH RECURSIVE session AS MATERIALIZED (
    SELECT a.pid, a.usename, a.application_name, a.datname, a.state, a.wait_event_type = 'Lock' AS waits, extract(epoch FROM clock_timestamp() - a.xact_start) AS xact_s,
           CASE WHEN a.state LIKE 'idle in transaction%' THEN extract(epoch FROM clock_timestamp() - a.state_change) END AS idle_s
      FROM pg_stat_activity a WHERE a.backend_type = 'client backend' AND a.xact_start IS NOT NULL AND a.pid <> pg_backend_pid()),
  edge AS MATERIALIZED (
    SELECT DISTINCT s.pid, b.pid AS blocker FROM session s CROSS JOIN LATERAL unnest(pg_blocking_pids(s.pid)) b(pid) WHERE s.waits),
  walk(pid, at, chain) AS (
    SELECT e.pid, e.blocker, ARRAY[e.pid, e.blocker] FROM edge e
    UNION ALL
    SELECT w.pid, e.blocker, w.chain || e.blocker FROM walk w JOIN edge e ON e.pid = w.at WHERE e.blocker <> ALL (w.chain) AND cardinality(w.chain) < 20),
  chains AS (
    SELECT DISTINCT ON (w.pid) w.pid, w.chain FROM walk w ORDER BY w.pid, cardinality(w.chain) DESC, w.chain),
  waiting AS (
    SELECT l.pid, max(extract(epoch FROM clock_timestamp() - l.waitstart)) AS wait_s FROM pg_locks l WHERE NOT l.granted GROUP BY 1)
  SELECT coalesce(jsonb_agg(jsonb_build_object('pid', s.pid, 'role', s.usename, 'application', s.application_name, 'database', s.datname, 'state', s.state, 'xact_s', s.xact_s, 'idle_s', s.idle_s,
                                               'wait_s', w.wait_s, 'chain', c.chain) ORDER BY s.pid), '[]')
    FROM session s LEFT JOIN chains c ON c.pid = s.pid LEFT JOIN waiting w ON w.pid = s.pid AND c.pid IS NOT NULL
$$;
COMMENT ON FUNCTION perf_optimizer.session_facts() IS 'The sessions inside a transaction: for how many seconds, idle for how many, waiting for a lock for how many, and behind whom (chain: who waits, for whom, and so on). Internal.';

CREATE FUNCTION perf_optimizer.checkpoint_facts(OUT timed bigint, OUT requested bigint, OUT since timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- Version 17 moved these counters.
  IF to_regclass('pg_catalog.pg_stat_checkpointer') IS NULL THEN
    EXECUTE 'SELECT b.checkpoints_timed, b.checkpoints_req, b.stats_reset FROM pg_catalog.pg_stat_bgwriter b' INTO timed, requested, since;
  ELSE
    EXECUTE 'SELECT c.num_timed, c.num_requested, c.stats_reset FROM pg_catalog.pg_stat_checkpointer c' INTO timed, requested, since;
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.checkpoint_facts() IS 'How many checkpoints came by time and how many were requested, and since when they are counted. Internal.';

CREATE FUNCTION perf_optimizer.statements_facts() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  statements regclass := perf_optimizer.statements_view('pg_stat_statements');
  info regclass := perf_optimizer.statements_view('pg_stat_statements_info');
  entries bigint;
  evictions bigint;
BEGIN
  IF statements IS NULL THEN
    RETURN NULL;
  END IF;
  -- The function beside the view leaves the texts in their file.
  EXECUTE format('SELECT count(*) FROM %s(false)', statements) INTO entries;
  IF info IS NOT NULL THEN
    EXECUTE format('SELECT i.dealloc FROM %s i', info) INTO evictions;
  END IF;
  RETURN jsonb_build_object('entries', entries, 'max', current_setting('pg_stat_statements.max')::int, 'evictions', evictions);
END
$$;
COMMENT ON FUNCTION perf_optimizer.statements_facts() IS 'How full pg_stat_statements is and how often it evicted; NULL where it is not there. Internal.';

CREATE FUNCTION perf_optimizer.server_facts() RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object(
    'database', (SELECT to_jsonb(d) - 'datid' FROM pg_stat_database d WHERE d.datname = current_database()),
    'days', (SELECT a.days FROM perf_optimizer.statistics_age() a),
    'connections', (SELECT to_jsonb(c) FROM perf_optimizer.connection_stats() c),
    'sessions', perf_optimizer.session_facts(),
    'replication', (SELECT coalesce(jsonb_agg(to_jsonb(r)), '[]') FROM perf_optimizer.replication_stats() r),
    'checkpoints', (SELECT to_jsonb(c) || jsonb_build_object('days', extract(epoch FROM now() - c.since) / 86400) FROM perf_optimizer.checkpoint_facts() c),
    'statements', perf_optimizer.statements_facts(),
    'databases', (SELECT jsonb_agg(jsonb_build_object('name', d.datname, 'xid_age', age(d.datfrozenxid), 'mxid_age', mxid_age(d.datminmxid))) FROM pg_database d),
    'memory_bytes', perf_optimizer.memory_bytes(),
    'settings', (SELECT jsonb_object_agg(s.name, jsonb_build_object('value', s.reset_val, 'unit', s.unit, 'source', s.source)) FROM pg_settings s
                  WHERE s.name IN ('autovacuum', 'track_counts', 'fsync', 'full_page_writes', 'random_page_cost', 'seq_page_cost', 'work_mem', 'hash_mem_multiplier', 'shared_buffers', 'max_wal_size', 'block_size',
                                   'track_io_timing', 'autovacuum_freeze_max_age', 'autovacuum_multixact_freeze_max_age', 'max_connections') OR s.name LIKE 'enable\_%'))
$$;
COMMENT ON FUNCTION perf_optimizer.server_facts() IS 'What server_findings judges: counters of this database, sessions, replication, checkpoints, settings. Internal.';

CREATE FUNCTION perf_optimizer.session_findings(facts jsonb) RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
  WITH c AS (
    SELECT * FROM jsonb_to_record(facts->'connections') AS x(max_connections int, total int, idle int, idle_in_transaction int, reserved_connections int, used_ratio float8, mean_session_age_ms float8, suggested_pool_size int)),
  s AS (
    SELECT * FROM jsonb_to_recordset(facts->'sessions') AS x(pid int, role text, application text, database text, state text, xact_s float8, idle_s float8, wait_s float8, chain int[]))
  SELECT 'connections', CASE WHEN c.used_ratio > 0.9 THEN 'high' ELSE 'medium' END, 'server',
         format('%s of %s connections are in use, %s of them idle; a session lasts %s s on average. A pooler in transaction mode would need about %s.', c.total, c.max_connections - c.reserved_connections, c.idle,
                round((c.mean_session_age_ms / 1000)::numeric), c.suggested_pool_size),
         jsonb_build_object('total', c.total, 'idle', c.idle, 'idle_in_transaction', c.idle_in_transaction, 'used_ratio', c.used_ratio, 'mean_session_age_ms', c.mean_session_age_ms, 'threshold', CASE WHEN c.used_ratio > 0.9 THEN 0.9 ELSE 0.8 END), NULL::text
    FROM c WHERE c.used_ratio > 0.8
  UNION ALL
  SELECT 'idle-in-transaction', CASE WHEN s.idle_s > 3600 THEN 'high' ELSE 'medium' END, format('session %s', s.pid),
         format('Session %s of %s%s has been idle inside a transaction for %s minutes: it holds its locks and keeps vacuum from removing rows.', s.pid, s.role, coalesce(' (' || nullif(s.application, '') || ')', ''), floor(s.idle_s / 60)),
         jsonb_build_object('pid', s.pid, 'role', s.role, 'application', s.application, 'database', s.database, 'idle_s', s.idle_s, 'threshold', 300), format('SELECT pg_terminate_backend(%s)', s.pid)
    FROM s WHERE s.idle_s > 300
  UNION ALL
  SELECT 'long-transaction', CASE WHEN s.xact_s > 4 * 3600 THEN 'high' ELSE 'medium' END, format('session %s', s.pid),
         format('The transaction of session %s of %s%s has been running for %s minutes: vacuum removes no row that it may still see.', s.pid, s.role, coalesce(' (' || nullif(s.application, '') || ')', ''), floor(s.xact_s / 60)),
         jsonb_build_object('pid', s.pid, 'role', s.role, 'application', s.application, 'database', s.database, 'xact_s', s.xact_s, 'state', s.state, 'threshold', 1800), format('SELECT pg_cancel_backend(%s)', s.pid)
    FROM s WHERE s.xact_s > 1800 AND (s.idle_s IS NULL OR s.idle_s <= 300)
  UNION ALL
  SELECT 'blocked', CASE WHEN s.wait_s > 300 THEN 'high' WHEN s.wait_s > 30 THEN 'medium' ELSE 'low' END, format('session %s', s.pid),
         format('Session %s of %s has been waiting for a lock for %s s behind %s.', s.pid, s.role, round(s.wait_s::numeric, 1), array_to_string(s.chain[2:], ', which waits for ')),
         jsonb_build_object('pid', s.pid, 'chain', s.chain, 'wait_s', s.wait_s, 'blocker_state', b.state, 'blocker_role', b.role, 'threshold', 1),
         CASE WHEN s.chain[cardinality(s.chain)] > 0 THEN format('SELECT %s(%s)', CASE WHEN b.state LIKE 'idle%' THEN 'pg_terminate_backend' ELSE 'pg_cancel_backend' END, s.chain[cardinality(s.chain)]) END
    FROM s LEFT JOIN s b ON b.pid = s.chain[cardinality(s.chain)] WHERE s.wait_s > 1
$$;
COMMENT ON FUNCTION perf_optimizer.session_findings(jsonb) IS 'Findings about sessions in the facts of server_facts: connections, idle-in-transaction, long-transaction, blocked. Internal.';

CREATE FUNCTION perf_optimizer.replication_findings(facts jsonb) RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
  WITH r AS (
    SELECT * FROM jsonb_to_recordset(facts->'replication') AS x(kind text, name text, state text, sync_state text, lag_bytes bigint, replay_lag_ms float8, retained_bytes bigint))
  SELECT 'replication-lag', CASE WHEN r.replay_lag_ms >= 300000 OR r.lag_bytes >= 10 * 1024 ^ 3 THEN 'high' ELSE 'medium' END, r.name,
         format('%s %s is %s and %s s behind.', initcap(r.kind), r.name, pg_size_pretty(r.lag_bytes), coalesce(round((r.replay_lag_ms / 1000)::numeric, 1)::text, '?')),
         jsonb_build_object('lag_bytes', r.lag_bytes, 'replay_lag_ms', r.replay_lag_ms, 'state', r.state, 'threshold', jsonb_build_object('lag_bytes', 1024 ^ 3, 'replay_lag_ms', 30000)), NULL::text
    FROM r WHERE r.kind IN ('standby', 'upstream') AND (r.replay_lag_ms >= 30000 OR r.lag_bytes >= 1024 ^ 3)
  UNION ALL
  SELECT 'inactive-slot', CASE WHEN r.sync_state = 'lost' OR r.retained_bytes >= 10 * 1024 ^ 3 THEN 'high' WHEN r.retained_bytes >= 1024 ^ 3 THEN 'medium' ELSE 'low' END, r.name,
         CASE WHEN r.sync_state = 'lost' THEN format('The WAL that slot %s needs is gone: its consumer must be built anew.', r.name)
              ELSE format('Nobody reads slot %s, and it keeps %s of WAL.', r.name, pg_size_pretty(r.retained_bytes)) END,
         jsonb_build_object('retained_bytes', r.retained_bytes, 'wal_status', r.sync_state, 'threshold', 16 * 1024 ^ 2), format('SELECT pg_drop_replication_slot(%L)', r.name)
    FROM r WHERE r.kind = 'slot' AND r.state = 'inactive' AND (r.sync_state = 'lost' OR r.retained_bytes >= 16 * 1024 ^ 2)
$$;
COMMENT ON FUNCTION perf_optimizer.replication_findings(jsonb) IS 'Findings about replication in the facts of server_facts: replication-lag, inactive-slot. Internal.';

CREATE FUNCTION perf_optimizer.counter_findings(facts jsonb) RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
  WITH d AS (
    SELECT x.*, greatest((facts->>'days')::float8, 1.0 / 24) AS days
      FROM jsonb_to_record(facts->'database') AS x(datname text, blks_hit float8, blks_read float8, xact_commit float8, xact_rollback float8, deadlocks float8, temp_files float8, temp_bytes float8)),
  k AS (
    SELECT * FROM jsonb_to_record(facts->'checkpoints') AS x(timed float8, requested float8, days float8)),
  p AS (
    SELECT * FROM jsonb_to_record(nullif(facts->'statements', 'null')) AS x(entries float8, max float8, evictions float8)),
  o AS (
    SELECT x.*, 0.75 * (facts#>>'{settings,autovacuum_freeze_max_age,value}')::float8 AS xid_at, 0.75 * (facts#>>'{settings,autovacuum_multixact_freeze_max_age,value}')::float8 AS mxid_at
      FROM jsonb_to_recordset(facts->'databases') AS x(name text, xid_age float8, mxid_age float8))
  SELECT 'cache-hit-ratio', 'medium', d.datname, format('%s %% of %s block accesses found their block in shared buffers.', round((100 * d.blks_hit / (d.blks_hit + d.blks_read))::numeric, 1), d.blks_hit + d.blks_read),
         jsonb_build_object('hit_ratio', d.blks_hit / (d.blks_hit + d.blks_read), 'blocks', d.blks_hit + d.blks_read, 'threshold', 0.9), 'SELECT * FROM perf_optimizer.cache_stats() LIMIT 20'
    FROM d WHERE d.blks_hit + d.blks_read >= 100000 AND d.blks_hit < 0.9 * (d.blks_hit + d.blks_read)
  UNION ALL
  SELECT 'temp-files', CASE WHEN d.temp_bytes / d.days >= 100 * 1024 ^ 3 THEN 'medium' ELSE 'low' END, d.datname,
         format('Sorts and hashes wrote %s temporary files, %s a day.', d.temp_files, pg_size_pretty((d.temp_bytes / d.days)::bigint)),
         jsonb_build_object('temp_files', d.temp_files, 'temp_bytes', d.temp_bytes, 'bytes_per_day', d.temp_bytes / d.days, 'threshold', 10 * 1024 ^ 3), 'SELECT * FROM perf_optimizer.slow_queries(order_by => ''temp'')'
    FROM d WHERE d.temp_bytes >= 1024 ^ 3 AND d.temp_bytes / d.days >= 10 * 1024 ^ 3
  UNION ALL
  SELECT 'deadlocks', 'medium', d.datname, format('%s deadlocks, %s a day: transactions lock the same rows in different orders.', d.deadlocks, round((d.deadlocks / d.days)::numeric, 1)),
         jsonb_build_object('deadlocks', d.deadlocks, 'per_day', d.deadlocks / d.days, 'threshold', 1), NULL::text
    FROM d WHERE d.deadlocks >= 5 AND d.deadlocks / d.days >= 1
  UNION ALL
  SELECT 'rollback-ratio', 'low', d.datname, format('%s %% of %s transactions were rolled back.', round((100 * d.xact_rollback / (d.xact_commit + d.xact_rollback))::numeric, 1), d.xact_commit + d.xact_rollback),
         jsonb_build_object('rollbacks', d.xact_rollback, 'commits', d.xact_commit, 'threshold', 0.1), NULL
    FROM d WHERE d.xact_commit + d.xact_rollback >= 1000 AND d.xact_rollback >= 0.1 * (d.xact_commit + d.xact_rollback)
  UNION ALL
  SELECT 'checkpoints-requested', 'medium', 'server', format('%s checkpoints were requested and %s came by time: WAL fills max_wal_size before checkpoint_timeout.', k.requested, k.timed),
         jsonb_build_object('requested', k.requested, 'timed', k.timed, 'threshold', 1), format('ALTER SYSTEM SET max_wal_size = ''%s MB''', 2 * (facts#>>'{settings,max_wal_size,value}')::bigint)
    FROM k WHERE k.requested >= 10 AND k.requested >= k.timed
  UNION ALL
  SELECT 'statements-evicted', 'low', 'pg_stat_statements', format('pg_stat_statements holds %s of %s statements and evicted %s times: figures of rarer ones are lost.', p.entries, p.max, coalesce(p.evictions::text, 'an unknown number of')),
         jsonb_build_object('entries', p.entries, 'max', p.max, 'evictions', p.evictions, 'threshold', 0.9), format('ALTER SYSTEM SET pg_stat_statements.max = %s', 2 * p.max)
    FROM p WHERE p.entries > 0.9 * p.max OR p.evictions > 0
  UNION ALL
  SELECT 'wraparound', CASE WHEN greatest(o.xid_age, o.mxid_age) >= 1e9 THEN 'high' ELSE 'medium' END, o.name,
         format('Database %s was last frozen %s transactions and %s multixacts ago; the server stops at 2 000 000 000.', o.name, o.xid_age, o.mxid_age),
         jsonb_build_object('xid_age', o.xid_age, 'mxid_age', o.mxid_age, 'threshold', jsonb_build_object('xid_age', least(o.xid_at, 1e9), 'mxid_age', least(o.mxid_at, 1e9))), 'VACUUM (FREEZE)'
    FROM o WHERE o.xid_age >= least(o.xid_at, 1e9) OR o.mxid_age >= least(o.mxid_at, 1e9)
$$;
COMMENT ON FUNCTION perf_optimizer.counter_findings(jsonb) IS
'Findings about counters in the facts of server_facts: cache-hit-ratio, temp-files, deadlocks, rollback-ratio, checkpoints-requested, statements-evicted, wraparound of databases. Internal.';

CREATE FUNCTION perf_optimizer.setting_findings(facts jsonb) RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
  WITH s AS (
    SELECT e.key AS name, e.value->>'value' AS value, e.value->>'source' AS source FROM jsonb_each(facts->'settings') e),
  v AS (
    SELECT (facts->>'memory_bytes')::float8 AS memory, (facts#>>'{settings,work_mem,value}')::float8 * 1024 * (facts#>>'{settings,hash_mem_multiplier,value}')::float8 AS work,
           (facts#>>'{settings,shared_buffers,value}')::float8 * (facts#>>'{settings,block_size,value}')::float8 AS buffers, (facts#>>'{settings,max_connections,value}')::int AS sessions,
           (facts#>>'{connections,peak_active}')::int AS peak, (facts#>>'{settings,random_page_cost,value}')::float8 / (facts#>>'{settings,seq_page_cost,value}')::float8 AS cost_ratio,
           (facts#>>'{database,blks_read}')::float8 AS reads, (facts#>>'{database,blk_read_time}')::float8 AS read_ms, (facts#>>'{database,blks_hit}')::float8 AS hits)
  SELECT 'settings', CASE WHEN s.name LIKE 'enable%' THEN 'medium' ELSE 'high' END, s.name,
         format('%s is off: %s.', s.name, CASE s.name WHEN 'fsync' THEN 'a crash can destroy the whole cluster' WHEN 'full_page_writes' THEN 'a crash can leave torn pages' WHEN 'track_counts' THEN 'autovacuum sees nothing'
                                                      WHEN 'autovacuum' THEN 'dead rows stay and statistics age' ELSE 'the planner avoids some plans even where they are best' END),
         jsonb_build_object('value', s.value, 'source', s.source, 'threshold', 'on'), format('ALTER SYSTEM SET %I = on', s.name)
    FROM s WHERE s.value = 'off' AND (s.name IN ('fsync', 'full_page_writes', 'track_counts', 'autovacuum')
                                      -- The server's own defaults of some of these are off.
                                      OR s.name LIKE 'enable\_%' AND s.source IN ('configuration file', 'command line', 'database', 'environment variable'))
  UNION ALL
  SELECT 'settings', 'low', 'random_page_cost', format('A block read took %s ms on average over %s reads, as on an SSD or from the system''s cache, but random_page_cost is %s times seq_page_cost.', round((v.read_ms / v.reads)::numeric, 3), v.reads, v.cost_ratio),
         jsonb_build_object('mean_read_ms', v.read_ms / v.reads, 'reads', v.reads, 'cost_ratio', v.cost_ratio, 'threshold', 0.3), 'ALTER SYSTEM SET random_page_cost = 1.1'
    FROM v WHERE v.reads >= 100000 AND v.read_ms > 0 AND v.read_ms / v.reads <= 0.3 AND v.cost_ratio >= 3
  UNION ALL
  SELECT 'settings', CASE WHEN v.buffers + v.peak * v.work > v.memory THEN 'medium' ELSE 'low' END, 'work_mem',
         format('shared_buffers and one hash of work_mem * hash_mem_multiplier in each of %s sessions are %s, of %s that the server has; %s sessions were active at a time.', v.sessions, pg_size_pretty((v.buffers + v.sessions * v.work)::bigint),
                pg_size_pretty(v.memory::bigint), v.peak),
         jsonb_build_object('shared_buffers_bytes', v.buffers, 'work_bytes', v.work, 'max_connections', v.sessions, 'peak_active', v.peak, 'threshold', v.memory),
         format('ALTER SYSTEM SET work_mem = ''%s kB''', greatest(floor((v.memory - v.buffers) / v.sessions / ((facts#>>'{settings,hash_mem_multiplier,value}')::float8) / 1024), 64))
    FROM v WHERE v.buffers + v.sessions * v.work > v.memory
  UNION ALL
  SELECT 'settings', 'low', 'shared_buffers', format('shared_buffers is %s of %s that the server has, and %s %% of the block accesses did not find their block in it.', pg_size_pretty(v.buffers::bigint), pg_size_pretty(v.memory::bigint),
                                                    round((100 * v.reads / (v.hits + v.reads))::numeric)),
         jsonb_build_object('shared_buffers_bytes', v.buffers, 'memory_bytes', v.memory, 'hit_ratio', v.hits / (v.hits + v.reads), 'threshold', 0.1 * v.memory), format('ALTER SYSTEM SET shared_buffers = ''%s MB''', floor(v.memory / 4 / 1024 ^ 2))
    FROM v WHERE v.buffers < 0.1 * v.memory AND v.hits + v.reads >= 100000 AND v.hits < 0.9 * (v.hits + v.reads)
$$;
COMMENT ON FUNCTION perf_optimizer.setting_findings(jsonb) IS 'Findings about settings in the facts of server_facts, each with what was measured. Internal.';

CREATE FUNCTION perf_optimizer.database_findings() RETURNS SETOF perf_optimizer.database_finding
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
  WITH facts AS MATERIALIZED (SELECT perf_optimizer.server_facts() AS f),
  found AS (
    SELECT * FROM perf_optimizer.index_findings()
    UNION ALL SELECT * FROM perf_optimizer.upkeep_findings()
    UNION ALL SELECT * FROM perf_optimizer.table_findings()
    UNION ALL SELECT * FROM perf_optimizer.sequence_findings()
    UNION ALL SELECT * FROM perf_optimizer.matview_findings()
    UNION ALL SELECT s.* FROM facts CROSS JOIN LATERAL perf_optimizer.session_findings(f) s
    UNION ALL SELECT s.* FROM facts CROSS JOIN LATERAL perf_optimizer.replication_findings(f) s
    UNION ALL SELECT s.* FROM facts CROSS JOIN LATERAL perf_optimizer.counter_findings(f) s
    UNION ALL SELECT s.* FROM facts CROSS JOIN LATERAL perf_optimizer.setting_findings(f) s)
  SELECT f.rule, f.severity, f.object, f.message, f.evidence, f.suggested_sql
    FROM found f ORDER BY array_position(ARRAY['high', 'medium', 'low', 'info'], f.severity), f.rule COLLATE "C", f.object COLLATE "C", f.message COLLATE "C"
$$;
COMMENT ON FUNCTION perf_optimizer.database_findings() IS
'What is wrong with this database and its server, most severe first: indexes and foreign keys (as index_report), tables, sequences, materialized views, sessions, replication, counters and settings. severity: high, medium, low or info; object: what it concerns; evidence: the figures with the threshold that they passed; suggested_sql: the statement that helps, NULL where none does. Members of pg_monitor see everything; others what they may know.';
/* ---- capacity: where figures of the history are going ---- */

CREATE FUNCTION perf_optimizer.forecast(moments timestamptz[], figures float8[], ahead timestamptz[],
  OUT moment timestamptz, OUT projected float8, OUT lower float8, OUT upper float8, OUT per_day float8, OUT weekly boolean)
RETURNS SETOF record
LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'perf_optimizer_forecast';
COMMENT ON FUNCTION perf_optimizer.forecast(timestamptz[], float8[], timestamptz[]) IS
'What a series (figures at moments, the oldest first) leads one to expect at other moments: along the median of the slopes between all its points (Theil and Sen; per_day), with what days of the week (UTC) add where they matter (weekly). 90 % of figures fall between lower and upper, if all goes on as before. No rows for fewer than 14 points or less than 7 days. Errors: 22004 for a NULL, 22023 for arrays that do not match, moments that do not ascend, or more than 1000 points.';

CREATE FUNCTION perf_optimizer.relation_sizes(relation regclass) RETURNS TABLE (moment timestamptz, figure float8)
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
  -- A snapshot leaves out what nothing happened to: its size is as before.
  SELECT k.taken_at, max(k.bytes) OVER (PARTITION BY k.part)::float8
    FROM (SELECT s.taken_at, h.bytes, count(h.bytes) OVER (ORDER BY s.taken_at, s.snapshot_id) AS part
            FROM perf_optimizer.snapshots s
            LEFT JOIN (SELECT t.snapshot_id, t.total_bytes AS bytes FROM perf_optimizer.table_history t WHERE t.relid = relation_sizes.relation
                       UNION ALL SELECT i.snapshot_id, i.bytes FROM perf_optimizer.index_history i WHERE i.indexid = relation_sizes.relation) h USING (snapshot_id)) k
   WHERE k.part > 0
$$;
COMMENT ON FUNCTION perf_optimizer.relation_sizes(regclass) IS 'The size of a table, materialized view or index in each snapshot since the history knows it. Internal.';

CREATE FUNCTION perf_optimizer.sequence_positions(sequence regclass) RETURNS TABLE (moment timestamptz, figure float8)
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
  -- No snapshot looks at sequences; the rows that came to the table since tell where this one was.
  SELECT s.taken_at, perf_optimizer.sequence_position(sequence) - q.seqincrement * coalesce(sum(h.inserted) OVER (ORDER BY s.taken_at DESC, s.snapshot_id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
    FROM perf_optimizer.snapshots s CROSS JOIN pg_sequence q
    JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = q.seqrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
    LEFT JOIN perf_optimizer.table_history h ON h.snapshot_id = s.snapshot_id AND h.relid = d.refobjid
   WHERE q.seqrelid = sequence
$$;
COMMENT ON FUNCTION perf_optimizer.sequence_positions(regclass) IS 'Where the sequence of a column was at each snapshot, by the rows inserted since. Internal.';

CREATE FUNCTION perf_optimizer.capacity_figures(resource text) RETURNS TABLE (moment timestamptz, figure float8, days float8)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  name text := substring(resource FROM '^(?:relation|sequence):(.+)$');
BEGIN
  CASE
  WHEN resource = 'database_size' THEN
    RETURN QUERY SELECT s.taken_at, s.database_bytes::float8, NULL::float8 FROM perf_optimizer.snapshots s;
  WHEN resource = 'connections' THEN
    RETURN QUERY SELECT s.taken_at, s.connections::float8, NULL::float8 FROM perf_optimizer.snapshots s;
  WHEN resource IN ('wal', 'transaction_ids', 'transactions') THEN
    RETURN QUERY SELECT s.taken_at, CASE resource WHEN 'wal' THEN s.wal_bytes WHEN 'transaction_ids' THEN s.transaction_ids ELSE s.commits + s.rollbacks END, (extract(epoch FROM s.taken_at - s.from_at) / 86400)::float8
                   FROM perf_optimizer.snapshots s WHERE s.taken_at > s.from_at;
  WHEN resource = 'statements' THEN
    RETURN QUERY SELECT s.taken_at, coalesce(sum(h.calls) FILTER (WHERE h.toplevel), 0), (extract(epoch FROM s.taken_at - s.from_at) / 86400)::float8
                   FROM perf_optimizer.snapshots s LEFT JOIN perf_optimizer.statement_history h USING (snapshot_id) WHERE s.taken_at > s.from_at GROUP BY s.snapshot_id, s.taken_at, s.from_at;
  WHEN resource LIKE 'relation:_%' THEN
    IF NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = name::regclass AND c.relkind IN ('r', 'm', 'i')) THEN
      RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format('"%s" has no size of its own', name), HINT = 'Name a table, a materialized view, an index or one partition.';
    END IF;
    RETURN QUERY SELECT r.moment, r.figure, NULL::float8 FROM perf_optimizer.relation_sizes(name::regclass) r;
  WHEN resource LIKE 'sequence:_%' THEN
    IF NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = name::regclass AND c.relkind = 'S') THEN
      RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format('"%s" is not a sequence', name), HINT = 'Name the sequence of a column, as pg_get_serial_sequence says it.';
    END IF;
    RETURN QUERY SELECT p.moment, p.figure, NULL::float8 FROM perf_optimizer.sequence_positions(name::regclass) p;
  ELSE
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('unknown resource "%s" in argument "resource"', resource),
      HINT = 'Pass database_size, connections, wal, transaction_ids, transactions, statements, relation:SCHEMA.NAME or sequence:SCHEMA.NAME.';
  END CASE;
END
$$;
COMMENT ON FUNCTION perf_optimizer.capacity_figures(text) IS
'What the history knows of a resource: a level at a moment, or, with days, what was used in so many days before it. Errors: 22023 unknown resource, 42P01 unknown relation, 42809 one of another kind. Internal.';

CREATE FUNCTION perf_optimizer.capacity_series(resource text, OUT moments timestamptz[], OUT figures float8[])
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM perf_optimizer.require_argument(resource, 'resource');
  WITH f AS MATERIALIZED (
    SELECT * FROM perf_optimizer.capacity_figures(resource) c WHERE c.figure IS NOT NULL AND c.moment > now() - interval '2 years'),
  unit AS (
    SELECT CASE WHEN max(f.moment) - min(f.moment) > interval '21 days' THEN 'day' ELSE 'hour' END AS name FROM f),
  part AS (
    SELECT max(f.moment) AS moment, CASE WHEN min(f.days) IS NOT NULL THEN sum(f.figure) / sum(f.days) WHEN capacity_series.resource = 'connections' THEN max(f.figure) ELSE (array_agg(f.figure ORDER BY f.moment DESC))[1] END AS figure
      FROM f CROSS JOIN unit u GROUP BY date_trunc(u.name, f.moment, 'UTC'))
  SELECT coalesce(array_agg(p.moment ORDER BY p.moment), '{}'), coalesce(array_agg(p.figure ORDER BY p.moment), '{}') INTO moments, figures FROM part p;
END
$$;
COMMENT ON FUNCTION perf_optimizer.capacity_series(text) IS
'The history of a resource with one figure a day, or an hour where it is younger than three weeks: the last level, the most connections, or what was used a day. Errors: as capacity_forecast. Internal.';

CREATE FUNCTION perf_optimizer.require_series(resource text, moments timestamptz[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF cardinality(moments) < 14 OR moments[cardinality(moments)] - moments[1] < interval '7 days' THEN
    RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = format('the history of "%s" is too short for a forecast', resource),
      DETAIL = format('It has %s figures over %s days; 14 over 7 days are the least.', cardinality(moments), coalesce(round((extract(epoch FROM moments[cardinality(moments)] - moments[1]) / 86400)::numeric, 1), 0)),
      HINT = 'Let schedule_snapshot() collect for longer.';
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.require_series(text, timestamptz[]) IS 'Raises 55000 for a series that is too short for a forecast. Internal.';

CREATE FUNCTION perf_optimizer.capacity_forecast(resource text, months int DEFAULT 6,
  OUT month date, OUT projected float8, OUT lower float8, OUT upper float8, OUT confidence float8)
RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 6
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  series record;
  known interval;
BEGIN
  IF months IS NULL OR months NOT BETWEEN 1 AND 120 THEN
    RAISE EXCEPTION USING ERRCODE = CASE WHEN months IS NULL THEN '22004' ELSE '22023' END, MESSAGE = 'argument "months" must be between 1 and 120', HINT = 'Few histories say anything of years to come.';
  END IF;
  series := perf_optimizer.capacity_series(resource);
  PERFORM perf_optimizer.require_series(resource, series.moments);
  known := series.moments[cardinality(series.moments)] - series.moments[1];
  RETURN QUERY
  SELECT f.moment::date, greatest(f.projected, 0), greatest(f.lower, 0), greatest(f.upper, 0), (0.9 * least(extract(epoch FROM known) / extract(epoch FROM f.moment - series.moments[cardinality(series.moments)]), 1))::float8
    FROM perf_optimizer.forecast(series.moments, series.figures, ARRAY(SELECT date_trunc('month', now()) + g.i * interval '1 month' FROM generate_series(1, capacity_forecast.months) g(i))) f
   ORDER BY 1;
END
$$;
COMMENT ON FUNCTION perf_optimizer.capacity_forecast(text, int) IS
'What the history of snapshots leads one to expect of a resource on the first of each of the coming months. resource: database_size, relation:NAME (bytes; names with their schema), connections (the most of a day, of this database), wal (bytes a day), transaction_ids, transactions, statements (a day; statements that you may see), or sequence:NAME (its value). 90 % of figures fall between lower and upper if all goes on as before. confidence: 0.9 as far ahead as the history reaches back, less in proportion beyond. Errors: 22004, 22023 for a wrong argument, 42P01 and 42809 for a wrong relation, 55000 for fewer than 14 figures or 7 days.';

CREATE FUNCTION perf_optimizer.transaction_ids_left() RETURNS float8
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT 2 ^ 31 - 3000001 - max(age(d.datfrozenxid)) FROM pg_database d $$;
COMMENT ON FUNCTION perf_optimizer.transaction_ids_left() IS 'How many transaction ids the server gives out before it stops, if nothing is frozen meanwhile. Internal.';

CREATE FUNCTION perf_optimizer.capacity_limit(resource text) RETURNS float8
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN resource = 'connections' THEN (SELECT c.max_connections - c.reserved_connections FROM perf_optimizer.connection_stats() c)::float8
              WHEN resource = 'transaction_ids' THEN perf_optimizer.transaction_ids_left()
              WHEN resource LIKE 'sequence:_%' THEN
                (SELECT least(s.seqmax, CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE s.seqmax END)::float8
                   FROM pg_sequence s
                   LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
                   LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                  WHERE s.seqrelid = substring(resource FROM '^sequence:(.+)$')::regclass AND s.seqincrement > 0 AND NOT s.seqcycle) END
$$;
COMMENT ON FUNCTION perf_optimizer.capacity_limit(text) IS 'The limit of a resource where the server knows it: connections, transaction_ids (those left), sequence:NAME (its own or its column''s type''s); else NULL. Error: 42P01 for an unknown sequence. Internal.';

CREATE FUNCTION perf_optimizer.capacity_ends(resource text, moments timestamptz[], figures float8[], limit_value float8, OUT exhausted_on date, OUT earliest_on date, OUT latest_on date)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH f AS (
    SELECT * FROM perf_optimizer.forecast(moments, figures, ARRAY(SELECT now() + g.i * interval '1 day' FROM generate_series(0, 3650) g(i)))),
  -- Ids are used up: what each day to come takes adds up. Other resources have a level.
  level AS (
    SELECT f.moment::date AS day, f.projected, f.lower, f.upper FROM f WHERE resource <> 'transaction_ids'
    UNION ALL
    SELECT f.moment::date, coalesce(sum(greatest(f.projected, 0)) OVER w, 0), coalesce(sum(greatest(f.lower, 0)) OVER w, 0), coalesce(sum(greatest(f.upper, 0)) OVER w, 0) FROM f WHERE resource = 'transaction_ids'
    WINDOW w AS (ORDER BY f.moment ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))
  SELECT min(l.day) FILTER (WHERE l.projected >= limit_value), min(l.day) FILTER (WHERE l.upper >= limit_value), min(l.day) FILTER (WHERE l.lower >= limit_value) FROM level l
$$;
COMMENT ON FUNCTION perf_optimizer.capacity_ends(text, timestamptz[], float8[], float8) IS 'When the trend of a series, the upper and the lower end of its 90 % interval reach a limit within ten years. Internal.';

CREATE FUNCTION perf_optimizer.capacity_exhaustion(resource text, limit_value float8 DEFAULT NULL, OUT exhausted_on date, OUT earliest_on date, OUT latest_on date)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  series record := perf_optimizer.capacity_series(resource);
  bound float8 := coalesce(limit_value, perf_optimizer.capacity_limit(resource));
BEGIN
  IF bound IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = format('the server knows no limit of "%s"', resource), HINT = 'Pass one in "limit_value", such as the bytes of the disk.';
  END IF;
  PERFORM perf_optimizer.require_series(resource, series.moments);
  SELECT e.* INTO exhausted_on, earliest_on, latest_on FROM perf_optimizer.capacity_ends(resource, series.moments, series.figures, bound) e;
END
$$;
COMMENT ON FUNCTION perf_optimizer.capacity_exhaustion(text, float8) IS
'When a resource reaches a limit, such as the bytes of a disk: the day on which it is expected to, and the first days on which the upper and the lower end of the 90 % interval do. NULL where that is more than ten years away. limit_value: NULL for the limit that the server knows, of connections, sequence:NAME (its own or its column''s type''s) or transaction_ids: when the ids run out if nothing is frozen from now on; with a limit, when so many more ids are used. resource and errors: as capacity_forecast; 22004 for NULL where the server knows no limit.';

CREATE FUNCTION perf_optimizer.capacity_resources(OUT resource text, OUT unit text, OUT current_value float8, OUT limit_value float8)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED ROWS 15
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 'database_size', 'bytes', pg_database_size(current_database())::float8, NULL::float8
  UNION ALL SELECT 'connections', 'connections', (SELECT count(*) FROM pg_stat_activity a WHERE a.backend_type = 'client backend' AND a.datname = current_database()), perf_optimizer.capacity_limit('connections')
  UNION ALL SELECT v.name, v.unit, NULL, perf_optimizer.capacity_limit(v.name) FROM (VALUES ('wal', 'bytes a day'), ('transaction_ids', 'a day'), ('statements', 'a day')) v(name, unit)
  UNION ALL (SELECT 'relation:' || c.oid::regclass, 'bytes', pg_total_relation_size(c.oid), NULL FROM perf_optimizer.indexed_relations(NULL) r(oid) JOIN pg_class c ON c.oid = r.oid
              WHERE c.relkind IN ('r', 'm') AND c.relpages > 0 ORDER BY c.relpages DESC, c.oid LIMIT 5)
  UNION ALL (SELECT 'sequence:' || s.seqrelid::regclass, 'values', p.last, l.top
               FROM pg_sequence s JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
               JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
              CROSS JOIN LATERAL (SELECT perf_optimizer.sequence_position(s.seqrelid)::float8 AS last) p
              CROSS JOIN LATERAL (SELECT least(s.seqmax, CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE s.seqmax END)::float8 AS top) l
              WHERE s.seqincrement > 0 AND NOT s.seqcycle AND d.refobjid IN (SELECT r.oid FROM perf_optimizer.indexed_relations(NULL) r(oid)) AND p.last >= 0.1 * l.top ORDER BY p.last / l.top DESC, s.seqrelid LIMIT 5)
$$;
COMMENT ON FUNCTION perf_optimizer.capacity_resources() IS 'What capacity_dashboard looks at, with its present value and its limit where they are known. Internal.';

CREATE FUNCTION perf_optimizer.capacity_dashboard(OUT resource text, OUT unit text, OUT current_value float8, OUT per_month float8, OUT in_90_days float8, OUT lower float8, OUT upper float8,
  OUT limit_value float8, OUT exhausted_on date, OUT earliest_on date, OUT samples int, OUT status text, OUT message text)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED ROWS 15
SET search_path = pg_catalog, pg_temp
AS $$
  WITH r AS MATERIALIZED (
    SELECT c.*, s.moments, s.figures FROM perf_optimizer.capacity_resources() c CROSS JOIN LATERAL perf_optimizer.capacity_series(c.resource) s),
  ahead AS (
    SELECT r.resource, f.moment, f.per_day, greatest(f.projected, 0) AS projected, greatest(f.lower, 0) AS lower, greatest(f.upper, 0) AS upper FROM r CROSS JOIN LATERAL perf_optimizer.forecast(r.moments, r.figures, ARRAY[now() + interval '90 days']) f),
  frozen AS (
    SELECT max(age(d.datfrozenxid)) <= 1.05 * current_setting('autovacuum_freeze_max_age')::float8 AS in_time FROM pg_database d),
  ends AS (
    SELECT r.resource, e.exhausted_on, e.earliest_on,
           -- As long as autovacuum freezes in time, ids do not run out, at whatever rate they are used.
           CASE WHEN r.resource = 'transaction_ids' AND f.in_time THEN 'ok' WHEN e.exhausted_on < now() + interval '30 days' THEN 'critical' WHEN e.earliest_on < now() + interval '90 days' THEN 'warning' ELSE 'ok' END AS status
      FROM r CROSS JOIN frozen f CROSS JOIN LATERAL perf_optimizer.capacity_ends(r.resource, r.moments, r.figures, r.limit_value) e WHERE r.limit_value IS NOT NULL),
  judged AS (
    SELECT r.*, a.per_day, a.projected, a.lower, a.upper, e.exhausted_on, e.earliest_on, CASE WHEN a.moment IS NULL THEN 'unknown' ELSE coalesce(e.status, 'ok') END AS status
      FROM r LEFT JOIN ahead a ON a.resource = r.resource LEFT JOIN ends e ON e.resource = r.resource)
  SELECT j.resource, j.unit, coalesce(j.current_value, j.figures[cardinality(j.figures)]), j.per_day * 30, j.projected, j.lower, j.upper, j.limit_value, j.exhausted_on, j.earliest_on, cardinality(j.figures), j.status,
         CASE WHEN j.status = 'unknown' THEN 'the history is too short: 14 figures over 7 days are the least'
              WHEN j.resource = 'transaction_ids' THEN format('if nothing were frozen, the ids would last %s', CASE WHEN j.exhausted_on IS NULL THEN 'for more than ten years' ELSE format('until %s', j.exhausted_on) END)
                                                       || CASE WHEN (SELECT f.in_time FROM frozen f) THEN '; autovacuum freezes in time' ELSE '; autovacuum freezes too late' END
              WHEN j.exhausted_on IS NOT NULL THEN format('reaches its limit around %s', j.exhausted_on) END
    FROM judged j
   ORDER BY array_position(ARRAY['critical', 'warning', 'ok', 'unknown'], j.status), j.exhausted_on, j.resource
$$;
COMMENT ON FUNCTION perf_optimizer.capacity_dashboard() IS
'What is growing, and when it ends: database size, connections of this database, WAL, transaction ids and statements a day, the five largest tables, and the five sequences that are nearest to their end. per_month: its trend; in_90_days with lower and upper: the 90 % interval; limit_value where it is known, exhausted_on and earliest_on: when the trend and the interval''s upper end reach it. Of transaction_ids the limit is how many are left, and the days hold if nothing is frozen; its status is ok while autovacuum freezes in time. status: ok, warning (may end within 90 days), critical (ends within 30), unknown (too short a history).';
/* ---- warming the cache ---- */

CREATE FUNCTION perf_optimizer.hot_relations(OUT relation regclass, OUT kind text, OUT size_bytes bigint, OUT uses float8)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
  WITH past AS (
    SELECT t.relid AS oid, sum(t.seq_scan + t.idx_scan) AS scans FROM perf_optimizer.table_history t WHERE t.taken_at > now() - interval '7 days' GROUP BY 1
    UNION ALL
    SELECT i.indexid, sum(i.scans) FROM perf_optimizer.index_history i WHERE i.taken_at > now() - interval '7 days' GROUP BY 1),
  present AS (
    SELECT t.relid AS oid, t.relid AS granted, 'table' AS kind, t.heap_blks_hit + t.heap_blks_read AS blocks FROM pg_statio_user_tables t
    UNION ALL
    SELECT i.indexrelid, i.relid, 'index', i.idx_blks_hit + i.idx_blks_read FROM pg_statio_user_indexes i),
  use AS (
    SELECT p.oid, p.kind, pg_relation_size(p.oid) AS bytes, greatest(p.blocks, h.scans)::float8 AS uses
      FROM present p LEFT JOIN past h ON h.oid = p.oid JOIN pg_class c ON c.oid = p.oid
     WHERE c.relpersistence <> 't' AND greatest(p.blocks, h.scans) > 0 AND has_table_privilege(p.granted, 'SELECT'))
  SELECT u.oid::regclass, u.kind, u.bytes, u.uses FROM use u WHERE u.bytes > 0 ORDER BY u.uses / u.bytes DESC, u.oid
$$;
COMMENT ON FUNCTION perf_optimizer.hot_relations() IS
'The tables, materialized views and indexes that you may read, those with most uses for their size first. uses: block accesses since the statistics were reset, or, where that is more (statistics are lost in a crash), scans in the history of the last 7 days; size_bytes: of the main part.';

CREATE FUNCTION perf_optimizer.warm_relation(relation regclass, OUT warmed_bytes bigint, OUT cached_before_ratio float8)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  fetched bigint := pg_stat_get_xact_blocks_fetched(relation);
  hit bigint := pg_stat_get_xact_blocks_hit(relation);
BEGIN
  -- All arguments with their types, so that no other function of that name fits better.
  EXECUTE (SELECT format('SELECT %I.pg_prewarm($1, ''buffer''::pg_catalog.text, ''main''::pg_catalog.text, NULL::pg_catalog.int8, NULL::pg_catalog.int8) * pg_catalog.current_setting(''block_size'')::pg_catalog.int8', n.nspname)
             FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_prewarm')
    INTO warmed_bytes USING relation;
  fetched := pg_stat_get_xact_blocks_fetched(relation) - fetched;
  hit := pg_stat_get_xact_blocks_hit(relation) - hit;
  cached_before_ratio := hit::float8 / nullif(fetched, 0);
END
$$;
COMMENT ON FUNCTION perf_optimizer.warm_relation(regclass) IS 'Reads a relation into shared buffers and tells how many bytes, and which share of its blocks was there already. Internal.';

CREATE FUNCTION perf_optimizer.require_warmable(relations regclass[]) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wrong regclass;
  kind "char";
BEGIN
  IF array_position(relations, NULL) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'argument "relations" has a NULL element', HINT = 'Pass NULL for the relations that are used most.';
  END IF;
  SELECT u.relation, c.relkind INTO wrong, kind FROM unnest(relations) u(relation) LEFT JOIN pg_class c ON c.oid = u.relation WHERE c.relkind IS NULL OR c.relkind NOT IN ('r', 'm', 'i', 't') LIMIT 1;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = CASE WHEN kind IS NULL THEN '42P01' ELSE '42809' END, MESSAGE = format('"%s" is no relation with storage', wrong),
      HINT = 'Pass tables, materialized views and indexes in "relations"; of partitioned ones the partitions.';
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.require_warmable(regclass[]) IS 'Raises 22004, 42P01 or 42809 for relations that cannot be read into shared buffers. Internal.';

CREATE FUNCTION perf_optimizer.warm_cache(relations regclass[] DEFAULT NULL, budget_bytes bigint DEFAULT NULL,
  OUT relation regclass, OUT size_bytes bigint, OUT warmed_bytes bigint, OUT cached_before_ratio float8, OUT reason text, OUT cached_after_ratio float8)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  warmed jsonb[];
  entry jsonb;
  budget bigint := coalesce(budget_bytes, (SELECT s.setting::bigint * current_setting('block_size')::bigint * 3 / 4 FROM pg_settings s WHERE s.name = 'shared_buffers'));
BEGIN
  IF budget < 0 THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'argument "budget_bytes" must not be negative', HINT = 'Pass NULL for three quarters of shared_buffers.';
  ELSIF NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_prewarm') THEN
    RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = 'warm_cache needs the extension pg_prewarm', HINT = 'CREATE EXTENSION pg_prewarm;';
  END IF;
  PERFORM perf_optimizer.require_warmable(relations);
  FOR relation, size_bytes IN
    SELECT w.relation, w.bytes
      FROM (SELECT u.relation, pg_relation_size(u.relation) AS bytes, u.i FROM unnest(relations) WITH ORDINALITY u(relation, i)
            UNION ALL SELECT h.relation, h.size_bytes, row_number() OVER () FROM perf_optimizer.hot_relations() h WHERE relations IS NULL) w
     ORDER BY w.i
  LOOP
    warmed_bytes := 0;
    cached_before_ratio := NULL;
    reason := NULL;
    IF size_bytes > budget THEN
      reason := 'over the budget';
    ELSE
      SELECT * INTO warmed_bytes, cached_before_ratio FROM perf_optimizer.warm_relation(relation);
      budget := budget - warmed_bytes;
    END IF;
    warmed := warmed || jsonb_build_object('oid', relation::oid, 'size', size_bytes, 'warmed', warmed_bytes, 'before', cached_before_ratio, 'reason', reason);
  END LOOP;
  -- What came later may have driven out what came before: looked at when all is done.
  FOREACH entry IN ARRAY coalesce(warmed, '{}') LOOP
    SELECT (entry ->> 'oid')::oid, (entry ->> 'size')::bigint, (entry ->> 'warmed')::bigint, (entry ->> 'before')::float8, entry ->> 'reason' INTO relation, size_bytes, warmed_bytes, cached_before_ratio, reason;
    cached_after_ratio := NULL;
    IF reason IS NULL THEN
      cached_after_ratio := (perf_optimizer.warm_relation(relation)).cached_before_ratio;
    END IF;
    RETURN NEXT;
  END LOOP;
END
$$;
COMMENT ON FUNCTION perf_optimizer.warm_cache(regclass[], bigint) IS
'Reads relations into shared buffers with pg_prewarm, in the order given, or (NULL) those of hot_relations(), as long as they fit into budget_bytes (NULL: three quarters of shared_buffers); smaller ones still follow one that does not fit. A row each: its size, what was read, cached_before_ratio (0 to 1): which share of its blocks was there before, reason: why it was left out, cached_after_ratio: which share is there when all has been read. ROLLBACK does not undo it. Needs SELECT on each. Errors: 55000 without pg_prewarm, 22004 for a NULL element, 22023 for a negative budget, 42P01 and 42809 for a wrong relation, 42501 without SELECT.';
/* ---- bottlenecks: what holds up the load ---- */

CREATE FUNCTION perf_optimizer.processor_count() RETURNS int
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_processor_count';
COMMENT ON FUNCTION perf_optimizer.processor_count() IS 'The processors of the machine that are on line, whatever limit a container sets; NULL where the operating system does not say.';

CREATE FUNCTION perf_optimizer.load_facts() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  result jsonb;
BEGIN
  IF current_setting('perf_optimizer.track_max', true) IS NOT NULL THEN
    SELECT jsonb_build_object('source', 'the last 15 minutes', 'sessions', sum(h.n), 'running', max(h.n) FILTER (WHERE h.wait_class = 'cpu') / max(h.looks), 'classes', jsonb_object_agg(h.wait_class, h.n)) INTO result
      FROM (SELECT w.wait_class, sum(w.sessions)::float8 AS n, (SELECT count(DISTINCT a.at) FROM perf_optimizer.wait_history() a WHERE a.at > clock_timestamp() - interval '15 minutes') AS looks
              FROM perf_optimizer.wait_history() w WHERE w.at > clock_timestamp() - interval '15 minutes' AND w.wait_class <> 'idle in transaction' GROUP BY 1) h;
    IF (result->>'sessions')::float8 >= 20 THEN
      RETURN result;
    END IF;
  END IF;
  SELECT jsonb_build_object('source', 'the last day', 'sessions', sum(h.seconds), 'running', max(h.seconds) FILTER (WHERE h.wait_class = 'cpu') / nullif(max(h.length), 0), 'classes', jsonb_object_agg(h.wait_class, h.seconds)) INTO result
    FROM (SELECT l.wait_class, sum(l.seconds) AS seconds,
                 (SELECT sum(extract(epoch FROM s.taken_at - s.from_at)) FROM perf_optimizer.snapshots s WHERE s.taken_at > now() - interval '1 day')::float8 AS length
            FROM perf_optimizer.load_history l WHERE l.taken_at > now() - interval '1 day' AND l.wait_class <> 'idle in transaction' GROUP BY 1) h;
  IF (result->>'sessions')::float8 >= 20 THEN
    RETURN result;
  END IF;
  -- One look is little; the counters below still say something.
  RETURN '{"source": "nothing", "sessions": 0, "classes": {}}';
END
$$;
COMMENT ON FUNCTION perf_optimizer.load_facts() IS 'What sessions of this database did and waited for, from the sampler''s looks of the last 15 minutes or, where that is too little, from the snapshots of the last day: session seconds or looks by class, and how many were running on average while any was active. Internal.';

CREATE FUNCTION perf_optimizer.load_leaders() RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF current_setting('perf_optimizer.track_max', true) IS NULL THEN
    RETURN '{}';
  END IF;
  RETURN (
    SELECT coalesce(jsonb_object_agg(l.wait_class, jsonb_build_object('query_id', l.query_id, 'share', l.seconds / l.whole)), '{}')
      FROM (SELECT DISTINCT ON (p.wait_class) p.wait_class, p.query_id, p.seconds, p.whole
              FROM (SELECT w.wait_class, w.query_id, sum(w.seconds) AS seconds, sum(sum(w.seconds)) OVER (PARTITION BY w.wait_class) AS whole FROM perf_optimizer.wait_profile() w GROUP BY 1, 2) p
             WHERE p.query_id IS NOT NULL AND p.whole > 0 ORDER BY p.wait_class, p.seconds DESC, p.query_id) l);
END
$$;
COMMENT ON FUNCTION perf_optimizer.load_leaders() IS 'The statement with most load in each class since the server started, as far as you may see it, and its share. Internal.';

CREATE FUNCTION perf_optimizer.recent_blocks(OUT hit float8, OUT read float8, OUT temp_bytes float8, OUT period text)
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH history AS (
    SELECT sum(s.blocks_hit) AS hit, sum(s.blocks_read) AS read, sum(s.temp_bytes) AS temp FROM perf_optimizer.snapshots s WHERE s.taken_at > now() - interval '1 hour')
  SELECT CASE WHEN w.recent THEN h.hit ELSE d.blks_hit END, CASE WHEN w.recent THEN h.read ELSE d.blks_read END, CASE WHEN w.recent THEN h.temp ELSE d.temp_bytes END,
         CASE WHEN w.recent THEN 'in the last hour' ELSE 'since the statistics were reset' END
    FROM pg_stat_database d CROSS JOIN history h CROSS JOIN LATERAL (SELECT coalesce(h.hit + h.read >= 10000, false) AS recent) w WHERE d.datname = current_database()
$$;
COMMENT ON FUNCTION perf_optimizer.recent_blocks() IS 'Block accesses of this database, and temporary bytes, in the snapshots of the last hour or, where there are none, since the statistics were reset. Internal.';

CREATE FUNCTION perf_optimizer.vacuum_facts() RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH late AS MATERIALIZED (
    SELECT f.object, (f.evidence->>'dead_rows')::float8 AS dead, (f.evidence->>'live_rows')::float8 AS live FROM perf_optimizer.upkeep_findings() f WHERE f.rule = 'vacuum-late'),
  reads AS (
    SELECT sum(s.seq_tup_read + coalesce(s.idx_tup_fetch, 0))::float8 AS rows,
           -- Of what is read in these tables this part was dead.
           sum((s.seq_tup_read + coalesce(s.idx_tup_fetch, 0)) * l.dead / (l.dead + l.live))::float8 AS dead
      FROM pg_stat_user_tables s LEFT JOIN late l ON l.object = s.relid::regclass::text)
  SELECT jsonb_build_object(
    'late', (SELECT count(*) FROM late), 'worst', (SELECT l.object FROM late l ORDER BY l.dead DESC, l.object LIMIT 1), 'dead_rows', (SELECT sum(l.dead) FROM late l),
    'dead_read_share', (SELECT r.dead / nullif(r.rows + r.dead, 0) FROM reads r),
    'workers', (SELECT count(*) FROM pg_stat_activity a WHERE a.backend_type = 'autovacuum worker'), 'max_workers', current_setting('autovacuum_max_workers')::int, 'enabled', current_setting('autovacuum'),
    'oldest', (SELECT jsonb_build_object('pid', a.pid, 'age', age(a.backend_xmin), 'seconds', extract(epoch FROM clock_timestamp() - a.xact_start)) FROM pg_stat_activity a
                WHERE a.backend_xmin IS NOT NULL AND a.pid <> pg_backend_pid() AND a.backend_type = 'client backend' ORDER BY age(a.backend_xmin) DESC LIMIT 1))
$$;
COMMENT ON FUNCTION perf_optimizer.vacuum_facts() IS 'How far autovacuum is behind: tables, the worst of them, dead rows, their share of the rows that are read; its workers; and the session whose snapshot is the oldest. Internal.';

CREATE FUNCTION perf_optimizer.bottleneck_facts() RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object(
    'load', perf_optimizer.load_facts(), 'leaders', perf_optimizer.load_leaders(), 'processors', perf_optimizer.processor_count(),
    'blocks', (SELECT to_jsonb(b) FROM perf_optimizer.recent_blocks() b),
    'connections', (SELECT to_jsonb(c) - 'applications' FROM perf_optimizer.connection_stats() c),
    'sessions', perf_optimizer.session_facts(),
    'replication', (SELECT coalesce(jsonb_agg(to_jsonb(r)), '[]') FROM perf_optimizer.replication_stats() r),
    'checkpoints', (SELECT to_jsonb(c) FROM perf_optimizer.checkpoint_facts() c),
    'wal', (SELECT jsonb_build_object('bytes', w.wal_bytes, 'fpi_bytes', w.wal_fpi * current_setting('block_size')::int, 'buffers_full', w.wal_buffers_full) FROM pg_stat_wal w),
    'vacuum', perf_optimizer.vacuum_facts(),
    'max_wal_size_mb', (SELECT s.setting::int FROM pg_settings s WHERE s.name = 'max_wal_size'),
    'shared_buffers_bytes', (SELECT s.setting::float8 * current_setting('block_size')::int FROM pg_settings s WHERE s.name = 'shared_buffers'),
    'memory_bytes', perf_optimizer.memory_bytes())
$$;
COMMENT ON FUNCTION perf_optimizer.bottleneck_facts() IS 'What wait_bottlenecks and resource_bottlenecks judge: load by class, block accesses, connections, sessions, replication, checkpoints, WAL, autovacuum. Internal.';

CREATE FUNCTION perf_optimizer.leader_text(facts jsonb, wait_class text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN l.one IS NOT NULL THEN format(' Most of it, %s %%, since the server started is statement %s.', round(100 * (l.one->>'share')::numeric), l.one->>'query_id') ELSE '' END
    FROM (SELECT facts->'leaders'->wait_class AS one) l
$$;
COMMENT ON FUNCTION perf_optimizer.leader_text(jsonb, text) IS 'Which statement has most load of a class, as a sentence. Internal.';

CREATE FUNCTION perf_optimizer.wait_bottlenecks(facts jsonb, OUT component text, OUT impact_pct float8, OUT message text, OUT recommendation text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
  WITH share AS (
    SELECT e.key AS class, 100 * e.value::float8 / (facts#>>'{load,sessions}')::float8 AS pct
      FROM jsonb_each_text(facts#>'{load,classes}') e WHERE (facts#>>'{load,sessions}')::float8 >= 20),
  rule(component, class, least, fact, recommendation) AS (VALUES
    ('io', 'io', 10, 'of the load of %s waited for files to be read or written.%s', 'Find what reads most with slow_queries(order_by => ''reads'') and give it an index; more shared_buffers, faster disks.'),
    ('wal', 'wal', 10, 'of the load of %s waited for WAL to be written.%s', 'Commit more rows at a time; set synchronous_commit = off where the last moments may be lost, or commit_delay where many sessions commit; put WAL on a faster disk.'),
    ('locks', 'lock', 5, 'of the load of %s waited for locks that other sessions held.%s', 'Keep transactions short, change rows in one order, and set lock_timeout; database_findings() names who blocks whom.'),
    ('internal locks', 'lwlock', 10, 'of the load of %s waited for locks inside the server, as many sessions on the same pages or tables do.%s', 'Let fewer sessions work at a time, with a pooler; use fewer partitions and indexes in each statement.'),
    ('replication', 'replication', 5, 'of the load of %s waited at commit for a standby to confirm.%s', 'Look at the lag of the synchronous standby in replication_stats(); set synchronous_commit = local or remote_write where it may be.'),
    ('clients', 'client', 30, 'of the load of %s waited for clients to take rows or to send more.%s', 'Fetch fewer rows at a time, and run the application nearer to the server.'))
  SELECT r.component, s.pct, round(s.pct::numeric) || ' % ' || format(r.fact, facts#>>'{load,source}', perf_optimizer.leader_text(facts, r.class)), r.recommendation
    FROM rule r JOIN share s ON s.class = r.class AND s.pct >= r.least
  UNION ALL
  SELECT 'cpu', s.pct, format('%s sessions were running at a time on %s processors, which was %s %% of the load of %s.%s', round((facts#>>'{load,running}')::numeric, 1), facts->>'processors', round(s.pct::numeric),
                              facts#>>'{load,source}', perf_optimizer.leader_text(facts, 'cpu')),
         'Make the statements cheaper that take most time, see slow_queries() and suggest_indexes(); let fewer sessions work at a time; more processors.'
    FROM share s WHERE s.class = 'cpu' AND (facts#>>'{load,running}')::float8 >= 0.7 * (facts->>'processors')::float8
$$;
COMMENT ON FUNCTION perf_optimizer.wait_bottlenecks(jsonb) IS 'Bottlenecks that the load by class in the facts of bottleneck_facts shows: cpu, io, wal, locks, internal locks, replication, clients. Nothing for fewer than 20 session seconds or looks. Internal.';

CREATE FUNCTION perf_optimizer.resource_bottlenecks(facts jsonb, OUT component text, OUT impact_pct float8, OUT message text, OUT recommendation text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 5
SET search_path = pg_catalog, pg_temp
AS $$
  WITH load AS (
    SELECT (facts#>>'{load,sessions}')::float8 AS sessions, coalesce((facts#>>'{load,classes,io}')::float8, 0) AS io, coalesce((facts#>>'{load,classes,wal}')::float8, 0) AS wal),
  part AS (
    SELECT CASE WHEN l.sessions >= 20 THEN 100 * l.io / l.sessions END AS io, CASE WHEN l.sessions >= 20 THEN 100 * (l.io + l.wal) / l.sessions ELSE 0 END AS writes FROM load l),
  b AS (
    SELECT x.*, x.read / nullif(x.hit + x.read, 0) AS miss FROM jsonb_to_record(facts->'blocks') AS x(hit float8, read float8, period text)),
  c AS (
    SELECT * FROM jsonb_to_record(facts->'connections') AS x(total int, idle int, max_connections int, reserved_connections int, used_ratio float8, suggested_pool_size int)),
  k AS (
    SELECT * FROM jsonb_to_record(facts->'checkpoints') AS x(timed float8, requested float8)),
  w AS (
    SELECT x.*, least(x.fpi_bytes / nullif(x.bytes, 0), 1) AS images FROM jsonb_to_record(facts->'wal') AS x(bytes float8, fpi_bytes float8, buffers_full float8)),
  v AS (
    SELECT * FROM jsonb_to_record(facts->'vacuum') AS x(late int, worst text, dead_rows float8, dead_read_share float8, workers int, max_workers int, enabled text, oldest jsonb)),
  r AS (
    SELECT * FROM jsonb_to_recordset(facts->'replication') AS x(kind text, name text, state text, lag_bytes float8, replay_lag_ms float8, retained_bytes float8))
  SELECT 'cache', coalesce(p.io, 100 * b.miss), format('%s %% of %s block accesses %s did not find their block in shared buffers (%s).', round((100 * b.miss)::numeric, 1), b.hit + b.read, b.period, pg_size_pretty((facts->>'shared_buffers_bytes')::bigint)),
         CASE WHEN (facts->>'shared_buffers_bytes')::float8 < 0.2 * (facts->>'memory_bytes')::float8 THEN format('Raise shared_buffers, to a quarter of the machine''s memory (%s); cache_stats() shows which relations are read.', pg_size_pretty((facts->>'memory_bytes')::bigint / 4))
              ELSE 'Read less: cache_stats() shows which relations are read, and slow_queries(order_by => ''reads'') by what.' END
    FROM b CROSS JOIN part p WHERE b.hit + b.read >= 10000 AND b.miss > 0.1
  UNION ALL
  SELECT 'connections', 100 * c.used_ratio, format('%s of %s connections are in use, %s of them idle; when all are, others are refused.', c.total, c.max_connections - c.reserved_connections, c.idle),
         format('Use a pooler in transaction mode with a pool of about %s, or end idle sessions.', c.suggested_pool_size)
    FROM c WHERE c.used_ratio >= 0.8
  UNION ALL
  SELECT 'checkpoints', p.writes * coalesce(w.images, 0), format('%s of %s checkpoints were requested, by WAL that reached max_wal_size or by commands, before their time; %s %% of the WAL are images of whole pages, which each checkpoint causes anew.', k.requested, k.requested + k.timed, round((100 * coalesce(w.images, 0))::numeric)),
         format('ALTER SYSTEM SET max_wal_size = ''%s MB''; and a longer checkpoint_timeout.', 2 * (facts->>'max_wal_size_mb')::int)
    FROM k CROSS JOIN w CROSS JOIN part p WHERE k.requested >= 5 AND k.requested >= 0.3 * (k.requested + k.timed)
  UNION ALL
  SELECT 'autovacuum', 100 * coalesce(v.dead_read_share, 0), format('%s more than twice the dead rows at which autovacuum starts, %s in all, %s first; %s of %s workers are busy.', CASE v.late WHEN 1 THEN '1 table has' ELSE v.late || ' tables have' END, v.dead_rows, v.worst, v.workers, v.max_workers),
         CASE WHEN v.enabled = 'off' THEN 'ALTER SYSTEM SET autovacuum = on;'
              WHEN (v.oldest->>'seconds')::float8 > 600 THEN format('End session %s: its snapshot of %s minutes ago keeps dead rows from being removed.', v.oldest->>'pid', floor((v.oldest->>'seconds')::float8 / 60))
              WHEN v.workers >= v.max_workers THEN 'More autovacuum_max_workers, and a higher autovacuum_vacuum_cost_limit.'
              ELSE format('VACUUM (ANALYZE) %s, and a lower autovacuum_vacuum_cost_delay or autovacuum_vacuum_scale_factor.', v.worst) END
    FROM v WHERE v.late > 0
  UNION ALL
  SELECT 'replication', 0, format('%s %s is %s and %s s behind: what is read there is that old.', initcap(r.kind), r.name, pg_size_pretty(r.lag_bytes::bigint), coalesce(round((r.replay_lag_ms / 1000)::numeric, 1)::text, '?')),
         'Look for long queries on the standby that hold up replay, a slow network, or bulk changes here.'
    FROM r WHERE r.kind IN ('standby', 'upstream') AND (r.replay_lag_ms >= 30000 OR r.lag_bytes >= 1024 ^ 3)
$$;
COMMENT ON FUNCTION perf_optimizer.resource_bottlenecks(jsonb) IS 'Bottlenecks that counters in the facts of bottleneck_facts show: cache, connections, checkpoints, autovacuum, replication. Internal.';

CREATE FUNCTION perf_optimizer.bottlenecks(OUT component text, OUT severity text, OUT impact_pct float8, OUT message text, OUT recommendation text)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
  WITH f AS MATERIALIZED (SELECT perf_optimizer.bottleneck_facts() AS facts),
  found AS (
    SELECT w.* FROM f, perf_optimizer.wait_bottlenecks(f.facts) w UNION ALL SELECT r.* FROM f, perf_optimizer.resource_bottlenecks(f.facts) r)
  SELECT b.component, CASE WHEN b.impact_pct >= 50 THEN 'high' WHEN b.impact_pct >= 20 THEN 'medium' ELSE 'low' END, b.impact_pct, b.message, b.recommendation
    FROM found b ORDER BY b.impact_pct DESC, b.component
$$;
COMMENT ON FUNCTION perf_optimizer.bottlenecks() IS
'What holds up the load of this database, the largest first: component is cpu, io, wal, locks, internal locks, replication, clients, cache, connections, checkpoints or autovacuum. impact_pct: the part of the load (sessions at work or waiting, as the sampler saw them in the last 15 minutes, or the history in the last day) that it is; of the cache the part that waits for files or, without samples, of accesses that miss; of checkpoints the part that waits for writes which page images cause; of autovacuum the part of rows read that are dead; of connections the part in use; 0 for a standby that lags. severity: high from 50, medium from 20, else low. No rows when nothing does. Waits need perf_optimizer preloaded. Members of pg_monitor see everything.';
/* ---- which statements could go to a replica ---- */

CREATE FUNCTION perf_optimizer.replica_obstacles(OUT query_id bigint, OUT role_name text, OUT obstacle text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100
AS 'MODULE_PATHNAME', 'perf_optimizer_replica_obstacles';
COMMENT ON FUNCTION perf_optimizer.replica_obstacles() IS
'The statements of pg_stat_statements that can be planned, and what keeps each from running on a replica (NULL: nothing). Internal. Error: 55000 without pg_stat_statements.';

CREATE FUNCTION perf_optimizer.replica_candidates(max_rows int DEFAULT 20, OUT query_id bigint, OUT role_name name, OUT query text, OUT calls bigint, OUT total_time_ms float8,
  OUT time_share_pct float8, OUT fit boolean, OUT reason text)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT s.query_id, s.role_name, s.query, s.calls, s.total_time_ms, s.time_share_pct, o.query_id IS NOT NULL AND o.obstacle IS NULL,
         CASE WHEN o.query_id IS NULL THEN 'it cannot be planned' ELSE o.obstacle END
    FROM perf_optimizer.slow_queries(max_rows => max_rows) s LEFT JOIN perf_optimizer.replica_obstacles() o ON o.query_id = s.query_id AND o.role_name = s.role_name
   ORDER BY s.total_time_ms DESC, s.query_id
$$;
COMMENT ON FUNCTION perf_optimizer.replica_candidates(int) IS
'Read/write split: which of the statements that took most time (max_rows of them) could go to a replica (fit), with their share of all execution time, and what keeps the others here (reason): they write, lock rows, call a function that may write (declared volatile), read temporary or unlogged tables, ask about this server, or cannot be planned. Whether a transaction around them writes, and whether they may see what is some moments old, only the application knows; replication_stats() says how old. Errors: 22004 and 22023 for max_rows, 55000 without pg_stat_statements.';
/* ---- alerts: tables ---- */

CREATE TABLE perf_optimizer.alert (
  alert_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  incarnation uuid NOT NULL,
  owner oid NOT NULL,
  owner_name text NOT NULL,
  name text NOT NULL,
  metric text NOT NULL,
  comparison text NOT NULL CHECK (comparison IN ('>', '>=', '<', '<=', '=', '<>')),
  threshold float8 NOT NULL,
  resolve_threshold float8,
  hold interval NOT NULL,
  severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (incarnation, owner, name)
);
COMMENT ON TABLE perf_optimizer.alert IS 'Rules over metrics; written by set_alert and drop_alert alone. Read the view alerts.';
COMMENT ON COLUMN perf_optimizer.alert.incarnation IS 'The incarnation that knows owner; in another one the name counts.';
SELECT pg_extension_config_dump('perf_optimizer.alert', '');

CREATE TABLE perf_optimizer.alert_state (
  alert_id uuid PRIMARY KEY REFERENCES perf_optimizer.alert ON DELETE CASCADE,
  state text NOT NULL CHECK (state IN ('unknown', 'ok', 'pending', 'firing', 'resolved')),
  since timestamptz NOT NULL,
  run_since timestamptz,
  open boolean NOT NULL,
  value float8,
  labels text,
  checked_at timestamptz NOT NULL,
  past_labels text[] NOT NULL,
  past_values float8[] NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE perf_optimizer.alert_state IS 'Where each alert stands since its last check. Written by check_alerts() alone.';
COMMENT ON COLUMN perf_optimizer.alert_state.run_since IS 'Since when it has been out of bounds or, while it fires, well.';
COMMENT ON COLUMN perf_optimizer.alert_state.open IS 'Firing was announced, and its end was not.';
COMMENT ON COLUMN perf_optimizer.alert_state.past_values IS 'The series as the last check found them, for rates.';

CREATE TABLE perf_optimizer.alert_event (
  event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  alert_id uuid NOT NULL REFERENCES perf_optimizer.alert ON DELETE CASCADE,
  at timestamptz NOT NULL,
  state text NOT NULL CHECK (state IN ('unknown', 'firing', 'resolved')),
  value float8,
  labels text,
  message text NOT NULL
);
CREATE INDEX alert_event_alert_idx ON perf_optimizer.alert_event (alert_id, event_id);
COMMENT ON TABLE perf_optimizer.alert_event IS 'What alerts announced. Read the view alert_history.';

/* ---- alerts: internal functions, run as the owner of the extension ---- */

CREATE FUNCTION perf_optimizer.alert_role(a perf_optimizer.alert) RETURNS oid
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT r.oid FROM pg_roles r
   WHERE CASE WHEN a.incarnation = (SELECT i.incarnation FROM perf_optimizer.identity i) THEN r.oid = a.owner ELSE r.rolname = a.owner_name END
$$;
COMMENT ON FUNCTION perf_optimizer.alert_role(perf_optimizer.alert) IS 'The role that an alert belongs to; NULL when it is gone. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.alert_role(perf_optimizer.alert) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.lock_alerts(role oid, name text DEFAULT NULL,
  OUT alert_id uuid, OUT own boolean, OUT alert_name text, OUT severity text, OUT metric text, OUT comparison text, OUT threshold float8, OUT resolve_threshold float8,
  OUT hold_us bigint, OUT state text, OUT since timestamptz, OUT run_since timestamptz, OUT open boolean, OUT value float8, OUT labels text, OUT checked_at timestamptz,
  OUT past_labels text[], OUT past_values float8[])
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 20
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  ids uuid[];
BEGIN
  -- A check passes over what a session is changing; whoever changes one waits for a check.
  IF lock_alerts.name IS NULL THEN
    ids := ARRAY(SELECT a.alert_id FROM perf_optimizer.alert a WHERE perf_optimizer.alert_role(a) = role FOR UPDATE SKIP LOCKED);
  ELSE
    ids := ARRAY(SELECT a.alert_id FROM perf_optimizer.alert a WHERE a.name = lock_alerts.name AND pg_has_role(role, perf_optimizer.alert_role(a), 'USAGE') FOR UPDATE);
  END IF;
  RETURN QUERY
  SELECT a.alert_id, perf_optimizer.alert_role(a) = role, a.name, a.severity, a.metric, a.comparison, a.threshold, a.resolve_threshold,
         (extract(epoch FROM a.hold) * 1000000)::bigint, coalesce(s.state, 'unknown'), s.since, s.run_since, coalesce(s.open, false), s.value, s.labels, s.checked_at,
         coalesce(s.past_labels, '{}'), coalesce(s.past_values, '{}')
    FROM perf_optimizer.alert a LEFT JOIN perf_optimizer.alert_state s ON s.alert_id = a.alert_id
   WHERE a.alert_id = ANY (ids)
   ORDER BY perf_optimizer.alert_role(a) = role DESC, a.name;
END
$$;
COMMENT ON FUNCTION perf_optimizer.lock_alerts(oid, text) IS
'Locks and returns the alerts of a role that nobody else has locked, or, with a name, those of that name whose owner''s rights the role has, its own first. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.lock_alerts(oid, text) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.put_alert(role oid, known uuid, name text, metric text, comparison text, threshold float8, hold interval, severity text, resolve_threshold float8) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
  IF put_alert.known IS NULL THEN
    INSERT INTO perf_optimizer.alert (incarnation, owner, owner_name, name, metric, comparison, threshold, resolve_threshold, hold, severity)
    SELECT i.incarnation, put_alert.role, r.rolname, put_alert.name, put_alert.metric, put_alert.comparison, put_alert.threshold, put_alert.resolve_threshold, put_alert.hold, put_alert.severity
      FROM perf_optimizer.identity i, pg_roles r WHERE r.oid = put_alert.role
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = format('alert "%s" was set by another session just now', put_alert.name), HINT = 'Set it again.';
    END IF;
    RETURN;
  END IF;
  UPDATE perf_optimizer.alert a
     SET (incarnation, owner, owner_name) = (SELECT i.incarnation, r.oid, r.rolname FROM perf_optimizer.identity i, pg_roles r WHERE r.oid = put_alert.role),
         metric = put_alert.metric, comparison = put_alert.comparison, threshold = put_alert.threshold, resolve_threshold = put_alert.resolve_threshold,
         hold = put_alert.hold, severity = put_alert.severity
   WHERE a.alert_id = put_alert.known;
  DELETE FROM perf_optimizer.alert_state s WHERE s.alert_id = put_alert.known;
END
$$;
COMMENT ON FUNCTION perf_optimizer.put_alert(oid, uuid, text, text, text, float8, interval, text, float8) IS 'Stores a new alert of a role (known is NULL), or another definition of one, which begins anew. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.put_alert(oid, uuid, text, text, text, float8, interval, text, float8) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.put_alert_state(id uuid, state text, since timestamptz, run_since timestamptz, open boolean, value float8, labels text, checked_at timestamptz,
  past_labels text[], past_values float8[]) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO perf_optimizer.alert_state VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
  ON CONFLICT (alert_id) DO UPDATE SET (state, since, run_since, open, value, labels, checked_at, past_labels, past_values) =
    (excluded.state, excluded.since, excluded.run_since, excluded.open, excluded.value, excluded.labels, excluded.checked_at, excluded.past_labels, excluded.past_values)
$$;
COMMENT ON FUNCTION perf_optimizer.put_alert_state(uuid, text, timestamptz, timestamptz, boolean, float8, text, timestamptz, text[], float8[]) IS 'Stores where an alert stands. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.put_alert_state(uuid, text, timestamptz, timestamptz, boolean, float8, text, timestamptz, text[], float8[]) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.put_alert_event(id uuid, at timestamptz, state text, value float8, labels text, message text) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO perf_optimizer.alert_event (alert_id, at, state, value, labels, message) VALUES ($1, $2, $3, $4, $5, $6);
  -- The newest 1000 of each alert stay, as long as runs of jobs do.
  DELETE FROM perf_optimizer.alert_event e
   WHERE e.alert_id = $1 AND (e.at < $2 - current_setting('perf_optimizer.history_retention')::interval
          OR e.event_id <= (SELECT o.event_id FROM perf_optimizer.alert_event o WHERE o.alert_id = $1 ORDER BY o.event_id DESC OFFSET 1000 LIMIT 1))
$$;
COMMENT ON FUNCTION perf_optimizer.put_alert_event(uuid, timestamptz, text, float8, text, text) IS 'Adds to an alert''s history and bounds it. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.put_alert_event(uuid, timestamptz, text, float8, text, text) FROM PUBLIC;

CREATE FUNCTION perf_optimizer.remove_alert(id uuid) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$ DELETE FROM perf_optimizer.alert a WHERE a.alert_id = $1 $$;
COMMENT ON FUNCTION perf_optimizer.remove_alert(uuid) IS 'Removes an alert with its history. Internal.';
REVOKE EXECUTE ON FUNCTION perf_optimizer.remove_alert(uuid) FROM PUBLIC;

/* ---- alerts: functions ---- */

CREATE FUNCTION perf_optimizer.store_alert(name text, metric text, comparison text, threshold float8, hold interval, severity text, resolve_threshold float8) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_store_alert';
COMMENT ON FUNCTION perf_optimizer.store_alert(text, text, text, float8, interval, text, float8) IS 'Checks and stores an alert without scheduling anything; the part of set_alert that needs no preloading.';

CREATE FUNCTION perf_optimizer.schedule_alerts(schedule text DEFAULT 'every 1 minute', name text DEFAULT 'check alerts',
  timezone text DEFAULT NULL, timeout interval DEFAULT '1 minute', max_attempts int DEFAULT 3, backoff interval DEFAULT '10 seconds',
  max_backoff interval DEFAULT '1 hour', priority int DEFAULT 100, enabled boolean DEFAULT true,
  after_job bigint DEFAULT NULL, exclude_window text DEFAULT NULL, retry_after_crash boolean DEFAULT false) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'perf_optimizer_schedule_alerts';
COMMENT ON FUNCTION perf_optimizer.schedule_alerts(text, text, text, interval, int, interval, interval, int, boolean, bigint, text, boolean) IS
'Schedules check_alerts(), the check of your alerts, and returns the job''s id; an existing job of that name and owner is changed. set_alert does so by itself when you have no such job. The priority is above that of other jobs unless they have more. Errors: 42501 unless you are a member of pg_read_all_stats, 22023 wrong schedule, zone or option.';

CREATE FUNCTION perf_optimizer.set_alert(name text, metric text, comparison text, threshold float8, hold interval DEFAULT '0', severity text DEFAULT 'warning', resolve_threshold float8 DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM perf_optimizer.store_alert(name, metric, comparison, threshold, hold, severity, resolve_threshold);
  IF NOT EXISTS (SELECT FROM perf_optimizer.jobs j WHERE j.kind = 'alert' AND j.owner = current_user) THEN
    PERFORM perf_optimizer.schedule_alerts();
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.set_alert(text, text, text, float8, interval, text, float8) IS
'Sets an alert of yours that fires when a metric compares so with the threshold (comparison: >, >=, <, <=, = or <>) at every check for the time hold, and resolves when it does not, and has reached resolve_threshold if there is one, for as long. metric: a name of metrics(), labels of it in braces as in Prometheus, and rate(...) (growth in a second), ratio(...) (the part of all series of that name) or p50(...), p90, p95, p99 (of a histogram) around it, the last three over what happened since the last check; of several series the worst counts. severity: info, warning or critical. The same call again changes nothing; another definition begins anew. A job of yours checks it every minute, see schedule_alerts; a firing and a resolved alert is notified on channel perf_optimizer_alert, as JSON, and logged; without data it is unknown and never fires. Errors: 22004 for a NULL, 22023 for a wrong value, 42501 unless you are a member of pg_read_all_stats, 25006 in a read-only transaction and on a standby.';

CREATE FUNCTION perf_optimizer.drop_alert(name text) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_drop_alert';
COMMENT ON FUNCTION perf_optimizer.drop_alert(text) IS
'Removes your alert of that name with its history, or, when you have none, the one that belongs to a role whose rights you have; false when there is none. One that fires is announced as resolved. Errors: 22004 a NULL, 42725 several would fit, 25006 in a read-only transaction and on a standby.';

CREATE FUNCTION perf_optimizer.check_alerts() RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS 'MODULE_PATHNAME', 'perf_optimizer_check_alerts';
COMMENT ON FUNCTION perf_optimizer.check_alerts() IS
'Checks your alerts now, by the metrics as you see them, and returns how many were announced: fire, are resolved, or fired and have no data any more. The job of schedule_alerts does it. Errors: 42501 unless you are a member of pg_read_all_stats, 25006 in a read-only transaction and on a standby.';

CREATE FUNCTION perf_optimizer.default_alerts(OUT name text, OUT metric text, OUT comparison text, OUT threshold float8, OUT hold interval, OUT severity text, OUT resolve_threshold float8)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE ROWS 13
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT d.* FROM (VALUES
    ('p95 over target', 'p95(perf_optimizer_execution_seconds)', '>', 0.5::float8, interval '10 minutes', 'warning', 0.4::float8),
    ('latency objective', 'perf_optimizer_latency_objective_burn_rate{window="6h"}', '>=', 6, '0', 'warning', 3),
    ('latency objective burns fast', 'perf_optimizer_latency_objective_burn_rate{window="1h"}', '>=', 14.4, '0', 'critical', 6),
    ('cache hit ratio', 'ratio(perf_optimizer_blocks_total{source="hit"})', '<', 0.9, '10 minutes', 'warning', 0.92),
    ('connections', 'perf_optimizer_connections_used_ratio', '>', 0.8, '1 minute', 'warning', 0.75),
    ('connections nearly exhausted', 'perf_optimizer_connections_used_ratio', '>', 0.9, '0', 'critical', 0.85),
    ('job queue', 'perf_optimizer_job_queue_length', '>', 10, '5 minutes', 'warning', 5),
    ('failed jobs', 'perf_optimizer_dead_letter_jobs', '>', 0, '0', 'warning', NULL),
    ('stale views', 'perf_optimizer_stale_matview_seconds', '>', 86400, '5 minutes', 'warning', NULL),
    ('transaction ids', 'perf_optimizer_oldest_transaction_id_age', '>', least(1.5 * current_setting('autovacuum_freeze_max_age')::float8, 1e9), '10 minutes', 'warning', NULL),
    ('transaction ids run out', 'perf_optimizer_oldest_transaction_id_age', '>', 1.2e9, '0', 'critical', NULL),
    ('replication lag', 'perf_optimizer_replication_lag_seconds', '>', 30, '1 minute', 'warning', 10),
    ('replication lag is long', 'perf_optimizer_replication_lag_seconds', '>', 300, '1 minute', 'critical', 60)
  ) d(name, metric, comparison, threshold, hold, severity, resolve_threshold)
$$;
COMMENT ON FUNCTION perf_optimizer.default_alerts() IS 'The alerts that install_default_alerts() sets, as arguments of set_alert.';

CREATE FUNCTION perf_optimizer.install_default_alerts() RETURNS int
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  installed int;
BEGIN
  PERFORM perf_optimizer.set_alert(d.name, d.metric, d.comparison, d.threshold, d.hold, d.severity, d.resolve_threshold)
     FROM perf_optimizer.default_alerts() d
    WHERE NOT EXISTS (SELECT FROM perf_optimizer.alerts a WHERE a.name = d.name AND a.owner = current_user);
  GET DIAGNOSTICS installed = ROW_COUNT;
  RETURN installed;
END
$$;
COMMENT ON FUNCTION perf_optimizer.install_default_alerts() IS
'Sets those of default_alerts() whose names you have no alert of yet, and returns how many: 95th percentile over half a second, latency objectives whose budget is used up fast, hit ratio, connections over 80 and 90 percent, queue of jobs, failed jobs, stale views, transaction ids, replication lag. Errors: as set_alert.';

/* ---- alerts: views ---- */

CREATE VIEW perf_optimizer.alerts WITH (security_barrier) AS
SELECT a.name, coalesce(s.state, 'unknown') AS state, a.severity, a.metric, a.comparison, a.threshold, a.resolve_threshold, a.hold, s.value, s.labels::pg_catalog.jsonb AS labels,
       s.since, s.checked_at,
       (SELECT e.at FROM perf_optimizer.alert_event e WHERE e.alert_id OPERATOR(pg_catalog.=) a.alert_id AND e.state OPERATOR(pg_catalog.=) 'firing' ORDER BY e.event_id DESC LIMIT 1) AS last_fired_at,
       coalesce(r.rolname::text COLLATE "default", a.owner_name) AS owner, a.created_at, a.alert_id
  FROM perf_optimizer.alert a
  CROSS JOIN perf_optimizer.identity i
  LEFT JOIN pg_catalog.pg_roles r ON CASE WHEN a.incarnation OPERATOR(pg_catalog.=) i.incarnation THEN r.oid OPERATOR(pg_catalog.=) a.owner ELSE r.rolname OPERATOR(pg_catalog.=) a.owner_name END
  LEFT JOIN perf_optimizer.alert_state s ON s.alert_id OPERATOR(pg_catalog.=) a.alert_id
 WHERE CASE WHEN r.oid IS NOT NULL THEN pg_catalog.pg_has_role(r.oid, 'USAGE') ELSE (SELECT u.rolsuper FROM pg_catalog.pg_roles u WHERE u.rolname OPERATOR(pg_catalog.=) current_user) END;
COMMENT ON VIEW perf_optimizer.alerts IS
'The alerts of the roles whose rights the current user has, as the last check found them. state: unknown (not checked yet, or its metric has no data), ok, pending (out of bounds, not for the hold time yet), firing, or resolved (well again after it fired), since then. value and labels: of the worst series.';

CREATE VIEW perf_optimizer.alert_history WITH (security_barrier) AS
SELECT v.name, e.at, e.state, v.severity, e.value, e.labels::pg_catalog.jsonb AS labels, e.message, v.owner
  FROM perf_optimizer.alert_event e JOIN perf_optimizer.alerts v ON v.alert_id OPERATOR(pg_catalog.=) e.alert_id;
COMMENT ON VIEW perf_optimizer.alert_history IS
'What alerts announced: firing, resolved, or unknown when one fired and its metric had no data any more. The newest 1000 of each alert, as far back as perf_optimizer.history_retention.';
GRANT SELECT ON perf_optimizer.alerts, perf_optimizer.alert_history TO PUBLIC;
