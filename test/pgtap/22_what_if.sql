-- what_if: equal to really creating the index, over access paths, types, partitions; errors, privileges, nothing left behind.
\set QUIET 1
SET client_min_messages = warning;
SELECT plan(154);

-- All rows are sampled, so that statistics and with them costs are the same each time.
SET default_statistics_target = 1000;
CREATE SCHEMA po_test_w;
SET search_path = po_test_w, public;
SET max_parallel_workers_per_gather = 0;

CREATE TABLE ev (id bigint PRIMARY KEY, a int, b int, c text, d date, e numeric, f boolean, g text,
    h timestamptz, i uuid, j varchar(30), k char(10), n int, r int);
INSERT INTO ev
SELECT g, hashint4(g) % 1000, abs(hashint4(g + 1)) % 37, 'cat ' || abs(hashint4(g + 2)) % 5000,
    date '2020-01-01' + abs(hashint4(g + 3)) % 1500, (abs(hashint4(g + 4)) % 1000000) / 100.0,
    hashint4(g + 5) % 10 = 0, md5((g % 7777)::text), timestamptz '2020-01-01 00:00+00' + g * interval '1 minute',
    md5(g::text)::uuid, 'v' || abs(hashint4(g + 6)) % 20000, 'k' || abs(hashint4(g + 7)) % 300,
    CASE WHEN g % 3 = 0 THEN NULL ELSE g % 50 END, (g / 100)::int
FROM generate_series(1, 100000) g;
CREATE TABLE "Mixed Case" ("Id" text PRIMARY KEY, "userId" text, "dueDate" timestamp);
INSERT INTO "Mixed Case" SELECT md5(g::text), 'user' || g % 500, timestamp '2024-01-01' + g * interval '1 minute'
FROM generate_series(1, 20000) g;
CREATE TABLE par (id int, t date, v int, s text) PARTITION BY RANGE (t);
CREATE TABLE par1 PARTITION OF par FOR VALUES FROM ('2024-01-01') TO ('2024-04-01');
-- Its columns stand in another sequence than the parent's.
CREATE TABLE par2 (s text, v int, t date, id int);
ALTER TABLE par ATTACH PARTITION par2 FOR VALUES FROM ('2024-04-01') TO ('2024-09-01');
INSERT INTO par SELECT g, date '2024-01-01' + g % 240, hashint4(g) % 5000, 's' || g % 100
FROM generate_series(1, 60000) g;
CREATE TABLE shapes (id int, p point, r int4range, tags text[], d jsonb, doc tsvector, pad text);
INSERT INTO shapes SELECT g, point(g % 1000, g % 777), int4range(g, g + g % 50), ARRAY['t' || g % 50, 'u' || g % 300],
    jsonb_build_object('k', g % 100, 'z', md5(g::text)), to_tsvector('simple', md5((g % 900)::text) || ' w' || g % 40), repeat('y', 100)
FROM generate_series(1, 30000) g;
VACUUM ANALYZE ev;
VACUUM ANALYZE shapes;
VACUUM ANALYZE "Mixed Case";
VACUUM ANALYZE par;

-- Plans with the hypothetical index, creates it, plans again, drops it; compares costs, sizes and use.
CREATE FUNCTION compare(q text, ddl text, OUT costs numeric, OUT sizes numeric, OUT same_use boolean)
LANGUAGE plpgsql AS $$
DECLARE
    hypothetical record;
    built record;
    bytes bigint;
    index_name text;
BEGIN
    SELECT * INTO hypothetical FROM perf_optimizer.what_if(q, ARRAY[ddl]);
    EXECUTE ddl;
    SELECT * INTO built FROM perf_optimizer.what_if(q);
    SELECT sum(pg_relation_size(c.oid)) INTO bytes FROM pg_class c
    WHERE c.relnamespace = 'po_test_w'::regnamespace AND c.relkind = 'i' AND c.relname !~ 'pkey$';
    costs := hypothetical.cost_after / built.cost_before;
    sizes := hypothetical.estimated_size_bytes::numeric / bytes;
    same_use := (SELECT array_agg(n->>'node_type') FROM jsonb_array_elements(hypothetical.plan_after) n)
              = (SELECT array_agg(n->>'node_type') FROM jsonb_array_elements(built.plan_before) n)
        AND (cardinality(hypothetical.used_indexes) > 0) = (cardinality(built.used_indexes) > 0);
    FOR index_name IN SELECT c.oid::regclass::text FROM pg_class c
        WHERE c.relnamespace = 'po_test_w'::regnamespace AND c.relkind IN ('i', 'I')
            AND c.relname !~ 'pkey$' AND NOT c.relispartition
    LOOP
        EXECUTE 'DROP INDEX ' || index_name;
    END LOOP;
