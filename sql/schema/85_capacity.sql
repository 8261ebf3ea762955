/* ---- capacity: where figures of the history are going ---- */

CREATE FUNCTION perf_optimizer.forecast(moments timestamptz[], figures float8[], ahead timestamptz[],
  OUT moment timestamptz, OUT projected float8, OUT lower float8, OUT upper float8, OUT per_day float8, OUT weekly boolean)
RETURNS SETOF record
LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 100
AS 'MODULE_PATHNAME', 'perf_optimizer_forecast';
COMMENT ON FUNCTION perf_optimizer.forecast(timestamptz[], float8[], timestamptz[]) IS
'What a series (figures at moments, the oldest first) leads one to expect at other moments: along the median of the slopes between all its points (Theil and Sen; per_day), with what days of the week (UTC) add where they matter (weekly). 90 % of figures fall between lower and upper, if all goes on as before. No rows for fewer than 14 points or less than 7 days. Errors: 22004 for a NULL, 22023 for arrays that do not match, moments that do not ascend, or more than 1000 points.';

CREATE FUNCTION perf_optimizer.relation_sizes(relation regclass) RETURNS TABLE (moment timestamptz, figure float8)
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
  -- A snapshot leaves out what nothing happened to: its size is as before.
  SELECT k.taken_at, max(k.bytes) OVER (PARTITION BY k.part)::float8
    FROM (SELECT s.taken_at, h.bytes, count(h.bytes) OVER (ORDER BY s.taken_at, s.snapshot_id) AS part
            FROM perf_optimizer.snapshots s
            LEFT JOIN (SELECT t.snapshot_id, t.total_bytes AS bytes FROM perf_optimizer.table_history t WHERE t.relid = relation_sizes.relation
                       UNION ALL SELECT i.snapshot_id, i.bytes FROM perf_optimizer.index_history i WHERE i.indexid = relation_sizes.relation) h USING (snapshot_id)) k
   WHERE k.part > 0
$$;
COMMENT ON FUNCTION perf_optimizer.relation_sizes(regclass) IS 'The size of a table, materialized view or index in each snapshot since the history knows it. Internal.';

CREATE FUNCTION perf_optimizer.sequence_positions(sequence regclass) RETURNS TABLE (moment timestamptz, figure float8)
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
  -- No snapshot looks at sequences; the rows that came to the table since tell where this one was.
  SELECT s.taken_at, perf_optimizer.sequence_position(sequence) - q.seqincrement * coalesce(sum(h.inserted) OVER (ORDER BY s.taken_at DESC, s.snapshot_id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
    FROM perf_optimizer.snapshots s CROSS JOIN pg_sequence q
    JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = q.seqrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
    LEFT JOIN perf_optimizer.table_history h ON h.snapshot_id = s.snapshot_id AND h.relid = d.refobjid
   WHERE q.seqrelid = sequence
$$;
COMMENT ON FUNCTION perf_optimizer.sequence_positions(regclass) IS 'Where the sequence of a column was at each snapshot, by the rows inserted since. Internal.';

CREATE FUNCTION perf_optimizer.capacity_figures(resource text) RETURNS TABLE (moment timestamptz, figure float8, days float8)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  name text := substring(resource FROM '^(?:relation|sequence):(.+)$');
BEGIN
  CASE
  WHEN resource = 'database_size' THEN
    RETURN QUERY SELECT s.taken_at, s.database_bytes::float8, NULL::float8 FROM perf_optimizer.snapshots s;
  WHEN resource = 'connections' THEN
    RETURN QUERY SELECT s.taken_at, s.connections::float8, NULL::float8 FROM perf_optimizer.snapshots s;
  WHEN resource IN ('wal', 'transaction_ids', 'transactions') THEN
    RETURN QUERY SELECT s.taken_at, CASE resource WHEN 'wal' THEN s.wal_bytes WHEN 'transaction_ids' THEN s.transaction_ids ELSE s.commits + s.rollbacks END, (extract(epoch FROM s.taken_at - s.from_at) / 86400)::float8
                   FROM perf_optimizer.snapshots s WHERE s.taken_at > s.from_at;
  WHEN resource = 'statements' THEN
    RETURN QUERY SELECT s.taken_at, coalesce(sum(h.calls) FILTER (WHERE h.toplevel), 0), (extract(epoch FROM s.taken_at - s.from_at) / 86400)::float8
                   FROM perf_optimizer.snapshots s LEFT JOIN perf_optimizer.statement_history h USING (snapshot_id) WHERE s.taken_at > s.from_at GROUP BY s.snapshot_id, s.taken_at, s.from_at;
  WHEN resource LIKE 'relation:_%' THEN
    IF NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = name::regclass AND c.relkind IN ('r', 'm', 'i')) THEN
      RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format('"%s" has no size of its own', name), HINT = 'Name a table, a materialized view, an index or one partition.';
    END IF;
    RETURN QUERY SELECT r.moment, r.figure, NULL::float8 FROM perf_optimizer.relation_sizes(name::regclass) r;
  WHEN resource LIKE 'sequence:_%' THEN
    IF NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = name::regclass AND c.relkind = 'S') THEN
      RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format('"%s" is not a sequence', name), HINT = 'Name the sequence of a column, as pg_get_serial_sequence says it.';
    END IF;
    RETURN QUERY SELECT p.moment, p.figure, NULL::float8 FROM perf_optimizer.sequence_positions(name::regclass) p;
  ELSE
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('unknown resource "%s" in argument "resource"', resource),
      HINT = 'Pass database_size, connections, wal, transaction_ids, transactions, statements, relation:SCHEMA.NAME or sequence:SCHEMA.NAME.';
  END CASE;
