/* ---- materialized views for aggregates that a workload repeats ---- */

CREATE TYPE perf_optimizer.matview_suggestion AS (
    rank int, definition text, unique_index text, estimated_rows float8, estimated_size_bytes bigint, workload_cost_before float8,
    workload_cost_after float8, query_ids bigint[], suggested_schedule text, reason text);
COMMENT ON TYPE perf_optimizer.matview_suggestion IS
'A row of suggest_matviews: its rank, the statement that creates the view and the one for the unique index that a concurrent refresh needs (both run as they stand), its estimated rows and size in bytes,
the planner''s cost of the workload without any suggestion and with this and all better ranks (refreshes not counted), the ids of the statements that can read it, a schedule for schedule_refresh
at which refreshing takes about 1 % of the time at most, and the reason in one sentence, with the cost of a refresh.';

CREATE FUNCTION perf_optimizer.aggregate_views(queries text[], max_views int)
RETURNS SETOF perf_optimizer.matview_suggestion
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 5
AS 'MODULE_PATHNAME', 'perf_optimizer_suggest_matviews';
COMMENT ON FUNCTION perf_optimizer.aggregate_views(text[], int) IS 'suggest_matviews without a word on incremental refreshes. Internal.';

CREATE FUNCTION perf_optimizer.incremental_prospect(definition text) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'perf_optimizer_incremental_prospect';
COMMENT ON FUNCTION perf_optimizer.incremental_prospect(text) IS
'Whether the view that a CREATE MATERIALIZED VIEW statement would create can be refreshed incrementally by you, and how, or why not, in a sentence. Names in it are to be qualified. Nothing is created. Errors: 22004 for a NULL, 22023 for another statement, and the errors of its query.';

CREATE FUNCTION perf_optimizer.suggest_matviews(queries text[] DEFAULT NULL, max_views int DEFAULT 5)
RETURNS SETOF perf_optimizer.matview_suggestion
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 5
AS $$
DECLARE
  found_view perf_optimizer.matview_suggestion;
BEGIN
  -- No search_path of its own: the queries are the caller's, and so are the names in them.
  FOR found_view IN SELECT a.* FROM perf_optimizer.aggregate_views(suggest_matviews.queries, suggest_matviews.max_views) a LOOP
    BEGIN
      found_view.reason := pg_catalog.concat_ws(' ', found_view.reason, perf_optimizer.incremental_prospect(found_view.definition));
    EXCEPTION WHEN insufficient_privilege THEN
      found_view.reason := pg_catalog.concat_ws(' ', found_view.reason, 'Whether it can be refreshed incrementally is for its owner to find out, with can_refresh_incrementally.');
    END;
    RETURN NEXT found_view;
  END LOOP;
END
$$;
COMMENT ON FUNCTION perf_optimizer.suggest_matviews(text[], int) IS
'Materialized views for expensive aggregates of a workload, best first; nothing is created. An aggregate is a whole SELECT, a sub-select in FROM or a CTE; those that differ in the values that columns
are compared with share a view that has these columns, and the statements keep their conditions. The reason says whether the view can be refreshed incrementally, and by what, or why not. The server does not read a view by itself: the statements must be changed to do so. queries: the workload
(NULL: the statements of pg_stat_statements that the caller may see, weighted by their calls and planned as the roles that issued them); max_views: limit of their number. Errors: 22023 for a limit or list
that makes no sense, 22004 for NULLs, 55000 without queries and pg_stat_statements, and the first query''s own error when none of the given ones can be planned.';
