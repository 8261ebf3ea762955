-- Each definition is run as it stands; an index of a partitioned table has one part for each partition.
CREATE TEMP TABLE there AS SELECT indexrelid FROM pg_index;
\timing off
SELECT definition FROM demo.suggestion ORDER BY rank
\gexec
SELECT (SELECT count(*) FROM demo.suggestion) AS suggested, count(*) FILTER (WHERE NOT relispartition) AS created,
       (SELECT pg_size_pretty(sum(estimated_size_bytes)) FROM demo.suggestion) AS estimated_size,
       pg_size_pretty(sum(pg_relation_size(indexrelid))) AS real_size
FROM pg_index JOIN pg_class c ON c.oid = indexrelid
WHERE indexrelid NOT IN (SELECT indexrelid FROM there) AND c.relnamespace = 'public'::regnamespace;
