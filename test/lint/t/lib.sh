# shellcheck shell=sh
# What the proofs of the checks share: a folder with a sound little project, spoilt in one way for each test.
# fixture makes it anew; passes CHECK NAME and fails CHECK TEXT NAME run a check on it and print TAP; plan ends the file.

lint=$(cd "$(dirname "$0")/.." && pwd)
PG_CONFIG=${PG_CONFIG:-pg_config}
export PG_CONFIG
count=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# Prints one TAP line: status, name.
tap() {
  count=$((count + 1))
  if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

# Passes when the check finds nothing.
passes() {
  "$lint/$1" "$root" >"$root.out" 2>&1
  status=$?
  tap $status "$1 passes: $2"
  [ $status = 0 ] || sed 's/^/# /' "$root.out"
}

# Passes when the check fails and says the text.
fails() {
  if "$lint/$1" "$root" >"$root.out" 2>&1 || ! grep -q -e "$2" "$root.out"; then
    tap 1 "$1 fails: $3"
    sed 's/^/# /' "$root.out"
  else
    tap 0 "$1 fails: $3"
  fi
}

plan() { echo "1..$count"; }

# Makes the sound project: one file on floor 0, one on floor 1, the top file, and a script with one function.
fixture() {
  root=$work/project
  rm -rf "$root"
  mkdir -p "$root/src/core" "$root/src/plan" "$root/src/explain" "$root/src/sched" "$root/sql/schema" "$root/test/unit"
  cat >"$root/src/core/low.h" <<'H'
#ifndef PO_LOW_H
#define PO_LOW_H

extern int po_low_get(void);

#endif
H
  cat >"$root/src/core/low.c" <<'C'
#include "postgres.h"

#include "core/low.h"

/* Returns one, or raises an error. */
int
po_low_get(void)
{
	if (0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no (really)")));
	return 1;
}
C
  cat >"$root/src/plan/high.c" <<'C'
#include "postgres.h"

#include "core/low.h"

/* Returns what is below. */
static int
twice(void)
{
	return 2 * po_low_get();
}

/* Uses the other. */
int
po_high_get(void)
{
	return twice();
}
C
  cat >"$root/sql/schema/00_schema.sql" <<'S'
\echo Use "CREATE EXTENSION perf_optimizer" to load this file. \quit

SET LOCAL search_path = pg_catalog, pg_temp;

CREATE FUNCTION perf_optimizer.one() RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT 1; $$;
COMMENT ON FUNCTION perf_optimizer.one() IS 'One; or replace it.';
CREATE TABLE perf_optimizer.t (a int);
COMMENT ON TABLE perf_optimizer.t IS 'Rows.';
S
  printf "default_version = '0.1.0'\n" >"$root/perf_optimizer.control"
  cat >"$root/META.json" <<'J'
{ "name": "perf_optimizer", "abstract": "a", "version": "0.1.0", "maintainer": "m", "license": "postgresql",
  "provides": { "perf_optimizer": { "file": "sql/perf_optimizer--0.1.0.sql", "version": "0.1.0" } },
  "meta-spec": { "version": "1.0.0" } }
J
  printf '# Changelog\n\n## [0.1.0]\n' >"$root/CHANGELOG.md"
  printf '#!/bin/sh\necho "done"\n' >"$root/script"
}
