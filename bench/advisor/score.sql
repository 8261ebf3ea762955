-- What a set of indexes really costs and saves: every index is built once and stays; those that are not in the set are marked
-- invalid, so that the planner does not see them.
CREATE SCHEMA bench;
CREATE TABLE bench.workload (name text PRIMARY KEY, query text NOT NULL, plain float8);
CREATE TABLE bench.result (budget int, cpu_ms bigint, indexes int, estimated_bytes numeric, bytes numeric, estimated_cost float8,
  cost float8, cost_without float8, geometric float8);
CREATE TABLE bench.definitions (budget int, rank int, definition text, reason text);
CREATE TABLE bench.peer (name text PRIMARY KEY, indexes int, bytes numeric, cost float8, cost_without float8, geometric float8);
CREATE TABLE bench.elapsed (name text, indexed boolean, ms float8);
CREATE TABLE bench.built (definition text PRIMARY KEY, index oid NOT NULL);

-- The planner's cost of a statement.
CREATE FUNCTION bench.cost(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
  plan json;
BEGIN
  EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
  RETURN plan -> 0 -> 'Plan' ->> 'Total Cost';
END $$;

-- The indexes that the plan of a statement uses.
CREATE FUNCTION bench.used_indexes(query text) RETURNS text[] LANGUAGE sql AS $$
  SELECT used_indexes FROM perf_optimizer.what_if(query) $$;

-- Builds what is missing of a set and shows the planner exactly the set; returns its real bytes.
CREATE FUNCTION bench.use_set(definitions text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  definition text;
BEGIN
  FOR definition IN SELECT DISTINCT d FROM unnest(definitions) d WHERE d NOT IN (SELECT b.definition FROM bench.built b) LOOP
    EXECUTE replace(definition, 'CONCURRENTLY ', '');
    INSERT INTO bench.built SELECT definition, max(oid) FROM pg_class WHERE relkind = 'i';
  END LOOP;
  UPDATE pg_index i SET indisvalid = b.definition = ANY (definitions) FROM bench.built b
  WHERE i.indexrelid = b.index AND indisvalid <> (b.definition = ANY (definitions));
  RETURN (SELECT coalesce(sum(pg_relation_size(index)), 0) FROM bench.built b WHERE b.definition = ANY (definitions));
END $$;

-- The CPU time of this backend, as the scheduler counts it.
CREATE FUNCTION bench.cpu_ms() RETURNS bigint LANGUAGE sql AS $$
  SELECT (split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::numeric / 1000000)::bigint $$;
