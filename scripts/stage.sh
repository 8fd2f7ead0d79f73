#!/usr/bin/env bash
# Runs one stage and notes how long it took: stage.sh NAME COMMAND…; stage.sh --summary prints all.
set -uo pipefail
notes="${DLCS_STAGES:-target/stages.txt}"
mkdir -p "$(dirname "$notes")"
if [ "$1" = --summary ]; then
  [ -e "$notes" ] && { echo "minutes per stage:"; cat "$notes"; rm -f "$notes"; }
  exit 0
fi
name=$1
shift
begun=$(date +%s)
"$@"
status=$?
spent=$(($(date +%s) - begun))
printf '  %-14s %d:%02d\n' "$name" $((spent / 60)) $((spent % 60)) | tee -a "$notes"
exit $status
