-- Tracking: what is counted, attributed, kept, hidden and refused.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT plan(42);

CREATE TABLE po_posts (id int PRIMARY KEY, title text);
CREATE TABLE po_comments (id int PRIMARY KEY, post_id int, body text);
INSERT INTO po_posts SELECT i, 'post ' || i FROM generate_series(1, 50) AS i;
INSERT INTO po_comments SELECT i, i % 50 + 1, 'comment ' || i FROM generate_series(1, 500) AS i;
CREATE INDEX po_comments_post ON po_comments (post_id);
ANALYZE po_posts, po_comments;
CREATE ROLE po_test_reader;
CREATE ROLE po_test_stats IN ROLE pg_read_all_stats;
GRANT SELECT ON po_posts, po_comments TO po_test_reader;
CREATE PROCEDURE po_called(t text) LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
SELECT perf_optimizer.reset_tracking();

CREATE FUNCTION pg_temp.sum_calls(pattern text, OUT calls numeric, OUT errors numeric, OUT rows float8, OUT top boolean, OUT n bigint) LANGUAGE sql AS $$
  SELECT sum(t.calls), sum(t.errors), sum(t.row_count), bool_and(t.toplevel), count(*) FROM perf_optimizer.tracked_statements() t
   WHERE t.query_id IN (SELECT s.query_id FROM perf_optimizer.query_samples() s WHERE s.query LIKE pattern) $$;

SELECT title FROM po_posts WHERE id = 7 \g /dev/null
SELECT title FROM po_posts WHERE id = 8 \g /dev/null
SELECT is(calls, 2::numeric, 'executions are counted') FROM pg_temp.sum_calls('SELECT title FROM po_posts WHERE id = %');
SELECT is(rows, 2::float8, 'and their rows') FROM pg_temp.sum_calls('SELECT title FROM po_posts WHERE id = %');
SELECT is(top, true, 'as statements of the client') FROM pg_temp.sum_calls('SELECT title FROM po_posts WHERE id = %');
SELECT results_eq(
  $$SELECT constant_types, plannable FROM perf_optimizer.query_samples() WHERE query LIKE 'SELECT title FROM po_posts WHERE id = %' LIMIT 1$$,
  $$VALUES (ARRAY['integer'], true)$$, 'with the types of the constants');

PREPARE po_p(int, text) AS SELECT count(*) FROM po_comments WHERE post_id = $1 AND body LIKE $2;
EXECUTE po_p(3, 'it''s%') \g /dev/null
SELECT results_eq(
  $$SELECT query, params, param_types, plannable FROM perf_optimizer.query_samples() WHERE query LIKE '%body LIKE $2' LIMIT 1$$,
  $$VALUES ('SELECT count(*) FROM po_comments WHERE post_id = $1 AND body LIKE $2', ARRAY['3', 'it''s%'], ARRAY['integer', 'text'], true)$$, 'the statement of a prepared one, and the values and types of its parameters');

