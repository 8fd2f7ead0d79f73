#!/usr/bin/env bash
# Runs every fuzz target for some seconds (first argument), or those that are named after it.
# What is found new stays in fuzz/found, beside the small corpus in git.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true

if ! cargo fuzz --version >/dev/null 2>&1; then
  echo "cargo-fuzz is missing: cargo install cargo-fuzz --locked" >&2
  exit 1
fi
# The flags of sanitizers belong to nightly; this compiler takes them all the same.
export RUSTC_BOOTSTRAP=1

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  mapfile -t targets < <(cargo fuzz list)
fi
for target in "${targets[@]}"; do
  echo "fuzz $target for $seconds s"
  mkdir -p "fuzz/found/$target"
  options=(-max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1)
  if [ -e "fuzz/dictionaries/$target.dict" ]; then
    options+=(-dict="fuzz/dictionaries/$target.dict")
  fi
  cargo fuzz run "$target" "fuzz/found/$target" "fuzz/corpus/$target" -- "${options[@]}"
done