END $$;

CREATE TABLE pairs (n serial, kind text, q text, ddl text);
INSERT INTO pairs (kind, q, ddl) VALUES
('btree', 'select * from ev where a=5', 'create index on ev(a)'),
('btree', 'select * from ev where a=5 and b=3', 'create index on ev(a,b)'),
('btree', 'select * from ev where a=5 and b>30', 'create index on ev(a,b)'),
('btree', 'select * from ev where b=5 and a between 3 and 8', 'create index on ev(b,a)'),
('btree', 'select * from ev where c=''cat 17''', 'create index on ev(c)'),
('btree', 'select * from ev where d between ''2021-01-01'' and ''2021-01-05''', 'create index on ev(d)'),
('btree', 'select * from ev order by d desc limit 20', 'create index on ev(d)'),
('btree', 'select * from ev order by d desc nulls last, a limit 20', 'create index on ev(d desc nulls last, a)'),
('btree', 'select * from ev where e < 5', 'create index on ev(e)'),
('btree', 'select * from ev where e < 5 and a > 900', 'create index on ev(a,e)'),
('btree', 'select * from ev where f and a=7', 'create index on ev(f,a)'),
('btree', 'select * from ev where g=md5(''77'')', 'create index on ev(g)'),
('btree', 'select * from ev where h > ''2020-03-08 00:00+00''', 'create index on ev(h)'),
('btree', 'select count(*) from ev where h > ''2020-02-01 00:00+00'' and a = 3', 'create index on ev(a,h)'),
('btree', 'select * from ev where i=md5(''5'')::uuid', 'create index on ev(i)'),
('btree', 'select * from ev where j=''v77''', 'create index on ev(j)'),
('btree', 'select * from ev where j=''v77'' and k=''k7''', 'create index on ev(k,j)'),
('btree', 'select * from ev where k=''k77''', 'create index on ev(k)'),
('btree', 'select * from ev where n is null and a=5', 'create index on ev(n,a)'),
('btree', 'select * from ev where n=7', 'create index on ev(n)'),
('btree', 'select * from ev where r=77', 'create index on ev(r)'),
('btree', 'select max(r) from ev', 'create index on ev(r)'),
('btree', 'select a, b from ev where a=5', 'create index on ev(a) include (b)'),
('btree', 'select c, count(*) from ev where b=7 group by c', 'create index on ev(b,c)'),
('btree', 'select * from ev where a=5 and b=3 and d>''2022-01-01''', 'create index on ev(a,b,d)'),
('btree', 'select * from ev where f and d=''2022-01-01''', 'create index on ev(d) where f'),
('btree', 'select * from ev where n is not null and c=''cat 5''', 'create index on ev(c) where n is not null'),
('btree', 'select * from ev where r < id and c=''cat 5''', 'create index on ev(c) where r < id'),
('btree', 'select * from par where v < id and s=''s7''', 'create index on par(s) where v < id'),
('btree', 'select * from ev where lower(g)=''abc''', 'create index on ev(lower(g))'),
('btree', 'select * from ev where a in (3,4,5) order by h limit 5', 'create index on ev(a,h)'),
('btree', 'select x.* from ev x join ev y on x.r=y.id where y.a=77', 'create index on ev(r)'),
('btree', 'select * from ev where c like ''cat 12%''', 'create index on ev(c text_pattern_ops)'),
('btree', 'select * from ev where b = 5 order by h desc limit 3', 'create index on ev(b,h desc)'),
('btree', 'update ev set a=1 where j=''v7'' and d=''2022-01-01''', 'create index on ev(j,d)'),
('btree', 'delete from ev where c=''cat 5'' and d<''2020-02-01''', 'create index on ev(c,d)'),
('btree', 'select * from par where v=7', 'create index on par(v)'),
('btree', 'select * from par where v=7 and t=''2024-02-01''', 'create index on par(v,t)'),
('btree', 'select * from par2 where v=7 and s=''s7''', 'create index on par(s,v)'),
('btree', 'select * from par where v=7', 'create index on par2(v)'),
('btree', 'select * from ev where a=5', 'create index on ev(a) with (fillfactor=60)'),
('btree', 'select * from ev where a=5', 'create index on ev(a) with (deduplicate_items=off)'),
('btree', 'select * from "Mixed Case" where "userId"=''user7'' order by "dueDate" desc limit 5',
          'create index on "Mixed Case" ("userId", "dueDate")'),
