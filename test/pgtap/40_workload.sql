-- slow_queries: what it counts, orders, filters, hides and refuses.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT plan(38);

CREATE TABLE po_workload (id int PRIMARY KEY, v text);
INSERT INTO po_workload SELECT i, repeat('x', 100) FROM generate_series(1, 2000) AS i;
CREATE ROLE po_test_reader;
CREATE ROLE po_test_stats IN ROLE pg_read_all_stats;
GRANT SELECT ON po_workload TO po_test_reader;

SELECT ok(pg_stat_statements_reset() IS NULL OR true, 'counters start anew');
SET work_mem = '64kB';
SELECT ok(max(n) = 2000, 'a sort on disk') FROM (SELECT row_number() OVER (ORDER BY v, id DESC) AS n FROM po_workload) s;
RESET work_mem;
SELECT ok(v IS NOT NULL, 'one row by key') FROM po_workload WHERE id = 1;
SELECT ok(v IS NOT NULL, 'one row by key') FROM po_workload WHERE id = 2;
SELECT ok(v IS NOT NULL, 'one row by key') FROM po_workload WHERE id = 3;
UPDATE po_workload SET v = v || 'y';

CREATE FUNCTION pg_temp.slow(pattern text, OUT n bigint, OUT calls bigint, OUT row_count bigint, OUT rows_per_call float8)
LANGUAGE sql AS $$ SELECT count(*), max(calls), max(row_count), max(rows_per_call) FROM perf_optimizer.slow_queries(max_rows => 1000)
                   WHERE query LIKE pattern $$;

SELECT is(calls, 3::bigint, 'calls are counted') FROM pg_temp.slow('SELECT ok(v IS NOT NULL%');
SELECT is(row_count, 3::bigint, 'and rows') FROM pg_temp.slow('SELECT ok(v IS NOT NULL%');
SELECT is(rows_per_call, 1::float8, 'and rows per call') FROM pg_temp.slow('SELECT ok(v IS NOT NULL%');

SELECT is_empty($$
  SELECT q.query FROM perf_optimizer.slow_queries(max_rows => 1000) q
    JOIN pg_stat_statements s ON s.queryid = q.query_id AND s.userid = q.role_name::regrole AND s.toplevel = q.toplevel
   WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.query !~ 'slow_queries'
     AND (q.calls, q.total_time_ms, q.mean_time_ms, q.max_time_ms, q.stddev_time_ms, q.row_count, q.wal_bytes, q.read_blocks)
         IS DISTINCT FROM (s.calls, s.total_exec_time, s.mean_exec_time, s.max_exec_time, s.stddev_exec_time, s.rows,
                           s.wal_bytes::bigint, s.shared_blks_read)
  $$, 'the numbers are those of pg_stat_statements');
SELECT is(count(*), (SELECT count(*) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid AND d.datname = current_database()),
          'every statement of this database and no other is there') FROM perf_optimizer.slow_queries(max_rows => 1000);
SELECT ok(sum(time_share_pct) BETWEEN 99.9 AND 100.1, 'the shares add up to 100')
  FROM perf_optimizer.slow_queries(max_rows => 1000) WHERE toplevel;
SELECT ok(bool_and(hit_ratio BETWEEN 0 AND 1), 'hit ratios are ratios') FROM perf_optimizer.slow_queries(max_rows => 1000);
SELECT ok(bool_and(p50_ms <= p95_ms AND p95_ms <= p99_ms AND p99_ms <= 1.02 * max_time_ms + 0.01), 'percentiles are in order')
  FROM perf_optimizer.slow_queries() WHERE toplevel;
SELECT ok(bool_and(findings IS NOT NULL), 'findings are never null') FROM perf_optimizer.slow_queries();
SELECT ok(temp_bytes > 0, 'temporary bytes are counted') FROM perf_optimizer.slow_queries(max_rows => 1000)
 WHERE query LIKE 'SELECT ok(max(n) = $1%';
SELECT ok(wal_bytes > 100000, 'WAL bytes are counted') FROM perf_optimizer.slow_queries(max_rows => 1000)
 WHERE query LIKE 'UPDATE po_workload%';

SELECT is(array_agg(x), array_agg(x ORDER BY x DESC), 'ordered by total_time')
  FROM (SELECT total_time_ms FROM perf_optimizer.slow_queries()) q(x);
SELECT is(array_agg(x), array_agg(x ORDER BY x DESC), 'ordered by mean_time')
  FROM (SELECT mean_time_ms FROM perf_optimizer.slow_queries(order_by => 'mean_time')) q(x);
SELECT is(array_agg(x), array_agg(x ORDER BY x DESC), 'ordered by calls')
  FROM (SELECT calls FROM perf_optimizer.slow_queries(order_by => 'calls')) q(x);
SELECT is(array_agg(x), array_agg(x ORDER BY x DESC), 'ordered by temp')
  FROM (SELECT temp_bytes FROM perf_optimizer.slow_queries(order_by => 'temp')) q(x);
