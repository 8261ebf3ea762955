SELECT format('  %s in %s tables, %s rows', pg_size_pretty(pg_database_size(current_database())), count(*), sum(reltuples)::bigint)
FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace;
