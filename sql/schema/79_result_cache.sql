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
