-- cached_query in one session: rows, keys, rights, what is kept and what makes it worthless.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT * FROM no_plan();

SET client_min_messages = error;
CREATE SCHEMA po_rc;
CREATE TABLE po_rc.t (id int PRIMARY KEY, name text, at timestamptz, data numeric[]);
INSERT INTO po_rc.t VALUES (1, 'one', '2024-01-01 12:00+00', '{1.50,2}'), (2, NULL, NULL, NULL), (3, 'drei', '2024-06-01 12:00+00', '{}');

-- What cached_query returns, as one array; whether it came from the cache.
CREATE FUNCTION po_rc.fetch(query text, params text[] DEFAULT NULL, tags text[] DEFAULT NULL, ttl interval DEFAULT '1 hour') RETURNS jsonb LANGUAGE sql VOLATILE AS
$$ SELECT jsonb_agg(r) FROM perf_optimizer.cached_query($1, $4, $2, $3) r $$;
CREATE FUNCTION po_rc.hits(query text, params text[] DEFAULT NULL, tags text[] DEFAULT NULL, ttl interval DEFAULT '1 hour') RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE before bigint := (SELECT hits FROM perf_optimizer.result_cache_stats());
BEGIN PERFORM po_rc.fetch(query, params, tags, ttl); RETURN (SELECT hits FROM perf_optimizer.result_cache_stats()) - before; END $$;
CREATE FUNCTION po_rc.direct(query text) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE result jsonb; BEGIN EXECUTE format(E'SELECT jsonb_agg(to_jsonb(q)) FROM (%s\n) q', query) INTO result; RETURN result; END $$;

-- Rows.
SELECT is(po_rc.fetch(query), po_rc.direct(query), 'computed: ' || query)
  FROM (VALUES ('SELECT * FROM po_rc.t ORDER BY id'), ('SELECT FROM po_rc.t'), ('SELECT 1 AS a, NULL::text AS b WHERE false'), ('VALUES (1, ''x''), (2, NULL)'), ('TABLE po_rc.t'),
    ('WITH w AS (SELECT id FROM po_rc.t) SELECT t AS whole, ARRAY[t.name] AS list, row(1, t.at) AS record FROM po_rc.t JOIN w USING (id) -- a comment'), ('SELECT id AS "A b", id AS id, id AS id FROM po_rc.t')) v (query);
SELECT po_rc.fetch(query) FROM (VALUES ('SELECT * FROM po_rc.t ORDER BY id'), ('SELECT FROM po_rc.t'), ('SELECT 1 AS a, NULL::text AS b WHERE false'), ('VALUES (1, ''x''), (2, NULL)')) v (query) \g /dev/null
SELECT is(po_rc.hits(query), 1::bigint, 'kept: ' || query)
  FROM (VALUES ('SELECT * FROM po_rc.t ORDER BY id'), ('SELECT FROM po_rc.t'), ('SELECT 1 AS a, NULL::text AS b WHERE false'), ('VALUES (1, ''x''), (2, NULL)')) v (query);
SELECT is(po_rc.fetch(query), po_rc.direct(query), 'served: ' || query)
  FROM (VALUES ('SELECT * FROM po_rc.t ORDER BY id'), ('SELECT FROM po_rc.t'), ('SELECT 1 AS a, NULL::text AS b WHERE false'), ('VALUES (1, ''x''), (2, NULL)')) v (query);
SELECT is(po_rc.fetch('SELECT count(*) AS n, string_agg(repeat(md5(i::text), 3), '''' ORDER BY i) AS s FROM generate_series(1, 5000) i')::text,
          po_rc.fetch('SELECT count(*) AS n, string_agg(repeat(md5(i::text), 3), '''' ORDER BY i) AS s FROM generate_series(1, 5000) i')::text, 'a long row is served whole');
SELECT is(po_rc.hits('SELECT i, md5(i::text) FROM generate_series(1, 3000) i'), 0::bigint, 'many rows are computed');
SELECT is(po_rc.fetch('SELECT i, md5(i::text) FROM generate_series(1, 3000) i'), po_rc.direct('SELECT i, md5(i::text) FROM generate_series(1, 3000) i'), 'and served');

