#!/usr/bin/env bash
# Installs what is missing: Debian packages, npm packages, Python test tools.
# --run: only what building and running need; --bench: what the benchmarks need besides.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-all}

build_packages=(build-essential cmake nasm pkg-config python3 nodejs npm)
test_packages=(chromium libvips-tools libmagic1 postgresql)
bench_packages=(nginx-light wrk libvips-tools postgresql)

have() { command -v "$1" >/dev/null 2>&1; }
# Where ldconfig is off the path, its folder is named.
have_library() { [[ $(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p) == *"$1"* ]]; }
# Debian keeps the server's programs off the path, one folder for each version.
have_postgresql() { have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }

# Names the packages behind the programs that are not there.
missing=()
need() { have "$1" || missing+=("$2"); }
need cc build-essential
need cmake cmake
need nasm nasm
need python3 python3
need node nodejs
need npm npm
if [ "$mode" = all ]; then
  need chromium chromium
  need vips libvips-tools
  # The IIIF validator loads it.
  have_library libmagic.so || missing+=(libmagic1)
fi
if [ "$mode" != --run ]; then
  have_postgresql || missing+=(postgresql)
fi
if [ "$mode" = --bench ]; then
  need nginx nginx-light
  need wrk wrk
  need vips libvips-tools
fi

install_packages() {
  if ! have apt-get; then
    echo "These programs are missing: ${missing[*]} (names of Debian packages)." >&2
    echo "Install them with your package manager, then run this again." >&2
    echo "All that is used: ${build_packages[*]}; tests: ${test_packages[*]}; benchmarks: ${bench_packages[*]}." >&2
    exit 1
  fi
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    echo "Installing ${missing[*]} needs sudo." >&2
    sudo=(sudo)
  fi
  "${sudo[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

if [ ${#missing[@]} -gt 0 ]; then
  install_packages
fi

if ! have cargo; then
  echo "Rust is missing: install it from https://rustup.rs, version 1.95 or later." >&2
  exit 1
fi

# The IIIF validator and the manifest model of the IIIF community, in a folder of our own.
python_tools() {
  local stamp=.cache/python/.stamp-1
  [ -e "$stamp" ] && return
  mkdir -p .cache
  rm -rf .cache/python
  if ! python3 -m venv .cache/python 2>/dev/null; then
    # Debian keeps the module apart from the interpreter.
    missing=(python3-venv)
    install_packages
    python3 -m venv .cache/python
  fi
  .cache/python/bin/pip install --quiet --disable-pip-version-check \
    'iiif-validator==1.0.5' iiif-prezi3 jsonschema 'setuptools<81'
  touch "$stamp"
}

if [ "$mode" = all ]; then
  python_tools
fi
