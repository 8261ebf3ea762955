/* ---- workload: texts of statements, and statements that run again and again ---- */

CREATE FUNCTION perf_optimizer.statement_texts(
  OUT query_id bigint,
  OUT userid oid,
  OUT query text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  statements text;
BEGIN
  SELECT c.oid::regclass::text INTO statements
    FROM pg_extension e
    JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e'
    JOIN pg_class c ON c.oid = d.objid AND c.relname = 'pg_stat_statements' AND c.relkind = 'v'
   WHERE e.extname = 'pg_stat_statements' AND current_setting('pg_stat_statements.max', true) IS NOT NULL;
  IF statements IS NOT NULL THEN
    RETURN QUERY EXECUTE format(
      'SELECT DISTINCT ON (s.queryid, s.userid) s.queryid, s.userid, s.query FROM %s s
        WHERE s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) AND s.queryid IS NOT NULL AND s.query IS NOT NULL', statements);
  END IF;
  IF current_setting('perf_optimizer.track_max', true) IS NOT NULL THEN
    IF statements IS NULL THEN
      RETURN QUERY SELECT DISTINCT ON (s.query_id, s.userid) s.query_id, s.userid, s.query FROM perf_optimizer.query_samples() s;
    ELSE
      RETURN QUERY EXECUTE format(
        'SELECT DISTINCT ON (t.query_id, t.userid) t.query_id, t.userid, t.query FROM perf_optimizer.query_samples() t
          WHERE NOT EXISTS (SELECT 1 FROM %s s WHERE s.queryid = t.query_id AND s.userid = t.userid AND s.query IS NOT NULL)', statements);
    END IF;
  END IF;
END
$$;

COMMENT ON FUNCTION perf_optimizer.statement_texts() IS
'The texts of this database''s statements that you may see: normalised from pg_stat_statements where it is there, else as captured in samples.';

CREATE FUNCTION perf_optimizer.n_plus_one_queries(
  OUT query_id bigint,
  OUT query text,
  OUT relation regclass,
  OUT kind text,
  OUT bursts bigint,
  OUT executions bigint,
  OUT avg_burst float8,
  OUT max_burst bigint,
  OUT total_time_ms float8,
  OUT parent_query_id bigint,
  OUT parent_query text,
  OUT suggestion text,
  OUT role_name name)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 100
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
  IF current_setting('perf_optimizer.track_max', true) IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '55000',
      MESSAGE = 'n_plus_one_queries needs perf_optimizer in shared_preload_libraries',
      HINT = 'Set shared_preload_libraries = ''pg_stat_statements, perf_optimizer'' in postgresql.conf and restart the server.';
  END IF;
  RETURN QUERY
  WITH texts AS MATERIALIZED (SELECT t.query_id, t.userid, t.query FROM perf_optimizer.statement_texts() t)
  SELECT b.query_id, q.query, (SELECT c.oid FROM pg_class c WHERE c.oid = b.relid)::regclass, b.kind, b.bursts, b.executions,
         b.executions::float8 / greatest(b.bursts, 1), b.max_burst, b.total_time_ms, b.parent_query_id, p.query,
         CASE b.kind WHEN 'n-plus-one' THEN b.suggestion
                     ELSE 'The same statement with the same values runs up to ' || b.max_burst || ' times in a row: keep its result for the transaction, or cache it.' END,
         pg_get_userbyid(b.userid)
    FROM perf_optimizer.tracked_bursts() b
    LEFT JOIN texts q ON q.query_id = b.query_id AND q.userid = b.userid
    LEFT JOIN texts p ON p.query_id = b.parent_query_id AND p.userid = b.userid
   ORDER BY b.total_time_ms DESC, b.executions DESC, b.query_id;
END
$$;

COMMENT ON FUNCTION perf_optimizer.n_plus_one_queries() IS
'Statements of this database that one session runs five times or more in one transaction, or with gaps of at most 50 ms and four other
statements, each returning ten rows or fewer, since tracking began or was reset; the costliest first.
kind is n-plus-one when a column is compared with different values and repeated-query when all values are the same. bursts counts such runs, executions
the executions in them, avg_burst and max_burst their length, total_time_ms the time of those executions in milliseconds.
parent_query is the procedure or the statement before that the burst seems to belong to, NULL when none is known.
suggestion is a statement that reads the rows of all values at once: pass the arrays as its parameters; where the statement''s own text cannot be changed
safely, a plain read of the relation. Not counted: what a set query''s function, a trigger or COPY runs for each row,
deferred triggers, statements that write or lock rows, system catalogs. Texts and identifiers of other roles are NULL unless you are a member of pg_read_all_stats.
Errors: 55000 unless perf_optimizer is preloaded.';
