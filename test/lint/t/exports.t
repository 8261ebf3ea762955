#!/bin/sh
# Proof that the check of this name can fail.
# shellcheck source=test/lint/t/lib.sh
. "$(dirname "$0")/lib.sh"

# Builds the library of a project from C text.
library() {
  printf '%s\n' "$1" | ${CC:-gcc} -shared -fPIC -o "$root/perf_optimizer.so" -x c -
}

fixture
library 'void _PG_init(void) {} int Pg_magic_func; int perf_optimizer_x; int pg_finfo_perf_optimizer_x; static int hidden; int *perf_optimizer_y = &hidden;'
passes exports "the four kinds of symbols"
library 'void _PG_init(void) {} int Pg_magic_func; int po_core_leak;'
fails exports 'exports po_core_leak' "another symbol"
library 'int Pg_magic_func;'
fails exports 'does not export _PG_init' "a library that cannot be loaded"
rm "$root/perf_optimizer.so"
fails exports 'perf_optimizer.so' "no library"
plan
