-- The examples of doc/jobs.md that need no worker.
-- A role of its own: it sees its own jobs and policies only.
CREATE ROLE po_test_doc LOGIN;
CREATE SCHEMA doc_jobs AUTHORIZATION po_test_doc;
SET SESSION AUTHORIZATION po_test_doc;
SET search_path = doc_jobs;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
-- The hint that workers are missing depends on how the server was started.
SET client_min_messages = warning;
CREATE TABLE orders (day date, amount numeric);
CREATE MATERIALIZED VIEW orders_by_day AS SELECT day, sum(amount) AS amount FROM orders GROUP BY day;
SELECT perf_optimizer.next_run('*/15 9-17 * * mon-fri', '2026-03-06 17:50+00', 'UTC');
SELECT perf_optimizer.next_run('30 2 * * *', '2026-03-28 12:00+00', 'Europe/Berlin') AT TIME ZONE 'Europe/Berlin' AS clocks_skip_two_to_three;
SELECT perf_optimizer.next_run('0 4 L * *', '2026-02-01 00:00+00', 'UTC') AS last_day_of_month;
SELECT perf_optimizer.next_run('every 90 seconds', '2026-01-01 00:00:10+00');
SELECT perf_optimizer.next_run('61 * * * *');
SELECT perf_optimizer.next_run('0 4 * * *', timezone => 'Mars/Olympus');
SELECT perf_optimizer.next_run('every 1 month');
SELECT perf_optimizer.schedule_refresh('orders_by_day', 'every 5 minutes') > 0 AS scheduled;
SELECT perf_optimizer.schedule_command('purge', '0 3 * * *', 'DELETE FROM doc_jobs.orders WHERE day < now() - interval ''2 years''', timezone => 'Europe/Berlin') > 0 AS scheduled;
SELECT perf_optimizer.schedule_maintenance('orders', '30 3 * * sun', 'analyze', max_attempts => 5, backoff => '1 minute') > 0 AS scheduled;
SELECT name, kind, target, schedule, timezone, enabled, priority FROM perf_optimizer.jobs ORDER BY name;
SELECT perf_optimizer.alter_job(job_id, schedule => '30 3 * * *', exclude_window => 'sun 00:00-06:00') FROM perf_optimizer.jobs WHERE name = 'purge';
SELECT perf_optimizer.schedule_command('report', NULL, 'ANALYZE doc_jobs.orders', after_job => job_id) > 0 AS scheduled FROM perf_optimizer.jobs WHERE name = 'purge';
SELECT perf_optimizer.schedule_once('backfill', '2100-01-01 03:00+00', 'SELECT 1') > 0 AS scheduled;
SELECT j.name, j.schedule, j.exclude_window, f.name AS after_job, j.at FROM perf_optimizer.jobs j LEFT JOIN perf_optimizer.jobs f ON f.job_id = j.after_job WHERE j.kind = 'command' ORDER BY j.name;
SELECT perf_optimizer.pause_job(job_id) FROM perf_optimizer.jobs WHERE name = 'purge';
SELECT name, enabled FROM perf_optimizer.jobs WHERE name = 'purge';
SELECT perf_optimizer.schedule_refresh('orders', 'every 5 minutes');
SELECT perf_optimizer.schedule_refresh('orders_by_day', 'now and then');
SELECT perf_optimizer.schedule_maintenance('orders', '@daily', name => 'purge');
SELECT perf_optimizer.unschedule('purge');
SELECT perf_optimizer.unschedule('purge');
SELECT perf_optimizer.unschedule(job_id) FROM perf_optimizer.jobs;
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
DROP SCHEMA doc_jobs CASCADE;
DROP ROLE po_test_doc;
