-- suggest_indexes: what it finds, that every definition runs, limits, writes, redundancy, workloads, errors, privileges.
\set QUIET 1
SET client_min_messages = warning;
SELECT plan(121);
SET default_statistics_target = 1000;
SET max_parallel_workers_per_gather = 0;
CREATE SCHEMA "po Test";
SET search_path = "po Test", public;

CREATE TABLE "CapitalCall" ("id" text PRIMARY KEY, "userId" text NOT NULL, "fundName" text, "amountDue" numeric(12, 2),
    "dueDate" timestamp, "status" text, "isFinal" boolean, note text);
INSERT INTO "CapitalCall"
SELECT md5(g::text), 'user' || abs(hashint4(g)) % 2000, 'fund ' || abs(hashint4(g + 7)) % 300, (g % 100000) / 7.0,
    timestamp '2024-01-01' + (abs(hashint4(g + 99)) % 1000000) * interval '1 minute',
    (ARRAY['PENDING', 'APPROVED', 'PAID', 'PAID', 'PAID', 'PAID'])[1 + g % 6], g % 50 = 0, repeat('x', 80)
FROM generate_series(1, 40000) g;
CREATE TABLE "Payment" ("id" int PRIMARY KEY, "capitalCallId" text REFERENCES "CapitalCall", "paidAt" timestamp, "a""b" int);
INSERT INTO "Payment" SELECT g, md5((1 + g % 40000)::text), timestamp '2024-01-01' + g * interval '1 minute', g % 777
FROM generate_series(1, 60000) g;
CREATE TABLE event (id int, at date, kind text, entity int) PARTITION BY RANGE (at);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM ('2024-01-01') TO ('2024-04-01');
CREATE TABLE event_2 (entity int, kind text, at date, id int);
ALTER TABLE event ATTACH PARTITION event_2 FOR VALUES FROM ('2024-04-01') TO ('2024-09-01');
INSERT INTO event SELECT g, date '2024-01-01' + g % 240, 'k' || g % 10, abs(hashint4(g)) % 5000 FROM generate_series(1, 40000) g;
CREATE MATERIALIZED VIEW summary AS SELECT "userId" AS "user", count(*) AS n, g FROM "CapitalCall", generate_series(1, 10) g GROUP BY 1, 3;
CREATE VIEW open_call AS SELECT * FROM "CapitalCall" WHERE status <> 'PAID';
CREATE DOMAIN amount AS int;
CREATE TABLE odd ("select" amount, "Ünïcode" text, "with space" uuid, gen int GENERATED ALWAYS AS (("select" + 1)) STORED,
    arr int[], js jsonb, v varchar(20), ts timestamptz);
INSERT INTO odd ("select", "Ünïcode", "with space", arr, js, v, ts) SELECT g % 3000, 'ü' || g % 4000, md5(g::text)::uuid, ARRAY[g], '{}', 'v' || g % 5000,
    timestamptz '2024-01-01 00:00+00' + g * interval '1 minute' FROM generate_series(1, 40000) g;
CREATE TABLE parent (id int, v int);
CREATE TABLE child (extra int) INHERITS (parent);
INSERT INTO child SELECT g, g % 5000, g FROM generate_series(1, 40000) g;
VACUUM ANALYZE "CapitalCall";
VACUUM ANALYZE "Payment";
VACUUM ANALYZE event;
VACUUM ANALYZE summary;
VACUUM ANALYZE odd;
VACUUM ANALYZE child;

