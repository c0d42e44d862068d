#!/bin/sh
# The page that walks through a proof, in a real browser: the script must have chosen the first step, counted the
# steps, and lit the figure. Usage: scripts/geometry_page.sh PROOF.html (needs Debian's chromium)
set -eu
page=$(realpath "$1")
copy=$(mktemp --suffix=.html)
trap 'rm -f "$copy"' EXIT
# the same page, with two steps forward, one back, and the other language, as a reader would do
sed 's|</body>|<script>for (const k of ["ArrowRight", "ArrowRight", "ArrowLeft"]) document.onkeydown({key: k, preventDefault() {}}); document.getElementById("lang").click();</script></body>|' "$page" > "$copy"
dom() { chromium --headless --no-sandbox --disable-gpu --virtual-time-budget=2000 --dump-dom "file://$1" 2>/dev/null; }
fail() { echo "$1" >&2; exit 1; }
first=$(dom "$page")
steps=$(echo "$first" | sed -n 's|.*aria-live="polite">1 / \([0-9]*\)</output>.*|\1|p')
[ -n "$steps" ] || fail "the page does not start at step 1"
echo "$first" | grep -q 'id="s0" class="step on"\|class="step on" id="s0"' || fail "the first step is not lit in the figure"
second=$(dom "$copy")
echo "$second" | grep -q "aria-live=\"polite\">2 / $steps</output>" || fail "the arrow keys do not walk"
echo "$second" | grep -q 'id="s1" class="step on"\|class="step on" id="s1"' || fail "the second step is not lit"
echo "$second" | grep -q '<body class="zh">' || fail "the language does not change"
echo "$steps steps, walked in a browser"
