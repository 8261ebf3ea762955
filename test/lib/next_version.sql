-- What t/52_jobs_database updates the extension with while jobs run; test/run installs it for the time of the tests.
\echo Use "ALTER EXTENSION perf_optimizer UPDATE TO 'next'" to load this file. \quit
ALTER TABLE perf_optimizer.job ADD COLUMN next text DEFAULT 'next';
ALTER TABLE perf_optimizer.job_run ADD COLUMN next text;
CREATE FUNCTION perf_optimizer.next() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT 'next'::text $$;