END
$$;
COMMENT ON FUNCTION perf_optimizer.capacity_figures(text) IS
'What the history knows of a resource: a level at a moment, or, with days, what was used in so many days before it. Errors: 22023 unknown resource, 42P01 unknown relation, 42809 one of another kind. Internal.';

CREATE FUNCTION perf_optimizer.capacity_series(resource text, OUT moments timestamptz[], OUT figures float8[])
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM perf_optimizer.require_argument(resource, 'resource');
  WITH f AS MATERIALIZED (
    SELECT * FROM perf_optimizer.capacity_figures(resource) c WHERE c.figure IS NOT NULL AND c.moment > now() - interval '2 years'),
  unit AS (
    SELECT CASE WHEN max(f.moment) - min(f.moment) > interval '21 days' THEN 'day' ELSE 'hour' END AS name FROM f),
  part AS (
    SELECT max(f.moment) AS moment, CASE WHEN min(f.days) IS NOT NULL THEN sum(f.figure) / sum(f.days) WHEN capacity_series.resource = 'connections' THEN max(f.figure) ELSE (array_agg(f.figure ORDER BY f.moment DESC))[1] END AS figure
      FROM f CROSS JOIN unit u GROUP BY date_trunc(u.name, f.moment, 'UTC'))
  SELECT coalesce(array_agg(p.moment ORDER BY p.moment), '{}'), coalesce(array_agg(p.figure ORDER BY p.moment), '{}') INTO moments, figures FROM part p;
END
$$;
COMMENT ON FUNCTION perf_optimizer.capacity_series(text) IS
'The history of a resource with one figure a day, or an hour where it is younger than three weeks: the last level, the most connections, or what was used a day. Errors: as capacity_forecast. Internal.';

