#!/bin/sh
# Proof that the check of this name can fail.
# shellcheck source=test/lint/t/lib.sh
. "$(dirname "$0")/lib.sh"

fixture
passes cppcheck "sound code"
printf 'int f(void)\n{\n\tint a[2];\n\n\ta[2] = 1;\n\treturn a[0];\n}\n' >"$root/src/plan/bad.c"
fails cppcheck arrayIndexOutOfBounds "an index out of bounds"
printf 'void f(int *p)\n{\n\tPG_TRY();\n\t{\n\t\t*p = 1;\n\t\tif (!p)\n\t\t\treturn;\n\t}\n\tPG_END_TRY();\n}\n' >"$root/src/plan/bad.c"
fails cppcheck nullPointer "a late null check inside PG_TRY"
plan