('btree', 'with x as materialized (select * from ev where a=5) select * from x where b in (select b from ev where c=''cat 1'')',
          'create index on ev(a)'),
('other', 'select * from ev where i=md5(''5'')::uuid', 'create index on ev using hash(i)'),
('other', 'select * from ev where h > ''2020-03-08 00:00+00''', 'create index on ev using brin(h)'),
-- Their sizes depend on what the operator classes extract; the costs must be right nonetheless.
('shape', 'select * from shapes where d @> ''{"k": 5}''', 'create index on shapes using gin(d jsonb_path_ops)'),
('shape', 'select * from shapes where d->''k'' ? ''5''', 'create index on shapes using gin((d->''k''))'),
('shape', 'select * from shapes where tags @> array[''t5'', ''u5'']', 'create index on shapes using gin(tags)'),
('shape', 'select * from shapes where doc @@ ''w5''', 'create index on shapes using gin(doc) where id > 0'),
('shape', 'select * from shapes where p <@ box ''(1,1),(9,9)''', 'create index on shapes using gist(p)'),
('shape', 'select * from shapes where r && int4range(5, 9)', 'create index on shapes using gist(r) include (id)'),
('shape', 'select * from shapes where r && int4range(5, 9)', 'create index on shapes using spgist(r)'),
('shape', 'select id from shapes order by p <-> point ''(1,1)'' limit 500', 'create index on shapes using spgist(p)');

CREATE TABLE outcome AS SELECT p.n, p.kind, p.q, p.ddl, c.* FROM pairs p, compare(p.q, p.ddl) c;
SELECT cmp_ok(abs(costs - 1), '<=', 0.05, 'cost as when built: ' || ddl || ' for ' || left(q, 60)) FROM outcome ORDER BY n;
SELECT ok(sizes BETWEEN 1 / 1.5 AND 1.5, 'size as when built: ' || ddl || ' (' || round(sizes, 2) || ')') FROM outcome WHERE kind <> 'shape' ORDER BY n;
SELECT is_empty('SELECT ddl, q FROM outcome WHERE NOT same_use', 'the plans have the same nodes as with the built index');

-- Names, hiding, parameters, and that nothing was created.
SELECT is((SELECT used_indexes FROM perf_optimizer.what_if('select * from ev where a = $1', ARRAY['create index on ev(a)'])),
    ARRAY['ev_a_idx'], 'a hypothetical index has the name that the server would give it');
SELECT is((SELECT used_indexes FROM perf_optimizer.what_if('select * from ev where a = $1', ARRAY['create index "My Index" on ev(a)'])),
    ARRAY['My Index'], 'or its own');
SELECT is((SELECT used_indexes FROM perf_optimizer.what_if('select * from ev where id = $1', params => ARRAY['7'])),
    ARRAY['ev_pkey'], 'the primary key is used');
SELECT is((SELECT used_indexes FROM perf_optimizer.what_if('select * from ev where id = 7', hide => ARRAY['ev_pkey'::regclass])),
    '{}'::text[], 'but not when it is hidden');
SELECT ok((SELECT improvement_pct < 0 FROM perf_optimizer.what_if('select * from ev where id = 7', hide => ARRAY['ev_pkey'::regclass])),
    'hiding it is no improvement');
