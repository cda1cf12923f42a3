#!/usr/bin/env bash
# Makes sure that the browser tests find a Chromium: the machine's own, else apt's, else Playwright's.
set -euo pipefail
python=$1

found() {
    local name
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        # Ubuntu's chromium-browser may be a stub that only asks for a snap: it must answer.
        if command -v "$name" >/dev/null && "$name" --version >/dev/null 2>&1; then
            echo "Chromium: $(command -v "$name")"
            return 0
        fi
    done
    for name in "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
        "/Applications/Chromium.app/Contents/MacOS/Chromium"; do
        if [ -x "$name" ]; then echo "Chromium: $name"; return 0; fi
    done
    "$python" - <<'PY'
import sys
from pathlib import Path
from playwright.sync_api import sync_playwright
with sync_playwright() as tool:
    own = Path(tool.chromium.executable_path)
print(f"Chromium: {own}") if own.exists() else sys.exit(1)
PY
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo -n "$@"; else return 1; fi
}

by_apt() {
    command -v apt-get >/dev/null || return 1
    echo '==> No Chromium here: installing the chromium package'
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q </dev/null &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends chromium </dev/null
}

by_playwright() {
    echo "==> Trying Playwright's own Chromium"
    "$python" -m playwright install chromium </dev/null
}

found && exit 0
{ by_apt && found; } && exit 0
{ by_playwright && found; } && exit 0
echo 'The browser tests need Chromium or Chrome, and none could be found or installed.' >&2
echo 'Install one (Debian: apt-get install chromium; macOS: brew install --cask chromium), then run again.' >&2
echo 'Everything else can be tested without it: .venv/bin/python -m pytest -m "not browser"' >&2
exit 1
