#!/bin/sh
# Proof that the check of this name can fail.
# shellcheck source=test/lint/t/lib.sh
. "$(dirname "$0")/lib.sh"

# Appends a statement to the fragments and expects the check to say the text.
spoilt() {
  fixture
  printf '%s\n' "$1" >>"$root/sql/schema/10_x.sql"
  fails install-script "$2" "$3"
}

fixture
passes install-script "plain, decided and commented"
good="LANGUAGE sql STABLE PARALLEL SAFE AS 'SELECT 1';"
comment="COMMENT ON FUNCTION perf_optimizer.f() IS 'f';"
spoilt "CREATE OR REPLACE FUNCTION perf_optimizer.f() RETURNS int $good $comment" 'OR REPLACE' "OR REPLACE"
spoilt "CREATE TABLE IF NOT EXISTS perf_optimizer.u (a int); COMMENT ON TABLE perf_optimizer.u IS 'u';" 'IF NOT EXISTS' "IF NOT EXISTS"
spoilt "CREATE FUNCTION perf_optimizer.f() RETURNS int $good" 'no COMMENT ON FUNCTION perf_optimizer.f' "no comment on a function"
spoilt "CREATE VIEW perf_optimizer.v AS SELECT 1;" 'no COMMENT ON VIEW perf_optimizer.v' "no comment on a view"
spoilt "CREATE FUNCTION f() RETURNS int $good COMMENT ON FUNCTION f() IS 'f';" 'not in the schema' "an unqualified name"
spoilt "CREATE FUNCTION perf_optimizer.f() RETURNS int LANGUAGE sql PARALLEL SAFE AS 'SELECT 1 -- STABLE'; $comment" \
  'volatility is not stated' "no volatility"
spoilt "CREATE FUNCTION perf_optimizer.f() RETURNS int LANGUAGE sql STABLE AS \$\$ PARALLEL SAFE \$\$; $comment" \
  'PARALLEL is not stated' "no parallel safety"
fixture
sed '/^SET LOCAL/d' "$root/sql/schema/00_schema.sql" >"$root/x" && mv "$root/x" "$root/sql/schema/00_schema.sql"
fails install-script 'the first statement is not' "no search path"
fixture
sed '/^.echo/d' "$root/sql/schema/00_schema.sql" >"$root/x" && mv "$root/x" "$root/sql/schema/00_schema.sql"
fails install-script 'no .echo' "no guard against psql"
plan
