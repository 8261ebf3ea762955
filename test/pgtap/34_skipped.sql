-- What is left out of a workload: with its reason, and of a workload like the demo's nearly nothing.
\set QUIET 1
SET client_min_messages = warning;
SELECT plan(17);
CREATE SCHEMA "po Test";
SET search_path = "po Test", public;
CREATE TABLE "Call" ("id" text PRIMARY KEY, "userId" text NOT NULL, "fund" text, "amount" numeric(12, 2), "due" timestamp, "status" text, doc jsonb, tags text[]);
INSERT INTO "Call" SELECT md5(g::text), 'u' || g % 300, 'f' || g % 20, g / 7.0, timestamp '2024-01-01' + g * interval '1 hour', (ARRAY['PAID', 'PENDING'])[1 + g % 2], jsonb_build_object('a', g % 9), ARRAY['t' || g % 5]
FROM generate_series(1, 5000) g;
ANALYZE "Call";
SELECT pg_stat_statements_reset() \g /dev/null
SET search_path = "po Test", public;
\o /dev/null
SELECT * FROM "Call" WHERE "userId" = 'u7' ORDER BY "due" DESC LIMIT 10 OFFSET 20;
SELECT * FROM "Call" WHERE "due" > now() - interval '30 days' AND "status" = 'PENDING';
SELECT * FROM "Call" WHERE "due" BETWEEN date '2024-01-05' AND timestamp '2024-02-05 10:00';
SELECT extract(year FROM "due"), extract('month' FROM "due") AS m, count(*) FROM "Call" GROUP BY 1, 2;
SELECT date_trunc('month', "due") AS m, sum("amount") FROM "Call" GROUP BY date_trunc('month', "due") ORDER BY 1;
SELECT to_char("due", 'YYYY-MM'), count(*) FROM "Call" GROUP BY to_char("due", 'YYYY-MM');
SELECT CASE WHEN "amount" > 100 THEN 'large' ELSE 'small' END AS size, count(*) FROM "Call" GROUP BY CASE WHEN "amount" > 100 THEN 'large' ELSE 'small' END;
SELECT coalesce("fund", 'none') AS f, round(avg("amount"), 2) FROM "Call" GROUP BY coalesce("fund", 'none') HAVING count(*) > 5;
SELECT * FROM "Call" WHERE "id" IN ('a', 'b', 'c') OR "status" = ANY (ARRAY['x', 'y']);
SELECT * FROM "Call" WHERE doc @> '{"a": 5}' AND doc ->> 'a' = '5' AND tags && ARRAY['t1'];
SELECT * FROM "Call" WHERE lower("fund") LIKE 'f1%' AND "id" ILIKE '%abc%';
SELECT "fund", rank() OVER (ORDER BY sum("amount") DESC) FROM "Call" GROUP BY "fund";
SELECT count(*) FILTER (WHERE "status" = 'PAID'), percentile_cont(0.5) WITHIN GROUP (ORDER BY "amount") FROM "Call";
WITH x AS (SELECT "userId", sum("amount") AS s FROM "Call" WHERE "status" = 'PAID' GROUP BY 1) SELECT * FROM x WHERE s > 10 ORDER BY s LIMIT 5;
SELECT * FROM "Call" c WHERE EXISTS (SELECT FROM "Call" d WHERE d."userId" = c."userId" AND d."amount" > 700);
SELECT "due" + interval '1 day' * 3, "amount" * 1.19, 'x' || "id" FROM "Call" WHERE "amount" + 5 > 100 LIMIT 3;
SELECT g.d, count(c."id") FROM generate_series(timestamp '2024-01-01', timestamp '2024-01-20', interval '1 day') g(d) LEFT JOIN "Call" c ON c."due"::date = g.d::date GROUP BY 1;
SELECT 1 FROM "Call" WHERE ("userId", "fund") = ('u1', 'f1') UNION ALL SELECT 2;
INSERT INTO "Call" ("id", "userId", "due") VALUES ('new', 'u', '2024-05-05'), ('newer', 'u', now()) ON CONFLICT ("id") DO UPDATE SET "amount" = 5;
UPDATE "Call" SET "amount" = "amount" + 1, "status" = 'PAID' WHERE "id" = 'new' AND "due" < now() + '5 minutes';
DELETE FROM "Call" WHERE "id" = 'newer' RETURNING "amount";
\o
SET search_path = "po Test", public;
CREATE TABLE given AS SELECT count(*) AS n FROM pg_stat_statements s WHERE s.query ~ '"Call"' AND s.query !~ 'pg_stat_statements';
SELECT cmp_ok((SELECT n FROM given)::int, '>=', 21, 'the statements were recorded');
SELECT lives_ok($$SELECT * FROM perf_optimizer.suggest_indexes()$$, 'advice for them');
SELECT cmp_ok((SELECT count(*)::numeric FROM perf_optimizer.suggest_indexes_skipped() WHERE query ~ '"Call"'), '<=', 0.05 * (SELECT n FROM given), 'no more than one in twenty is left out');

