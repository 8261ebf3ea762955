-- The examples of doc/matview.md.
CREATE SCHEMA doc_matview;
SET search_path = doc_matview;
CREATE TABLE "CapitalCall" ("id" int PRIMARY KEY, "userId" int NOT NULL, "amountDue" numeric NOT NULL, "status" text NOT NULL);
INSERT INTO "CapitalCall" SELECT i, 1 + i % 50, i, CASE WHEN i % 4 = 0 THEN 'OVERDUE' ELSE 'PAID' END FROM generate_series(1, 1000) AS i;
CREATE MATERIALIZED VIEW call_summary AS
  SELECT "userId", "status", count(*) AS calls, sum("amountDue") AS amount FROM "CapitalCall" GROUP BY "userId", "status";
CREATE INDEX ON call_summary ("userId");
REFRESH MATERIALIZED VIEW CONCURRENTLY call_summary;
\x on
SELECT matview, unique_index, stale, depends_on, finding, suggested_sql FROM perf_optimizer.matview_status WHERE matview = 'call_summary'::regclass;
\x off
CREATE UNIQUE INDEX CONCURRENTLY ON doc_matview.call_summary ("userId", status);
REFRESH MATERIALIZED VIEW CONCURRENTLY call_summary;
SELECT mode_used, rows_inserted, rows_updated, rows_deleted, reason FROM perf_optimizer.refresh('call_summary');
UPDATE "CapitalCall" SET "amountDue" = 0 WHERE "id" = 17;
INSERT INTO "CapitalCall" VALUES (1001, 51, 10, 'PENDING');
SELECT matview, last_mode, stale, finding FROM perf_optimizer.matview_status WHERE matview = 'call_summary'::regclass;
SELECT mode_used, rows_inserted, rows_updated, rows_deleted FROM perf_optimizer.refresh('call_summary');
SELECT * FROM perf_optimizer.refresh('call_summary', 'quick');
SELECT * FROM perf_optimizer.refresh('"CapitalCall"');
-- Incremental refresh.
SELECT * FROM perf_optimizer.can_refresh_incrementally('call_summary');
CREATE MATERIALIZED VIEW calls_by_status AS SELECT "status", sum(calls) AS calls FROM call_summary GROUP BY "status";
INSERT INTO "CapitalCall" VALUES (1002, 51, 10, 'PENDING');
SELECT matview, mode_used, rows_inserted, rows_updated, rows_deleted FROM perf_optimizer.refresh_in_order('{calls_by_status}');
SELECT perf_optimizer.enable_incremental('call_summary');
SELECT mode_used, reason FROM perf_optimizer.refresh('call_summary');
UPDATE "CapitalCall" SET "status" = 'PAID' WHERE "id" = 4;
SELECT incremental, pending_changes, stale, full_reason FROM perf_optimizer.matview_status WHERE matview = 'call_summary'::regclass;
SELECT mode_used, rows_inserted, rows_updated, rows_deleted, reason FROM perf_optimizer.refresh('call_summary');
SELECT mode_used, reason FROM perf_optimizer.refresh('call_summary');
CREATE MATERIALIZED VIEW latest AS SELECT "id", "status" FROM "CapitalCall" ORDER BY "id" DESC LIMIT 10;
SELECT * FROM perf_optimizer.can_refresh_incrementally('latest');
SELECT perf_optimizer.enable_incremental('latest');
SELECT perf_optimizer.matview_pending('call_summary');
SELECT perf_optimizer.disable_incremental('call_summary');
