# Set-up that ./run and ./test share, in plain sh: a bare Debian 12 has nothing else. Read by them with `.`.
# Each step says what it does, is skipped when its stamp still fits, and may be run again at any time.

PYTHON_VERSION_NEEDED="3.11"
VENV="$ROOT/.venv"
STAMPS="$VENV/stamps"

# Compiled Python is kept beside its source: without it every start compiles half a minute of libraries again.
unset PYTHONDONTWRITEBYTECODE

say() { printf '\033[1m▸ %s\033[0m\n' "$*" >&2; }
fail() { printf 'faonam: %s\n' "$*" >&2; exit 1; }

# A package counts as present when the file that we need from it is there, however it came.
missing_packages() {
  for pair in "$@"; do
    package="${pair%%=*}"; file="${pair#*=}"
    found=no
    for candidate in $file; do [ -e "$candidate" ] && found=yes; done
    [ "$found" = yes ] || printf '%s ' "$package"
  done
}

install_packages() {
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    fail "these system packages are missing; install them and start again:
  sudo apt-get install --no-install-recommends $missing"
  fi
  command -v apt-get >/dev/null 2>&1 || fail "these packages are missing and there is no apt-get to install them: $missing"
  say "installing system packages: $missing"
  # Without this Debian would make and start a cluster of its own on port 5432.
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || printf 'create_main_cluster = false\n' > /etc/postgresql-common/createcluster.conf
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086 - the list is meant to be split into words.
  apt-get install -y -q --no-install-recommends $missing >&2 2>/dev/null || {
    say "refreshing the package lists"
    apt-get update -q >&2 || fail "the package lists could not be refreshed; is the network there?"
    apt-get install -y -q --no-install-recommends $missing >&2 || fail "these packages could not be installed: $missing"
  }
}

CORE_PACKAGES="python3=/usr/bin/python3 python3-venv=/usr/lib/python3*/ensurepip/__init__.py ca-certificates=/etc/ssl/certs/ca-certificates.crt postgresql-15=/usr/lib/postgresql/1[5-9]/bin/postgres postgresql-15-postgis-3=/usr/share/postgresql/1[5-9]/extension/postgis.control libatomic1=/usr/lib/*/libatomic.so.1"
TEST_PACKAGES="chromium=/usr/bin/chromium fonts-thai-tlwg=/usr/share/fonts/truetype/tlwg mosquitto=/usr/sbin/mosquitto"

setup_packages() {
  set -f; IFS=' '
  # shellcheck disable=SC2086 - one word per package.
  set -- $1
  set +f; unset IFS
  install_packages "$@"
}

digest() { cat "$@" | sha256sum | cut -c1-16; }

stamp_fits() { [ "$(cat "$STAMPS/$1" 2>/dev/null)" = "$2" ]; }
set_stamp() { mkdir -p "$STAMPS"; printf '%s' "$2" > "$STAMPS/$1"; }

setup_python() { # setup_python LOCK_FILE STAMP_NAME
  python=/usr/bin/python3
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "Python $PYTHON_VERSION_NEEDED or newer is needed."
  wanted=$(digest "$1" "$ROOT/pyproject.toml")
  stamp_fits "$2" "$wanted" && [ -x "$VENV/bin/python" ] && return 0
  if [ ! -x "$VENV/bin/python" ]; then
    say "making the Python environment"
    "$python" -m venv "$VENV" || fail "the Python environment could not be made in $VENV"
  fi
  if [ ! -x "$VENV/bin/uv" ]; then
    # The installer itself comes from the lock file too, hashes and all.
    awk '/^[a-z]/ { keep = /^uv==/ } keep' "$ROOT/requirements.lock" > "$VENV/uv.lock.txt"
    "$VENV/bin/pip" install -q --disable-pip-version-check --require-hashes -r "$VENV/uv.lock.txt" || fail "the installer uv could not be fetched"
  fi
  say "installing Python packages from $(basename "$1")"
  "$VENV/bin/uv" pip install -q --python "$VENV/bin/python" --require-hashes -r "$1" ||
    "$VENV/bin/pip" install -q --disable-pip-version-check --require-hashes -r "$1" ||
    fail "the Python packages could not be installed"
  "$VENV/bin/uv" pip install -q --python "$VENV/bin/python" --no-deps --no-build-isolation --offline -e "$ROOT" ||
    fail "Faonam itself could not be installed into $VENV"
  set_stamp "$2" "$wanted"
}

web_sources() { find "$ROOT/web" -type f -not -path '*/node_modules/*' -not -path '*/dist/*' | LC_ALL=C sort; }

setup_screens() {
  # shellcheck disable=SC2046 - no file of ours has a blank in its name.
  wanted=$(digest $(web_sources))
  stamp_fits screens "$wanted" && [ -e "$ROOT/web/dist/index.html" ] && return 0
  say "building the screens"
  ( cd "$ROOT/web" && PATH="$VENV/bin:$PATH" && export PATH &&
    npm ci --silent --no-audit --no-fund >&2 && npm run --silent build -- --logLevel warn >&2 ) || fail "the screens could not be built"
  set_stamp screens "$wanted"
}
