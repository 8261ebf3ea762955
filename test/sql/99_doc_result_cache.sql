-- The examples of doc/result_cache.md.
CREATE SCHEMA doc_cache;
SET search_path = doc_cache;
CREATE TABLE "Payment" ("fundId" int, "amount" numeric);
INSERT INTO "Payment" SELECT i % 3, i FROM generate_series(1, 9999) AS i;
SELECT * FROM perf_optimizer.cached_query('SELECT "fundId", sum("amount") AS paid FROM "Payment" GROUP BY 1 ORDER BY 1', '5 minutes', tags => ARRAY['dashboard']);
SELECT (r ->> 'fundId')::int AS fund, (r ->> 'paid')::numeric AS paid
  FROM perf_optimizer.cached_query('SELECT "fundId", sum("amount") AS paid FROM "Payment" WHERE "fundId" = $1 GROUP BY 1', '5 minutes', ARRAY['2']) r;
INSERT INTO "Payment" VALUES (2, 0.50);
SELECT r ->> 'paid' AS paid
  FROM perf_optimizer.cached_query('SELECT "fundId", sum("amount") AS paid FROM "Payment" WHERE "fundId" = $1 GROUP BY 1', '5 minutes', ARRAY['2']) r;
SELECT r ->> 'n' AS n FROM perf_optimizer.cached_query('SELECT count(*) > 0 AS n FROM pg_class', '5 minutes') r;
SELECT perf_optimizer.cache_invalidate(tag => 'dashboard');
SELECT perf_optimizer.cache_invalidate('%"Payment"%');
SELECT hits >= 0 AS hits, misses > 0 AS misses, used_bytes <= max_bytes AS bounded FROM perf_optimizer.result_cache_stats();
SET client_min_messages = warning;
DROP SCHEMA doc_cache CASCADE;