-- Parameters and other parts of the key.
SELECT is(po_rc.fetch('SELECT name FROM po_rc.t WHERE id = $1', ARRAY['3']), '[{"name": "drei"}]', 'a parameter has the type that the text gives it');
SELECT is(po_rc.hits('SELECT name FROM po_rc.t WHERE id = $1', ARRAY['3']), 1::bigint, 'the same again');
SELECT is(po_rc.hits('SELECT name FROM po_rc.t WHERE id = $1', ARRAY['1']), 0::bigint, 'another');
SELECT is(po_rc.fetch('SELECT $1::text AS p', ARRAY[NULL]::text[]), '[{"p": null}]', 'a NULL');
SELECT is(po_rc.fetch('SELECT $1::text AS p', ARRAY['']), '[{"p": ""}]', 'is not an empty text');
SELECT is(po_rc.fetch('SELECT $1::text AS p, $2::text AS q', ARRAY['a', 'b']), '[{"p": "a", "q": "b"}]', 'two values');
SELECT is(po_rc.hits('SELECT $1::text AS p, $2::text AS q', ARRAY['a', 'b']), 1::bigint, 'are kept');
SELECT is(po_rc.hits('SELECT 42 AS tagged', NULL, ARRAY['a']), 0::bigint, 'with a tag');
SELECT is(po_rc.hits('SELECT 42 AS tagged', NULL, ARRAY['a', 'b']), 0::bigint, 'with two tags');
SELECT po_rc.fetch('SELECT at FROM po_rc.t WHERE id = 1') AS before \gset
SET TimeZone = 'Asia/Tokyo';
SELECT is(po_rc.fetch('SELECT at FROM po_rc.t WHERE id = 1'), '[{"at": "2024-01-01T21:00:00+09:00"}]', 'another time zone is another result');
RESET TimeZone;
SET DateStyle = 'SQL, DMY';
SELECT is(po_rc.fetch('SELECT at::text FROM po_rc.t WHERE id = 3') ->> 0 ~ '01/06/2024', true, 'DateStyle');
SET DateStyle = 'ISO, MDY';
SELECT is(po_rc.fetch('SELECT at::text FROM po_rc.t WHERE id = 3') ->> 0 ~ '2024-06-01', true, 'and another');
RESET DateStyle;
CREATE SCHEMA po_rc2;
CREATE TABLE po_rc2.t AS SELECT 7 AS id;
SELECT is(perf_optimizer.cache_invalidate() > 0, true, 'all go');
SET search_path = po_rc, public;
SELECT is(po_rc.fetch('SELECT count(*) FROM t'), '[{"count": 3}]', 'search_path');
SET search_path = po_rc2, public;
SELECT is(po_rc.fetch('SELECT count(*) FROM t'), '[{"count": 1}]', 'and another');
SET search_path = po_rc, public;
CREATE TEMP TABLE t AS SELECT generate_series(1, 5);
SELECT is(po_rc.fetch('SELECT count(*) FROM t'), '[{"count": 5}]', 'a temporary table comes first');
SELECT is(po_rc.hits('SELECT count(*) FROM t'), 0::bigint, 'and is not cached');
DROP TABLE pg_temp.t;
SELECT is(po_rc.fetch('SELECT count(*) FROM t'), '[{"count": 3}]', 'without it');
SELECT is(po_rc.hits('SELECT count(*) FROM t'), 1::bigint, 'it is');
RESET search_path;

-- Age.
SELECT is(po_rc.hits('SELECT now() IS NOT NULL AS a'), 0::bigint, 'the clock may matter');
SELECT is(po_rc.hits('SELECT now() IS NOT NULL AS a'), 1::bigint, 'within the age');
SELECT is(po_rc.hits('SELECT now() IS NOT NULL AS a', ttl => '1 microsecond'), 0::bigint, 'a result that is too old for the caller');
SELECT is(po_rc.hits('SELECT now() IS NOT NULL AS a', ttl => '170000000 years'), 1::bigint, 'the longest age');
SELECT is(po_rc.hits('SELECT current_user AS a, session_user AS b, current_date IS NULL AS c, current_schema AS d'), 0::bigint, 'who and where');
SELECT is(po_rc.hits('SELECT current_user AS a, session_user AS b, current_date IS NULL AS c, current_schema AS d'), 1::bigint, 'are part of the key');

