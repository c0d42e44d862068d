#!/bin/sh
# The engine's kernels, cache and adapters under the sanitizers.
#
#   scripts/sanitize.sh asan     AddressSanitizer, at every CPU level this machine has
#   scripts/sanitize.sh miri     Miri, which interprets the portable level (needs `rustup +nightly component add miri`)
set -eu
cd "$(dirname "$0")/.."
tests="kernels:: runner::"
case "${1:-asan}" in
asan)
    # The sanitizer is an unstable option of a stable compiler; it changes no code, only adds checks.
    RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" ASAN_OPTIONS=detect_leaks=0 \
        cargo test --release -p strawberry-engine --lib --target x86_64-unknown-linux-gnu -- $tests
    ;;
miri)
    MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-tree-borrows" \
        cargo +nightly miri test -p strawberry-engine --lib -- kernels::
    ;;
*)
    echo "usage: $0 asan|miri" >&2
    exit 2
    ;;
esac