CREATE INDEX par_v ON par (v);
SELECT is((SELECT used_indexes FROM perf_optimizer.what_if('select * from par where v = 7', hide => ARRAY['par_v'::regclass])),
    '{}'::text[], 'an index of a partitioned table is hidden with those of its partitions');
DROP INDEX par_v;
SELECT is((SELECT count(*) FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid
    WHERE c.relnamespace = 'po_test_w'::regnamespace), 2::bigint, 'nothing was created');

-- A statement planned while ours is being planned (a folded function's) sees no hypothetical index: it could not run.
CREATE FUNCTION folded() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM count(*) FROM ev WHERE a = 5;
    RETURN 5;
END $$;
SELECT is((SELECT used_indexes FROM perf_optimizer.what_if('select * from ev where a = folded()', ARRAY['create index on ev(a)'])),
    ARRAY['ev_a_idx'], 'the statement sees the index, the one inside the function that it folds does not');
SELECT is(folded(), 5, 'and the plan that the function has cached runs afterwards');

-- How many rows a predicate keeps is not found out by running somebody's function.
CREATE FUNCTION below(int, int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE division_by_zero; END $$;
CREATE OPERATOR #<# (FUNCTION = below, LEFTARG = int, RIGHTARG = int);
SELECT lives_ok($$SELECT perf_optimizer.what_if('select * from ev where a #<# b', ARRAY['create index on ev(a) where a #<# b'])$$,
    'a predicate of an operator of one''s own is not evaluated');

-- A failed and a cancelled call leave nothing behind.
CREATE FUNCTION slow() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(60); RETURN 5; END $$;
CREATE FUNCTION failing() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE division_by_zero; END $$;
CREATE FUNCTION first_line(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    EXECUTE 'EXPLAIN (COSTS off) ' || q INTO line;
    RETURN line;
END $$;
SET statement_timeout = '100ms';
DO $$
BEGIN
    PERFORM perf_optimizer.what_if('select * from ev where a = slow()', ARRAY['create index on ev(a)']);
    PERFORM set_config('po_test.cancelled', 'no', false);
EXCEPTION WHEN query_canceled THEN
    PERFORM set_config('po_test.cancelled', 'yes', false);
END $$;
RESET statement_timeout;
SELECT is(current_setting('po_test.cancelled'), 'yes', 'planning can be cancelled');
SELECT is(first_line('select * from ev where a = 5'), 'Seq Scan on ev', 'no hypothetical index is left');
SELECT throws_ok($$SELECT perf_optimizer.what_if('select * from ev where a = failing()', ARRAY['create index on ev(a)'])$$,
    '22012', NULL, 'planning can fail');
SELECT is(first_line('select * from ev where a = 5'), 'Seq Scan on ev', 'no hypothetical index is left');
PREPARE p AS SELECT count(*) FROM ev WHERE a = 5;
SELECT lives_ok('EXECUTE p', 'a plan made afterwards runs');

-- Errors.
SELECT throws_ok(format('SELECT perf_optimizer.what_if(%L, ARRAY[%L])', q, d), state, NULL, what) FROM (VALUES
    ('selec 1', 'create index on ev(a)', '42601', 'a syntax error in the query'),
    ('select 1; select 2', 'create index on ev(a)', '42601', 'two statements'),
    ('vacuum ev', 'create index on ev(a)', '0A000', 'a statement without a plan'),
    ('select * from nowhere', 'create index on ev(a)', '42P01', 'an unknown table in the query'),
    ('select 1', 'create indx on ev(a)', '42601', 'a syntax error in the index'),
    ('select 1', '', '42601', 'an empty definition'),
    ('select 1', 'create index on ev(a); create index on ev(b)', '42601', 'two definitions in one text'),
    ('select 1', 'drop table ev', '22023', 'another statement than CREATE INDEX'),
    ('select 1', 'create index on nowhere(a)', '42P01', 'an unknown table'),
    ('select 1', 'create index on ev(zzz)', '42703', 'an unknown column'),
    ('select 1', 'create index on ev(a nonsense_ops)', '42704', 'an unknown operator class'),
    ('select 1', 'create index on ev(a text_ops)', '42804', 'an operator class of another type'),
    ('select 1', 'create index on ev using nonsense(a)', '42704', 'an unknown access method'),
    ('select 1', 'create index on ev using hash(a, b)', '0A000', 'more columns than the access method has'),
    ('select 1', 'create unique index on ev using hash(a)', '0A000', 'uniqueness that it has not'),
    ('select 1', 'create index on ev using hash(a desc)', '0A000', 'an order that it has not'),
    ('select 1', 'create index on ev using gin(a) include (b)', '0A000', 'included columns that it has not'),
    ('select 1', 'create index on ev((random()::text))', '42P17', 'a volatile expression'),
    ('select 1', 'create index on ev(a) where h > now()', '42P17', 'a mutable predicate'),
    ('select 1', 'create index on ev(a) include (lower(c))', '0A000', 'an included expression'),
    ('select 1', 'create index on ev(a) include (b desc)', '42P17', 'an included column with an order'),
    ('select 1', 'create index on ev(a collate "C")', '42804', 'a collation of a type without'),
    ('select 1', 'create index on ev(ctid)', '0A000', 'a system column'),
    ('select 1', 'create index on ev(a) with (fillfactor = 5)', '22023', 'a storage parameter out of range'),
    ('select 1', 'create index on only par(v)', '0A000', 'ON ONLY a partitioned table'),
    ('select 1', 'create index on pg_stat_activity(pid)', '42809', 'an index on a view')
) v(q, d, state, what);
SELECT throws_ok('SELECT perf_optimizer.what_if(NULL)', '22004', NULL, 'a NULL query');
SELECT throws_ok($$SELECT perf_optimizer.what_if('select 1', NULL)$$, '22004', NULL, 'NULL indexes');
SELECT throws_ok($$SELECT perf_optimizer.what_if('select 1', ARRAY[NULL])$$, '22004', NULL, 'a NULL definition');
SELECT throws_ok($$SELECT perf_optimizer.what_if('select 1', hide => NULL)$$, '22004', NULL, 'a NULL hide');
SELECT throws_ok($$SELECT perf_optimizer.what_if('select 1', hide => ARRAY[NULL::regclass])$$, '22004', NULL, 'a NULL index to hide');
SELECT throws_ok($$SELECT perf_optimizer.what_if('select 1', hide => ARRAY['ev'::regclass])$$, '42809', NULL, 'hiding a table');
SELECT throws_ok($$SELECT perf_optimizer.what_if('select 1', hide => ARRAY[4000000000::oid::regclass])$$, '42P01', NULL, 'hiding what is not there');
SELECT throws_ok($$SELECT perf_optimizer.what_if('select * from ev where a = $1', params => ARRAY['1', '2'])$$, '22023', NULL, 'too many params');
SELECT throws_ok($$SELECT perf_optimizer.what_if('select * from ev where a = $1', params => ARRAY['x'])$$, '22P02', NULL, 'a value that is no integer');

-- Privileges: those of the statement, and SELECT on the indexed table.
CREATE ROLE po_test_what_if;
GRANT USAGE ON SCHEMA po_test_w TO po_test_what_if;
GRANT SELECT (id, a) ON ev TO po_test_what_if;
SET ROLE po_test_what_if;
SELECT throws_ok($$SELECT perf_optimizer.what_if('select b from ev where a = 5', ARRAY['create index on ev(a)'])$$,
    '42501', NULL, 'a statement that the caller may not run');
SELECT throws_ok($$SELECT perf_optimizer.what_if('select id from ev where a = 5', ARRAY['create index on par(v)'])$$,
    '42501', NULL, 'an index on a table that the caller may not read');
SELECT is((SELECT used_indexes FROM perf_optimizer.what_if('select id from ev where a = 5', ARRAY['create index on ev(a)'])),
    ARRAY['ev_a_idx'], 'a caller with enough rights');
RESET ROLE;
DROP OWNED BY po_test_what_if;
DROP ROLE po_test_what_if;
SELECT * FROM finish();
