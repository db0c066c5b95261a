#!/usr/bin/env bash
# PDF and CMS both ways with pyHanko, with RSA and ECDSA keys: what it signs must pass here, what is
# signed here must pass there under its strict rules, and in pdfsig and openssl.
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

declare -A count=()
refused=0
# Tells one outcome: who judged, whose keys, what, and (for refusals) what was said.
accepts() { count["$1, $2 keys"]=$((${count["$1, $2 keys"]:-0} + 1)); echo "$1 accepts $2 ${*:3}"; }
refuses() { refused=$((refused + 1)); echo "$1 REFUSES $2 $3"; echo "$4"; }

cargo build -q --bin qoltanba
program=${CARGO_TARGET_DIR:-target}/debug/qoltanba
for keys in rsa p256; do
    theirs=$work/theirs-$keys ours=$work/ours-$keys
    rm -rf "$theirs" "$ours"
    "$python" -W ignore tests/interop/pdf_sign.py "$theirs" "$keys" 2>"$work/python.log" ||
        { cat "$work/python.log"; exit 1; }
    for file in "$theirs"/*.pdf "$theirs"/*.cms; do
        content=()
        [[ $file != *detached* ]] || content=(--content "$theirs/content")
        if told=$("$program" verify --trust "$theirs/root.pem" --revocation offline \
                --crl "$theirs/root.crl" "${content[@]}" "$file"); then
            accepts qoltanba "$keys" "${file##*/}: $(grep -o '[PC]AdES-B-[A-Z]*' <<<"$told" | xargs)"
        else
            refuses qoltanba "$keys" "${file##*/}" "$told"
        fi
    done

    ALG=$keys QOLTANBA_INTEROP_OUT=$ours cargo test -q --test levels
    told=$("$python" -W ignore tests/interop/pdf_verify.py "$ours" 2>/dev/null) || true
    [[ -n $told ]] || refuses pyHanko "$keys" everything "it said nothing"
    while read -r _ verdict file; do
        if [[ $verdict == accepts ]]; then accepts pyHanko "$keys" "$file"
        else refuses pyHanko "$keys" "$file" ""; fi
    done <<<"$told"
    for file in "$ours"/*.pdf; do
        told=$(pdfsig -nocert "$file" 2>/dev/null) || true
        # It knows no document time-stamps.
        expected=$(grep -c 'Signature Type: ETSI.CAdES.detached' <<<"$told" || true)
        valid=$(grep -c 'Signature is Valid' <<<"$told" || true)
        if [[ $expected -gt 0 && $expected == "$valid" ]]; then
            accepts pdfsig "$keys" "${file##*/} ($valid)"
        else
            refuses pdfsig "$keys" "${file##*/}" "$told"
        fi
    done
    for file in "$ours"/*.cms; do
        content=()
        [[ $file != *detached* ]] || content=(-content "$ours/content")
        if openssl cms -verify -binary -inform DER -in "$file" "${content[@]}" \
                -CAfile "$ours/root.pem" -certfile "$ours/ca.pem" -purpose any -out /dev/null \
                2>"$work/openssl.log"; then
            accepts openssl "$keys" "${file##*/}"
        else
            refuses openssl "$keys" "${file##*/}" "$(cat "$work/openssl.log")"
        fi
    done
done

echo "PDF and CMS, documents accepted:"
for who in "${!count[@]}"; do echo "  ${count[$who]} by $who"; done | sort -k 4
echo "  $refused refused"
[[ $refused == 0 ]]
