SELECT (SELECT count(*) FROM "Event") AS events, (SELECT count(*) FROM "EventPartitioned") AS partitioned \gset
\echo 'SELECT perf_optimizer.create_archive_policy(''"Event"'', ''timestamp'', ''12 months'', timezone => ''UTC'', schedule => ''15 3 * * *'');'
SELECT perf_optimizer.create_archive_policy('"Event"', 'timestamp', '12 months', timezone => 'UTC', schedule => '15 3 * * *'),
       perf_optimizer.create_archive_policy('"EventPartitioned"', 'timestamp', '12 months', timezone => 'UTC',
                                            schedule => '30 3 * * *') \g /dev/null
\echo
\echo 'SELECT * FROM perf_optimizer.preview_archive(policy), for both tables:'
\echo
SELECT policy, eligible_rows, pg_size_pretty(eligible_bytes) AS size, oldest::date, newest::date, batches,
       cardinality(partitions) AS whole_partitions, blockers
FROM perf_optimizer.archive_policies, LATERAL perf_optimizer.preview_archive(policy) ORDER BY policy;

\timing on
\echo 'CALL perf_optimizer.run_archive(''Event'');'
CALL perf_optimizer.run_archive('Event');
\echo 'CALL perf_optimizer.run_archive(''EventPartitioned'');'
CALL perf_optimizer.run_archive('EventPartitioned');
\timing off
\echo
SELECT policy, status, rows_archived, batches, cutoff::timestamp(0), why_stopped,
       round(extract(epoch FROM finished_at - started_at) * 1000) AS ms
FROM perf_optimizer.archive_runs ORDER BY run_id;

SELECT 'Event' AS table, :events AS rows_before, (SELECT count(*) FROM "Event") AS kept,
       (SELECT count(*) FROM "Event_archive") AS archived,
       (SELECT count(*) FROM "Event" JOIN "Event_archive" USING ("id")) AS in_both
UNION ALL
SELECT 'EventPartitioned', :partitioned, (SELECT count(*) FROM "EventPartitioned"), (SELECT count(*) FROM "EventPartitioned_archive"),
       (SELECT count(*) FROM "EventPartitioned" JOIN "EventPartitioned_archive" USING ("id"));