-- Nested statements are their own, and the function's call has its time.
CREATE FUNCTION po_nested(n int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE c bigint;
BEGIN
  FOR i IN 1..n LOOP
    SELECT count(*) INTO c FROM po_comments WHERE post_id = i;
  END LOOP;
  RETURN c;
END $$;
SELECT po_nested(20) \g /dev/null
SELECT is(calls, 20::numeric, 'nested statements are counted') FROM pg_temp.sum_calls('SELECT count(*)%FROM po_comments WHERE post_id = i');
SELECT is(top, false, 'as nested') FROM pg_temp.sum_calls('SELECT count(*)%FROM po_comments WHERE post_id = i');
SELECT is(calls, 1::numeric, 'and their caller') FROM pg_temp.sum_calls('SELECT po_nested(%');
SELECT ok(bool_and(NOT plannable), 'a text with variables of a procedure is not planned as it is') FROM perf_optimizer.query_samples()
 WHERE query LIKE 'SELECT count(*)%FROM po_comments WHERE post_id = i';

-- Errors: counted as such, at top level and inside a block that catches them; what follows is attributed right.
\set ON_ERROR_STOP 0
SELECT 1 / (id - 1) FROM po_posts ORDER BY id \g /dev/null
\set ON_ERROR_STOP 1
SELECT is(errors, 1::numeric, 'a failed execution is an error')
  FROM (SELECT sum(errors) AS errors FROM perf_optimizer.tracked_statements() WHERE calls = 0) s;
DO $$
BEGIN
  FOR i IN 1..3 LOOP
    BEGIN
      PERFORM 1 / (id - 2) FROM po_posts WHERE id = 2;
    EXCEPTION WHEN division_by_zero THEN NULL;
    END;
  END LOOP;
END $$;
SELECT is((SELECT sum(errors) FROM perf_optimizer.tracked_statements() WHERE calls = 0 AND NOT toplevel), 3::numeric, 'and a caught one');
SELECT id FROM po_posts WHERE title = 'after the error' \g /dev/null
SELECT is(top, true, 'after errors the client''s statements are its own again') FROM pg_temp.sum_calls('%after the error''');

-- A failed execution has its time and its text, which nothing else remembers.
\set ON_ERROR_STOP 0
SET statement_timeout = 20;
SELECT count(*) FROM po_posts a, po_posts b, po_posts c, po_posts d, po_posts e WHERE 'timed out' <> a.title \g /dev/null
RESET statement_timeout;
BEGIN;
SAVEPOINT po_s;
SELECT 1 / (id - 4) FROM po_posts WHERE title <> 'in a subtransaction' \g /dev/null
ROLLBACK TO po_s;
COMMIT;
\set ON_ERROR_STOP 1
SELECT is(errors, 1::numeric, 'a statement that was cancelled is known by its text') FROM pg_temp.sum_calls('%''timed out'' <> a.title');
SELECT ok(max(failed_time_ms) > 0, 'and by its time') FROM perf_optimizer.tracked_statements() WHERE calls = 0;
SELECT is(errors, 1::numeric, 'so is one that failed in a subtransaction') FROM pg_temp.sum_calls('%title <> ''in a subtransaction''');
CREATE FUNCTION po_abandon(fail boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE c refcursor; i int;
BEGIN
  OPEN c FOR SELECT id + 5 FROM po_posts WHERE title <> 'abandoned';
  FETCH c INTO i;
  IF fail THEN RAISE division_by_zero; END IF;
  CLOSE c;
EXCEPTION WHEN division_by_zero THEN NULL;
END $$;
SELECT po_abandon(false) \g /dev/null
SELECT po_abandon(true) \g /dev/null
SELECT is(calls, 2::numeric, 'a cursor that a rollback closes was an execution') FROM pg_temp.sum_calls('SELECT id + 5 FROM po_posts%');

-- Utility statements when asked for: with a text, without what may be a password. Explained statements are nested in EXPLAIN.
SET perf_optimizer.track_utility = on;
CREATE ROLE po_test_secret PASSWORD 'open sesame';
DROP ROLE po_test_secret;
CALL po_called('visible');
EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) SELECT id + 6 FROM po_posts WHERE title = 'explained' \g /dev/null
RESET perf_optimizer.track_utility;
SELECT is(calls, 1::numeric, 'a utility statement is known by its text') FROM pg_temp.sum_calls('CREATE ROLE po_test_secret PASSWORD ''?''');
SELECT is(count(*), 0::bigint, 'its password is not kept') FROM perf_optimizer.query_samples() WHERE query LIKE '%sesame%' AND query NOT LIKE '%LIKE%';
SELECT is(calls, 1::numeric, 'the arguments of CALL are') FROM pg_temp.sum_calls('CALL po_called(''visible'')');
SELECT is(top, false, 'what EXPLAIN runs is nested') FROM pg_temp.sum_calls('%SELECT id + 6 FROM po_posts WHERE title = ''explained''');

-- A cursor is one execution, however often it is fetched from.
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT body FROM po_comments WHERE id <= 130 ORDER BY id LOOP END LOOP;
END $$;
SELECT is(calls, 1::numeric, 'a cursor is one execution') FROM pg_temp.sum_calls('SELECT body FROM po_comments WHERE id <= 130%');
SELECT is(rows, 130::float8, 'with the rows of all its fetches') FROM pg_temp.sum_calls('SELECT body FROM po_comments WHERE id <= 130%');

-- Parallel workers report nothing of their own.
CREATE TABLE po_big AS SELECT i AS id FROM generate_series(1, 200000) AS i;
ANALYZE po_big;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
SELECT count(*) FROM po_big WHERE id % 3 = 0 \g /dev/null
RESET ALL;
SELECT is(calls, 1::numeric, 'a parallel query is one execution') FROM pg_temp.sum_calls('SELECT count(*) FROM po_big%');
SELECT is(rows, 1::float8, 'with the leader''s rows') FROM pg_temp.sum_calls('SELECT count(*) FROM po_big%');

-- Plan shapes.
CREATE FUNCTION pg_temp.shapes() RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM perf_optimizer.tracked_plans() p
   WHERE p.query_id IN (SELECT s.query_id FROM perf_optimizer.query_samples() s WHERE s.query LIKE 'SELECT max(body) FROM po_comments WHERE post_id = %') $$;
SELECT max(body) FROM po_comments WHERE post_id = 5 \g /dev/null
SELECT max(body) FROM po_comments WHERE post_id = 6 \g /dev/null
SELECT is(pg_temp.shapes(), 1::bigint, 'one plan shape, whatever the constant');
SET enable_seqscan = off; SET enable_bitmapscan = off;
SELECT max(body) FROM po_comments WHERE post_id = 6 \g /dev/null
SET enable_seqscan = on; SET enable_indexscan = off;
SELECT max(body) FROM po_comments WHERE post_id = 6 \g /dev/null
SELECT max(body) FROM po_comments WHERE post_id = 6 \g /dev/null
RESET ALL;
SELECT ok(pg_temp.shapes() >= 2, 'another plan is another shape');
SELECT ok(count(*) > 0, 'shapes have texts') FROM perf_optimizer.tracked_plans() WHERE plan LIKE '%po_comments%';

-- Agreement with pg_stat_statements.
SELECT is_empty($$
  SELECT s.query, s.calls, t.calls, s.rows, t.row_count FROM pg_stat_statements s JOIN perf_optimizer.tracked_statements() t
      ON t.query_id = s.queryid AND t.userid = s.userid AND t.toplevel = s.toplevel
   WHERE s.query LIKE '%po_big%' AND (s.calls <> t.calls OR s.rows <> t.row_count OR abs(s.mean_exec_time - t.mean_time_ms) > 5)
$$, 'calls, rows and times are those of pg_stat_statements');

-- Samples are what the planner is asked with: names under the search_path that they were meant under.
CREATE SCHEMA po_other;
CREATE TABLE po_other.po_far AS SELECT i AS id, i % 5000 AS kind, repeat('x', 50) AS body FROM generate_series(1, 50000) AS i;
ANALYZE po_other.po_far;
SET search_path = po_other;
SELECT format('SELECT body FROM po_far WHERE kind = %s', i) FROM generate_series(1, 5) AS i \gexec
RESET search_path;
SET client_min_messages = error;
SELECT ok(count(*) = 1, 'an index for a statement that only its own search_path explains') FROM perf_optimizer.suggest_indexes('po_other.po_far');
RESET client_min_messages;

-- Redaction, and switches.
SET perf_optimizer.redact_samples = on;
SELECT id FROM po_posts WHERE title = 'secret' AND id < 4711 \g /dev/null
RESET perf_optimizer.redact_samples;
SELECT is(count(*), 0::bigint, 'redacted samples hold no constants') FROM perf_optimizer.query_samples()
 WHERE query LIKE 'SELECT id FROM po_posts WHERE title = %' AND query LIKE '%4711%';
SELECT is(max(query), 'SELECT id FROM po_posts WHERE title = ''?'' AND id < ?', 'but the rest') FROM perf_optimizer.query_samples()
 WHERE query LIKE 'SELECT id FROM po_posts WHERE title = ''?''%';
SET perf_optimizer.track = 'none';
SELECT id FROM po_posts WHERE title = 'untracked' OR title IS NULL \g /dev/null
RESET perf_optimizer.track;
SELECT is(count(*), 0::bigint, 'nothing is kept while tracking is off') FROM perf_optimizer.query_samples() WHERE query LIKE '%untracked'' OR title IS NULL';
SET perf_optimizer.sample_length = 128;
SELECT id FROM po_posts WHERE title IN ('01234567890123456789', '01234567890123456789', '01234567890123456789', '01234567890123456789', '01234567890123456789') \g /dev/null
RESET perf_optimizer.sample_length;
SELECT is(max(octet_length(query)), 128, 'samples are bounded') FROM perf_optimizer.query_samples() WHERE query LIKE '%IN (''01234567890123456789%' AND NOT plannable;

-- Privileges.
SET ROLE po_test_reader;
SELECT body FROM po_comments WHERE id = 11 \g /dev/null
SELECT is((SELECT count(*) FROM perf_optimizer.query_samples() WHERE userid <> 'po_test_reader'::regrole), 0::bigint, 'others'' samples are hidden');
SELECT is((SELECT count(*) FROM perf_optimizer.tracked_statements() WHERE userid <> 'po_test_reader'::regrole AND query_id IS NOT NULL), 0::bigint, 'and identifiers');
SELECT is((SELECT count(*) FROM perf_optimizer.tracked_plans() WHERE userid <> 'po_test_reader'::regrole AND plan IS NOT NULL), 0::bigint, 'and plans');
SELECT ok((SELECT count(*) FROM perf_optimizer.query_samples() WHERE query LIKE 'SELECT body FROM po_comments WHERE id = 11') > 0, 'one''s own are shown');
SELECT throws_ok('SELECT perf_optimizer.reset_tracking()', '42501', NULL, 'forgetting is not for everybody');
SELECT throws_ok($$SET perf_optimizer.track = 'none'$$, '42501', NULL, 'nor is switching off');
SET ROLE po_test_stats;
SELECT ok((SELECT count(*) FROM perf_optimizer.query_samples() WHERE userid = 'po_test_reader'::regrole) > 0, 'pg_read_all_stats sees all');
RESET ROLE;

-- The table itself.
SELECT ok(statements > 0 AND statements <= max_statements AND text_used_ratio BETWEEN 0 AND 1, 'the table tells how full it is') FROM perf_optimizer.tracking_stats();
SELECT perf_optimizer.reset_tracking();
SELECT ok(count(*) <= 2, 'a reset forgets') FROM perf_optimizer.tracked_statements();

DROP OWNED BY po_test_reader;
DROP ROLE po_test_reader, po_test_stats;
SELECT * FROM finish();
