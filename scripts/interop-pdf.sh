#!/usr/bin/env bash
# PDF and CMS both ways with pyHanko: what it signs must pass here, what is signed here must pass
# there under its strict rules, and in pdfsig and openssl.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$PWD/var/interop-pdf
python=$work/venv/bin/python
mkdir -p "$work"

if ! "$python" -c 'import pyhanko.sign.validation.ltv' 2>/dev/null; then
    if ! { python3 -m venv "$work/venv" && "$work/venv/bin/pip" install -q pyHanko==0.31.0; }; then
        echo "skipped: PDF and CMS against pyHanko, because it cannot be had from PyPI"
        exit 0
    fi
fi

failed=0
say() { echo "$1"; [[ $1 != REFUSED* ]] || failed=1; }

rm -rf "$work/theirs" "$work/ours"
"$python" -W ignore tests/interop/pdf_sign.py "$work/theirs" 2>/dev/null
cargo build -q --bin qoltanba
ours=${CARGO_TARGET_DIR:-target}/debug/qoltanba
for file in "$work"/theirs/*.pdf "$work"/theirs/*.cms; do
    content=()
    [[ $file != *detached* ]] || content=(--content "$work/theirs/content")
    if told=$("$ours" verify --trust "$work/theirs/root.pem" --revocation offline \
            --crl "$work/theirs/root.crl" "${content[@]}" "$file"); then
        say "accepted here: ${file##*/}: $(grep -o '[PC]AdES-B-[A-Z]*' <<<"$told" | xargs)"
    else
        say "REFUSED here: ${file##*/}"; echo "$told"
    fi
done

QOLTANBA_INTEROP_OUT=$work/ours cargo test -q --test levels
"$python" -W ignore tests/interop/pdf_verify.py "$work/ours" 2>/dev/null || failed=1
for file in "$work"/ours/*.pdf; do
    told=$(pdfsig -nocert "$file" 2>/dev/null)
    # It knows no document time-stamps.
    count=$(grep -c 'Signature Type: ETSI.CAdES.detached' <<<"$told")
    valid=$(grep -c 'Signature is Valid' <<<"$told" || true)
    [[ $count == "$valid" ]] && say "pdfsig accepts ${file##*/} ($count)" ||
        { say "REFUSED by pdfsig: ${file##*/}"; echo "$told"; }
done
for file in "$work"/ours/*.cms; do
    content=()
    [[ $file != *detached* ]] || content=(-content "$work/ours/content")
    openssl cms -verify -binary -inform DER -in "$file" "${content[@]}" -CAfile "$work/ours/root.pem" \
        -certfile "$work/ours/ca.pem" -purpose any -out /dev/null 2>"$work/openssl.log" &&
        say "openssl accepts ${file##*/}" ||
        { say "REFUSED by openssl: ${file##*/}"; cat "$work/openssl.log"; }
done
exit $failed
