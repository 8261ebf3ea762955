-- explain_tree: what its lines hold, and that they keep their width.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off

SET client_min_messages = warning;
SET jit = off;
SET max_parallel_workers_per_gather = 0;

SELECT plan(37);

CREATE TABLE "Acct" (id int PRIMARY KEY, email text, k int, a int, b int) WITH (autovacuum_enabled = off);
INSERT INTO "Acct" SELECT i, 'u' || i || '@x.org', i % 7000, i % 100, i % 100 FROM generate_series(1, 60000) i;
CREATE TABLE parts (id int, k int) PARTITION BY RANGE (id);
SELECT format('CREATE TABLE parts%s PARTITION OF parts FOR VALUES FROM (%s) TO (%s)', i, i * 1000, (i + 1) * 1000) FROM generate_series(0, 30) i \gexec
INSERT INTO parts SELECT i, i % 10 FROM generate_series(0, 30999) i;
VACUUM ANALYZE "Acct", parts;

-- The lines of a statement's tree in one text.
CREATE FUNCTION pg_temp.tree(query text, execute boolean DEFAULT false, params text[] DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(l, E'\n') FROM perf_optimizer.explain_tree(query, params, execute) l
$$;
CREATE FUNCTION pg_temp.widest(query text, execute boolean DEFAULT false) RETURNS int LANGUAGE sql AS $$
	SELECT max(length(l)) FROM perf_optimizer.explain_tree(query, NULL, execute) l
$$;

SELECT matches(pg_temp.tree('SELECT id FROM "Acct" WHERE k = 55'), 'Seq Scan on "Acct"', 'nodes are shown');
SELECT matches(pg_temp.tree('SELECT id FROM "Acct" WHERE k = 55'), 'filter \(k = 55\)', 'with their conditions');
SELECT matches(pg_temp.tree('SELECT id FROM "Acct" WHERE k = 55'), '▲ high selective-seq-scan:', 'and findings');
SELECT matches(pg_temp.tree('SELECT id FROM "Acct" WHERE k = 55'), 'CREATE INDEX CONCURRENTLY ON public."Acct" USING btree \(k\)', 'and the statement to run');
SELECT matches(pg_temp.tree('SELECT id FROM "Acct" WHERE k = 55'), 'share of cost +node +expected\n', 'by cost');
SELECT matches(pg_temp.tree('SELECT id FROM "Acct" WHERE k = 55', true), 'share of time +node +expected +actual\n', 'by time when executed');
SELECT matches(pg_temp.tree('SELECT id FROM "Acct" WHERE k = 55', true), '^cost [0-9.]+; planning [0-9.]+ ms; execution [0-9.]+ ms, 9 rows, [0-9]+ blocks', 'with the whole above');
SELECT matches(pg_temp.tree('SELECT id FROM "Acct" WHERE k = 55', true), 'removes 59991 rows, [0-9]+ blocks', 'and the figures of the node');
SELECT matches(pg_temp.tree('SELECT id FROM "Acct" WHERE id = 5', true), '1 row, ', 'one row');
SELECT matches(pg_temp.tree('SELECT id FROM "Acct" WHERE k = $1', false, ARRAY['55']), '; plan source: params', 'the plan''s source');
SELECT doesnt_match(pg_temp.tree('SELECT 1'), 'plan source', 'unless there are no parameters');
SELECT matches(pg_temp.tree('DELETE FROM "Acct" WHERE id = 5', true), 'rolled back', 'what was changed is rolled back');

-- Estimates against what came
SELECT matches(pg_temp.tree('SELECT id FROM "Acct" WHERE a = 5 AND b = 5', true), ' \d +600  ×\d\d+\n', 'more rows than expected');
SELECT matches(pg_temp.tree('SELECT id FROM "Acct" WHERE a = 5 AND b = 6', true), ' \d +0  ÷\d\n', 'fewer');
SELECT doesnt_match(pg_temp.tree('SELECT id FROM "Acct" WHERE a = 5', true), '[×÷]', 'a good estimate');
SELECT doesnt_match(pg_temp.tree('SELECT id FROM "Acct" LIMIT 5', true), '[×÷]', 'nor where a LIMIT stopped the scan');
SELECT matches(pg_temp.tree('SELECT * FROM "Acct" x JOIN "Acct" y ON y.id = x.k WHERE x.id < 0', true), 'never ran', 'a node that was not needed');

-- Shares add up, whoever asks for the result of an InitPlan or reads a CTE
CREATE FUNCTION pg_temp.shares(query text) RETURNS int LANGUAGE sql AS $$
	SELECT sum(substring(l FROM '^[█░]{10} +(\d+)% ')::int)::int FROM perf_optimizer.explain_tree(query, NULL, true) l
$$;
SELECT cmp_ok(pg_temp.shares('SELECT count(*) FROM "Acct" WHERE k > (SELECT avg(k) FROM "Acct")'), '<=', 103, 'of an InitPlan');
SELECT cmp_ok(pg_temp.shares('WITH c AS MATERIALIZED (SELECT k, count(*) FROM "Acct" GROUP BY k) SELECT count(*) FROM c JOIN c d USING (k)'), '<=', 103, 'of a CTE that is read twice');
SELECT cmp_ok(pg_temp.shares('SELECT k, (SELECT max(b) FROM "Acct") FROM "Acct" WHERE a = 7'), '<=', 103, 'of an InitPlan that the output asks for');
SELECT cmp_ok(pg_temp.shares('SELECT count(*) FROM "Acct" WHERE k > (SELECT avg(k) FROM "Acct")'), '>=', 50, 'and make up most of the time');

-- Partitions that are read alike
SELECT matches(pg_temp.tree('SELECT * FROM parts WHERE k = 5'), '… \d\d more like these +2[0-9]{3}', 'share one line, with their rows');
SELECT cmp_ok((SELECT count(*)::int FROM perf_optimizer.explain_tree('SELECT * FROM parts WHERE k = 5')), '<', 20, 'so that the rest is seen');
SELECT matches(pg_temp.tree('SELECT * FROM parts WHERE id < 4000'), 'Seq Scan on parts2\s.*Seq Scan on parts3', 'the first few are shown');
SELECT doesnt_match(pg_temp.tree('SELECT id FROM parts0 UNION ALL SELECT id FROM parts1 UNION ALL SELECT 5'), 'more like', 'other things are not alike');

-- Width, and nothing lost
SELECT cmp_ok(pg_temp.widest('SELECT x.id, count(*) FROM "Acct" x JOIN "Acct" y ON x.k = y.id WHERE x.email LIKE ''%' || repeat('long', 50) || '%'' AND y.k = 55 GROUP BY x.id ORDER BY 2 LIMIT 5', true),
	'<=', 100, 'a long constant');
SELECT matches(regexp_replace(pg_temp.tree('SELECT id FROM "Acct" WHERE (k = 55 AND email <> ''one'' AND email <> ''two'' AND email <> ''three'' AND email <> ''four'' AND email <> ''five'')'), '\s+', ' ', 'g'),
	'filter .*''one''.*''two''.*''three''.*''four''.*''five''', 'a long condition goes on in the next line');
SELECT matches(pg_temp.tree('SELECT id FROM "Acct" WHERE k IN (' || (SELECT string_agg(i::text, ', ') FROM generate_series(1, 1000) i) || ')'), '…', 'a very long one is cut');
SELECT cmp_ok(pg_temp.widest('SELECT 1 WHERE EXISTS (SELECT FROM "Acct" WHERE email = ''' || repeat('é', 300) || ''')', true), '<=', 100, 'letters of several bytes');
SELECT cmp_ok(pg_temp.widest((SELECT string_agg('SELECT * FROM (', '') || 'SELECT id FROM "Acct" WHERE k = 5' || string_agg(format(' LIMIT %s) s%s', 1000 - i, i), '') FROM generate_series(1, 40) i)),
	'<=', 100, 'a deep plan');
CREATE TABLE "A table with a name of many words, so that it is wide" (id int, "Some Column" int);
INSERT INTO "A table with a name of many words, so that it is wide" SELECT i, i FROM generate_series(1, 60000) i;
ANALYZE;
SELECT matches(pg_temp.tree('SELECT * FROM "A table with a name of many words, so that it is wide" WHERE "Some Column" = 5', true),
	'public."A table with a name of many words, so that it is wide"', 'no quoted name is broken in a statement');
SELECT matches(regexp_replace(pg_temp.tree('SELECT * FROM "A table with a name of many words, so that it is wide" "Another name" WHERE "Some Column" = 5', true), E'\n *', ' ', 'g'),
	'"Another name"', 'what does not fit beside the rows follows below');
SELECT matches(pg_temp.tree(E'SELECT * FROM "Acct" WHERE email = E''a\tb\nc'''), 'a b c', 'control characters do not break the table');

-- Clients of another encoding
SET client_encoding = 'LATIN1';
SELECT ok(bool_and(l ~ '^[ -~]*$'), 'plain ASCII for a client that is not UTF8') FROM perf_optimizer.explain_tree('SELECT x.id FROM "Acct" x JOIN "Acct" y ON x.k = y.id JOIN parts p ON p.id = y.b WHERE y.k = 55 AND x.email LIKE ''%' || repeat('long', 50) || '%''', NULL, true) l;
SELECT ok(bool_or(l ~ '^[#.]{10} +\d+%  .*`- '), 'with its own bars and lines') FROM perf_optimizer.explain_tree('SELECT x.id FROM "Acct" x JOIN "Acct" y ON x.k = y.id', NULL, true) l;
RESET client_encoding;

-- Errors
SELECT throws_ok($$SELECT perf_optimizer.explain_tree(NULL)$$, '22004', NULL, 'NULL');
SELECT throws_ok($$SELECT perf_optimizer.explain_tree('VACUUM')$$, '0A000', NULL, 'a utility statement');
SELECT * FROM finish();
