#!/bin/sh
# Proof that the check of this name can fail.
# shellcheck source=test/lint/t/lib.sh
. "$(dirname "$0")/lib.sh"

# Makes a document with one tested block and the output that it comes from.
documented() {
  fixture
  mkdir -p "$root/expected" "$root/doc"
  printf 'SELECT 0;\nSELECT 1 AS one;\n one \n-----\n   1\n(1 row)\n\n' >"$root/expected/90_doc.out"
  printf 'Function one(): see [one](doc/one.md#top) and [the web](https://example.org).\n' >"$root/README.md"
  # shellcheck disable=SC2016
  printf 'Text.\n\n<!-- tested: 90_doc -->\n```sql\nSELECT 1 AS one;\n one\n-----\n   1\n(1 row)\n```\n' >"$root/doc/one.md"
}

documented
passes docs "a block that the test has seen"
sed 's/   1$/   2/' "$root/doc/one.md" >"$root/x" && mv "$root/x" "$root/doc/one.md"
fails docs 'doc/one.md: not in expected/90_doc.out' "another output"
documented
sed 's/^SELECT 1 AS/ECT 1 AS/' "$root/doc/one.md" >"$root/x" && mv "$root/x" "$root/doc/one.md"
fails docs 'not in expected' "a line that is only the end of one"
documented
rm "$root/expected/90_doc.out"
fails docs 'there is no expected/90_doc.out' "a test that does not exist"
documented
printf '\n<!-- tested: 90_doc -->\nno block\n' >>"$root/README.md"
fails docs 'no block follows' "a mark without a block"
documented
printf 'CREATE FUNCTION perf_optimizer.secret() RETURNS int LANGUAGE sql RETURN 1;\n' >"$root/sql/schema/10_more.sql"
fails docs 'secret is not in README.md or doc/' "a function without a word"
documented
printf 'CREATE FUNCTION perf_optimizer.fired() RETURNS trigger LANGUAGE c;\n' >"$root/sql/schema/10_more.sql"
passes docs "a trigger function"
documented
rm "$root/doc/one.md"
fails docs 'no such file: doc/one.md' "a link to nowhere"
fails docs 'no tested block' "documents that test nothing"
plan
