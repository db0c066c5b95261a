#!/usr/bin/env bash
# Sets up the programs ours is checked against (their registries' own clients fetch them into
# var/interop), then runs tests/interop. What cannot be had is skipped, with the reason.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install.sh xmlsec1 openssl
# Both may be here by other ways than Debian's packages.
python3 -c 'import ensurepip' 2>/dev/null || scripts/install.sh python3 python3-venv
command -v npm >/dev/null || scripts/install.sh nodejs npm
folder=${QOLTANBA_INTEROP:-$PWD/var/interop}
peers=tests/interop/peers
mkdir -p "$folder"
log=$folder/setup.log
: >"$log"

if ! { python3 -m venv "$folder/venv" &&
  "$folder/venv/bin/pip" install -q -r "$peers/requirements.txt"; } >>"$log" 2>&1; then
  echo "skipped: signxml, because it could not be installed: $(tail -n 1 "$log")"
  rm -rf "$folder/venv"
fi
if ! npm install --silent --no-audit --no-fund --prefix "$folder" xml-crypto@6.3.2 >>"$log" 2>&1; then
  echo "skipped: xml-crypto, because it could not be installed: $(tail -n 1 "$log")"
fi
QOLTANBA_INTEROP=$folder cargo test --test interop
