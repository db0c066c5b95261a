#!/usr/bin/env bash
# Fills fuzz/corpus/<target>/ with seeds from the corpora (QOLTANBA_CORPORA).
set -euo pipefail
cd "$(dirname "$0")"
corpora=${QOLTANBA_CORPORA:-$(dirname "$0")/../../shared/corpora}
targets="certificate crl ocsp timestamp cms xml_parse xml_large xml_verify c14n wss pdf_read pdf_verify pkcs12"
for target in $targets; do mkdir -p "corpus/$target"; done

# One copy under its own digest, so that two runs make no doubles.
seed() { # target file…
    local target=$1 file; shift
    for file in "$@"; do
        [[ -f $file ]] && cp "$file" "corpus/$target/$(sha1sum <"$file" | cut -d' ' -f1)"
    done
    true
}

kz=$corpora/kz/nuca-test
seed certificate "$kz"/ca/* "$kz"/certs/* "$corpora"/pkits/certs/*
seed crl "$kz"/crl/* "$corpora"/pkits/crls/*
seed ocsp "$kz"/ocsp/*
seed timestamp "$kz"/tsp/*
seed pkcs12 "$kz"/keys/*
seed cms "$kz"/signed/*.der "$kz"/tsp/*
while IFS= read -r file; do
    for target in xml_parse xml_large xml_verify c14n; do seed "$target" "$file"; done
done < <(
    find "$kz/signed" "$corpora/xmldsig" "$corpora/bad-xml" -name '*.xml' -size -64k)
while IFS= read -r file; do seed pdf_read "$file"; done < <(
    find "$corpora/pdf-insecurity" -name '*.pdf' -size -256k)
while IFS= read -r file; do seed pdf_verify "$file"; done < <(
    find "$corpora/pdf-insecurity" ../var/interop-pdf -name '*.pdf' -size -128k)
# Every level of CMS, where `make interop` has made them.
seed cms ../var/interop-pdf/*/*.cms

seed wss seeds/wss/*
seed xml_large seeds/wss/*

# The certificates and CRLs of x509-limbo stand as PEM in one JSON file.
python3 - "$corpora/x509-limbo/limbo.json" <<'PYTHON'
import base64, hashlib, json, re, sys
def put(target, pem):
    for body in re.findall("-----BEGIN [^-]*-----([^-]*)-----END", pem):
        der = base64.b64decode("".join(body.split()))
        open(f"corpus/{target}/{hashlib.sha1(der).hexdigest()}", "wb").write(der)
for case in json.load(open(sys.argv[1]))["testcases"]:
    for key in ("trusted_certs", "untrusted_intermediates"):
        for pem in case.get(key) or []: put("certificate", pem)
    put("certificate", case["peer_certificate"])
    for pem in case.get("crls") or []: put("crl", pem)
PYTHON
for target in corpus/*; do echo "$target: $(ls "$target" | wc -l) seeds"; done
