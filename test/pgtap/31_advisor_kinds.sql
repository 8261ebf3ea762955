-- suggest_indexes: included columns, predicates, other access methods, what exists; every definition runs and is used.
\set QUIET 1
SET client_min_messages = warning;
SELECT plan(49);
SET default_statistics_target = 1000;
SET max_parallel_workers_per_gather = 0;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION btree_gist;
CREATE EXTENSION hstore;
CREATE EXTENSION ltree;
CREATE EXTENSION citext;
CREATE SCHEMA "Odd ""Schema""";
SET search_path = "Odd ""Schema""", public;
CREATE TYPE "Mood" AS ENUM ('calm', 'so-so', 'it''s');
CREATE DOMAIN "Money" AS numeric(12, 2) CHECK (VALUE >= 0);
CREATE TABLE "Do""c" (id int PRIMARY KEY, "Body" text, data jsonb, tags text[], "a room" int, during tsrange, ip inet, place point, pairs hstore,
    path ltree, long text, made timestamptz, mood "Mood", price "Money", "user" int, mail citext, flag boolean, gone timestamptz, pad text);
INSERT INTO "Do""c" SELECT i, 'word' || i % 97 || ' term' || i % 7919, jsonb_build_object('user', i % 5000, 'deep', jsonb_build_object('x', i % 100)),
    ARRAY['t' || i % 300, 'v' || i % 11], abs(hashint4(i)) % 500, tsrange('2025-01-01'::timestamp + i * interval '1 hour', '2025-01-01'::timestamp + (i + 3) * interval '1 hour'),
    ('10.' || i % 200 || '.' || i % 250 || '.7')::inet, point(i % 1000, i / 100), hstore('k' || i % 100, (i % 1000)::text), ('top.a' || i % 50 || '.b' || i % 700)::ltree,
    repeat(md5((i % 9000)::text), 4), '2020-01-01'::timestamptz + i * interval '1 min',
    (ARRAY['calm', 'so-so', 'so-so', 'so-so', 'so-so', 'it''s'])[1 + i % 6]::"Mood", i % 1000, abs(hashint4(i + 5)) % 2000, 'm' || i % 7000, i % 40 = 0,
    CASE WHEN i % 30 = 0 THEN now() END, repeat('x', 250)
FROM generate_series(1, 30000) i;
CREATE TABLE part_event (id int, at date, kind text, tags text[], during daterange) PARTITION BY RANGE (at);
CREATE TABLE part_event_1 PARTITION OF part_event FOR VALUES FROM ('2024-01-01') TO ('2024-04-01');
CREATE TABLE part_event_2 (during daterange, tags text[], kind text, at date, id int);
ALTER TABLE part_event ATTACH PARTITION part_event_2 FOR VALUES FROM ('2024-04-01') TO ('2024-09-01');
INSERT INTO part_event SELECT g, date '2024-01-01' + g % 240, (ARRAY['open', 'done', 'done', 'done'])[1 + g % 4], ARRAY['t' || g % 500], daterange('2024-01-01'::date + g % 2000, '2024-01-03'::date + g % 2000)
FROM generate_series(1, 30000) g;
VACUUM ANALYZE "Do""c";
VACUUM ANALYZE part_event;

