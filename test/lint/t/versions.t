#!/bin/sh
# Proof that the check of this name can fail.
# shellcheck source=test/lint/t/lib.sh
. "$(dirname "$0")/lib.sh"

fixture
echo '/* PG_VERSION_NUM is for compat.h */' >>"$root/src/core/low.c"
printf '#if PG_VERSION_NUM >= 160000\n#endif\n' >"$root/src/core/compat.h"
passes versions "compat.h, and a comment elsewhere"
printf '#if PG_VERSION_NUM >= 160000\n#endif\n' >>"$root/src/plan/high.c"
fails versions 'high.c:[0-9]*: PG_VERSION_NUM' "a condition outside compat.h"
plan
