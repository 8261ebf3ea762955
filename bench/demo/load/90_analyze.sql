-- Statistics and visibility maps, as autovacuum would leave them.
SELECT format('VACUUM (ANALYZE) %I', relname) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm') ORDER BY relname
\gexec
