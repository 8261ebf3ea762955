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
NULL when the table was never analyzed or you may neither read one of its columns nor all statistics (pg_read_all_stats). Errors: 22004 for a NULL, 42809 for what is not an index of a table, 42P01 for what is gone.';

CREATE FUNCTION perf_optimizer.indexed_relations(relation regclass) RETURNS SETOF oid
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  kind "char";
BEGIN
  IF indexed_relations.relation IS NULL THEN
    RETURN QUERY
    SELECT c.oid FROM pg_class c
     WHERE c.relkind IN ('r', 'm', 'p') AND c.oid >= 16384
       AND c.relnamespace NOT IN (SELECT n.oid FROM pg_namespace n WHERE n.nspname = 'pg_catalog' OR n.nspname = 'information_schema' OR n.nspname = 'pg_toast' OR n.nspname LIKE 'pg\_temp\_%')
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e');
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

CREATE FUNCTION perf_optimizer.index_report(relation regclass DEFAULT NULL) RETURNS SETOF perf_optimizer.index_finding
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 100
SET search_path = pg_catalog, pg_temp
SET jit = off
SET enable_nestloop = off
SET work_mem = '64MB'
AS $$
#variable_conflict use_column
BEGIN
  -- The planner does not know how many rows the parts have: nested loops over them would take the square of the number of indexes.
  RETURN QUERY
  WITH RECURSIVE
  -- ---- the tables and indexes that are looked at ----
  tab AS MATERIALIZED (
    SELECT c.oid, c.relkind, greatest(c.reltuples, 0)::float8 AS tuples, c.relname, n.nspname
      FROM perf_optimizer.indexed_relations(index_report.relation) r(oid) JOIN pg_class c ON c.oid = r.oid JOIN pg_namespace n ON n.oid = c.relnamespace),
  bound AS MATERIALIZED (
    SELECT k.conindid, max(k.oid) FILTER (WHERE k.contype IN ('p', 'u', 'x')) AS con, bool_or(k.contype = 'f') AS referenced
      FROM pg_constraint k WHERE k.conindid <> 0 GROUP BY 1),
  ix AS MATERIALIZED (
    SELECT i.indexrelid AS id, i.indrelid, c.relkind, c.relispartition AS attached, c.relam, c.relname, c.relpages, i.indnkeyatts::int AS n, i.indnatts::int AS natts,
           i.indkey::int2[] AS keys, i.indclass::oid[] AS classes, i.indcollation::oid[] AS collations, i.indoption::int2[] AS options,
           CASE WHEN i.indexprs IS NOT NULL THEN pg_get_expr(i.indexprs, i.indrelid) ELSE '' END AS exprs,
           CASE WHEN i.indpred IS NOT NULL THEN pg_get_expr(i.indpred, i.indrelid) ELSE '' END AS pred,
           i.indisunique, i.indnullsnotdistinct, i.indimmediate, i.indisvalid AND i.indisready AND i.indislive AS valid, i.indisclustered, i.indisreplident,
           b.con, coalesce(b.referenced, false) AS referenced, i.indisunique OR i.indisexclusion OR i.indisreplident OR i.indisclustered OR b.con IS NOT NULL AS needed,
           CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END AS root,
           CASE WHEN c.relkind = 'i' THEN pg_stat_get_numscans(c.oid) ELSE 0 END AS own_scans, t.tuples
      FROM tab t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class c ON c.oid = i.indexrelid LEFT JOIN bound b ON b.conindid = i.indexrelid),
  counts AS MATERIALIZED (
    SELECT t.oid, pg_stat_get_numscans(t.oid) AS seq,
           pg_stat_get_tuples_inserted(t.oid) + pg_stat_get_tuples_updated(t.oid) - pg_stat_get_tuples_hot_updated(t.oid) + pg_stat_get_tuples_deleted(t.oid) AS writes
      FROM tab t WHERE t.relkind <> 'p'),
  table_scans AS MATERIALIZED (
    SELECT x.indrelid, sum(x.own_scans) AS idx FROM ix x GROUP BY 1),
  family AS MATERIALIZED (
    SELECT x.root, sum(x.own_scans)::bigint AS scans, sum(c.seq + s.idx)::bigint AS table_scans, sum(c.writes)::bigint AS writes
      FROM ix x JOIN counts c ON c.oid = x.indrelid JOIN table_scans s ON s.indrelid = x.indrelid WHERE x.relkind = 'i' GROUP BY 1),
  -- What stands for itself: whole indexes of partitioned tables, not their parts.
  top AS MATERIALIZED (
    SELECT x.*, coalesce(f.scans, 0) AS scans, f.table_scans, coalesce(f.writes, 0) AS writes FROM ix x LEFT JOIN family f ON f.root = x.id WHERE NOT x.attached),
  age AS MATERIALIZED (
    SELECT a.since, coalesce(a.days, 0) AS days, a.elsewhere FROM perf_optimizer.statistics_age() a),
  -- ---- foreign keys and the indexes that serve them ----
  fk_root(oid, root) AS (
    SELECT k.oid, k.oid FROM pg_constraint k WHERE k.contype = 'f' AND k.conparentid = 0
    UNION ALL
    SELECT k.oid, r.root FROM fk_root r JOIN pg_constraint k ON k.conparentid = r.oid AND k.contype = 'f'),
  fk AS MATERIALIZED (
    SELECT r.root, k.conrelid, k.conkey, cardinality(k.conkey) AS n, t.relkind FROM fk_root r JOIN pg_constraint k ON k.oid = r.oid JOIN tab t ON t.oid = k.conrelid),
  served AS MATERIALIZED (
    SELECT DISTINCT f.root, f.conrelid, x.root AS index
      FROM fk f JOIN ix x ON x.indrelid = f.conrelid AND x.n >= f.n AND x.valid
       AND f.conkey <@ x.keys[0:f.n - 1] AND x.keys[0:f.n - 1] <@ f.conkey
       AND (x.pred = '' OR x.pred = (SELECT format('(%I IS NOT NULL)', a.attname) FROM pg_attribute a WHERE a.attrelid = f.conrelid AND a.attnum = f.conkey[1] AND f.n = 1))),
  sole AS MATERIALIZED (
    SELECT min(s.index::bigint)::oid AS index FROM served s GROUP BY s.root, s.conrelid HAVING count(*) = 1),
  -- ---- indexes that others make superfluous ----
  twins AS (
    SELECT x.id, x.indrelid, x.relkind, x.attached, x.referenced, x.indisreplident, x.indisclustered, x.indisunique, x.indnullsnotdistinct, x.con, first_value(x.id) OVER w AS kept, first_value(x.indisunique AND x.indimmediate) OVER w AS kept_unique, first_value(x.indnullsnotdistinct) OVER w AS kept_nnd
      FROM ix x WHERE x.valid
    WINDOW w AS (PARTITION BY x.indrelid, x.relam, x.keys, x.n, x.classes, x.collations, x.options, x.exprs, x.pred
                 ORDER BY x.con IS NULL, NOT x.referenced, NOT x.indisreplident, NOT x.indisclustered, NOT x.indisunique, NOT x.attached, x.own_scans DESC, x.id)),
  duplicates AS MATERIALIZED (
    SELECT d.* FROM twins d
     WHERE d.id <> d.kept AND NOT d.attached AND NOT d.referenced AND NOT d.indisreplident AND NOT d.indisclustered
       AND (NOT d.indisunique OR d.kept_unique AND d.kept_nnd = d.indnullsnotdistinct)),
  unused AS MATERIALIZED (
    SELECT x.id, x.indrelid, x.relkind, x.exprs, x.writes, x.tuples FROM top x WHERE x.scans = 0 AND x.valid AND NOT x.needed AND x.table_scans IS NOT NULL AND NOT EXISTS (SELECT FROM sole s WHERE s.index = x.id)),
  redundant AS MATERIALIZED (
    SELECT DISTINCT ON (a.id) a.id, a.indrelid, a.relkind, b.id AS cover
      FROM top a JOIN ix b ON b.indrelid = a.indrelid AND b.relam = a.relam AND b.keys[0] = a.keys[0] AND b.id <> a.id
     WHERE a.valid AND b.valid AND NOT a.needed AND a.relam = (SELECT m.oid FROM pg_am m WHERE m.amname = 'btree') AND b.n >= a.n AND a.exprs = '' AND a.pred = b.pred
       AND (b.n > a.n OR b.natts > a.natts OR b.indisunique)
       AND b.keys[0:a.n - 1] = a.keys[0:a.n - 1] AND b.classes[0:a.n - 1] = a.classes[0:a.n - 1] AND b.collations[0:a.n - 1] = a.collations[0:a.n - 1]
       AND a.keys[a.n:a.natts - 1] <@ b.keys
       AND (b.options[0:a.n - 1] = a.options[0:a.n - 1]
            OR NOT EXISTS (SELECT FROM generate_series(0, a.n - 1) g(i) WHERE a.options[g.i] <> b.options[g.i] # 3))
       AND NOT EXISTS (SELECT FROM duplicates d WHERE d.id = a.id) AND NOT EXISTS (SELECT FROM duplicates d WHERE d.id = b.id)
       -- Where the longer one is never read and the shorter one is, the longer one is to go.
       AND NOT (a.scans > 0 AND EXISTS (SELECT FROM unused u WHERE u.id = b.root))
       -- Of two that cover each other one stays.
       AND NOT (b.n = a.n AND b.natts = a.natts AND NOT b.indisunique AND b.id > a.id)
     ORDER BY a.id, b.n, b.natts, b.id),
  -- ---- the rules ----
  found(indrelid, id, rule, severity, message, sql) AS (
    SELECT u.indrelid, u.id, 'unused-index',
           CASE WHEN a.days < 7 OR a.elsewhere IS NOT NULL THEN 'info' WHEN u.tuples >= 100000 THEN 'medium' ELSE 'low' END,
           format('%s has never been scanned since the statistics began, %s ago%s, but every write maintains it%s%s.', u.id::regclass,
                  CASE WHEN a.days >= 2 THEN format('%s days', round(a.days::numeric)) WHEN a.days >= 2.0 / 24 THEN format('%s hours', round((a.days * 24)::numeric)) ELSE format('%s minutes', round((a.days * 1440)::numeric)) END,
                  CASE WHEN a.days < 7 THEN ', too short a time to be sure' ELSE '' END,
                  CASE WHEN u.writes > 0 THEN format(' (%s so far)', u.writes) ELSE '' END,
                  CASE WHEN a.elsewhere IS NOT NULL THEN '; ' || a.elsewhere ELSE '' END
                  || CASE WHEN u.exprs <> '' THEN '; the planner may still use its statistics on the expression' ELSE '' END),
           CASE WHEN a.elsewhere IS NULL THEN format('DROP INDEX %s%s', CASE WHEN u.relkind = 'I' THEN '' ELSE 'CONCURRENTLY ' END, u.id::regclass) END
      FROM unused u CROSS JOIN age a
    UNION ALL
    SELECT x.indrelid, x.id, 'rarely-used-index', CASE WHEN a.days < 7 OR a.elsewhere IS NOT NULL THEN 'info' ELSE 'low' END,
           format('%s serves %s of %s scans of its table, and %s writes maintained it%s.', x.id::regclass, x.scans, x.table_scans, x.writes,
                  CASE WHEN a.elsewhere IS NOT NULL THEN '; ' || a.elsewhere WHEN a.days < 7 THEN format('; the statistics are only %s days old', round(a.days::numeric, 1)) ELSE '' END),
           CASE WHEN a.elsewhere IS NULL THEN format('DROP INDEX %s%s', CASE WHEN x.relkind = 'I' THEN '' ELSE 'CONCURRENTLY ' END, x.id::regclass) END
      FROM top x CROSS JOIN age a
     WHERE x.scans > 0 AND x.valid AND NOT x.needed AND x.scans < 0.1 * x.table_scans AND x.writes > 10 * x.scans
       AND NOT EXISTS (SELECT FROM sole s WHERE s.index = x.id)
    UNION ALL
    SELECT d.indrelid, d.id, 'duplicate-index', 'medium',
           format('%s has the same keys, order, operator classes and predicate as %s%s.', d.id::regclass, d.kept::regclass,
                  CASE WHEN d.kept_unique AND NOT d.indisunique THEN ', which is unique as well' ELSE '' END),
           CASE WHEN d.con IS NULL THEN format('DROP INDEX %s%s', CASE WHEN d.relkind = 'I' THEN '' ELSE 'CONCURRENTLY ' END, d.id::regclass)
                ELSE (SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', d.indrelid::regclass, k.conname) FROM pg_constraint k WHERE k.oid = d.con) END
      FROM duplicates d
    UNION ALL
    SELECT r.indrelid, r.id, 'redundant-index', 'low',
           format('%s serves nothing that %s does not serve, whose key begins with the same columns.', r.id::regclass, r.cover::regclass), format('DROP INDEX %s%s', CASE WHEN r.relkind = 'I' THEN '' ELSE 'CONCURRENTLY ' END, r.id::regclass)
      FROM redundant r
    UNION ALL
    SELECT x.indrelid, x.id, 'invalid-index', 'high',
           CASE WHEN x.relkind = 'I' THEN format('%s is invalid: not every partition has its part of it.', x.id::regclass)
                ELSE format('%s is invalid: no query uses it%s.', x.id::regclass, CASE WHEN x.relname ~ '_cc(new|old)\d*$' THEN ', a REINDEX CONCURRENTLY left it behind' ELSE ', yet writes maintain it' END) END,
           CASE WHEN x.relkind = 'I' THEN NULL WHEN x.relname ~ '_cc(new|old)\d*$' THEN format('DROP INDEX %s%s', CASE WHEN x.relkind = 'I' THEN '' ELSE 'CONCURRENTLY ' END, x.id::regclass) ELSE format('REINDEX INDEX CONCURRENTLY %s', x.id::regclass) END
      FROM ix x
     WHERE NOT x.valid AND (NOT x.attached OR x.relkind = 'i')
       -- Somebody may be building it just now.
       AND NOT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'relation' AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
                                                AND l.relation IN (x.id, x.indrelid) AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'AccessExclusiveLock') AND l.pid <> pg_backend_pid())
    UNION ALL
    SELECT k.conrelid, NULL, 'invalid-constraint', 'medium',
           format('Constraint %I of %s is not validated: old rows may violate it, and the planner does not trust it.', k.conname, k.conrelid::regclass),
           format('ALTER TABLE %s VALIDATE CONSTRAINT %I', k.conrelid::regclass, k.conname)
      FROM pg_constraint k JOIN tab t ON t.oid = k.conrelid
     WHERE NOT k.convalidated AND k.conparentid = 0 AND coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true'
    UNION ALL
    SELECT k.conrelid, NULL, 'unindexed-foreign-key',
           CASE WHEN rows.n < 1000 THEN 'low' WHEN rows.n >= 100000 AND pg_stat_get_tuples_deleted(k.confrelid) > 0 THEN 'high' ELSE 'medium' END,
           format('Foreign key %I of %s has no index whose first columns are %s: each delete from %s and each update of its key reads all of %s (%s rows).',
                  k.conname, k.conrelid::regclass, names.list, k.confrelid::regclass, k.conrelid::regclass, rows.n),
           format('CREATE INDEX %sON %s (%s)', CASE WHEN t.relkind = 'p' THEN '' ELSE 'CONCURRENTLY ' END, k.conrelid::regclass, names.list)
      FROM pg_constraint k JOIN tab t ON t.oid = k.conrelid
     CROSS JOIN LATERAL (SELECT string_agg(format('%I', a.attname), ', ' ORDER BY u.i) AS list
                           FROM unnest(k.conkey) WITH ORDINALITY u(attnum, i) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum) names
     CROSS JOIN LATERAL (SELECT CASE WHEN t.relkind = 'p' THEN (SELECT sum(greatest(c.reltuples, 0)) FROM pg_partition_tree(k.conrelid) p JOIN pg_class c ON c.oid = p.relid WHERE p.isleaf)
                                     ELSE t.tuples END::bigint AS n) rows
     WHERE k.contype = 'f' AND k.conparentid = 0
       AND EXISTS (SELECT FROM fk f WHERE f.root = k.oid AND NOT EXISTS (SELECT FROM served s WHERE s.root = f.root AND s.conrelid = f.conrelid)
                    AND (f.relkind <> 'p' OR NOT EXISTS (SELECT FROM fk l WHERE l.root = k.oid AND l.relkind <> 'p')))
    UNION ALL
    SELECT x.indrelid, x.id, 'bloated-index', CASE WHEN b.size - b.expected >= 1024 ^ 3 THEN 'high' ELSE 'medium' END,
           format('%s takes %s and would take about %s after a rebuild: %s %% of it is empty.', x.id::regclass, pg_size_pretty(b.size), pg_size_pretty(b.expected), round(100 * (1 - b.expected / b.size::numeric))),
           format('REINDEX INDEX CONCURRENTLY %s', x.id::regclass)
      FROM ix x
     CROSS JOIN LATERAL (SELECT pg_relation_size(x.id) AS size, perf_optimizer.index_expected_bytes(x.id) AS expected) b
     WHERE x.relkind = 'i' AND x.valid AND x.relpages >= 1280 AND x.relam = (SELECT m.oid FROM pg_am m WHERE m.amname = 'btree') AND b.expected <= 0.5 * b.size
    UNION ALL
    SELECT x.indrelid, x.id, 'boolean-index', 'low',
           format('%s indexes %I, a boolean%s.', x.id::regclass, a.attname,
                  CASE WHEN s.rare IS NULL THEN ': an index of one of the two values is smaller'
                       WHEN s.rare < 0.2 THEN format(': a partial index of the rarer value (%s %% of the rows) serves the same, smaller; drop this one after', round((100 * s.rare)::numeric, 1))
                       ELSE format(' of which neither value is rare (the rarer makes %s %% of the rows): reading the table is about as fast', round((100 * s.rare)::numeric)) END),
           CASE WHEN s.rare >= 0.2 THEN format('DROP INDEX %s%s', CASE WHEN x.relkind = 'I' THEN '' ELSE 'CONCURRENTLY ' END, x.id::regclass)
                ELSE format('CREATE INDEX %sON %s (%I) WHERE %s%I', CASE WHEN t.relkind = 'p' THEN '' ELSE 'CONCURRENTLY ' END, x.indrelid::regclass, a.attname,
                            CASE WHEN s.share_true > 0.5 THEN 'NOT ' ELSE '' END, a.attname) END
      FROM top x JOIN tab t ON t.oid = x.indrelid JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.keys[0]
     CROSS JOIN LATERAL (SELECT y.share_true, least(y.share_true, 1 - y.share_true - y.null_frac) AS rare
                           FROM (SELECT (SELECT coalesce(sum(f.freq), 0) FROM unnest(p.most_common_vals::text::text[], p.most_common_freqs) f(val, freq) WHERE f.val = 't') AS share_true, p.null_frac
                                   FROM (SELECT 1) one LEFT JOIN LATERAL (SELECT q.most_common_vals, q.most_common_freqs, q.null_frac FROM pg_stats q
                                     WHERE q.schemaname = t.nspname AND q.tablename = t.relname AND q.attname = a.attname ORDER BY q.inherited DESC LIMIT 1) p ON true) y) s
     WHERE x.n = 1 AND x.natts = 1 AND a.atttypid = 'bool'::regtype AND x.pred = '' AND x.valid AND NOT x.needed AND x.tuples >= 1000
    UNION ALL
    SELECT x.indrelid, x.id, 'mostly-null-index', 'low',
           format('%s %% of the entries of %s are NULL: a partial index serves all but IS NULL and is smaller; drop this one after.', round((100 * s.null_frac)::numeric), x.id::regclass),
           CASE WHEN EXISTS (SELECT FROM ix p WHERE p.indrelid = x.indrelid AND p.keys = x.keys AND p.valid AND p.pred = format('(%I IS NOT NULL)', a.attname))
                THEN format('DROP INDEX %s%s', CASE WHEN x.relkind = 'I' THEN '' ELSE 'CONCURRENTLY ' END, x.id::regclass)
                ELSE format('CREATE INDEX %sON %s USING %s WHERE %I IS NOT NULL', CASE WHEN t.relkind = 'p' THEN '' ELSE 'CONCURRENTLY ' END, x.indrelid::regclass,
                  substring(pg_get_indexdef(x.id) FROM ' USING (.*)$'), a.attname) END
      FROM top x JOIN tab t ON t.oid = x.indrelid JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.keys[0] AND NOT a.attnotnull
     CROSS JOIN LATERAL (SELECT q.null_frac FROM pg_stats q WHERE q.schemaname = t.nspname AND q.tablename = t.relname AND q.attname = a.attname ORDER BY q.inherited DESC LIMIT 1) s
     WHERE x.n = 1 AND x.natts = 1 AND x.pred = '' AND x.valid AND NOT x.needed AND x.tuples >= 10000 AND s.null_frac >= 0.8)
  SELECT f.indrelid::regclass, f.id::regclass, f.rule, f.severity,
         CASE WHEN x.relkind = 'I' THEN (SELECT sum(pg_relation_size(p.relid))::bigint FROM pg_partition_tree(f.id) p WHERE p.isleaf)
              -- Opening a small index to measure it costs more than all rules; it was measured when it was last analyzed.
              WHEN x.relpages BETWEEN 1 AND 127 AND t.writes < 10000 THEN x.relpages * current_setting('block_size')::bigint
              ELSE pg_relation_size(f.id) END,
         CASE WHEN x.attached THEN x.own_scans ELSE t.scans END, f.message, f.sql
    FROM found f LEFT JOIN ix x ON x.id = f.id LEFT JOIN top t ON t.id = f.id
   ORDER BY array_position(ARRAY['high', 'medium', 'low', 'info'], f.severity), 5 DESC NULLS LAST, f.message, f.rule;
END
$$;
COMMENT ON FUNCTION perf_optimizer.index_report(regclass) IS
'What is wrong with the indexes of a table with its partitions, or of all tables (NULL), most severe first: unused-index, rarely-used-index, duplicate-index, redundant-index, invalid-index,
invalid-constraint, unindexed-foreign-key, bloated-index, boolean-index, mostly-null-index. What is unique, belongs to a constraint, is the replica identity or the only index of a foreign key is never
called unused. Scans are counted by each server for itself: with a standby attached, or on one, such findings are info and propose no statement. Errors: 42P01 and 42809 for a relation that cannot have indexes.';

