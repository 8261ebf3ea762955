-- What is left out of a workload: with its reason, and of a workload like the demo's nearly nothing.
\set QUIET 1
SET client_min_messages = warning;
SELECT plan(28);
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
SET work_mem = '5MB';
\o
SET search_path = "po Test", public;
CREATE TABLE given AS SELECT count(*) AS n FROM pg_stat_statements s WHERE s.query ~ '"Call"' AND s.query !~ 'pg_stat_statements';
SELECT cmp_ok((SELECT n FROM given)::int, '>=', 21, 'the statements were recorded');
SELECT lives_ok($$SELECT * FROM perf_optimizer.suggest_indexes()$$, 'advice for them');
SELECT cmp_ok((SELECT count(*)::numeric FROM perf_optimizer.suggest_indexes_skipped() WHERE query ~ '"Call"'), '<=', 0.05 * (SELECT n FROM given), 'no more than one in twenty is left out');
SELECT is((SELECT count(*) FROM perf_optimizer.suggest_indexes_skipped() WHERE query ~ 'work_mem'), 0::bigint, 'what never has a plan is no loss');

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
-- statement_timeout: the search ends before it strikes.  Each planning of most statements takes a fixed share of it, the more of it the slower the machine is.
CREATE FUNCTION slow_true(ms float8) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(ms / 1000); RETURN true; END $$;
CREATE TABLE wide AS SELECT g % 100 AS a, g % 101 AS b, g % 102 AS c, g % 103 AS d, g % 104 AS e, g % 105 AS f, g % 106 AS g, g % 107 AS h FROM generate_series(1, 3000) g;
ANALYZE wide;
CREATE FUNCTION try_within(timeout int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('po_test.marked', coalesce(bool_and(reason ~ 'statement_timeout .*: there may be better ones'), false)::text, false)
    FROM perf_optimizer.suggest_indexes(weights => '{1000,1,1,1,1,1,1,1,1}', min_improvement_pct => 0, time_limit_ms => 3600000,
        queries => ARRAY['select * from "Call" where "userId" = $1'] ||
            (SELECT array_agg(format('select * from wide where %I = $1 and %I > $2 and slow_true(%s)', chr(96 + i), chr(97 + i % 8), timeout / 40.0) ORDER BY i) FROM generate_series(1, 8) i));
EXCEPTION WHEN query_canceled THEN
    PERFORM set_config('po_test.marked', 'cancelled', false);
END $$;
SET statement_timeout = '1s';
SELECT try_within(1000) \g /dev/null
SET statement_timeout = '5s';
SELECT try_within(5000) WHERE current_setting('po_test.marked') <> 'true' \g /dev/null
SET statement_timeout = '25s';
SELECT try_within(25000) WHERE current_setting('po_test.marked') <> 'true' \g /dev/null
RESET statement_timeout;
SELECT is(current_setting('po_test.marked'), 'true', 'a search that statement_timeout would cancel returns its best so far before, marked as such');
-- A cancel during the search: an error with the best so far, wherever in the search it comes.  The k-th evaluation of a function cancels its session.
CREATE SEQUENCE evaluations MINVALUE 0;
CREATE FUNCTION cancel_at() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF nextval('evaluations') = current_setting('po_test.cancel_at')::int THEN
        PERFORM pg_cancel_backend(pg_backend_pid());
        PERFORM pg_sleep(10);
    END IF;
    RETURN true;
END $$;
CREATE FUNCTION cancelled_at(at int, OUT calls int, OUT state text, OUT detail text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM setval('evaluations', 0), set_config('po_test.cancel_at', at::text, false);
    BEGIN
        PERFORM perf_optimizer.suggest_indexes(min_improvement_pct => 0, queries =>
            (SELECT array_agg(format('select * from wide where %I = $1 and %I > $2 and cancel_at()', chr(96 + i), chr(97 + i % 8)) ORDER BY i) FROM generate_series(1, 8) i));
        state := 'finished';
    EXCEPTION WHEN query_canceled THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, detail = PG_EXCEPTION_DETAIL;
    END;
    calls := (SELECT last_value FROM evaluations);
END $$;
CREATE TEMP TABLE whole AS SELECT calls FROM cancelled_at(-1) WHERE state = 'finished';
CREATE TEMP TABLE cancelled AS SELECT k, c.* FROM whole, generate_series(1, whole.calls) AS k, cancelled_at(k) AS c;
SELECT ok(count(*) > 20 AND bool_and(state = '57014'), 'a cancel ends the call, wherever it comes') FROM cancelled;
SELECT ok(count(*) = 0, 'the search does not go on after it') FROM cancelled WHERE calls > k;
SELECT ok(bool_and(detail ~ '^The best indexes found so far, for a cost of \d+ instead of \d+:\nCREATE INDEX CONCURRENTLY ON "po Test".wide .*;$'), 'with the best so far as the detail')
FROM cancelled, whole WHERE k > 0.8 * whole.calls;
SELECT ok(bool_and(detail = ''), 'if there is any') FROM cancelled WHERE k = 1;
SELECT is((SELECT count(*)::int FROM perf_optimizer.suggest_indexes(queries => ARRAY['select * from "Call" where "userId" = $1'])), 1, 'and the next call works');

-- Names in a text mean what they meant for the role that issued it.
CREATE SCHEMA po_test_app;
CREATE TABLE po_test_app.thing AS SELECT g AS id, g % 500 AS kind FROM generate_series(1, 20000) g;
CREATE TABLE po_test_app.other AS TABLE po_test_app.thing;
CREATE TABLE thing (id int, kind int);
ANALYZE po_test_app.thing, po_test_app.other;
CREATE ROLE po_test_app;
CREATE ROLE po_test_other;
ALTER ROLE po_test_app SET search_path = po_test_app;
GRANT USAGE ON SCHEMA po_test_app, "po Test" TO po_test_app, po_test_other;
GRANT SELECT ON po_test_app.thing, po_test_app.other, thing TO po_test_app, po_test_other;
SELECT pg_stat_statements_reset() \g /dev/null
SET perf_optimizer.capture_samples = off;
SET search_path = po_test_app;
SET ROLE po_test_app;
SELECT count(*) FROM thing WHERE kind = 7 \g /dev/null
SET ROLE po_test_other;
SELECT count(*) FROM other WHERE kind = 7 \g /dev/null
RESET ROLE;
RESET perf_optimizer.capture_samples;
SET search_path = "po Test", public;
SELECT is((SELECT array_agg(DISTINCT relation::oid) FROM perf_optimizer.suggest_indexes(min_improvement_pct => 0.01)), ARRAY['po_test_app.thing'::regclass::oid], 'a role''s own search_path goes before the caller''s');
SELECT is((SELECT string_agg(reason, ', ') FROM perf_optimizer.suggest_indexes_skipped()), 'relation "other" does not exist', 'where none is known it is the caller''s');
SET search_path = po_test_app;
SET ROLE po_test_other;
SELECT count(*) FROM thing WHERE id = 7 \g /dev/null
RESET ROLE;
SET search_path = "po Test", public;
SELECT is((SELECT array_agg(DISTINCT relation::oid ORDER BY relation::oid) FROM perf_optimizer.suggest_indexes(min_improvement_pct => 0.01)), ARRAY['po_test_app.thing'::regclass::oid, 'po_test_app.other'::regclass::oid], 'else what other statements of the role were executed under');
SELECT is((SELECT count(*) FROM perf_optimizer.suggest_indexes_skipped()), 0::bigint, 'and nothing is left out');
DROP SCHEMA po_test_app CASCADE;
DROP OWNED BY po_test_app, po_test_other;
DROP ROLE po_test_app, po_test_other;
DROP SCHEMA "po Test" CASCADE;
DROP OWNED BY po_test_reader;
DROP ROLE po_test_reader;
SELECT * FROM finish();