-- The definitions suggested for some queries, without the part that is always the same.
CREATE FUNCTION suggested(VARIADIC q text[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(regexp_replace(definition, '^CREATE INDEX (CONCURRENTLY )?ON "Odd ""Schema"""\.("Do""c" )?| ?USING btree ', '', 'g'), '; ' ORDER BY rank)
    FROM perf_optimizer.suggest_indexes(queries => q) $$;

CREATE TABLE cases (q text, wanted text, what text);
INSERT INTO cases VALUES
    ('select "user", sum(price) from "Do""c" where "user" between 5 and 60 group by 1', '("user") INCLUDE (price)', 'all that is read is included'),
    ('select * from "Do""c" where "user" between 5 and 6', '("user")', 'but not the whole table'),
    ('select id from "Do""c" where mood = ''it''''s'' order by made desc limit 10', '(made DESC) INCLUDE (id) WHERE (mood = ''it''''s''::"Odd ""Schema"""."Mood")', 'a state limits an index'),
    ('select * from "Do""c" where mood = $1 and "user" = $2', '(mood, "user")', 'an unknown state does not'),
    ('select * from "Do""c" where gone is not null and "user" = 7', '("user") WHERE (gone IS NOT NULL)', 'what is not null'),
    ('select id from "Do""c" where flag order by made limit 20', '(made) INCLUDE (id) WHERE flag', 'a boolean'),
    ('select * from "Do""c" where "user" = 7 and made = ''2020-01-05''', '(made)', 'a constant that is no state limits none'),
    ('select * from "Do""c" where "Body" like ''%term77 %''', 'USING gin ("Body" public.gin_trgm_ops)', 'a pattern in the middle of a text'),
    ('select * from "Do""c" where "Body" ilike ''%TERM778%''', 'USING gin ("Body" public.gin_trgm_ops)', 'in any case'),
    ('select * from "Do""c" where "Body" ~ ''term77[0-9] ''', 'USING gin ("Body" public.gin_trgm_ops)', 'a regular expression'),
    ('select * from "Do""c" where data @> ''{"user": 77}''', 'USING gin (data jsonb_path_ops)', 'containment in documents'),
    ('select * from "Do""c" where data ? ''user77''', 'USING gin (data)', 'a key of documents'),
    ('select * from "Do""c" where data->''deep'' @> ''{"x": 5}'' and "user" < 0', '("user")', 'the cheaper of two'),
    ('select * from "Do""c" where data->>''user'' = ''5''', '((data ->> ''user''::text))', 'a field of documents'),
    ('select * from "Do""c" where tags @> ''{t7,v7}''', 'USING gin (tags)', 'containment in arrays'),
    ('select * from "Do""c" where tags && ARRAY[$1]', 'USING gin (tags)', 'overlap of arrays'),
    ('select * from "Do""c" where to_tsvector(''english'', "Body") @@ to_tsquery(''english'', ''term77 & word7'')', 'USING gin (to_tsvector(''english''::regconfig, "Body"))', 'full text'),
    ('select * from "Do""c" where during && ''[2025-02-01,2025-02-02)''', 'USING gist (during)', 'overlap of ranges'),
    ('select * from "Do""c" where "a room" = 7 and during && ''[2025-02-01,2025-06-02)''', 'USING gist ("a room", during)', 'a room at a time'),
    ('select * from "Do""c" where ip <<= ''10.7.0.0/16''', CASE WHEN current_setting('server_version_num')::int >= 190000 THEN 'USING gist (ip)' ELSE 'USING gist (ip inet_ops)' END, 'a network'),
    ('select * from "Do""c" where pairs @> ''k7=>7''', 'USING gin (pairs)', 'an extension''s type'),
    ('select * from "Do""c" where path <@ ''top.a7.b7''', 'USING gist (path)', 'and another one''s'),
    ('select * from "Do""c" where mail = ''M5''', '(mail)', 'a type with its own order'),
    ('select * from "Do""c" where price = 5', '(price)', 'a domain'),
    ('select * from "Do""c" where long = $1', 'USING hash (long)', 'wide values'),
    ('select * from part_event where kind = ''open'' and id = 7', 'part_event(id) WHERE (kind = ''open''::text)', 'a state in partitions'),
    ('select * from part_event where tags @> ''{t7}''', 'part_event USING gin (tags)', 'arrays in partitions');
SELECT is(suggested(q), wanted, what) FROM cases;
SELECT matches(suggested('select a.id from part_event a join part_event b on a.during && b.during where b.id = 7'),
  '^part_event USING gist \(during\); part_event\(id\)( INCLUDE \(during\))?$', 'a join by overlap');
SELECT matches(suggested('select id from "Do""c" order by place <-> ''(5,5)'' limit 5'), '^USING (gist|spgist) \(place\)', 'the nearest');

-- Every definition runs as it stands, and the plan with the built index costs what was promised.
CREATE TABLE promised AS SELECT q, d.definition, d.workload_cost_before AS before, d.workload_cost_after AS after
FROM cases, perf_optimizer.suggest_indexes(queries => ARRAY[q]) d WHERE wanted !~ ';';
SELECT count(*) AS before FROM pg_index \gset
\o /dev/null
SELECT DISTINCT definition FROM promised
\gexec
\o
SELECT cmp_ok((SELECT count(*) FROM pg_index), '>=', :before + (SELECT count(DISTINCT definition) FROM promised), 'every definition created its index');
SELECT is_empty('SELECT 1 FROM pg_index WHERE NOT indisvalid', 'and a valid one');
CREATE FUNCTION cost(q text) RETURNS float8 LANGUAGE sql AS $$ SELECT cost_before FROM perf_optimizer.what_if(q) $$;
SELECT is_empty('SELECT q, definition, before, after, cost(q) FROM promised WHERE cost(q) > before / 2', 'with all of them each query is far cheaper');
SELECT is_empty('SELECT q, suggested(q) FROM cases WHERE suggested(q) IS NOT NULL AND wanted !~ '';''', 'what exists now is not suggested again');

-- Extending an existing index: create this, then drop that.
CREATE TABLE account (id int PRIMARY KEY, owner int, opened date, kind text, balance int, pad text);
INSERT INTO account SELECT g, abs(hashint4(g)) % 900, date '2020-01-01' + g % 1500, 'k' || g % 9, g % 100, repeat('x', 300) FROM generate_series(1, 30000) g;
CREATE INDEX account_owner ON account (owner);
VACUUM ANALYZE account;
CREATE TABLE extended AS SELECT * FROM perf_optimizer.suggest_indexes(queries => ARRAY['select * from account where owner = 5 and opened > ''2023-01-01''']);
SELECT is(definition, 'CREATE INDEX CONCURRENTLY ON "Odd ""Schema""".account USING btree (owner, opened)', 'an existing index is extended') FROM extended;
SELECT matches(reason, 'drop what it replaces: DROP INDEX CONCURRENTLY "Odd ""Schema""".account_owner;$', 'and then dropped') FROM extended;
ALTER TABLE account ADD CONSTRAINT account_unique UNIQUE (owner, id);
DROP INDEX account_owner;
SELECT is(count(*) FILTER (WHERE reason ~ 'DROP'), 0::bigint, 'what a constraint needs stays')
FROM perf_optimizer.suggest_indexes(queries => ARRAY['select * from account where owner = 5 and opened > ''2023-01-01'' and id > 5']);
ALTER TABLE account DROP CONSTRAINT account_unique;

-- Writes: what an update sets.
CREATE FUNCTION write_pct(q text, w text, often float8, pattern text) RETURNS float8 LANGUAGE sql AS $$
    SELECT max(write_cost_pct) FROM perf_optimizer.suggest_indexes(queries => ARRAY[q, w], weights => ARRAY[100, often], min_improvement_pct => 0.01) WHERE definition ~ pattern $$;
SELECT cmp_ok(write_pct('select * from account where owner = 5', 'update account set owner = $1 where id = $2', 1000, 'owner'), '>',
    2 * write_pct('select * from account where owner = 5', 'update account set pad = $1 where id = $2', 1000, 'owner'), 'updates that are no longer heap-only cost more');
SELECT is(write_pct('select * from account where owner = 5', 'update account set owner = $1 where id = $2', 1e7, 'owner'), NULL, 'and forbid an index that does not pay');
CREATE INDEX account_both ON account (balance, owner);
SELECT cmp_ok(write_pct('select * from account where owner = 5', 'update account set owner = $1 where id = $2', 1000, '\(owner\)'), '<=',
    1.001 * write_pct('select * from account where owner = 5', 'update account set pad = $1 where id = $2', 1000, '\(owner\)'), 'unless an index on the column ended it before');
DROP INDEX account_both;
SELECT is(suggested('select sum(balance) from account where owner = 5'), 'account(owner) INCLUDE (balance)', 'a column is included');
SELECT is(string_agg(regexp_replace(definition, '.* USING ', ''), '; '), 'btree (owner)', 'but not one that updates set far more often than it is read')
FROM perf_optimizer.suggest_indexes(queries => ARRAY['select sum(balance) from account where owner = 5', 'update account set balance = $1 where id = $2'], weights => ARRAY[1, 1000], min_improvement_pct => 0.1);

-- Block ranges within a budget that leaves room for nothing else.
CREATE TABLE series (at timestamptz, v int, pad text);
INSERT INTO series SELECT '2024-01-01'::timestamptz + g * interval '1 s', g % 1000, repeat('x', 200) FROM generate_series(1, 60000) g;
VACUUM ANALYZE series;
SELECT is(regexp_replace(definition, '.* USING ', ''), 'brin (at)', 'block ranges where rows lie in order')
FROM perf_optimizer.suggest_indexes(queries => ARRAY['select sum(v) from series where at between ''2024-01-01 05:00'' and ''2024-01-01 06:00'''], storage_budget_bytes => 200000);
SELECT is_empty($$SELECT 1 FROM perf_optimizer.suggest_indexes(queries => ARRAY['select sum(v) from series where v = 5 and pad > $1'], storage_budget_bytes => 200000) WHERE access_method = 'brin'$$,
    'and not where they do not');

-- What the planner learns of an expression can make other statements dearer: that is said, and what to do afterwards.
CREATE TABLE visit AS SELECT g AS id, g % 40 AS place, date '2000-01-01' + g % 2000 AS day, repeat('x', 100) AS pad FROM generate_series(1, 20000) g;
CREATE TABLE guest AS SELECT g AS id, 1 + g % 20000 AS visit, repeat('x', 100) AS pad FROM generate_series(1, 60000) g;
CREATE INDEX ON guest (visit);
VACUUM ANALYZE visit;
VACUUM ANALYZE guest;
CREATE TABLE dearer AS SELECT reason FROM perf_optimizer.suggest_indexes(queries => ARRAY['select * from visit where extract(year from day) = 2003 and place = 5',
    'select v.pad, g.pad from visit v join guest g on g.visit = v.id where extract(year from v.day) = 2003'], weights => '{1000,1}');
SELECT matches(reason, 'it expects 1 of them to cost over 10 % more, most of all "select v.pad', 'a statement that gets dearer is named') FROM dearer;
SELECT matches(reason, 'only after ANALYZE "Odd ""Schema""".visit.$', 'an expression needs ANALYZE') FROM dearer;

-- The caller's time limit and the result's sameness.
SELECT is((SELECT array_agg(definition ORDER BY rank) FROM perf_optimizer.suggest_indexes(queries => (SELECT array_agg(q ORDER BY q) FROM cases), min_improvement_pct => 0)),
    (SELECT array_agg(definition ORDER BY rank) FROM perf_optimizer.suggest_indexes(queries => (SELECT array_agg(q ORDER BY q) FROM cases), min_improvement_pct => 0)), 'the same each time');
SELECT lives_ok(format('SELECT count(*) FROM perf_optimizer.suggest_indexes(queries => (SELECT array_agg(q) FROM cases), time_limit_ms => %s)', t), t || ' ms') FROM (VALUES (1), (10), (50)) v(t);
SELECT * FROM finish();
