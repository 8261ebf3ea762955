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

