#!/bin/sh
# Proves every problem of the public sets in a folder and prints one line a set.
# Usage: scripts/bench_geometry.sh FOLDER OUT [TIMEOUT]   (a run that was stopped goes on where it was)
# Sets, as their projects publish them: imo_ag_30.txt, jgex_ag_231.txt, ag2_26.json, newclid_*.txt
set -eu
folder=$1 out=$2 timeout=${3:-120s}
bin=${STRAWBERRY:-target/release/strawberry}
mkdir -p "$out"
[ ! -f "$folder/ag2_26.json" ] || python3 -c '
import json, sys
for group in json.load(open(sys.argv[1])).values():
    for name, statement in group.items():
        print(name, statement, sep="\n")
' "$folder/ag2_26.json" > "$out/ag2_26.txt"
for file in "$out/ag2_26.txt" "$folder"/imo_ag_30.txt "$folder"/jgex_ag_231.txt "$folder"/newclid_*.txt; do
    [ -f "$file" ] || continue
    name=$(basename "$file" .txt)
    printf '%-32s ' "$name"
    "$bin" geometry bench "$file" --timeout "$timeout" --threads 2 --out "$out/$name" | tail -n 1
done
