-- What a gain rests on: plans that loop over the rows of a join, and by which factor these may be more.
\set QUIET 1
SET client_min_messages = warning;
SELECT plan(10);
CREATE SCHEMA "po Test";
SET search_path = "po Test", public;
CREATE TABLE fund (id int PRIMARY KEY, region int);
INSERT INTO fund SELECT g, g % 1000 FROM generate_series(1, 5000) g;
CREATE TABLE call (id int PRIMARY KEY, fund_id int, status int);
INSERT INTO call SELECT g, g % 5000 + 1, g % 4 FROM generate_series(1, 20000) g;
CREATE TABLE payment (id int, call_id int, amount int);
INSERT INTO payment SELECT g, g % 20000 + 1, g % 100 FROM generate_series(1, 200000) g;
ANALYZE fund, call, payment;

-- The payments of the open calls of a share of the funds, so many thousandths.
CREATE FUNCTION q(regions int) RETURNS text LANGUAGE sql AS $$ SELECT format('select sum(p.amount) from fund f join call c on c.fund_id = f.id join payment p on p.call_id = c.id where f.region < %s and c.status = 2', regions) $$;
CREATE FUNCTION reasons(VARIADIC q text[]) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(reason, ' ') FROM perf_optimizer.suggest_indexes('payment', queries => q) $$;
-- The factor that a reason names.
CREATE FUNCTION factor(reason text) RETURNS numeric LANGUAGE sql AS $$ SELECT (regexp_match(reason, '" \(([0-9.]+)\) rests on'))[1]::numeric $$;
CREATE FUNCTION plan_of(q text) RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE plan jsonb; BEGIN EXECUTE 'EXPLAIN (FORMAT JSON) ' || q INTO plan; RETURN plan -> 0 -> 'Plan'; END $$;
-- The same factor, from EXPLAIN's text: loops over what has a join below it.
CREATE FUNCTION factor_of_plan(plan jsonb, alternative float8) RETURNS float8 LANGUAGE sql AS $$
WITH RECURSIVE node AS (
    SELECT plan AS node, 1::float8 AS times
    UNION ALL
    SELECT child, times * CASE WHEN node ->> 'Node Type' = 'Nested Loop' AND child ->> 'Parent Relationship' = 'Inner' THEN (node -> 'Plans' -> 0 ->> 'Plan Rows')::float8 ELSE 1 END
    FROM node, jsonb_array_elements(node -> 'Plans') AS child),
loops AS (
    SELECT sum(times * ((node ->> 'Total Cost')::float8 - (node -> 'Plans' -> 0 ->> 'Total Cost')::float8)) AS cost FROM node
    WHERE node ->> 'Node Type' = 'Nested Loop' AND (node -> 'Plans' -> 0) @? '$.** ? (@."Node Type" == "Nested Loop" || @."Node Type" == "Hash Join" || @."Node Type" == "Merge Join")')
SELECT (alternative - (plan ->> 'Total Cost')::float8 + cost) / cost FROM loops $$;
CREATE FUNCTION loops_over_join(q text) RETURNS boolean LANGUAGE sql AS $$ SELECT plan_of(q) @? '$.** ? (@."Node Type" == "Nested Loop")' $$;

SELECT reasons(q(60)) AS reason \gset
SELECT matches(:'reason'::text, 'The gain of "select sum\(p.amount\) from fund .*" \([0-9.]+\) rests on the rows that the planner expects of joins: with so many times as many there would be none. verify_suggestion measures it', 'a loop over some hundred rows of a join is in doubt');
SELECT factor(:'reason'::text) AS factor, (plan_of(q(60)) ->> 'Total Cost')::float8 AS before \gset
SELECT ok(:factor BETWEEN 1.5 AND 16, 'by a factor');
SELECT doesnt_match(reasons(q(1)), 'rests on', 'one over few rows is not');
SELECT doesnt_match(reasons('select sum(p.amount) from call c join payment p on p.call_id = c.id where c.id < 100'), 'rests on', 'nor one over the rows of a table');
SELECT doesnt_match(reasons('select * from payment where call_id = 5'), 'rests on', 'nor what joins nothing');
SELECT matches(reasons(VARIADIC (SELECT array_agg(q(i)) FROM generate_series(54, 60) i)), '\), "[^,]*\) and 2 more rests on', 'five of them at most');
SELECT matches(reasons(q(60), q(50)), 'The gain of "select sum.*" \([0-9.]+\), "select sum.*" \([0-9.]+\) rests on', 'several statements are named');
-- With the index built.
CREATE INDEX ON payment (call_id);
ANALYZE payment;
SELECT ok(abs(factor_of_plan(plan_of(q(60)), :before) - :factor) <= 0.051 + 0.02 * :factor, 'the factor is that of the plan with the real index');
SELECT ok(loops_over_join(q((60 * 0.8 * :factor)::int)), 'the planner loops while the rows are fewer than that');
SELECT ok(NOT loops_over_join(q((60 * 1.3 * :factor)::int)), 'and not when they are more');
DROP SCHEMA "po Test" CASCADE;
SELECT * FROM finish();
