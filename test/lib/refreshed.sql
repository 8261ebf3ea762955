-- refreshed(view): refreshes a view incrementally and returns the mode used, and in how many rows view and query differ; for \ir.
CREATE FUNCTION refreshed(view regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  used text;
  n bigint;
BEGIN
  SELECT mode_used INTO used FROM perf_optimizer.refresh(view, 'incremental');
  EXECUTE format('SELECT count(*) FROM ((TABLE %1$s EXCEPT ALL (%2$s)) UNION ALL ((%2$s) EXCEPT ALL TABLE %1$s)) d',
                 view, rtrim(pg_get_viewdef(view), ';')) INTO n;
  RETURN used || ' ' || n;
END $$;
