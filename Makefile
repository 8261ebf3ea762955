# perf_optimizer: PGXS build.  "make help" lists the targets.
EXTENSION = perf_optimizer
PG_CONFIG ?= pg_config
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" perf_optimizer.control)
MODULE_big = perf_optimizer
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
INSTALL_SQL = sql/perf_optimizer--$(EXTVERSION).sql
DATA = $(INSTALL_SQL)
FRAGMENTS = $(sort $(wildcard sql/schema/*.sql))
DEPS = $(OBJS:.o=.d)
EXTRA_CLEAN = $(DEPS) $(OBJS:.o=.gcno) $(OBJS:.o=.gcda) build results output_iso tmp_check regression.diffs regression.out

# installcheck: tests against any running server.  Never put a NAME.sql straight into sql/: it would hide test/sql/NAME.sql.
REGRESS = $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --load-extension=$(EXTENSION)

# The server's headers are system headers: -Wundef and -Wextra judge our code, not theirs.
PG_CPPFLAGS = -Isrc -isystem $(shell $(PG_CONFIG) --includedir-server 2>/dev/null) -MMD -MP \
	-DPO_VERSION='"$(EXTVERSION)"'
# The language standard is the one that the server itself was built with.
PG_CFLAGS = -Wall -Wextra -Wundef -Werror -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers $(PO_CFLAGS)
SHLIB_LINK = -Wl,--version-script=src/exports.map $(PO_LDFLAGS)

PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
# No bitcode: nothing here is worth inlining into a user's expressions, and clang is not needed to build.
override with_llvm = no

all: $(INSTALL_SQL)

ifneq ($(PGXS),)
include $(PGXS)
else
all install installcheck clean:
	@echo "no server's development files ($(PG_CONFIG) --pgxs finds none): test/setup build installs them" >&2; exit 1
endif

# Objects made for another server or with other flags are made again.
STAMP := $(shell $(PG_CONFIG) --version --includedir-server 2>/dev/null) $(PO_CFLAGS) $(COPT)
$(shell mkdir -p build && (echo '$(STAMP)' | cmp -s - build/stamp || echo '$(STAMP)' > build/stamp))
$(OBJS): src/exports.map build/stamp
build/stamp: ;
-include $(DEPS)

$(INSTALL_SQL): $(FRAGMENTS)
	cat $(FRAGMENTS) > $@

export PG_CONFIG
.PHONY: help sql test demo bench lint indent indent-check coverage asan valgrind matrix dist

help:
	@sed -n 's/^#: //p' Makefile

#: make               build the library and the install script
#: make install       install them into the server of PG_CONFIG (default: pg_config)
#: make installcheck  regression tests against a running server (PGHOST, PGPORT, PGUSER), preloaded or not
#: make test          install what is missing, build, and run every test in a private cluster
#:                    make test TESTS="pgtap/20_explain sql/10 unit/test_due specs/iso_x t/001 lint/floors" runs some
#: make demo          the same set-up; the main job on a generated workload, told as a story
#: make lint          the rules of the house, shellcheck, cppcheck
#: make indent        format src with pg_bsd_indent; make indent-check shows what it would change
#: make sql           build the install script from sql/schema
#: make coverage      run the tests, report the lines reached
#: make asan          run the tests with the address and undefined-behaviour sanitizers
#: make valgrind      run the SQL tests on a server under valgrind
#: make matrix        run the tests on the other supported major versions
#: make bench         run every benchmark under bench/ but the demo
#: make dist          a zip for PGXN in build/
#: make clean         remove what was built
sql: $(INSTALL_SQL)

test:
	@test/run $(TESTS)

demo:
	@test/setup build && bench/demo/run

bench:
	@test/setup build && for run in $(filter-out bench/demo/run,$(sort $(wildcard bench/*/run))); do $$run || exit 1; done

lint:
	@test/lint/run

indent:
	@test/indent

indent-check:
	@test/indent --check

coverage:
	@test/coverage

asan:
	@test/asan $(TESTS)

valgrind:
	@test/valgrind $(TESTS)

matrix:
	@test/matrix $(MAJORS)

dist:
	@mkdir -p build && git archive --format=zip --prefix=perf_optimizer-$(EXTVERSION)/ \
		-o build/perf_optimizer-$(EXTVERSION).zip HEAD && echo build/perf_optimizer-$(EXTVERSION).zip
