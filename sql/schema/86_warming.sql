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