-- Errors.
SELECT throws_ok(format('SELECT perf_optimizer.cached_query(%s)', args), state, NULL, what)
  FROM (VALUES ($$ NULL, '1 minute' $$, '22004', 'no query'), ($$ 'SELECT 1', NULL $$, '22004', 'no ttl'), ($$ 'SELECT 1', '0' $$, '22023', 'a ttl of nothing'), ($$ 'SELECT 1', '-1 day' $$, '22023', 'a negative ttl'),
    ($$ 'SELECT $1::int', '1 minute' $$, '22023', 'no values'), ($$ 'SELECT $1::int', '1 minute', ARRAY['1', '2'] $$, '22023', 'too many values'), ($$ 'SELECT $1::int', '1 minute', ARRAY['x'] $$, '22P02', 'a value that is none'),
    ($$ 'SELECT 1', '1 minute', NULL, ARRAY[NULL]::text[] $$, '22004', 'a tag that is NULL'), ($$ 'SELECT 1', '1 minute', ARRAY[ARRAY['a']] $$, '2202E', 'a matrix'),
    ($$ '', '1 minute' $$, '42601', 'no statement'), ($$ 'SELECT 1; SELECT 2', '1 minute' $$, '42601', 'two statements'), ($$ 'SELEC', '1 minute' $$, '42601', 'bad syntax'), ($$ 'SELECT x', '1 minute' $$, '42703', 'no such column'),
    ($$ 'DELETE FROM po_rc.t', '1 minute' $$, '0A000', 'DELETE'), ($$ 'EXPLAIN SELECT 1', '1 minute' $$, '0A000', 'EXPLAIN'), ($$ 'CREATE TABLE po_rc.x AS SELECT 1', '1 minute' $$, '0A000', 'CREATE TABLE AS'),
    ($$ 'SELECT 1 INTO po_rc.x', '1 minute' $$, '0A000', 'INTO'), ($$ 'SELECT 1 INTO po_rc.x UNION SELECT 2', '1 minute' $$, '0A000', 'INTO in a union'), ($$ 'WITH d AS (DELETE FROM po_rc.t RETURNING 1) SELECT * FROM d', '1 minute' $$, '0A000', 'a WITH that deletes'),
    ($$ 'SELECT * FROM (SELECT * FROM po_rc.t FOR UPDATE) q', '1 minute' $$, '0A000', 'FOR UPDATE'), ($$ 'SELECT random()', '1 minute' $$, '0A000', 'a volatile function'),
    ($$ 'SELECT perf_optimizer.cached_query(''SELECT 1'', ''1 minute'')', '1 minute' $$, '0A000', 'itself'), ($$ 'SELECT 1 / (id - 1) FROM po_rc.t', '1 minute' $$, '22012', 'an error of the query')) v (args, state, what);
