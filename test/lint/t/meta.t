#!/bin/sh
# Proof that the check of this name can fail.
# shellcheck source=test/lint/t/lib.sh
. "$(dirname "$0")/lib.sh"

fixture
passes meta "all say 0.1.0"
printf "default_version = '0.2.0'\n" >"$root/perf_optimizer.control"
fails meta 'version is 0.1.0, the control file says 0.2.0' "another version in the control file"
fails meta 'nothing about 0.2.0' "a version that the changelog does not know"
fixture
sed 's/sql\/perf_optimizer--0.1.0/sql\/other/' "$root/META.json" >"$root/x" && mv "$root/x" "$root/META.json"
fails meta 'the file that it provides' "another script"
plan
