#!/bin/sh
# Proof that the check of this name can fail.
# shellcheck source=test/lint/t/lib.sh
. "$(dirname "$0")/lib.sh"

fixture
passes shell "a sound script"
# shellcheck disable=SC2016
printf '#!/bin/sh\necho $1\n' >"$root/script"
fails shell SC2086 "an unquoted argument"
rm "$root/script"
fails shell 'no shell script was found' "a tree in which it finds nothing"
plan
