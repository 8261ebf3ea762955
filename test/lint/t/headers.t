#!/bin/sh
# Proof that the check of this name can fail.
# shellcheck source=test/lint/t/lib.sh
. "$(dirname "$0")/lib.sh"

fixture
passes headers "a header with a guard that needs nothing else"
printf '#ifndef PO_BAD_H\n#define PO_BAD_H\nextern PoUnknown po_bad_get(void);\n#endif\n' >"$root/src/core/bad.h"
fails headers 'bad.h: does not compile alone' "a header that needs another"
fixture
printf 'extern int po_bad_get(void);\n' >"$root/src/core/bad.h"
fails headers 'bad.h: no guard PO_BAD_H' "a header without a guard"
fixture
printf '#ifndef PO_BAD_H\n#define PO_BAD_H\n#include "postgres.h"\n#endif\n' >"$root/src/core/bad.h"
fails headers 'bad.h: includes postgres.h' "a header that includes postgres.h"
plan
