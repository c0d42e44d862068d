#!/bin/sh
# Runs every fuzz target (or those named after the seconds) for some seconds each: scripts/fuzz.sh [SECONDS] [TARGET...]
# Needs cargo-fuzz (`cargo install cargo-fuzz`) and a C++ compiler. The stable compiler is told to accept the
# sanitizer's flags. Findings are kept in fuzz/artifacts/; a finding ends the run with status 1.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
cargo fuzz --version >/dev/null 2>&1 || {
    echo "cargo-fuzz is missing: run \`cargo install cargo-fuzz\`" >&2
    exit 1
}
python3 scripts/fuzz_seeds.py
export RUSTC_BOOTSTRAP=1
targets=${*:-$(cargo fuzz list)}
cargo fuzz build
for target in $targets; do
    echo "== $target for $seconds s"
    cargo fuzz run "$target" -- -max_total_time="$seconds" -timeout=30 -rss_limit_mb=2048 -max_len=65536 \
        -print_final_stats=1
done