SELECT throws_ok($$ SELECT perf_optimizer.cache_invalidate('x\') $$, '22025', NULL, 'a bad pattern');
SELECT is((SELECT count(*) FROM po_rc.t), 3::bigint, 'nothing was deleted');
SELECT is(po_rc.hits('SELECT 1 AS after_errors'), 0::bigint, 'the cache works on');
SELECT is(po_rc.hits('SELECT 1 AS after_errors'), 1::bigint, 'after errors');

-- What is computed each time, and said.
CREATE FUNCTION po_rc.stable() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM po_rc.t); END';
CREATE SEQUENCE po_rc.s;
CREATE FOREIGN DATA WRAPPER po_fdw;
SELECT po_rc.fetch(query) IS NULL AS done FROM (VALUES ('SELECT relname FROM pg_class LIMIT 1'), ('SELECT po_rc.stable()'), ('SELECT last_value FROM po_rc.s'), ('SELECT current_setting(''port'')'), ('SELECT job_id FROM perf_optimizer.jobs')) v (query) \g /dev/null
SELECT is(po_rc.hits(query), 0::bigint, 'computed each time: ' || query)
  FROM (VALUES ('SELECT relname FROM pg_class LIMIT 1'), ('SELECT po_rc.stable()'), ('SELECT last_value FROM po_rc.s'), ('SELECT current_setting(''port'')'), ('SELECT job_id FROM perf_optimizer.jobs')) v (query);
SELECT cmp_ok((SELECT refused FROM perf_optimizer.result_cache_stats()), '>=', 10::bigint, 'is counted');

-- As metrics.
SELECT results_eq($$ SELECT name || labels, value FROM perf_optimizer.metrics() WHERE name LIKE 'perf_optimizer_result_cache_%' ORDER BY (name || labels) COLLATE "C" $$,
  $$ SELECT 'perf_optimizer_result_cache_' || n, v FROM perf_optimizer.result_cache_stats() c, LATERAL (VALUES ('calls_total{"outcome": "hit"}', c.hits::float8), ('calls_total{"outcome": "miss"}', c.misses), ('entries{}', c.entries), ('used_bytes{}', c.used_bytes),
       ('max_bytes{}', c.max_bytes), ('stale_hits_total{}', c.stale), ('waits_total{}', c.waits), ('evictions_total{}', c.evictions), ('invalidations_total{}', c.invalidations), ('refused_total{}', c.refused)) m(n, v) ORDER BY n COLLATE "C" $$, 'metrics say the same');

-- Invalidation by name.
SELECT perf_optimizer.cache_invalidate() IS NULL AS done \g /dev/null
SELECT entries AS others, used_bytes AS others_bytes FROM perf_optimizer.result_cache_stats() \gset
SELECT po_rc.fetch('SELECT 1 AS one', NULL, ARRAY['x', 'y']), po_rc.fetch('SELECT 2 AS two', NULL, ARRAY['y']), po_rc.fetch('SELECT 3 AS three') \g /dev/null
SELECT is(perf_optimizer.cache_invalidate(tag => 'x'), 1::bigint, 'by a tag');
SELECT is(perf_optimizer.cache_invalidate('%three'), 1::bigint, 'by a pattern');
SELECT is(perf_optimizer.cache_invalidate('%one', 'y'), 0::bigint, 'by both');
SELECT is(perf_optimizer.cache_invalidate('%', 'y'), 1::bigint, 'the last');
SELECT results_eq('SELECT entries, used_bytes FROM perf_optimizer.result_cache_stats()', format('VALUES (%s::bigint, %s::bigint)', :others, :others_bytes), 'no memory stays behind');

-- Rights.
CREATE ROLE po_rc_a;
CREATE ROLE po_rc_b;
CREATE ROLE po_rc_group;
GRANT USAGE ON SCHEMA po_rc TO po_rc_a, po_rc_b;
SELECT po_rc.fetch('SELECT count(*) FROM po_rc.t') \g /dev/null
SET ROLE po_rc_a;
SELECT throws_ok($$ SELECT po_rc.fetch('SELECT count(*) FROM po_rc.t') $$, '42501', NULL, 'another''s result is not served');
RESET ROLE;
GRANT SELECT ON po_rc.t TO po_rc_group;
GRANT po_rc_group TO po_rc_a;
SET ROLE po_rc_a;
SELECT is(po_rc.hits('SELECT count(*) FROM po_rc.t'), 0::bigint, 'with the right it is computed');
SELECT is(po_rc.hits('SELECT count(*) FROM po_rc.t'), 1::bigint, 'and served');
RESET ROLE;
SET ROLE po_rc_b;
SELECT is(perf_optimizer.cache_invalidate(), 0::bigint, 'others'' results stay');
RESET ROLE;
REVOKE po_rc_group FROM po_rc_a;
SET ROLE po_rc_a;
SELECT throws_ok($$ SELECT po_rc.fetch('SELECT count(*) FROM po_rc.t') $$, '42501', NULL, 'a membership that ends');
RESET ROLE;
GRANT SELECT ON po_rc.t TO po_rc_a;
SET ROLE po_rc_a;
SELECT po_rc.fetch('SELECT count(*) FROM po_rc.t') \g /dev/null
RESET ROLE;
REVOKE SELECT ON po_rc.t FROM po_rc_a;
SET ROLE po_rc_a;
SELECT throws_ok($$ SELECT po_rc.fetch('SELECT count(*) FROM po_rc.t') $$, '42501', NULL, 'a right that is revoked');
RESET ROLE;

-- Row security.
CREATE TABLE po_rc.own (owner name, n int);
INSERT INTO po_rc.own VALUES ('po_rc_a', 1), ('po_rc_b', 2), ('po_rc_b', 3);
GRANT SELECT ON po_rc.own TO po_rc_a, po_rc_b;
ALTER TABLE po_rc.own ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON po_rc.own USING (owner = current_user);
CREATE TABLE po_rc.tenant (id int);
INSERT INTO po_rc.tenant VALUES (1), (2), (2);
GRANT SELECT ON po_rc.tenant TO po_rc_a;
ALTER TABLE po_rc.tenant ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON po_rc.tenant USING (id = current_setting('po_rc.tenant')::int);
SELECT is(po_rc.fetch('SELECT n FROM po_rc.own ORDER BY n'), '[{"n": 1}, {"n": 2}, {"n": 3}]', 'the owner sees all');
SET ROLE po_rc_a;
SELECT is(po_rc.fetch('SELECT n FROM po_rc.own ORDER BY n'), '[{"n": 1}]', 'a role its own');
SELECT is(po_rc.hits('SELECT n FROM po_rc.own ORDER BY n'), 1::bigint, 'from the cache, too');
SET po_rc.tenant = 1;
SELECT is(po_rc.fetch('SELECT count(*) FROM po_rc.tenant'), '[{"count": 1}]', 'a policy by a setting');
SET po_rc.tenant = 2;
SET perf_optimizer.result_cache_stale = on;
SELECT is(po_rc.fetch('SELECT count(*) FROM po_rc.tenant'), '[{"count": 2}]', 'is never cached');
RESET perf_optimizer.result_cache_stale;
SET ROLE po_rc_b;
SELECT is(po_rc.fetch('SELECT n FROM po_rc.own ORDER BY n'), '[{"n": 2}, {"n": 3}]', 'another role its own');
RESET ROLE;
ALTER POLICY own ON po_rc.own USING (owner = current_user AND n > 2);
SET ROLE po_rc_b;
SELECT is(po_rc.fetch('SELECT n FROM po_rc.own ORDER BY n'), '[{"n": 3}]', 'a policy that changes');
RESET ROLE;

-- Changes of tables and of what statements mean: each is made in a transaction of its own after the result was served from the cache.
CREATE TABLE po_rc.parent (id int PRIMARY KEY);
CREATE TABLE po_rc.child (id int, parent int REFERENCES po_rc.parent ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE po_rc.part (id int, n int) PARTITION BY RANGE (id);
CREATE TABLE po_rc.part1 PARTITION OF po_rc.part FOR VALUES FROM (0) TO (10);
CREATE TABLE po_rc.part2 PARTITION OF po_rc.part FOR VALUES FROM (10) TO (20);
CREATE TABLE po_rc.loose (id int, n int);
CREATE TABLE po_rc.heir () INHERITS (po_rc.loose);
CREATE MATERIALIZED VIEW po_rc.mv AS SELECT count(*) FROM po_rc.t;
CREATE VIEW po_rc.v AS SELECT id FROM po_rc.t;
CREATE FUNCTION po_rc.fixed() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION po_rc.log() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO po_rc.loose VALUES (NEW.id); RETURN NULL; END';
CREATE TRIGGER log AFTER INSERT ON po_rc.t FOR EACH ROW EXECUTE FUNCTION po_rc.log();
CREATE TYPE po_rc.mood AS ENUM ('sad', 'ok');
CREATE TABLE po_rc.moods AS SELECT 'ok'::po_rc.mood AS m;
INSERT INTO po_rc.parent VALUES (1), (2), (3);
INSERT INTO po_rc.child VALUES (1, 1), (2, 2);
INSERT INTO po_rc.part VALUES (1, 1), (11, 1);
CREATE TABLE po_rc.verdict (step int, what text, served bigint, fits boolean);
CREATE PROCEDURE po_rc.check(step int, query text, change text) LANGUAGE plpgsql AS $$
DECLARE served bigint; fits boolean;
BEGIN
  PERFORM po_rc.fetch(query);
  COMMIT;
  served := po_rc.hits(query);
  COMMIT;
  EXECUTE change;
  fits := po_rc.fetch(query) IS NOT DISTINCT FROM po_rc.direct(query);
  COMMIT;
  fits := fits AND po_rc.fetch(query) IS NOT DISTINCT FROM po_rc.direct(query);
  INSERT INTO po_rc.verdict VALUES (step, change || ': ' || query, served, fits);
  COMMIT;
END $$;
SET search_path = po_rc2, po_rc, public;
SELECT format('CALL po_rc.check(%s, %L, %L)', row_number() OVER (), query, change)
  FROM (VALUES ('TABLE po_rc.t', 'INSERT INTO po_rc.t VALUES (4)'), ('TABLE po_rc.t', 'UPDATE po_rc.t SET name = $x$x$x$ WHERE id = 2'), ('TABLE po_rc.t', 'DELETE FROM po_rc.t WHERE id = 4'),
    ('TABLE po_rc.v', 'INSERT INTO po_rc.v VALUES (5)'), ('TABLE po_rc.t', 'WITH w AS (DELETE FROM po_rc.t WHERE id = 5 RETURNING 1) SELECT * FROM w'),
    ('TABLE po_rc.t', 'MERGE INTO po_rc.t USING (VALUES (6)) s (id) ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)'),
    ('TABLE po_rc.loose', 'INSERT INTO po_rc.t VALUES (7)'), ('TABLE po_rc.child', 'DELETE FROM po_rc.parent WHERE id = 1'), ('TABLE po_rc.child', 'UPDATE po_rc.parent SET id = 9 WHERE id = 2'),
    ('TABLE po_rc.part', 'INSERT INTO po_rc.part2 VALUES (12, 2)'), ('TABLE po_rc.part2', 'INSERT INTO po_rc.part VALUES (13, 2)'), ('TABLE po_rc.part1', 'UPDATE po_rc.part SET id = 2 WHERE id = 13'),
    ('TABLE po_rc.part', 'TRUNCATE po_rc.part1'), ('TABLE po_rc.part2', 'TRUNCATE po_rc.part'), ('TABLE po_rc.part', 'INSERT INTO po_rc.part VALUES (3, 3)'),
    ('TABLE po_rc.part', 'ALTER TABLE po_rc.part DETACH PARTITION po_rc.part1'), ('TABLE po_rc.part', 'ALTER TABLE po_rc.part ATTACH PARTITION po_rc.part1 FOR VALUES FROM (0) TO (10)'), ('TABLE po_rc.part', 'DROP TABLE po_rc.part1'),
    ('TABLE po_rc.loose', 'INSERT INTO po_rc.heir VALUES (1, 1)'), ('TABLE po_rc.heir', 'TRUNCATE po_rc.loose'), ('TABLE po_rc.child', 'TRUNCATE po_rc.parent CASCADE'),
    ('TABLE po_rc.mv', 'REFRESH MATERIALIZED VIEW po_rc.mv'), ('TABLE po_rc.mv', 'INSERT INTO po_rc.t VALUES (8); SELECT perf_optimizer.refresh($x$po_rc.mv$x$, $x$concurrent$x$)'),
    ('TABLE po_rc.mv', 'INSERT INTO po_rc.t VALUES (9); SELECT perf_optimizer.refresh($x$po_rc.mv$x$, $x$full$x$)'),
    ('TABLE po_rc.v', 'CREATE OR REPLACE VIEW po_rc.v AS SELECT id FROM po_rc.t WHERE id > 1'), ('SELECT po_rc.fixed()', 'CREATE OR REPLACE FUNCTION po_rc.fixed() RETURNS int IMMUTABLE LANGUAGE sql AS $x$ SELECT 2 $x$'),
    ('TABLE po_rc.t', 'ALTER TABLE po_rc.t ADD COLUMN extra int DEFAULT 5'), ('TABLE po_rc.t', 'ALTER TABLE po_rc.t RENAME COLUMN extra TO more'), ('TABLE po_rc.t', 'ALTER TABLE po_rc.t ALTER COLUMN more TYPE text'),
    ('TABLE po_rc.moods', 'ALTER TYPE po_rc.mood RENAME VALUE $x$ok$x$ TO $x$fine$x$'), ('TABLE parent', 'CREATE TABLE po_rc2.parent AS SELECT 77 AS other'), ('TABLE parent', 'DROP TABLE po_rc2.parent'),
    ('TABLE po_rc.moods', 'DROP TABLE po_rc.moods; CREATE TABLE po_rc.moods AS SELECT 1 AS m'), ('TABLE po_rc.moods', 'DO $x$ BEGIN UPDATE po_rc.moods SET m = 2; END $x$'),
    ('TABLE po_rc.moods', 'UPDATE pg_attribute SET attname = $x$n$x$ WHERE attrelid = $x$po_rc.moods$x$::regclass AND attname = $x$m$x$'),
    ('SELECT a.id FROM po_rc.t a JOIN po_rc.child b ON true', 'INSERT INTO po_rc.child VALUES (5)')) v (query, change) \gexec
RESET search_path;
SELECT is(served, 1::bigint, 'served before ' || what) FROM po_rc.verdict ORDER BY step;
SELECT ok(fits, 'right after ' || what) FROM po_rc.verdict ORDER BY step;
CALL po_rc.check(100, 'TABLE po_rc.child', 'INSERT INTO po_rc.t VALUES (50)');
SELECT is(po_rc.hits('TABLE po_rc.child'), 1::bigint, 'changes of other tables do not matter');
CALL po_rc.check(101, 'TABLE po_rc.child', 'CREATE TEMP TABLE po_rc_temp (a int)');
SELECT is(po_rc.hits('TABLE po_rc.child'), 1::bigint, 'nor do temporary tables');
DROP TABLE po_rc_temp;
ANALYZE po_rc.child;
CREATE INDEX ON po_rc.child (id);
SELECT is(po_rc.hits('TABLE po_rc.child'), 1::bigint, 'nor ANALYZE or an index');

-- A transaction sees its own changes, and tells nobody.
CREATE TABLE po_rc.mine (n int);
INSERT INTO po_rc.mine VALUES (1);
SELECT po_rc.fetch('TABLE po_rc.mine'), po_rc.fetch('TABLE po_rc.child') \g /dev/null
BEGIN;
UPDATE po_rc.mine SET n = 2;
SELECT is(po_rc.fetch('TABLE po_rc.mine'), '[{"n": 2}]', 'its own changes');
SELECT is(po_rc.hits('TABLE po_rc.child'), 1::bigint, 'it may read results of other tables');
SELECT is(po_rc.hits('SELECT 5 AS five'), 0::bigint, 'what it computes');
SELECT is(po_rc.hits('SELECT 5 AS five'), 0::bigint, 'is not published');
ROLLBACK;
SELECT is(po_rc.fetch('TABLE po_rc.mine'), '[{"n": 1}]', 'after ROLLBACK');
SELECT is(po_rc.hits('TABLE po_rc.mine'), 1::bigint, 'the old result is good');
BEGIN;
SAVEPOINT a;
UPDATE po_rc.mine SET n = 3;
ROLLBACK TO a;
SELECT is(po_rc.fetch('TABLE po_rc.mine'), '[{"n": 1}]', 'after a savepoint');
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT is(po_rc.hits('TABLE po_rc.mine'), 0::bigint, 'a serializable transaction reads for itself');
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM perf_optimizer.cached_query('TABLE po_rc.mine', '1 hour');
FETCH 1 FROM c \g /dev/null
ROLLBACK;

-- Stale results on request.
CREATE TABLE po_rc.old (n int);
INSERT INTO po_rc.old VALUES (1);
SET perf_optimizer.result_cache_stale = on;
SELECT po_rc.fetch('TABLE po_rc.old') \g /dev/null
INSERT INTO po_rc.old VALUES (2);
SELECT is(po_rc.fetch('TABLE po_rc.old'), '[{"n": 1}]', 'a stale result on request');
SELECT cmp_ok((SELECT stale FROM perf_optimizer.result_cache_stats()), '>=', 1::bigint, 'is counted as such');
RESET perf_optimizer.result_cache_stale;
SELECT is(po_rc.fetch('TABLE po_rc.old'), '[{"n": 1}, {"n": 2}]', 'not without');

SET client_min_messages = error;
DROP SCHEMA po_rc CASCADE;
DROP SCHEMA po_rc2 CASCADE;
DROP FOREIGN DATA WRAPPER po_fdw;
DROP ROLE po_rc_a, po_rc_b, po_rc_group;
SELECT * FROM finish();
