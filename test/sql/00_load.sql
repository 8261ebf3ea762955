-- The extension loads, preloaded or not, and its schema is there.
SELECT n.nspname AS schema, obj_description(n.oid, 'pg_namespace') IS NOT NULL AS described
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
 WHERE e.extname = 'perf_optimizer';
