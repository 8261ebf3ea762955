#!/bin/sh
# Proof that the check of this name can fail.
# shellcheck source=test/lint/t/lib.sh
. "$(dirname "$0")/lib.sh"

fixture
cat "$root"/sql/schema/*.sql >"$root/sql/perf_optimizer--0.1.0.sql"
passes drift "the script is what the fragments make"
echo '-- more' >>"$root/sql/schema/00_schema.sql"
fails drift 'differs from sql/schema' "a fragment that changed"
rm "$root/sql/perf_optimizer--0.1.0.sql"
fails drift 'is missing' "no script"
plan
