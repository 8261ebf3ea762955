#!/bin/sh
# Proof that the check of this name can fail.
# shellcheck source=test/lint/t/lib.sh
. "$(dirname "$0")/lib.sh"

# Appends a function with so many lines to the project: name, lines.
long_function() {
  {
    printf '\n/* Does much. */\nvoid\n%s(void)\n{\n' "$1"
    i=0
    while [ $i -lt "$2" ]; do printf '\tcall(%s);\n' $i; i=$((i + 1)); done
    printf '}\n'
  } >>"$root/src/plan/long.c"
}

fixture
passes functions "short functions with comments"
printf 'int\nnaked(int a,\n\t\tint b)\n{\n\treturn a;\n}\n' >"$root/src/plan/naked.c"
fails functions 'naked has no comment' "a function without a comment"
fixture
printf '/* Far away. */\n\nint\nnaked(void)\n{\n\treturn 1;\n}\n' >"$root/src/plan/naked.c"
fails functions 'naked has no comment' "a comment that is not right above"
fixture
long_function most 100
fails functions 'only 3 of 4' "one function of 100 lines in four"
fixture
long_function more 101
fails functions 'more has 101 lines' "a function of 101 lines"
fixture
long_function a 21; long_function b 21; long_function c 21; long_function d 21
fails functions 'the median function has 21' "more than half of the functions above 20 lines"
rm -rf "$root/src/core" "$root/src/plan"
fails functions 'no function was found' "a tree in which it finds nothing"
plan
