-- suggest_matviews: which aggregates, lifted conditions, that every definition runs and answers the statement, limits, errors.
\set QUIET 1
SET client_min_messages = warning;
SELECT plan(39);
CREATE SCHEMA "po Test";
SET search_path = "po Test", public;

CREATE TABLE "Call" ("id" int PRIMARY KEY, "userId" int, "fund" text, "amount" numeric, "due" timestamp, st text);
INSERT INTO "Call" SELECT g, g % 400, 'f' || g % 20, g % 777, timestamp '2024-01-01' + (g % 200) * interval '1 day', CASE WHEN g % 5 = 0 THEN 'P' ELSE 'D' END FROM generate_series(1, 30000) g;
CREATE INDEX ON "Call" ("userId");
VACUUM ANALYZE "Call";
CREATE VIEW paid AS SELECT * FROM "Call" WHERE st = 'P';
CREATE FUNCTION defs(VARIADIC q text[]) RETURNS text[] LANGUAGE sql AS $$ SELECT array_agg(regexp_replace(definition, '\s+', ' ', 'g') ORDER BY rank) FROM perf_optimizer.suggest_matviews(q) $$;
CREATE FUNCTION key(VARIADIC q text[]) RETURNS text LANGUAGE sql AS $$ SELECT substring(string_agg(unique_index, ';') FROM '\(.*\)') FROM perf_optimizer.suggest_matviews(q) $$;

-- Which aggregates, and the key of the view.
SELECT is(defs('select "fund", sum("amount") from "Call" group by "fund" order by 2 desc limit 3'),
    ARRAY['CREATE MATERIALIZED VIEW "po Test"."Call_fund_summary" AS SELECT fund, sum(amount) AS sum FROM "po Test"."Call" GROUP BY fund'], 'order and limit stay in the statement');
SELECT is(key(q), k, what) FROM (VALUES
    ('select "fund", sum("amount") from "Call" group by "fund"', '(fund)', 'the grouping is the key'),
    ('select sum("amount") from "Call" group by "fund", st', '(fund, st)', 'also when the result does not show it'),
    ('select sum("amount"), avg("amount") from "Call" where "fund" = $1', '(fund)', 'a parameter''s column becomes a key'),
    ('select "fund", sum("amount") from "Call" where "due" >= $1 and "due" < $2 group by 1', '(due, fund)', 'a range''s column too, for what adds up'),
    ('select avg("amount") from "Call" where "due" >= $1', NULL, 'but not for averages'),
    ('select count(distinct "fund") from "Call" where "due" >= $1', NULL, 'nor distinct values'),
    ('select count(*) from "Call" where st <> ''P''', '(count)', 'one row'),
    ('select date_trunc(''month'', "due"), max("amount") from "Call" group by 1', '(date_trunc)', 'an expression'),
    ('select "fund" as "the ""Fund", count(*), count(*) from "Call" group by 1', '("the ""Fund")', 'odd and repeated names'),
    ('select "userId", sum("amount") from paid group by 1', '("userId")', 'of a view'),
    ('with x as (select "fund", max("amount") m from "Call" group by 1) select * from x where m > 5', '(fund)', 'in a CTE'),
    ('select c.id, t.total from "Call" c join (select "userId", sum("amount") total from "Call" group by 1) t using ("userId") where c.id = $1', '("userId")', 'in a sub-select'),
    ('select * from "Call" where id = 7', NULL, 'no aggregate'),
    ('select random(), count(*) from "Call" group by 1', NULL, 'a volatile one'),
    ('select count(*) from "Call" where lower("fund") = $1', NULL, 'a parameter that cannot leave'),
    ('select "fund", count(*) from "Call" group by rollup ("fund")', NULL, 'grouping sets'),
    ('select count(*) from pg_class', NULL, 'a catalog'),
    ('select count(*) from "Call" where id = 7', NULL, 'what is cheap already'),
    ('insert into "Call" ("id") values (1)', NULL, 'a write')) v(q, k, what);
SELECT is(array_length(defs('select sum("amount") from "Call" where "fund" = ''f1'' and st = ''P''', 'select sum("amount") from "Call" where "fund" = ''f2'' and st = ''D'''), 1), 1, 'statements that differ in values share a view');
SELECT is(key('select sum("amount") from "Call" where "fund" = ''f1'' and st = ''P''', 'select sum("amount") from "Call" where "fund" = ''f2'' and st = ''D'''), '(fund, st)', 'with these as columns');