-- Given texts: what cannot be planned is named, in the order given; the rest counts.
CREATE ROLE po_test_reader;
GRANT USAGE ON SCHEMA "po Test" TO po_test_reader;
CREATE TABLE secret (a int);
GRANT SELECT ON "Call" TO po_test_reader;
SET ROLE po_test_reader;
SELECT is((SELECT count(*)::int FROM perf_optimizer.suggest_indexes(queries => ARRAY['selec', 'select * from "Call" where "userId" = $1', 'select * from secret', 'vacuum', 'select 1; select 2', 'select * from nowhere'])), 1, 'the one that can be planned counts');
SELECT is((SELECT array_agg(query) FROM perf_optimizer.suggest_indexes_skipped()), ARRAY['selec', 'select * from secret', 'vacuum', 'select 1; select 2', 'select * from nowhere'], 'the others are listed');
SELECT matches(reason, r, 'reason: ' || r) FROM (SELECT reason, row_number() OVER () AS i FROM perf_optimizer.suggest_indexes_skipped()) s
    JOIN (VALUES (1, 'syntax error'), (2, 'permission denied for table secret'), (3, 'has no plan'), (4, 'contains 2 statements'), (5, 'relation "nowhere" does not exist')) v(i, r) USING (i) ORDER BY i;
RESET ROLE;
SELECT is((SELECT count(*)::int FROM perf_optimizer.suggest_indexes_skipped()), 0, 'another role does not see its texts');

-- A role that is gone.
CREATE ROLE po_test_gone;
GRANT USAGE ON SCHEMA "po Test" TO po_test_gone;
GRANT SELECT ON "Call" TO po_test_gone;
SET ROLE po_test_gone;
SELECT count(*) FROM "Call" WHERE "fund" = 'f3' AND "status" = 'gone' \g /dev/null
RESET ROLE;
DROP OWNED BY po_test_gone;
DROP ROLE po_test_gone;
SELECT lives_ok($$SELECT * FROM perf_optimizer.suggest_indexes()$$, 'advice again');
SELECT ok(EXISTS (SELECT FROM perf_optimizer.suggest_indexes_skipped() WHERE reason ~ 'role that issued it does not exist'), 'a statement of a role that is gone is left out');
-- The other functions remember as well.
SELECT lives_ok($$SELECT * FROM perf_optimizer.suggest_matviews(ARRAY['selec', 'select 1'])$$, 'suggest_matviews leaves out');
SELECT is((SELECT string_agg(query, ',') FROM perf_optimizer.suggest_indexes_skipped()), 'selec', 'and says what');
-- A cancel ends the call as it ends any statement; it is no statement's fault and nothing is left of the call.
CREATE FUNCTION slow() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(60); RETURN 'x'; END $$;
SET statement_timeout = '100ms';
DO $$
BEGIN
    PERFORM perf_optimizer.suggest_indexes(queries => ARRAY['select * from "Call" where "userId" = $1', 'select * from "Call" where "fund" = slow()']);
    PERFORM set_config('po_test.cancelled', 'no', false);
EXCEPTION WHEN query_canceled THEN
    PERFORM set_config('po_test.cancelled', 'yes', false);
END $$;
RESET statement_timeout;
SELECT is(current_setting('po_test.cancelled'), 'yes', 'a call can be cancelled');
SELECT is((SELECT count(*)::int FROM perf_optimizer.suggest_indexes(queries => ARRAY['select * from "Call" where "userId" = $1'])), 1, 'and the next one works');
DROP SCHEMA "po Test" CASCADE;
DROP OWNED BY po_test_reader;
DROP ROLE po_test_reader;
SELECT * FROM finish();
