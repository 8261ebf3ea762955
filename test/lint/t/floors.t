#!/bin/sh
# Proof that the check of this name can fail.
# shellcheck source=test/lint/t/lib.sh
. "$(dirname "$0")/lib.sh"

fixture
passes floors "lower floors and the same folder"
echo '#include "plan/high.h"' >>"$root/src/core/low.c"
fails floors 'low.c:[0-9]*: plan/high.h is not on a lower floor than src/core' "an include upwards"
fixture
printf '#include "advisor/x.h"\n' >"$root/src/explain/y.c"
fails floors 'advisor/x.h is not on a lower floor than src/explain' "an include sideways"
fixture
printf '#include "sched/x.h"\n' >"$root/src/explain/y.h"
fails floors 'y.h:1: sched/x.h' "a header that includes upwards"
fixture
printf '#include "../core/low.h"\n' >"$root/src/plan/z.c"
fails floors 'by its folder' "an include by a relative path"
fixture
mkdir "$root/src/other" && echo >"$root/src/other/a.c"
fails floors 'src/other is on no floor' "a folder that nobody knows"
plan
