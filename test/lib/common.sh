# shellcheck shell=sh
# What the scripts under test/ share; sourced, with the project's top folder as the current one.

PG_CONFIG=${PG_CONFIG:-pg_config}
MAKE=${PO_MAKE:-make}
export PG_CONFIG MAKE
# A make above us must not lend its flags or its job server to the builds below.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

say() { printf '%s\n' "== $*"; }
die() { printf '%s\n' "$0: $*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# The major version of the server that pg_config belongs to; empty without one.
pg_major() { "$PG_CONFIG" --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p'; }

# Whether pg_config belongs to a whole server with its development files and contrib.
pg_complete() {
  [ -n "$(pg_major)" ] &&
    [ -x "$("$PG_CONFIG" --bindir)/postgres" ] &&
    [ -f "$("$PG_CONFIG" --pgxs)" ] &&
    [ -f "$("$PG_CONFIG" --includedir-server)/postgres.h" ] &&
    [ -f "$("$PG_CONFIG" --sharedir)/extension/pg_stat_statements.control" ]
}

# The user that servers run as: they refuse root.
server_user() {
  if [ "$(id -u)" != 0 ]; then
    id -un
  elif id postgres >/dev/null 2>&1; then
    echo postgres
  else
    echo nobody
  fi
}

# Runs a command as the server's user; no PAM, no login shell, HOME in the work folder, and there too where that user cannot
# enter the current folder (a checkout under /root).
as_server() {
  if [ "$(id -u)" != 0 ]; then
    "$@"
    return
  fi
  # shellcheck disable=SC2016
  set -- sh -c 'cd "$PWD" 2>/dev/null || cd "$HOME" || exit 1; exec "$@"' sh "$@"
  if have setpriv; then
    HOME=$WORK setpriv --reuid="$(server_user)" --regid="$(id -g "$(server_user)")" --clear-groups "$@"
  else
    HOME=$WORK runuser -u "$(server_user)" -- "$@"
  fi
}

# Makes WORK, the run's own folder, readable and writable for the server's user; sockets need its path short.
make_work() {
  WORK=$(mktemp -d "${TMPDIR:-/tmp}/po.XXXXXX") || die "no temporary folder"
  chmod 755 "$WORK"
  [ "$(id -u)" != 0 ] || chown "$(server_user)" "$WORK"
}

# A UTF-8 locale that exists here, else C.
utf8_locale() {
  locale -a 2>/dev/null | grep -i -m1 '^C\.utf-\?8$' || echo C
}

# Puts a copy of the server into WORK and leaves PG_CONFIG at it: a server finds its files relative to its programs.
copy_server() {
  for dir in bindir pkglibdir sharedir includedir-server; do
    path=$("$PG_CONFIG" --$dir)
    mkdir -p "$WORK/server$path"
    cp -a "$path/." "$WORK/server$path/" || die "cannot copy $path"
  done
  # The static libraries that unit tests link with, where they are not beside the modules.
  path=$("$PG_CONFIG" --libdir)
  mkdir -p "$WORK/server$path"
  cp "$path"/libpgcommon.a "$path"/libpgport.a "$WORK/server$path/" 2>/dev/null
  PG_CONFIG=$WORK/server$("$PG_CONFIG" --bindir)/pg_config
}

# Works on a copy where install would fail.
writable_server() {
  [ -w "$("$PG_CONFIG" --pkglibdir)" ] && [ -w "$("$PG_CONFIG" --sharedir)/extension" ] && return
  say "the server's folders are not writable: working on a copy"
  copy_server
}

# Builds and installs the extension into the server of PG_CONFIG; the compiler's messages are shown only when it fails.
build_extension() {
  mkdir -p build
  if ! {
    "$MAKE" -s -j "$(nproc 2>/dev/null || echo 2)" PG_CONFIG="$PG_CONFIG" all &&
      "$MAKE" -s PG_CONFIG="$PG_CONFIG" install
  } >build/make.log 2>&1; then
    cat build/make.log >&2
    die "the build failed"
  fi
}

# Copies the project without what was built, into a folder.
copy_tree() {
  mkdir -p "$1"
  tar -cf - --exclude=./.git --exclude=./build --exclude='*.o' --exclude='*.so' --exclude='*.d' . | tar -xf - -C "$1"
}

# Puts pgTAP's extension files beside the others when this major has no package: they are the same for every major.
ensure_pgtap() {
  ext=$("$PG_CONFIG" --sharedir)/extension
  [ -f "$ext/pgtap.control" ] && return
  from=$(find /usr/share/postgresql/*/extension "$PGTAP_CACHE" -name pgtap.control 2>/dev/null | sort -V | tail -n 1)
  [ -n "$from" ] || die "pgTAP is missing: install it for PostgreSQL $(pg_major)"
  cp "$(dirname "$from")"/pgtap* "$ext/" || die "cannot copy pgTAP into $ext"
}

PGTAP_CACHE=${PGTAP_CACHE:-/var/cache/perf_optimizer-pgtap}
