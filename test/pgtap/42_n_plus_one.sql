-- Bursts: what is one, whose it is, its rewrite, and what is none.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT plan(45);

CREATE TABLE po_posts (id int PRIMARY KEY, title text);
CREATE TABLE po_comments (id int PRIMARY KEY, post_id int REFERENCES po_posts, body text);
INSERT INTO po_posts SELECT i, 'post ' || i FROM generate_series(1, 100) AS i;
INSERT INTO po_comments SELECT i, i % 100 + 1, 'comment ' || i FROM generate_series(1, 300) AS i;
CREATE INDEX ON po_comments (post_id);
ANALYZE po_posts, po_comments;
CREATE ROLE po_test_reader;
GRANT SELECT ON po_posts, po_comments TO po_test_reader;

-- All bursts of statements that match.
CREATE FUNCTION pg_temp.found(pattern text, OUT kinds text[], OUT relation text, OUT bursts bigint, OUT executions bigint, OUT longest bigint, OUT parent text, OUT suggestion text)
LANGUAGE sql AS $$
  SELECT array_agg(kind ORDER BY kind), min(relation::text), sum(bursts)::bigint, sum(executions)::bigint, max(max_burst), min(parent_query), min(suggestion)
    FROM perf_optimizer.n_plus_one_queries() WHERE query LIKE pattern AND query NOT LIKE '%found(%' $$;
