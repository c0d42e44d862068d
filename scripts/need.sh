#!/usr/bin/env bash
# Says precisely what is missing for a build, and how to get it.
set -u
missing=0
need() { # command, how to get it
    if ! command -v "$1" >/dev/null 2>&1; then
        echo "missing: $1 — $2" >&2
        missing=1
    fi
}
need cargo "install the Rust toolchain (rustup, or Debian's rustup package)"
need cc "apt-get install gcc libc6-dev"
need python3 "apt-get install python3 (fetches the default model; runs in the sandbox)"
python3 -m pip --version >/dev/null 2>&1 || command -v pip >/dev/null 2>&1 || command -v uv >/dev/null 2>&1 || {
    echo "missing: pip — apt-get install python3-pip (fetches the default model)" >&2
    missing=1
}
exit $missing
