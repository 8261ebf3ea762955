# perf_optimizer: PGXS build.
EXTENSION = perf_optimizer
PG_CONFIG ?= pg_config
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" perf_optimizer.control)
MODULE_big = perf_optimizer
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
INSTALL_SQL = sql/perf_optimizer--$(EXTVERSION).sql
DATA = $(INSTALL_SQL)
FRAGMENTS = $(sort $(wildcard sql/schema/*.sql))
DEPS = $(OBJS:.o=.d)
EXTRA_CLEAN = $(DEPS) build results output_iso tmp_check

# The server's headers are system headers: -Wundef and -Wextra judge our code, not theirs.
PG_CPPFLAGS = -Isrc -isystem $(shell $(PG_CONFIG) --includedir-server) -MMD -MP -DPO_VERSION='"$(EXTVERSION)"'
PG_CFLAGS = -std=gnu99 -Wall -Wextra -Wundef -Werror -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers
SHLIB_LINK = -Wl,--version-script=src/exports.map

PGXS := $(shell $(PG_CONFIG) --pgxs)
# No bitcode: nothing here is worth inlining into a user's expressions, and clang is not needed to build.
override with_llvm = no

all: $(INSTALL_SQL)

include $(PGXS)

$(OBJS): src/exports.map
-include $(DEPS)

$(INSTALL_SQL): $(FRAGMENTS)
	cat $(FRAGMENTS) > $@
