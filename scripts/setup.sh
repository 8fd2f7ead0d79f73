#!/usr/bin/env bash
# Installs what is missing: Debian packages, npm packages, Python test tools.
# --run: only what building and running need; --bench: what the benchmarks need besides.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-all}

build_packages=(build-essential cmake nasm pkg-config python3 nodejs npm
  libtesseract-dev libleptonica-dev libclang-dev clang)
# Recognition: the program (tests compare with it) and the models of these languages.
recognition_packages=(tesseract-ocr tesseract-ocr-{eng,osd,deu,fra,lat,frk,script-frak})
test_packages=(chromium libvips-tools libmagic1 libxml2-utils postgresql openssl default-jdk-headless maven unzip
  poppler-utils qpdf)
bench_packages=(nginx-light wrk libvips-tools iipimage-server postgresql default-jdk-headless maven unzip)

# Elasticsearch's minimal distribution, as Maven knows it. The tests name the same version.
elasticsearch_version=8.19.0
elasticsearch_sha256=14833b2d86c30656901f92049f81fb5777a8e4545413c8656cd1a21b55173033
elasticsearch_home="${XDG_CACHE_HOME:-$HOME/.cache}/dlcs/elasticsearch-$elasticsearch_version"

have() { command -v "$1" >/dev/null 2>&1; }
# Where ldconfig is off the path, its folder is named.
have_library() { [[ $(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p) == *"$1"* ]]; }
# Debian keeps the server's programs off the path, one folder for each version.
have_postgresql() { have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
have_headers() { have pkg-config && pkg-config --exists "$1"; }
have_libclang() { have_library libclang || compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null; }
have_model() {
  compgen -G "/usr/share/tesseract-ocr/*/tessdata/$1.traineddata" >/dev/null ||
    compgen -G "/usr/share/tessdata/$1.traineddata" >/dev/null
}

# Names the packages behind the programs that are not there.
missing=()
need() { have "$1" || missing+=("$2"); }
need cc build-essential
need cmake cmake
need nasm nasm
need python3 python3
need node nodejs
need npm npm
need pkg-config pkg-config
need clang clang
have_libclang || missing+=(libclang-dev)
have_headers tesseract || missing+=(libtesseract-dev)
have_headers lept || missing+=(libleptonica-dev)
need tesseract tesseract-ocr
for model in eng osd deu fra lat frk; do
  have_model "$model" || missing+=("tesseract-ocr-$model")
done
have_model Fraktur || have_model script/Fraktur || missing+=(tesseract-ocr-script-frak)
if [ "$mode" = all ]; then
  need chromium chromium
  need vips libvips-tools
  need xmllint libxml2-utils
  # The IIIF validator loads it.
  have_library libmagic.so || missing+=(libmagic1)
  # What others read out of our PDFs and zips.
  need pdftotext poppler-utils
  need qpdf qpdf
  # Where Elasticsearch is missing it is asked for below.
  if [ -d "$elasticsearch_home" ]; then need unzip unzip; fi
fi
if [ "$mode" != --run ]; then
  have_postgresql || missing+=(postgresql)
  need openssl openssl
  need java default-jdk-headless
  if [ ! -d "$elasticsearch_home" ]; then
    need mvn maven
    need unzip unzip
  fi
fi
if [ "$mode" = --bench ]; then
  need nginx nginx-light
  need wrk wrk
  need vips libvips-tools
  # Debian keeps it off the path.
  [ -x /usr/lib/iipimage-server/iipsrv.fcgi ] || missing+=(iipimage-server)
fi

install_packages() {
  if ! have apt-get; then
    echo "These programs are missing: ${missing[*]} (names of Debian packages)." >&2
    echo "Install them with your package manager, then run this again." >&2
    echo "All that is used: ${build_packages[*]}; recognition: ${recognition_packages[*]}; tests: ${test_packages[*]}; benchmarks: ${bench_packages[*]}." >&2
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
  local stamp=.cache/python/.stamp-4
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
    'iiif-validator==1.0.5' iiif-prezi3 jsonschema 'memento_client==0.6.1' 'cloudevents==1.12.0' 'standardwebhooks==1.1.0' 'setuptools<81'
  touch "$stamp"
}

# A node for the tests, kept between runs beside the user's other caches.
elasticsearch() {
  [ -d "$elasticsearch_home" ] && return
  mkdir -p "$(dirname "$elasticsearch_home")"
  # Beside its place, so that it appears there whole or not at all.
  local folder zip
  folder=$(mktemp -d "$elasticsearch_home.XXXXXX")
  zip="$folder/elasticsearch-$elasticsearch_version.zip"
  mvn --batch-mode --quiet org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
    -Dartifact="org.elasticsearch.distribution.integ-test-zip:elasticsearch:$elasticsearch_version:zip" \
    -DoutputDirectory="$folder"
  if ! echo "$elasticsearch_sha256  $zip" | sha256sum --check --quiet; then
    rm -rf "$folder"
    exit 1
  fi
  unzip -q "$zip" -d "$folder"
  mv -T "$folder/elasticsearch-$elasticsearch_version" "$elasticsearch_home"
  rm -rf "$folder"
}

if [ "$mode" = all ]; then
  python_tools
  node tests/browser/viewers.mjs
fi
if [ "$mode" != --run ]; then
  elasticsearch
fi