SELECT is(array_agg(x), array_agg(x ORDER BY x DESC), 'ordered by wal')
  FROM (SELECT wal_bytes FROM perf_optimizer.slow_queries(order_by => 'wal')) q(x);
SELECT is(array_agg(x), array_agg(x ORDER BY x DESC), 'ordered by reads')
  FROM (SELECT read_blocks FROM perf_optimizer.slow_queries(order_by => 'reads')) q(x);
SELECT is(count(*), 2::bigint, 'max_rows bounds the rows') FROM perf_optimizer.slow_queries(max_rows => 2);
SELECT ok(count(*) > 0 AND bool_and(calls >= 3), 'min_calls filters') FROM perf_optimizer.slow_queries(min_calls => 3);
SELECT is(count(*), 0::bigint, 'min_mean_ms filters') FROM perf_optimizer.slow_queries(min_mean_ms => 1e9);

SELECT throws_ok('SELECT * FROM perf_optimizer.slow_queries(NULL)', '22004', NULL, 'NULL min_mean_ms');
SELECT throws_ok('SELECT * FROM perf_optimizer.slow_queries(min_calls => NULL)', '22004', NULL, 'NULL min_calls');
SELECT throws_ok('SELECT * FROM perf_optimizer.slow_queries(max_rows => NULL)', '22004', NULL, 'NULL max_rows');
SELECT throws_ok('SELECT * FROM perf_optimizer.slow_queries(order_by => NULL)', '22004', NULL, 'NULL order_by');
SELECT throws_ok($$SELECT * FROM perf_optimizer.slow_queries('NaN')$$, '22023', NULL, 'NaN min_mean_ms');
SELECT is(array_agg(x), array_agg(x ORDER BY x DESC NULLS LAST), 'ordered by p95')
  FROM (SELECT p95_ms FROM perf_optimizer.slow_queries(order_by => 'p95')) q(x);

SET ROLE po_test_reader;
SELECT count(*) FROM po_workload WHERE id < 0 \g /dev/null
RESET ROLE;
CREATE VIEW pg_temp.seen AS SELECT * FROM perf_optimizer.slow_queries(max_rows => 1000);
GRANT SELECT ON pg_temp.seen TO po_test_reader, po_test_stats;
SET ROLE po_test_reader;
SELECT ARRAY[count(*) FILTER (WHERE query LIKE 'SELECT count(*) FROM po_workload%') = 1,
             count(*) FILTER (WHERE query NOT LIKE '%insufficient privilege%' AND role_name <> 'po_test_reader') = 0] AS seen
  FROM pg_temp.seen \gset
SET ROLE po_test_stats;
SELECT count(*) FILTER (WHERE query LIKE 'UPDATE po_workload%') AS all_seen FROM pg_temp.seen \gset
RESET ROLE;
SELECT is(:'seen'::boolean[], '{t,t}', 'a role sees its own texts and no others');
SELECT is(:all_seen, 1, 'a member of pg_read_all_stats sees all');

-- Statements inside functions are told apart, and their time counts once.
SET pg_stat_statements.track = 'all';
CREATE FUNCTION po_nested() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT sum(id) FROM po_workload WHERE id > 5); END $$;
SELECT po_nested() \g /dev/null
SET pg_stat_statements.track = 'top';
SELECT ok(bool_or(NOT toplevel AND query LIKE '%sum(id) FROM po_workload%'), 'a statement inside a function is not top-level')
  FROM perf_optimizer.slow_queries(max_rows => 1000);
SELECT ok(bool_or(toplevel AND query LIKE 'SELECT po_nested()%'), 'its caller is') FROM perf_optimizer.slow_queries(max_rows => 1000);
SELECT ok(sum(time_share_pct) BETWEEN 99.9 AND 100.1, 'the shares of top-level statements add up to 100 still')
  FROM perf_optimizer.slow_queries(max_rows => 1000) WHERE toplevel;

-- A schema of its own, an old version, and a search path that lies in wait.
DROP EXTENSION pg_stat_statements CASCADE;
CREATE SCHEMA "Odd Schema";
CREATE EXTENSION pg_stat_statements SCHEMA "Odd Schema" VERSION '1.8';
CREATE SCHEMA trap;
CREATE FUNCTION trap.never(float8, float8) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
CREATE OPERATOR trap.>= (leftarg = float8, rightarg = float8, function = trap.never);
SET search_path = trap, public, pg_catalog;
SELECT ok(count(*) > 0 AND bool_and(toplevel), 'version 1.8 in a schema of its own, under a hostile search path')
  FROM perf_optimizer.slow_queries();
RESET search_path;
DROP EXTENSION pg_stat_statements;
CREATE EXTENSION pg_stat_statements VERSION '1.7';
SELECT throws_ok('SELECT * FROM perf_optimizer.slow_queries()', '55000', NULL, 'a version without execution times is refused');

DROP OWNED BY po_test_reader, po_test_stats;
DROP ROLE po_test_reader, po_test_stats;
SELECT * FROM finish();
