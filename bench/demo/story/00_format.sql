\pset border 1
\pset numericlocale off
SET search_path = public, pg_catalog;
SET client_min_messages = warning;
