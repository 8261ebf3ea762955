#!/bin/sh
# Proof that the check of this name can fail.
# shellcheck source=test/lint/t/lib.sh
. "$(dirname "$0")/lib.sh"

fixture
printf 'void f(void) { ereport(LOG, (errmsg("a"))); ereport(WARNING, errmsg("b")); }\n' >>"$root/src/plan/high.c"
printf 'void g(void) { ereport(ERROR, (errcode_for_file_access(), errmsg("a"))); }\n' >>"$root/src/plan/high.c"
passes errcodes "errors with a code, messages without"
printf 'void h(void) { ereport(ERROR, (errmsg("errcode(%%s)", ")"))); }\n' >>"$root/src/plan/high.c"
fails errcodes 'ereport(ERROR, ...) without errcode' "an error without a code"
fixture
printf 'void h(int level) {\n ereport(level,\n errmsg("a")); }\n' >>"$root/src/plan/high.c"
fails errcodes 'ereport(level, ...) without errcode' "a level known at run time only"
plan
