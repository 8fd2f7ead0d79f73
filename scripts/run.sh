#!/usr/bin/env bash
# Starts a server on embedded stores, registers images, prints where to look, stays until Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/.."
dlcs=${CARGO_TARGET_DIR:-target}/release/dlcs
data=${DATA:-dlcs-data}
log=$(mktemp)

images=()
if [ -n "${IMAGES:-}" ]; then
  # Paths are separated by spaces, as make passes them.
  read -r -a images <<<"$IMAGES"
  name=$(basename "${images[0]}" | tr -cs 'A-Za-z0-9_-' '-' | sed 's/-*$//')
else
  node scripts/make-samples.mjs samples >/dev/null
  images=(samples)
  name=samples
fi

cleanup() {
  [ -n "${server:-}" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null || true
  rm -f "$log"
}
trap cleanup EXIT
trap 'exit 0' INT TERM

"$dlcs" serve --data "$data" 2> >(tee "$log" >&2) &
server=$!
for _ in $(seq 300); do
  grep -q '^ready' "$log" && break
  kill -0 "$server" 2>/dev/null || exit 1
  sleep 0.1
done
base=$(sed -n 's/^listening on //p' "$log" | head -n 1)

echo "Registering ${images[*]} …"
failed=0
manifest=$(DLCS_DATA="$data" "$dlcs" register --server "$base" --space "$name" --manifest "$name" "${images[@]}" |
  tee /dev/stderr | sed -n 's/^{"manifest":"\(.*\)"}$/\1/p') || failed=1
[ "$failed" = 0 ] || echo "Some images could not be ingested; each is named above with its code."
cat <<TXT

  manifest  $manifest
  viewer    $base/view?manifest=$manifest
  GraphiQL  $base/graphql
  API       $base/docs
  key       $data/admin-key

Ctrl-C stops the server; what it stored stays in $data.
TXT
[ -n "${ONCE:-}" ] || wait "$server"
