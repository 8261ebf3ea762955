-- The statement that an investor's page sends, with the values of one investor.
SELECT set_config('demo.query', $query$SELECT c."id", c."fundName", c."amountDue", c."dueDate", c."status",
       (SELECT json_agg(json_build_object('id', p."id", 'amount', p."amount", 'paidAt', p."paidAt"))
        FROM "Payment" p WHERE p."capitalCallId" = c."id") AS payments
FROM "CapitalCall" c
WHERE c."userId" = $1 AND c."status" = $2 AND c."fundName" = $3 AND c."dueDate" BETWEEN $4 AND $5
ORDER BY c."dueDate" DESC LIMIT 20 OFFSET 0$query$, false) \g /dev/null
SELECT ARRAY['37', 'PAID', 'Alpine Buyout Fund', (:'today'::date - 365)::text, :'today'] AS params \gset

\pset format unaligned
\pset tuples_only on
SELECT current_setting('demo.query');
\pset format wrapped
\pset tuples_only off
\echo
\echo with the parameters :params

SELECT plan_source, round(estimated_cost) AS estimated_cost, round(planning_time_ms::numeric, 2) AS planning_ms,
       round(execution_time_ms::numeric, 1) AS execution_ms, actual_rows, used_indexes
FROM perf_optimizer.analyze_query(current_setting('demo.query'), :'params', execute => true);

\echo 'The same for reading, SELECT * FROM perf_optimizer.explain_tree(query, params, execute => true):'
\echo
\pset format unaligned
\pset tuples_only on
SELECT * FROM perf_optimizer.explain_tree(current_setting('demo.query'), :'params', execute => true);
\pset format wrapped
\pset tuples_only off
\echo
SELECT rule, severity, node_id AS node, evidence, suggested_sql
FROM perf_optimizer.plan_findings(current_setting('demo.query'), :'params', execute => true) \gx
