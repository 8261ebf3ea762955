
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
