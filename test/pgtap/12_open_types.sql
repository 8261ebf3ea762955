-- Parameters whose type their use leaves open, as statement texts with replaced constants have them.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT plan(4);

SELECT is(plan_source, 'generic', 'an argument of json_build_object may be a parameter')
  FROM perf_optimizer.analyze_query('SELECT json_build_object($1, relname, $2, relkind) FROM pg_class WHERE oid = $3');
SELECT is(actual_rows, 1::float8, 'and takes a text value')
  FROM perf_optimizer.analyze_query('SELECT json_build_object($1, relname) FROM pg_class WHERE oid = $2',
                                    ARRAY['name', 'pg_class'::regclass::oid::text], true);
SELECT is(actual_rows, 1::float8, 'other parameters keep the types that their use gives')
  FROM perf_optimizer.analyze_query('SELECT concat($1, $2::date + 1)', ARRAY['x', '2026-01-01'], true);
SELECT throws_ok($$SELECT * FROM perf_optimizer.analyze_query('SELECT $2::int')$$, '42P18', NULL, 'a parameter that is not used has no type');

SELECT * FROM finish();
