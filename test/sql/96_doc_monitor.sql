-- The examples of doc/monitor.md.
SET client_min_messages = warning;
CREATE SCHEMA doc_monitor;
SET search_path = doc_monitor, public;
RESET client_min_messages;
CREATE TABLE "Payment" ("id" int PRIMARY KEY, "amount" numeric);
INSERT INTO "Payment" SELECT i, i FROM generate_series(1, 1000) AS i;
SELECT total >= 1 AS connected, used_ratio < 0.9 AS room FROM perf_optimizer.connection_stats();
SELECT relname, table_bytes, index_bytes FROM perf_optimizer.table_stats('"Payment"');
SELECT component FROM perf_optimizer.database_size() WHERE component IN ('total', 'tables', 'indexes') ORDER BY 1;
SELECT check_name, status, value FROM perf_optimizer.health() WHERE check_name IN ('dead letters', 'checksum failures') ORDER BY 1;
SELECT name, kind, labels, value FROM perf_optimizer.metrics() WHERE name = 'perf_optimizer_dead_letter_jobs';
SELECT line FROM regexp_split_to_table(perf_optimizer.metrics_text(), E'\n') AS line WHERE line LIKE '%dead_letter_jobs%';
SELECT n, warmup, min_ms <= p50_ms AND p50_ms <= p95_ms AND p95_ms <= max_ms AS in_order
  FROM perf_optimizer.benchmark_query('SELECT count(*) FROM "Payment" WHERE "amount" > $1', 50, ARRAY['500']);
CREATE TABLE "Ledger" ("id" smallint GENERATED ALWAYS AS IDENTITY);
SELECT setval('"Ledger_id_seq"', 30000) AS position;
SELECT rule, severity, message, suggested_sql FROM perf_optimizer.database_findings() WHERE object LIKE '%Ledger%' ORDER BY rule DESC;
CREATE TABLE "Size" AS
  SELECT timestamptz '2024-01-01' + i * interval '1 day' AS day, 1000 + 10 * i + 37 * i % 11 AS gigabytes FROM generate_series(0, 89) AS i;
SELECT moment::date AS day, round(projected) AS projected, round(lower) AS lower, round(upper) AS upper, round(per_day::numeric, 2) AS per_day
  FROM perf_optimizer.forecast(ARRAY(SELECT day FROM "Size" ORDER BY day), ARRAY(SELECT gigabytes FROM "Size" ORDER BY day), ARRAY['2024-04-01', '2024-07-01']::timestamptz[]);
CREATE EXTENSION pg_prewarm SCHEMA doc_monitor;
SELECT relation, size_bytes, warmed_bytes, reason FROM perf_optimizer.warm_cache(ARRAY['"Payment_pkey"', '"Payment"']::regclass[], 60000);
SET client_min_messages = warning;
DROP SCHEMA doc_monitor CASCADE;