-- Runs a rewritten statement for the values 3, 4 and 5 and counts its rows.
CREATE FUNCTION pg_temp.run(suggestion text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
  EXECUTE 'SELECT count(*) FROM (' || suggestion || ') s' INTO n USING ARRAY[3, 4, 5];
  RETURN n;
END $$;
SELECT perf_optimizer.reset_tracking() \g /dev/null

-- An application's loop, in one transaction.
BEGIN;
SELECT id FROM po_posts ORDER BY title LIMIT 12 \g /dev/null
SELECT format('SELECT body FROM po_comments WHERE post_id = %s ORDER BY id', i) FROM generate_series(1, 12) AS i \gexec
COMMIT;
SELECT is(kinds, ARRAY['n-plus-one'], 'a loop over keys is found') FROM pg_temp.found('SELECT body FROM po_comments%');
SELECT is(relation, 'po_comments', 'with its relation') FROM pg_temp.found('SELECT body FROM po_comments%');
SELECT is(bursts, 1::bigint, 'one burst') FROM pg_temp.found('SELECT body FROM po_comments%');
SELECT is(executions, 12::bigint, 'of twelve executions') FROM pg_temp.found('SELECT body FROM po_comments%');
SELECT is(longest, 12::bigint, 'the longest one') FROM pg_temp.found('SELECT body FROM po_comments%');
SELECT matches(suggestion, '^SELECT post_id, body FROM po_comments WHERE post_id = ANY\(\$1::integer\[\]\) ORDER BY id$', 'and its rewrite')
  FROM pg_temp.found('SELECT body FROM po_comments%');
SELECT is(pg_temp.run(suggestion), 9::bigint, 'which runs') FROM pg_temp.found('SELECT body FROM po_comments%');

-- Two statements for each row of a list: the parent of both is the list.
BEGIN;
SELECT format('SELECT min(id) FROM po_comments WHERE post_id = %s', id), format('SELECT title FROM po_posts WHERE id = %s', id) FROM po_posts WHERE id <= 8 \gexec
COMMIT;
SELECT matches(parent, 'FROM po_posts WHERE id <=', 'the list is the first one''s parent') FROM pg_temp.found('SELECT min(id) FROM po_comments%');
SELECT matches(parent, 'FROM po_posts WHERE id <=', 'and the second one''s') FROM pg_temp.found('SELECT title FROM po_posts WHERE id =%');
SELECT is(pg_temp.run(suggestion), 3::bigint, 'an aggregate''s rewrite runs') FROM pg_temp.found('SELECT min(id) FROM po_comments%');

-- Prepared statements; a limit needs a lateral join.
PREPARE po_last (int, int) AS SELECT body FROM po_comments WHERE post_id = $1 ORDER BY id DESC LIMIT $2;
BEGIN;
SELECT format('EXECUTE po_last(%s, 2)', i) FROM generate_series(1, 9) AS i \gexec
COMMIT;
SELECT is(executions, 9::bigint, 'prepared statements are found') FROM pg_temp.found('%SELECT body FROM po_comments WHERE post_id = $1 ORDER BY id DESC%');
SELECT matches(suggestion, 'unnest\(\$1::integer\[\]\) AS k\(key\) CROSS JOIN LATERAL', 'a limited one is joined laterally') FROM pg_temp.found('%SELECT body FROM po_comments WHERE post_id = $1 ORDER BY id DESC%');

-- The same again and again.
BEGIN;
SELECT 'SELECT count(*) FROM po_posts WHERE title = ''post 5''' FROM generate_series(1, 7) \gexec
COMMIT;
SELECT is(kinds, ARRAY['repeated-query'], 'the same parameters are a repeated query') FROM pg_temp.found('SELECT count(*) FROM po_posts WHERE title%');
SELECT is(executions, 7::bigint, 'counted') FROM pg_temp.found('SELECT count(*) FROM po_posts WHERE title%');

-- A prepared statement that is planned anew, in the middle of a burst and in the memory of its first plan: that read a table,
-- through a function, at the same cost; the new plan reads none.
CREATE TABLE po_single AS SELECT 1 AS id;
ANALYZE po_single;
CREATE FUNCTION po_ids() RETURNS SETOF int LANGUAGE sql STABLE AS 'SELECT id FROM public.po_single';
SELECT perf_optimizer.reset_tracking() \g /dev/null
PREPARE po_same AS SELECT * FROM po_ids() AS same;
BEGIN;
SELECT 'EXECUTE po_same' FROM generate_series(1, 4) \gexec
CREATE OR REPLACE FUNCTION po_ids() RETURNS SETOF int LANGUAGE plpgsql STABLE COST 400 ROWS 1 AS $$ BEGIN RETURN NEXT 1; END $$;
EXPLAIN EXECUTE po_same \g /dev/null
ALTER FUNCTION po_ids() STABLE;
SELECT 'EXECUTE po_same' FROM generate_series(1, 4) \gexec
COMMIT;
SELECT is(kinds, NULL, 'a statement whose plan reads no table any more is in no burst') FROM pg_temp.found('%po_ids() AS same');
DEALLOCATE po_same;

-- A procedure's loop.
CREATE FUNCTION po_loop() RETURNS void LANGUAGE plpgsql AS $$
DECLARE r record; t text;
BEGIN
  FOR r IN SELECT id FROM po_posts WHERE id <= 10 LOOP
    SELECT max(body) INTO t FROM po_comments WHERE post_id = r.id;
  END LOOP;
END $$;
SELECT po_loop() \g /dev/null
SELECT is(executions, 10::bigint, 'a procedure''s loop is found') FROM pg_temp.found('%max(body)%');
SELECT matches(parent, 'po_loop', 'below its call') FROM pg_temp.found('%max(body)%');
SELECT is(pg_temp.run(suggestion), 9::bigint, 'the rewrite does without the procedure''s variables') FROM pg_temp.found('%max(body)%');
DO $$ BEGIN PERFORM po_loop(); END $$;
SELECT is(executions, 20::bigint, 'and again below DO') FROM pg_temp.found('%max(body)%');

-- A function that the application calls as a table, and one that is called for each row of a table.
CREATE FUNCTION po_loop_rows(n int) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE r record; t text;
BEGIN
  FOR r IN SELECT id FROM po_posts WHERE id <= n LOOP
    SELECT min(body) INTO t FROM po_comments WHERE post_id = r.id;
    RETURN NEXT t;
  END LOOP;
END $$;
SELECT * FROM po_loop_rows(9) \g /dev/null
SELECT is(executions, 9::bigint, 'the loop of a function that returns rows') FROM pg_temp.found('%min(body)%');

-- Which of two keys differs; texts of one statement differ in length and comments.
ALTER TABLE po_comments ADD COLUMN tenant int NOT NULL DEFAULT 1, ADD COLUMN code char(4) NOT NULL DEFAULT 'ab';
BEGIN;
SELECT format('/* request %s */ SELECT body FROM po_comments WHERE tenant = 1 AND post_id = %s', i * i, i) FROM generate_series(1, 12) AS i \gexec
COMMIT;
SELECT matches(suggestion, '^(/\* request \d+ \*/ )?SELECT post_id, body FROM po_comments WHERE tenant = 1 AND post_id = ANY\(\$1::integer\[\]\)$', 'the key that differs is the one to ask for')
  FROM pg_temp.found('%SELECT body FROM po_comments WHERE tenant =%');
SELECT is(pg_temp.run(suggestion), 9::bigint, 'and its rewrite runs') FROM pg_temp.found('%SELECT body FROM po_comments WHERE tenant =%');
PREPARE po_both(int, int) AS SELECT count(*) FROM po_comments WHERE tenant = $1 AND post_id = $2 AND id > 0;
BEGIN;
SELECT format('EXECUTE po_both(%s, %s)', i % 2, i) FROM generate_series(1, 9) AS i \gexec
COMMIT;
SELECT matches(suggestion, 'unnest\(\$1::integer\[\], \$2::integer\[\]\) AS k\(key1, key2\)', 'two keys that differ are asked for together') FROM pg_temp.found('%tenant = $1 AND post_id = $2 AND id >%');
CREATE FUNCTION pg_temp.run2(suggestion text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
  EXECUTE 'SELECT count(*) FROM (' || suggestion || ') s' INTO n USING ARRAY[1, 1, 0], ARRAY[3, 4, 5];
  RETURN n;
END $$;
SELECT is(pg_temp.run2(suggestion), 3::bigint, 'and run') FROM pg_temp.found('%tenant = $1 AND post_id = $2 AND id >%');

-- A long statement whose constant stands at its end, and a char(n) column.
BEGIN;
SELECT format('SELECT %s FROM po_comments WHERE po_comments.post_id IN (%s)',
              (SELECT string_agg(format('po_comments.body AS "a rather long alias of column %s"', j), ', ') FROM generate_series(1, 9) AS j), i)
  FROM generate_series(1, 8) AS i \gexec
SELECT format('SELECT count(*) FROM po_comments WHERE code = ''%s''', chr(96 + i) || 'b') FROM generate_series(1, 8) AS i \gexec
COMMIT;
SELECT is(kinds, ARRAY['n-plus-one'], 'constants far behind are compared') FROM pg_temp.found('SELECT po_comments.body AS "a rather long%');
SELECT is(pg_temp.run(suggestion), 9::bigint, 'IN with one value is rewritten') FROM pg_temp.found('SELECT po_comments.body AS "a rather long%');
SELECT matches(suggestion, 'bpchar\[\]', 'values of char(n) are not cut') FROM pg_temp.found('SELECT count(*) FROM po_comments WHERE code%');

-- An expression that is compared.
BEGIN;
SELECT format('SELECT id FROM po_posts WHERE lower(title) = ''post %s''', i) FROM generate_series(1, 8) AS i \gexec
COMMIT;
SELECT is(relation, 'po_posts', 'an expression over a column') FROM pg_temp.found('SELECT id FROM po_posts WHERE lower%');
SELECT lives_ok(format('PREPARE po_lower AS %s', suggestion), 'its rewrite is valid') FROM pg_temp.found('SELECT id FROM po_posts WHERE lower%');

-- The same values under other comments.
BEGIN;
SELECT format('SELECT count(*) FROM po_posts /* trace %s */ WHERE title = ''post 6'' AND id > 0', i) FROM generate_series(1, 7) AS i \gexec
COMMIT;
SELECT is(kinds, ARRAY['repeated-query'], 'comments are no parameters') FROM pg_temp.found('SELECT count(*) FROM po_posts /*%');

-- Privacy.
SET ROLE po_test_reader;
SELECT is(count(*), 0::bigint, 'others'' statements are hidden') FROM perf_optimizer.n_plus_one_queries() WHERE query IS NOT NULL OR query_id IS NOT NULL OR suggestion ~ 'po_';
RESET ROLE;

-- What is none.
SELECT perf_optimizer.reset_tracking() \g /dev/null
BEGIN;
SELECT format('INSERT INTO po_comments VALUES (%s, %s, ''new'')', 1000 + i, i) FROM generate_series(1, 20) AS i \gexec
COMMIT;
SELECT is(count(*), 0::bigint, 'single inserts, and the checks of their foreign keys') FROM perf_optimizer.n_plus_one_queries();
INSERT INTO po_comments SELECT 2000 + i, i, 'many' FROM generate_series(1, 50) AS i;
SELECT is(count(*), 0::bigint, 'a batch insert with a foreign key') FROM perf_optimizer.n_plus_one_queries();
BEGIN;
DECLARE po_c CURSOR FOR SELECT id FROM po_comments WHERE post_id = 3;
FETCH po_c \g /dev/null
FETCH po_c \g /dev/null
FETCH po_c \g /dev/null
FETCH po_c \g /dev/null
FETCH po_c \g /dev/null
FETCH po_c \g /dev/null
COMMIT;
SELECT is(count(*), 0::bigint, 'fetches from a cursor') FROM perf_optimizer.n_plus_one_queries();
CREATE FUNCTION po_title(p int) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN (SELECT title FROM po_posts WHERE id = p); END $$;
SELECT count(po_title(post_id)) FROM po_comments WHERE id < 100 \g /dev/null
SELECT is(count(*), 0::bigint, 'a function that a set query calls') FROM perf_optimizer.n_plus_one_queries();
CREATE FUNCTION po_check() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 FROM po_posts WHERE id = NEW.post_id; RETURN NEW; END $$;
CREATE TRIGGER po_check BEFORE INSERT ON po_comments FOR EACH ROW EXECUTE FUNCTION po_check();
COPY po_comments (id, post_id, body) FROM stdin;
3001	1	a
3002	2	b
3003	3	c
3004	4	d
3005	5	e
3006	6	f
3007	7	g
\.
SELECT is(count(*), 0::bigint, 'COPY with a trigger') FROM perf_optimizer.n_plus_one_queries();
SELECT format('SELECT body FROM po_comments WHERE post_id = %s', i) FROM generate_series(1, 4) AS i \gexec
SELECT is(count(*), 0::bigint, 'four are not five') FROM perf_optimizer.n_plus_one_queries();
BEGIN;
SELECT format('SELECT body FROM po_comments WHERE id > %s', i) FROM generate_series(1, 8) AS i \gexec
COMMIT;
SELECT is(count(*), 0::bigint, 'many rows each are no lookups') FROM perf_optimizer.n_plus_one_queries();
BEGIN;
SELECT format('SELECT body FROM po_comments ORDER BY id LIMIT 5 OFFSET %s', i * 5) FROM generate_series(1, 8) AS i \gexec
SELECT format('SELECT body FROM po_comments WHERE tenant = 1 AND id > %s ORDER BY id LIMIT 5', i * 5) FROM generate_series(1, 8) AS i \gexec
COMMIT;
SELECT is(count(*), 0::bigint, 'reading page by page') FROM perf_optimizer.n_plus_one_queries();
BEGIN;
SELECT format('SELECT body FROM po_comments WHERE id = %s FOR UPDATE', i) FROM generate_series(1, 8) AS i \gexec
COMMIT;
SELECT is(count(*), 0::bigint, 'taking row locks one by one') FROM perf_optimizer.n_plus_one_queries();
SELECT po_title(i) FROM generate_series(1, 20) AS i \g /dev/null
SELECT is(count(*), 0::bigint, 'a function called for each row of another') FROM perf_optimizer.n_plus_one_queries();
DROP TRIGGER po_check ON po_comments;
ALTER TABLE po_comments DROP CONSTRAINT po_comments_post_id_fkey, ADD FOREIGN KEY (post_id) REFERENCES po_posts DEFERRABLE INITIALLY DEFERRED;
CREATE CONSTRAINT TRIGGER po_late AFTER INSERT ON po_comments DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION po_check();
INSERT INTO po_comments SELECT 4000 + i, i, 'many' FROM generate_series(1, 50) AS i;
BEGIN;
INSERT INTO po_comments SELECT 5000 + i, i, 'many' FROM generate_series(1, 50) AS i;
COMMIT;
SELECT is(count(*), 0::bigint, 'deferred checks and triggers of a batch insert') FROM perf_optimizer.n_plus_one_queries();
SELECT format('SELECT %s FROM po_posts WHERE id = %s', repeat('1 + ', j) || '1', i) FROM generate_series(1, 8) AS i, generate_series(1, 7) AS j ORDER BY i, j \gexec
SELECT is(count(*), 0::bigint, 'the mixed traffic of a pooled connection') FROM perf_optimizer.n_plus_one_queries();
BEGIN;
SELECT format('EXPLAIN (ANALYZE) SELECT body FROM po_comments WHERE post_id = %s AND id > 1', i) FROM generate_series(1, 8) AS i \gexec
COMMIT;
SELECT is(count(*), 0::bigint, 'explained statements') FROM perf_optimizer.n_plus_one_queries();
SET perf_optimizer.n_plus_one = off;
BEGIN;
SELECT format('SELECT body FROM po_comments WHERE post_id = %s AND id > 0', i) FROM generate_series(1, 8) AS i \gexec
COMMIT;
SELECT is(count(*), 0::bigint, 'nothing while it is off') FROM perf_optimizer.n_plus_one_queries();

DROP OWNED BY po_test_reader;
DROP ROLE po_test_reader;
SELECT * FROM finish();