SELECT is(array_length(defs('select "fund", sum("amount") from "Call" group by 1', 'select sum("amount") from "Call" where "fund" = $1'), 1), 1, 'a grouping and a look-up in it share a view');

-- A workload: every definition and every unique index runs; costs fall; a refresh without blocking works.
CREATE TABLE found AS SELECT * FROM perf_optimizer.suggest_matviews(ARRAY[
    'select "fund", sum("amount"), count(*) from "Call" group by "fund"', 'select sum("amount") from "Call" where "fund" = $1', 'select "userId", max("due") from "Call" where st = ''P'' group by 1',
    'select "fund", sum("amount") from "Call" where "due" >= $1 group by 1', 'select count(*) from paid', 'select * from "Call" where "userId" = 7'], 10);
SELECT ok(count(*) >= 4, 'views for the workload') FROM found;
SELECT ok(bool_and(workload_cost_after < workload_cost_before AND estimated_rows > 0 AND estimated_size_bytes > 0 AND cardinality(query_ids) > 0 AND reason ~ 'a refresh costs'), 'with their figures') FROM found;
SELECT ok(bool_and(f.workload_cost_after < b.workload_cost_after), 'each better rank saves more') FROM found f JOIN found b ON b.rank = f.rank - 1;
SELECT ok(bool_and(perf_optimizer.next_run(suggested_schedule) > now()), 'their schedules are schedules') FROM found;
CREATE TABLE views (name text);
DO $$ DECLARE f record; BEGIN FOR f IN SELECT * FROM found LOOP
    EXECUTE f.definition; EXECUTE f.unique_index;
    EXECUTE 'REFRESH MATERIALIZED VIEW CONCURRENTLY ' || substring(f.definition FROM 'VIEW (.*?) AS');
    INSERT INTO views VALUES (substring(f.definition FROM 'VIEW (.*?) AS'));
END LOOP; END $$;
SELECT is((SELECT count(*) FROM views), (SELECT count(*) FROM found), 'all run as printed, and can be refreshed concurrently');
SELECT is((SELECT string_agg(concat_ws(' ', c.ok, c.reason), '; ') FROM found f CROSS JOIN LATERAL perf_optimizer.can_refresh_incrementally(substring(f.definition FROM 'VIEW (.*?) AS')::regclass) c
            WHERE c.ok IS DISTINCT FROM f.reason ~ 'It can be refreshed incrementally: after SELECT perf_optimizer.enable_incremental\(''"po Test"'), NULL, 'what is said of incremental refreshes holds');
SELECT matches(reason, 'It can be refreshed incrementally', 'groups can') FROM perf_optimizer.suggest_matviews(ARRAY['select "fund", sum("amount") from "Call" group by "fund"']);
SELECT matches(reason, 'It cannot be refreshed incrementally: .*; each refresh computes all of it', 'one row cannot, and it is said why') FROM perf_optimizer.suggest_matviews(ARRAY['select count(*) from "Call" where st <> ''P''']);
SELECT throws_ok($$SELECT perf_optimizer.incremental_prospect('SELECT 1')$$, '22023', NULL, 'no view');
SELECT throws_ok($$SELECT perf_optimizer.incremental_prospect(NULL)$$, '22004', NULL, 'NULL is no statement');
SELECT results_eq('SELECT fund, sum(sum) FROM "Call_due_fund_summary" WHERE due >= ''2024-03-01'' GROUP BY 1 ORDER BY 1', 'select "fund", sum("amount") from "Call" where "due" >= ''2024-03-01'' group by 1 order by 1', 'a view answers its statement');
SELECT is((SELECT array_agg(DISTINCT estimated_rows) FROM found WHERE unique_index LIKE '%(fund)'), ARRAY[20::float8], 'the estimate of rows is right');

-- Limits and errors.
SELECT is((SELECT count(*)::int FROM perf_optimizer.suggest_matviews(ARRAY['select "fund", count(*) from "Call" group by 1', 'select st, count(*) from "Call" group by 1'], 1)), 1, 'max_views');
SELECT throws_ok($$SELECT * FROM perf_optimizer.suggest_matviews(max_views => 0)$$, '22023', NULL, 'no views');
SELECT throws_ok($$SELECT * FROM perf_optimizer.suggest_matviews(max_views => NULL)$$, '22004', NULL, 'NULL views');
SELECT throws_ok($$SELECT * FROM perf_optimizer.suggest_matviews('{}')$$, '22023', NULL, 'no queries');
DROP SCHEMA "po Test" CASCADE;
SELECT * FROM finish();