-- The definitions suggested for one query, without the part that is always the same.
CREATE FUNCTION suggested(VARIADIC q text[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(regexp_replace(definition, '^CREATE INDEX (CONCURRENTLY )?ON "po Test".| USING btree', '', 'g'), '; ' ORDER BY rank)
    FROM perf_optimizer.suggest_indexes(queries => q) $$;

-- What is found.
SELECT is(suggested(q), d, what) FROM (VALUES
    ('select * from "CapitalCall" where "userId" = $1', '"CapitalCall" ("userId")', 'equality'),
    ('select * from "CapitalCall" where "userId" = ''user7'' and "dueDate" > ''2025-01-01''', '"CapitalCall" ("userId", "dueDate")', 'equality, then range'),
    ('select * from "CapitalCall" where "dueDate" > ''2025-01-01'' and "userId" = ''user7''', '"CapitalCall" ("userId", "dueDate")', 'whichever comes first in the text'),
    ('select * from "CapitalCall" where status = ''PENDING'' order by "dueDate" desc limit 10', '"CapitalCall" ("dueDate" DESC) WHERE (status = ''PENDING''::text)', 'an order among the rows of one state'),
    ('select * from "CapitalCall" order by "dueDate" desc nulls last, "amountDue" limit 10', '"CapitalCall" ("dueDate" DESC NULLS LAST, "amountDue")', 'order with nulls and directions'),
    ('select max("dueDate") from "CapitalCall"', '"CapitalCall" ("dueDate")', 'the largest value'),
    ('select * from "CapitalCall" where "userId" in (''user1'', ''user2'')', '"CapitalCall" ("userId")', 'IN'),
    ('select p.* from "CapitalCall" c join "Payment" p on p."capitalCallId" = c.id where c.id = $1', '"Payment" ("capitalCallId")', 'join key'),
    ('select * from "Payment" where "a""b" = 7', '"Payment" ("a""b")', 'a quote in a name'),
    ('select * from open_call where "userId" = $1', '"CapitalCall" ("userId") WHERE (status <> ''PAID''::text)', 'through a view, whose condition limits it'),
    ('with c as (select * from "CapitalCall") select * from c where "userId" = $1', '"CapitalCall" ("userId")', 'through a CTE'),
    ('select * from "Payment" where "capitalCallId" in (select id from "CapitalCall" where "userId" = $1)', '"CapitalCall" ("userId", id); "Payment" ("capitalCallId")', 'through a sub-select'),
    ('select id from "CapitalCall" where "userId" = $1 union all select "user" from summary where "user" = $2', NULL, 'set operation, checked below'),
    ('update "CapitalCall" set status = ''PAID'' where "userId" = $1', '"CapitalCall" ("userId")', 'UPDATE'),
    ('delete from "Payment" where "paidAt" < ''2024-01-02''', '"Payment" ("paidAt")', 'DELETE'),
    ('delete from "CapitalCall" where id = $1', '"Payment" ("capitalCallId")', 'what a foreign key looks up for each row deleted'),
    ('update "CapitalCall" set id = $1 where id = $2', '"Payment" ("capitalCallId")', 'or whose key is updated'),
    ('insert into "Payment" select 100000 + row_number() over (), id, now() from "CapitalCall" where "userId" = $1', '"CapitalCall" ("userId")', 'INSERT ... SELECT'),
    ('select * from event where entity = 7', 'event (entity)', 'a partitioned table'),
    ('select * from event_2 where entity = 7', 'event_2 (entity)', 'a partition'),
    ('select * from summary where "user" = $1', 'summary ("user")', 'a materialized view'),
    ('select * from odd where "select" = 7', 'odd ("select")', 'a domain, a reserved word'),
    ('select * from odd where "Ünïcode" = $1', 'odd ("Ünïcode")', 'a name that is not ASCII'),
    ('select * from odd where "with space" = $1', 'odd ("with space")', 'a space in a name'),
    ('select * from odd where gen = 5', 'odd (gen)', 'a generated column'),
    ('select * from odd where v = $1', 'odd (v)', 'varchar'),
    ('select * from parent where v = 7', 'child (v) INCLUDE (id)', 'an inheritance child, of which the query reads only what the parent has'),
    ('select * from odd order by ts desc limit 5', 'odd (ts DESC)', 'an order alone'),
    ('select * from odd where (ts, v) < (''2024-01-02 00:00+00'', ''v5'') order by ts desc, v desc limit 5', 'odd (ts)', 'keyset pagination'),
    ('select * from "CapitalCall" where "isFinal" and "fundName" = ''fund 3''', NULL, 'a boolean column, checked below'),
    ('select * from "Payment" p where exists (select from "CapitalCall" c where c.id = p."capitalCallId" and c."userId" = $1)', '"CapitalCall" ("userId", id); "Payment" ("capitalCallId")', 'EXISTS')
) v(q, d, what) WHERE d IS NOT NULL;
SELECT matches((SELECT reason FROM perf_optimizer.suggest_indexes(queries => ARRAY['delete from "CapitalCall" where id = $1'])), 'most of all "/\* check of Payment_capitalCallId_fkey \*/ SELECT', 'the reason names the foreign key');
SELECT is((SELECT array_agg(relation::text ORDER BY relation::text) FROM perf_optimizer.suggest_indexes(queries => ARRAY[
    'select id from "CapitalCall" where "userId" = $1 union all select "user" from summary where "user" = $2'])),
    ARRAY['"CapitalCall"', 'summary'], 'both arms of a set operation');
SELECT ok(suggested('select * from "CapitalCall" where "isFinal" and "fundName" = ''fund 3''') ~ '"fundName"', 'a boolean column beside an equality');
SELECT ok(suggested('select * from "CapitalCall" where "userId" = $1 or id = $2') ~ '"userId"', 'an arm of an OR');

-- Expressions over columns.
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1 * 2';
CREATE FUNCTION thrice(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 * 3; END';
SELECT is(suggested(q), d, what) FROM (VALUES
    ('select * from odd where lower(v) = $1', 'odd (lower((v)::text))', 'a function'),
    ('select * from odd where "select" + gen = 7', 'odd ((("select")::integer + gen))', 'an operator'),
    ('select * from odd where date_trunc(''day'', ts at time zone ''UTC'') = ''2024-01-05'' and gen = 5', 'odd (gen, date_trunc(''day''::text, (ts AT TIME ZONE ''UTC''::text)))', 'beside a column'),
    ('select * from odd where thrice(gen) = 6', 'odd ("po Test".thrice(gen))', 'a function of one''s own, qualified'),
    ('select * from odd where js->>''a'' = ''b''', 'odd ((js ->> ''a''::text))', 'a field of a document'),
    ('select * from event where abs(entity) = 6', 'event (abs(entity))', 'of a partitioned table'),
    ('select * from odd where lower(v) = lower($1) and random() < 2', 'odd (lower((v)::text))', 'beside a volatile condition'),
    ('select * from odd where random() + gen = 6', NULL, 'not a volatile one'),
    ('select * from odd where gen = 6.5', NULL, 'not an implicit cast'),
    ('select * from odd where gen + $1 = 6', NULL, 'not one with a parameter'),
    ('select v, sum(gen) from odd group by v order by sum(gen) desc, v limit 5', NULL, 'not an aggregate'),
    ('select v, count(*) + max(gen) from odd group by v having sum(gen) + 1 > 5 order by 2 limit 5', NULL, 'not an expression over aggregates'),
    ('select rank() over (order by gen + 1), row_number() over (order by js->>''a'') from odd order by sum(gen) over (partition by v) + 1', 'odd (v) INCLUDE (gen, js)', 'not a window; all that is read'),
    ('select generate_series(1, gen) from odd order by 1', NULL, 'not a set'),
    ('select (select max(p.gen) from odd p where p.gen = o.gen + 1) + o.gen from odd o order by 1', 'odd (gen)', 'not a sub-select'),
    ('select grouping(v), v, arr[1] from odd group by rollup(v), arr order by 1, 2, 3', NULL, 'not a grouping')
) v(q, d, what);
SELECT definition AS expression_ddl FROM perf_optimizer.suggest_indexes(queries => ARRAY['select * from odd where thrice(gen) = 6']) \gset
SET search_path = public;
SELECT lives_ok(replace(:'expression_ddl', ' CONCURRENTLY', ''), 'an expression''s definition runs with another search_path');
SET search_path = "po Test", public;
SELECT is(suggested('select * from odd where thrice(gen) = 6'), NULL, 'and is not suggested again');

-- The beginning of a pattern: the default operator class in the C collation, else the one for patterns.
CREATE COLLATION not_c (provider = libc, locale = 'C.UTF-8');
CREATE TABLE pattern AS SELECT ('n' || g % 9999) COLLATE "C" AS c, ('n' || g % 9999)::varchar(20) COLLATE not_c AS v
FROM generate_series(1, 40000) g;
ANALYZE pattern;
SELECT is(suggested('select * from pattern where c like ''n77%'''), 'pattern (c)', 'LIKE in the C collation');
SELECT is(suggested('select * from pattern where v like ''n77%'''), 'pattern (v varchar_pattern_ops)', 'LIKE in another collation');
SELECT is(suggested('select * from pattern where v like ''%n77%'' or c like $1'), NULL, 'no beginning, no index');

-- What is not suggested.
SELECT is(suggested(q), NULL, what) FROM (VALUES
    ('select * from "CapitalCall" where id = $1', 'what the primary key serves'),
    ('select * from "CapitalCall"', 'the whole table'),
    ('select * from odd where random() < 0.5 and v || $1 = ''y'' and js->>''a'' is distinct from ''b'' limit 1', 'what no index serves'),
    ('select * from pg_class where relname = ''x'' and relkind = ''r''', 'a system catalogue'),
    ('select 1', 'no table'),
    ('select * from "CapitalCall" where status <> ''PAID''', 'an inequality')
) v(q, what);
CREATE INDEX odd_v_ts ON odd (v, ts);
SELECT is(suggested('select * from odd where v = $1'), NULL, 'what an existing index begins with');
SELECT is(suggested('select * from odd order by v desc, ts desc limit 3'), NULL, 'or gives when read backward');
DROP INDEX odd_v_ts;
CREATE INDEX odd_v_part ON odd (v) WHERE ts IS NULL;
SELECT is(suggested('select * from odd where v = $1'), 'odd (v)', 'an existing partial index serves not all');
DROP INDEX odd_v_part;

-- A workload: one index for several queries, no two of which one begins with the other.
CREATE TABLE given AS SELECT ARRAY[
    'select * from "CapitalCall" where "userId" = $1',
    'select * from "CapitalCall" where "userId" = $1 and status = $2 order by "dueDate" desc limit 10',
    'select * from "CapitalCall" where "userId" = $1 and "dueDate" between $2 and $3',
    'select "fundName", sum("amountDue") from "CapitalCall" where status = ''PENDING'' group by 1',
    'select * from "Payment" p join "CapitalCall" c on c.id = p."capitalCallId" where c."fundName" = $1 and c."dueDate" > now()',
    'select * from "Payment" where "a""b" = 5 order by "paidAt" limit 3',
    'select kind, count(*) from event where entity = $1 and at > ''2024-05-01'' group by kind',
    'select * from odd where "Ünïcode" = $1 and "select" = $2',
    'update "Payment" set "paidAt" = now() where "capitalCallId" = $1'] AS q;
CREATE TABLE found AS SELECT s.* FROM given, perf_optimizer.suggest_indexes(queries => q, min_improvement_pct => 0.1) s;
SELECT ok((SELECT count(*) FROM found) BETWEEN 4 AND 9, 'a workload gets some indexes');
SELECT is((SELECT array_agg(rank ORDER BY rank) FROM found), (SELECT array_agg(g) FROM generate_series(1, (SELECT count(*)::int FROM found)) g), 'ranks');
SELECT is((SELECT count(DISTINCT workload_cost_before) FROM found), 1::bigint, 'the cost before is the workload''s');
SELECT is_empty('SELECT 1 FROM (SELECT workload_cost_after - lag(workload_cost_after, 1, workload_cost_before) OVER (ORDER BY rank) AS d FROM found) x WHERE d >= 0',
    'the cumulative cost falls with each rank');
SELECT is_empty('SELECT 1 FROM found WHERE abs(improvement_pct - 100 * (workload_cost_before - workload_cost_after) / workload_cost_before) > 1e-6', 'improvement is what the costs say');
SELECT is_empty('SELECT 1 FROM found WHERE estimated_size_bytes <= 0 OR access_method <> ''btree'' OR queries_improved < 1 OR cardinality(query_ids) <> queries_improved OR reason !~ ''^Makes''', 'the other columns make sense');
SELECT is_empty($$SELECT 1 FROM found a JOIN found b ON a.rank <> b.rank AND a.relation = b.relation
    AND starts_with(b.definition, left(a.definition, -1) || ',')$$, 'no definition begins with another one''s columns');
SELECT is((SELECT array_agg(definition ORDER BY rank) FROM given, perf_optimizer.suggest_indexes(queries => q, min_improvement_pct => 0.1)),
    (SELECT array_agg(definition ORDER BY rank) FROM found), 'the same each time');
SELECT is((SELECT workload_cost_after FROM found ORDER BY rank DESC LIMIT 1) < 0.3 * (SELECT workload_cost_before FROM found LIMIT 1), true, 'together they save most of the cost');

-- Limits.
SELECT cmp_ok((SELECT sum(estimated_size_bytes) FROM given, perf_optimizer.suggest_indexes(queries => q, storage_budget_bytes => 2000000)), '<=', 2000000::numeric, 'a storage budget is kept');
SELECT cmp_ok((SELECT count(*) FROM given, perf_optimizer.suggest_indexes(queries => q, storage_budget_bytes => 2000000)), '>', 0::bigint, 'and used');
SELECT is((SELECT count(*) FROM given, perf_optimizer.suggest_indexes(queries => q, max_indexes => 2)), 2::bigint, 'a number of indexes is kept');
SELECT is((SELECT definition FROM given, perf_optimizer.suggest_indexes(queries => q, max_indexes => 1)) IS NOT NULL, true, 'one index alone');
SELECT is_empty($$SELECT 1 FROM given, perf_optimizer.suggest_indexes(queries => q, min_improvement_pct => 99)$$, 'a high minimum leaves nothing');
SELECT ok(count(*) > 0 AND bool_and(reason ~ 'time_limit_ms .*: there may be better ones'), 'a time limit that is too short gives some result, marked as such') FROM given, perf_optimizer.suggest_indexes(queries => q, time_limit_ms => 1);
SELECT ok(bool_and(i.workload_cost_before BETWEEN 0.99 * f.workload_cost_before AND 1.01 * f.workload_cost_before AND i.workload_cost_after < i.workload_cost_before), 'in the costs of the whole workload') FROM given, perf_optimizer.suggest_indexes(queries => q, time_limit_ms => 1) i, (SELECT DISTINCT workload_cost_before FROM found) f;
SELECT ok(bool_and(reason !~ 'there may be better ones'), 'and nothing is marked without need') FROM given, perf_optimizer.suggest_indexes(queries => q, time_limit_ms => 3600000);
SELECT is((SELECT array_agg(DISTINCT relation::text) FROM given, perf_optimizer.suggest_indexes('"Payment"', q)), ARRAY['"Payment"'], 'one relation only');
SELECT is((SELECT definition FROM perf_optimizer.suggest_indexes('event_2', ARRAY['select * from event where entity = 7'])),
    'CREATE INDEX CONCURRENTLY ON "po Test".event_2 USING btree (entity)', 'a partition only, for a query on the partitioned table');

-- Weights and writes.
SELECT is((SELECT definition FROM perf_optimizer.suggest_indexes(queries => ARRAY['select * from odd where v = $1', 'select * from odd where gen = 5'], weights => ARRAY[1, 100], max_indexes => 1)),
    'CREATE INDEX CONCURRENTLY ON "po Test".odd USING btree (gen)', 'the heavier query comes first');
SELECT is((SELECT definition FROM perf_optimizer.suggest_indexes(queries => ARRAY['select * from odd where v = $1', 'select * from odd where gen = 5'], weights => ARRAY[100, 1], max_indexes => 1)),
    'CREATE INDEX CONCURRENTLY ON "po Test".odd USING btree (v)', 'the other way round');
SELECT is_empty($$SELECT 1 FROM perf_optimizer.suggest_indexes(queries => ARRAY['select * from odd where v = $1', 'insert into odd(v) values ($1)'], weights => ARRAY[1, 1e7])$$,
    'no index that costs the writers more than it saves');
SELECT ok((SELECT write_cost_pct BETWEEN 0.001 AND 50 FROM perf_optimizer.suggest_indexes(queries => ARRAY['select * from odd where v = $1', 'insert into odd(v) values ($1)'], weights => ARRAY[10, 100])),
    'a moderate write cost is shown');
SELECT ok((SELECT write_cost_pct = 0 FROM perf_optimizer.suggest_indexes(queries => ARRAY['select * from odd where v = $1'])), 'and none without writes');
SELECT ok((SELECT a.write_cost_pct > b.write_cost_pct
    FROM perf_optimizer.suggest_indexes(queries => ARRAY['select * from odd where v = $1', 'update odd set v = $1 where "with space" = $2'], weights => ARRAY[100, 1000]) a,
         perf_optimizer.suggest_indexes(queries => ARRAY['select * from odd where v = $1', 'update odd set arr = $1 where "with space" = $2'], weights => ARRAY[100, 1000]) b
    WHERE a.definition ~ '\(v\)' AND b.definition ~ '\(v\)'), 'an index on a column that updates set costs more: they are no longer heap-only');

-- Every definition runs as it stands (CONCURRENTLY not inside a transaction block), and is used.
SELECT count(*) AS before FROM pg_index \gset
\o /dev/null
SELECT definition FROM found UNION
SELECT definition FROM perf_optimizer.suggest_indexes(queries => ARRAY['select * from event where entity = 7', 'select * from summary where "user" = $1',
    'select * from parent where v = 7', 'select * from odd where lower(v) = $1', 'select * from odd where gen + 1 = 7', 'select * from odd where "with space" = $1', 'select * from odd order by ts desc limit 5',
    'select * from "CapitalCall" order by "dueDate" desc nulls last, "amountDue" limit 10'], min_improvement_pct => 0.1)
\gexec
\o
SELECT cmp_ok((SELECT count(*) FROM pg_index), '>=', :before + (SELECT count(*) FROM found) + 6, 'every definition created its index');
SELECT is_empty('SELECT 1 FROM pg_index WHERE NOT indisvalid', 'and a valid one');
SELECT is_empty($$SELECT definition FROM given, perf_optimizer.suggest_indexes(queries => q, min_improvement_pct => 1) s
    WHERE s.definition IN (SELECT definition FROM found)$$, 'what exists now is not suggested again');

-- Statements that cannot be planned.
SELECT is((SELECT count(*) FROM perf_optimizer.suggest_indexes(queries => ARRAY['selec 1', 'select * from nowhere', 'select * from odd where gen = 5 and v = $1'])), 1::bigint, 'bad statements in a list are left out');
SELECT results_eq('SELECT query, reason FROM perf_optimizer.suggest_indexes_skipped()',
    $$VALUES ('selec 1', 'syntax error at or near "selec"'), ('select * from nowhere', 'relation "nowhere" does not exist')$$, 'and listed');
SELECT throws_ok($$SELECT perf_optimizer.suggest_indexes(queries => ARRAY[$q$selec 1$q$])$$, '42601', NULL, 'nothing but bad statements is an error');
SELECT is_empty('SELECT 1 FROM perf_optimizer.suggest_indexes(queries => ARRAY[''select 1'']) UNION ALL SELECT 1 FROM perf_optimizer.suggest_indexes_skipped()', 'the next call forgets them');

-- Wrong arguments.
SELECT throws_ok('SELECT perf_optimizer.suggest_indexes(' || args || ')', state, NULL, args) FROM (VALUES
    ('queries => ''{}''', '22023'), ('queries => ARRAY[NULL]', '22004'),
    ('queries => ARRAY[''select 1''], weights => ARRAY[1, 2]', '22023'), ('queries => ARRAY[''select 1''], weights => ARRAY[-1]', '22023'),
    ('queries => ARRAY[''select 1''], weights => ARRAY[''nan''::float8]', '22023'), ('queries => ARRAY[''select 1''], weights => ARRAY[NULL::float8]', '22004'),
    ('weights => ARRAY[1]', '22023'), ('storage_budget_bytes => 0', '22023'), ('storage_budget_bytes => -5', '22023'),
    ('max_indexes => 0', '22023'), ('time_limit_ms => 0', '22023'), ('min_improvement_pct => -1', '22023'),
    ('min_improvement_pct => ''nan''', '22023'), ('min_improvement_pct => NULL', '22004'),
    ('relation => ''open_call''', '42809'), ('relation => 4000000000::oid::regclass', '42P01')
) v(args, state);

-- From pg_stat_statements: as the role that issued them, weighted by calls.
CREATE ROLE po_test_app;
CREATE ROLE po_test_other;
GRANT USAGE ON SCHEMA "po Test" TO po_test_app, po_test_other;
GRANT SELECT ON child TO po_test_app;
CREATE FUNCTION whoami() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM set_config('po_test.planned_as', current_user, false);
    RETURN 7;
EXCEPTION WHEN OTHERS THEN
    RETURN 8;
END $$;
GRANT EXECUTE ON FUNCTION whoami() TO po_test_app;
SELECT public.pg_stat_statements_reset() \g /dev/null
SET ROLE po_test_app;
\o /dev/null
SELECT * FROM child WHERE extra = 7;
SELECT * FROM child WHERE extra = 8;
SELECT count(*) FROM child WHERE id = whoami();
\o
RESET ROLE;
SELECT set_config('po_test.planned_as', '', false) \g /dev/null
SELECT ok((SELECT count(*) FROM perf_optimizer.suggest_indexes('child') WHERE definition ~ 'child USING btree \((extra|id)\)') >= 1, 'recorded statements are a workload');
SELECT is(current_setting('po_test.planned_as'), '', 'settings made while planning as another role are undone');
SELECT ok((SELECT bool_and(array_length(query_ids, 1) >= 1) FROM perf_optimizer.suggest_indexes('child')), 'with their query ids');
SET ROLE po_test_other;
SELECT is_empty('SELECT 1 FROM perf_optimizer.suggest_indexes(''"po Test".child'')', 'another role''s statements are not used for one who may not see them');
RESET ROLE;
-- The role loses its right: its statements are left out and say why.
REVOKE SELECT ON child FROM po_test_app;
SELECT is_empty('SELECT 1 FROM perf_optimizer.suggest_indexes(''child'')', 'what the role may no longer run is left out');
SELECT ok((SELECT bool_or(reason ~ 'permission denied') FROM perf_optimizer.suggest_indexes_skipped()), 'with its reason');

-- A hostile immutable function in a recorded statement cannot act as the caller.
GRANT SELECT ON child TO po_test_app;
CREATE TABLE secret (who text);
GRANT INSERT ON secret TO po_test_app;
CREATE FUNCTION hostile() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    EXECUTE 'ALTER ROLE po_test_app SUPERUSER';
    RETURN 7;
EXCEPTION WHEN OTHERS THEN
    RETURN 8;
END $$;
SET ROLE po_test_app;
\o /dev/null
SELECT count(*) FROM child WHERE id = hostile();
\o
RESET ROLE;
SELECT lives_ok('SELECT perf_optimizer.suggest_indexes()', 'a hostile function is planned as its role');
SELECT is((SELECT rolsuper FROM pg_roles WHERE rolname = 'po_test_app'), false, 'and gains nothing');

-- The statements of a role without privileges on given queries.
SET ROLE po_test_other;
SELECT throws_ok($$SELECT perf_optimizer.suggest_indexes(queries => ARRAY['select * from "po Test".odd where v = $q$x$q$'])$$, '42501', NULL, 'a given query needs the caller''s rights');
RESET ROLE;
DROP OWNED BY po_test_app, po_test_other;
DROP ROLE po_test_app, po_test_other;

DROP EXTENSION pg_stat_statements;
SELECT throws_ok('SELECT perf_optimizer.suggest_indexes()', '55000', NULL, 'without pg_stat_statements a workload must be given');
SELECT * FROM finish();
