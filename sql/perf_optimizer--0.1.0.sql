/* perf_optimizer: built by "make sql" from sql/schema; edit the fragments there. */

\echo Use "CREATE EXTENSION perf_optimizer" to load this file. \quit

SET LOCAL search_path = pg_catalog, pg_temp;

COMMENT ON SCHEMA perf_optimizer IS 'Query and view optimization: plan analysis, index advice, scheduled refresh and archival.';
GRANT USAGE ON SCHEMA perf_optimizer TO PUBLIC;