CREATE FUNCTION perf_optimizer.require_series(resource text, moments timestamptz[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF cardinality(moments) < 14 OR moments[cardinality(moments)] - moments[1] < interval '7 days' THEN
    RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = format('the history of "%s" is too short for a forecast', resource),
      DETAIL = format('It has %s figures over %s days; 14 over 7 days are the least.', cardinality(moments), coalesce(round((extract(epoch FROM moments[cardinality(moments)] - moments[1]) / 86400)::numeric, 1), 0)),
      HINT = 'Let schedule_snapshot() collect for longer.';
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.require_series(text, timestamptz[]) IS 'Raises 55000 for a series that is too short for a forecast. Internal.';

CREATE FUNCTION perf_optimizer.capacity_forecast(resource text, months int DEFAULT 6,
  OUT month date, OUT projected float8, OUT lower float8, OUT upper float8, OUT confidence float8)
RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 6
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  series record;
  known interval;
BEGIN
  IF months IS NULL OR months NOT BETWEEN 1 AND 120 THEN
    RAISE EXCEPTION USING ERRCODE = CASE WHEN months IS NULL THEN '22004' ELSE '22023' END, MESSAGE = 'argument "months" must be between 1 and 120', HINT = 'Few histories say anything of years to come.';
  END IF;
  series := perf_optimizer.capacity_series(resource);
  PERFORM perf_optimizer.require_series(resource, series.moments);
  known := series.moments[cardinality(series.moments)] - series.moments[1];
  RETURN QUERY
  SELECT f.moment::date, greatest(f.projected, 0), greatest(f.lower, 0), greatest(f.upper, 0), (0.9 * least(extract(epoch FROM known) / extract(epoch FROM f.moment - series.moments[cardinality(series.moments)]), 1))::float8
    FROM perf_optimizer.forecast(series.moments, series.figures, ARRAY(SELECT date_trunc('month', now()) + g.i * interval '1 month' FROM generate_series(1, capacity_forecast.months) g(i))) f
   ORDER BY 1;
END
$$;
COMMENT ON FUNCTION perf_optimizer.capacity_forecast(text, int) IS
'What the history of snapshots leads one to expect of a resource on the first of each of the coming months. resource: database_size, relation:NAME (bytes; names with their schema), connections (the most of a day, of this database), wal (bytes a day), transaction_ids, transactions, statements (a day; statements that you may see), or sequence:NAME (its value). 90 % of figures fall between lower and upper if all goes on as before. confidence: 0.9 as far ahead as the history reaches back, less in proportion beyond. Errors: 22004, 22023 for a wrong argument, 42P01 and 42809 for a wrong relation, 55000 for fewer than 14 figures or 7 days.';

CREATE FUNCTION perf_optimizer.transaction_ids_left() RETURNS float8
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT 2 ^ 31 - 3000001 - max(age(d.datfrozenxid)) FROM pg_database d $$;
COMMENT ON FUNCTION perf_optimizer.transaction_ids_left() IS 'How many transaction ids the server gives out before it stops, if nothing is frozen meanwhile. Internal.';

CREATE FUNCTION perf_optimizer.capacity_limit(resource text) RETURNS float8
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN resource = 'connections' THEN (SELECT c.max_connections - c.reserved_connections FROM perf_optimizer.connection_stats() c)::float8
              WHEN resource = 'transaction_ids' THEN perf_optimizer.transaction_ids_left()
              WHEN resource LIKE 'sequence:_%' THEN
                (SELECT least(s.seqmax, CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE s.seqmax END)::float8
                   FROM pg_sequence s
                   LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
                   LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                  WHERE s.seqrelid = substring(resource FROM '^sequence:(.+)$')::regclass AND s.seqincrement > 0 AND NOT s.seqcycle) END
$$;
COMMENT ON FUNCTION perf_optimizer.capacity_limit(text) IS 'The limit of a resource where the server knows it: connections, transaction_ids (those left), sequence:NAME (its own or its column''s type''s); else NULL. Error: 42P01 for an unknown sequence. Internal.';

CREATE FUNCTION perf_optimizer.capacity_ends(resource text, moments timestamptz[], figures float8[], limit_value float8, OUT exhausted_on date, OUT earliest_on date, OUT latest_on date)
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
  WITH f AS (
    SELECT * FROM perf_optimizer.forecast(moments, figures, ARRAY(SELECT now() + g.i * interval '1 day' FROM generate_series(0, 3650) g(i)))),
  -- Ids are used up: what each day to come takes adds up. Other resources have a level.
  level AS (
    SELECT f.moment::date AS day, f.projected, f.lower, f.upper FROM f WHERE resource <> 'transaction_ids'
    UNION ALL
    SELECT f.moment::date, coalesce(sum(greatest(f.projected, 0)) OVER w, 0), coalesce(sum(greatest(f.lower, 0)) OVER w, 0), coalesce(sum(greatest(f.upper, 0)) OVER w, 0) FROM f WHERE resource = 'transaction_ids'
    WINDOW w AS (ORDER BY f.moment ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))
  SELECT min(l.day) FILTER (WHERE l.projected >= limit_value), min(l.day) FILTER (WHERE l.upper >= limit_value), min(l.day) FILTER (WHERE l.lower >= limit_value) FROM level l
$$;
COMMENT ON FUNCTION perf_optimizer.capacity_ends(text, timestamptz[], float8[], float8) IS 'When the trend of a series, the upper and the lower end of its 90 % interval reach a limit within ten years. Internal.';

CREATE FUNCTION perf_optimizer.capacity_exhaustion(resource text, limit_value float8 DEFAULT NULL, OUT exhausted_on date, OUT earliest_on date, OUT latest_on date)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  series record := perf_optimizer.capacity_series(resource);
  bound float8 := coalesce(limit_value, perf_optimizer.capacity_limit(resource));
BEGIN
  IF bound IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = format('the server knows no limit of "%s"', resource), HINT = 'Pass one in "limit_value", such as the bytes of the disk.';
  END IF;
  PERFORM perf_optimizer.require_series(resource, series.moments);
  SELECT e.* INTO exhausted_on, earliest_on, latest_on FROM perf_optimizer.capacity_ends(resource, series.moments, series.figures, bound) e;
END
$$;
COMMENT ON FUNCTION perf_optimizer.capacity_exhaustion(text, float8) IS
'When a resource reaches a limit, such as the bytes of a disk: the day on which it is expected to, and the first days on which the upper and the lower end of the 90 % interval do. NULL where that is more than ten years away. limit_value: NULL for the limit that the server knows, of connections, sequence:NAME (its own or its column''s type''s) or transaction_ids: when the ids run out if nothing is frozen from now on; with a limit, when so many more ids are used. resource and errors: as capacity_forecast; 22004 for NULL where the server knows no limit.';

CREATE FUNCTION perf_optimizer.capacity_resources(OUT resource text, OUT unit text, OUT current_value float8, OUT limit_value float8)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED ROWS 15
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT 'database_size', 'bytes', pg_database_size(current_database())::float8, NULL::float8
  UNION ALL SELECT 'connections', 'connections', (SELECT count(*) FROM pg_stat_activity a WHERE a.backend_type = 'client backend' AND a.datname = current_database()), perf_optimizer.capacity_limit('connections')
  UNION ALL SELECT v.name, v.unit, NULL, perf_optimizer.capacity_limit(v.name) FROM (VALUES ('wal', 'bytes a day'), ('transaction_ids', 'a day'), ('statements', 'a day')) v(name, unit)
  UNION ALL (SELECT 'relation:' || c.oid::regclass, 'bytes', pg_total_relation_size(c.oid), NULL FROM perf_optimizer.indexed_relations(NULL) r(oid) JOIN pg_class c ON c.oid = r.oid
              WHERE c.relkind IN ('r', 'm') AND c.relpages > 0 ORDER BY c.relpages DESC, c.oid LIMIT 5)
  UNION ALL (SELECT 'sequence:' || s.seqrelid::regclass, 'values', p.last, l.top
               FROM pg_sequence s JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
               JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
              CROSS JOIN LATERAL (SELECT perf_optimizer.sequence_position(s.seqrelid)::float8 AS last) p
              CROSS JOIN LATERAL (SELECT least(s.seqmax, CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE s.seqmax END)::float8 AS top) l
              WHERE s.seqincrement > 0 AND NOT s.seqcycle AND d.refobjid IN (SELECT r.oid FROM perf_optimizer.indexed_relations(NULL) r(oid)) AND p.last >= 0.1 * l.top ORDER BY p.last / l.top DESC, s.seqrelid LIMIT 5)
$$;
COMMENT ON FUNCTION perf_optimizer.capacity_resources() IS 'What capacity_dashboard looks at, with its present value and its limit where they are known. Internal.';

CREATE FUNCTION perf_optimizer.capacity_dashboard(OUT resource text, OUT unit text, OUT current_value float8, OUT per_month float8, OUT in_90_days float8, OUT lower float8, OUT upper float8,
  OUT limit_value float8, OUT exhausted_on date, OUT earliest_on date, OUT samples int, OUT status text, OUT message text)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED ROWS 15
SET search_path = pg_catalog, pg_temp
AS $$
  WITH r AS MATERIALIZED (
    SELECT c.*, s.moments, s.figures FROM perf_optimizer.capacity_resources() c CROSS JOIN LATERAL perf_optimizer.capacity_series(c.resource) s),
  ahead AS (
    SELECT r.resource, f.moment, f.per_day, greatest(f.projected, 0) AS projected, greatest(f.lower, 0) AS lower, greatest(f.upper, 0) AS upper FROM r CROSS JOIN LATERAL perf_optimizer.forecast(r.moments, r.figures, ARRAY[now() + interval '90 days']) f),
  frozen AS (
    SELECT max(age(d.datfrozenxid)) <= 1.05 * current_setting('autovacuum_freeze_max_age')::float8 AS in_time FROM pg_database d),
  ends AS (
    SELECT r.resource, e.exhausted_on, e.earliest_on,
           -- As long as autovacuum freezes in time, ids do not run out, at whatever rate they are used.
           CASE WHEN r.resource = 'transaction_ids' AND f.in_time THEN 'ok' WHEN e.exhausted_on < now() + interval '30 days' THEN 'critical' WHEN e.earliest_on < now() + interval '90 days' THEN 'warning' ELSE 'ok' END AS status
      FROM r CROSS JOIN frozen f CROSS JOIN LATERAL perf_optimizer.capacity_ends(r.resource, r.moments, r.figures, r.limit_value) e WHERE r.limit_value IS NOT NULL),
  judged AS (
    SELECT r.*, a.per_day, a.projected, a.lower, a.upper, e.exhausted_on, e.earliest_on, CASE WHEN a.moment IS NULL THEN 'unknown' ELSE coalesce(e.status, 'ok') END AS status
      FROM r LEFT JOIN ahead a ON a.resource = r.resource LEFT JOIN ends e ON e.resource = r.resource)
  SELECT j.resource, j.unit, coalesce(j.current_value, j.figures[cardinality(j.figures)]), j.per_day * 30, j.projected, j.lower, j.upper, j.limit_value, j.exhausted_on, j.earliest_on, cardinality(j.figures), j.status,
         CASE WHEN j.status = 'unknown' THEN 'the history is too short: 14 figures over 7 days are the least'
              WHEN j.resource = 'transaction_ids' THEN format('if nothing were frozen, the ids would last %s', CASE WHEN j.exhausted_on IS NULL THEN 'for more than ten years' ELSE format('until %s', j.exhausted_on) END)
                                                       || CASE WHEN (SELECT f.in_time FROM frozen f) THEN '; autovacuum freezes in time' ELSE '; autovacuum freezes too late' END
              WHEN j.exhausted_on IS NOT NULL THEN format('reaches its limit around %s', j.exhausted_on) END
    FROM judged j
   ORDER BY array_position(ARRAY['critical', 'warning', 'ok', 'unknown'], j.status), j.exhausted_on, j.resource
$$;
COMMENT ON FUNCTION perf_optimizer.capacity_dashboard() IS
'What is growing, and when it ends: database size, connections of this database, WAL, transaction ids and statements a day, the five largest tables, and the five sequences that are nearest to their end. per_month: its trend; in_90_days with lower and upper: the 90 % interval; limit_value where it is known, exhausted_on and earliest_on: when the trend and the interval''s upper end reach it. Of transaction_ids the limit is how many are left, and the days hold if nothing is frozen; its status is ok while autovacuum freezes in time. status: ok, warning (may end within 90 days), critical (ends within 30), unknown (too short a history).';
