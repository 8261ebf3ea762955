-- A materialized view as application teams write them: no unique index, so CONCURRENTLY fails.
SET client_min_messages = warning;
CREATE TABLE calls (id int PRIMARY KEY, fund text NOT NULL, amount numeric);
INSERT INTO calls SELECT i, 'fund ' || i % 3, i FROM generate_series(1, 9) i;
CREATE MATERIALIZED VIEW fund_totals AS SELECT fund, count(*) AS calls, sum(amount) AS amount FROM calls GROUP BY fund;
CREATE INDEX ON fund_totals (amount);
REFRESH MATERIALIZED VIEW CONCURRENTLY fund_totals;
SELECT matview, unique_index, incremental, last_mode, stale, depends_on, finding, suggested_sql
  FROM perf_optimizer.matview_status WHERE matview = 'fund_totals'::regclass \gx

-- Ours needs no unique index, and writes only what changed.
UPDATE calls SET amount = amount + 1 WHERE id = 1;
SELECT mode_used, rows_inserted, rows_updated, rows_deleted, reason FROM perf_optimizer.refresh('fund_totals');
SELECT * FROM fund_totals ORDER BY fund;
SELECT mode_used, rows_inserted, rows_updated, rows_deleted, reason FROM perf_optimizer.refresh('fund_totals', 'concurrent');
SELECT mode_used, rows_inserted, rows_updated, rows_deleted, reason FROM perf_optimizer.refresh('fund_totals', 'full');

-- With the suggested index a changed row is an update, and the server's CONCURRENTLY works too.
CREATE UNIQUE INDEX CONCURRENTLY ON fund_totals (fund);
INSERT INTO calls VALUES (10, 'fund 1', 5), (11, 'fund 9', 7);
SELECT mode_used, rows_inserted, rows_updated, rows_deleted FROM perf_optimizer.refresh('fund_totals');
REFRESH MATERIALIZED VIEW CONCURRENTLY fund_totals;
SELECT unique_index, last_mode, stale, finding FROM perf_optimizer.matview_status WHERE matview = 'fund_totals'::regclass;

-- Wrong arguments.
SELECT perf_optimizer.refresh('calls');
SELECT perf_optimizer.refresh('fund_totals', 'quick');
SELECT perf_optimizer.refresh('fund_totals', 'incremental');
SELECT perf_optimizer.refresh(NULL);
DROP MATERIALIZED VIEW fund_totals;
DROP TABLE calls;
