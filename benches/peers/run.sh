#!/usr/bin/env bash
# Verifies the same three signed licences with our program and with others, each in one process and
# one thread, and prints one table. What cannot be installed or built is told as skipped.
# usage: benches/peers/run.sh   (QOLTANBA_FEATURES=aws-lc-rs adds the other library for values)
set -uo pipefail
cd "$(dirname "$0")/../.."
here=$PWD/benches/peers
work=${CARGO_TARGET_DIR:-$PWD/target}/peers
rates=$work/rates
rounds=${ROUNDS:-3}
mkdir -p "$work"
: >"$rates"

skipped() { echo "skipped: $1, because $2"; }

# A step of installing or building; the last line it said is the reason if it fails.
step() {
  "$@" >"$work/log" 2>&1 && return 0
  why=$(grep -v '^ *$' "$work/log" | tail -n 1 | cut -c1-160)
  return 1
}

features=()
[ -n "${QOLTANBA_FEATURES:-}" ] && features=(--features "$QOLTANBA_FEATURES")
ours() { cargo bench --quiet ${features[@]+"${features[@]}"} --bench peers -- "$@"; }
documents=$(ours --write | sed -n 's/^directory\t//p')
[ -d "$documents" ] || { echo "our own benchmark did not run" >&2; exit 1; }
peers=()

if step scripts/install.sh gcc libc6-dev pkg-config libxmlsec1-dev &&
  step bash -c "gcc -O2 -o '$work/xmlsec' '$here/xmlsec.c' \$(pkg-config --cflags --libs xmlsec1-openssl)"; then
  peers+=("libxmlsec1|$work/xmlsec")
else skipped libxmlsec1 "$why"; fi

jars=/usr/share/java/xmlsec.jar:/usr/share/java/commons-logging.jar:/usr/share/java/slf4j-api.jar:/usr/share/java/slf4j-nop.jar:/usr/share/java/commons-codec.jar
if step scripts/install.sh default-jdk-headless libxml-security-java libslf4j-java &&
  step javac -cp "$jars" -d "$work" "$here/Santuario.java"; then
  peers+=("Santuario|java -Xmx1g -cp $work:$jars Santuario")
else skipped Santuario "$why"; fi

if step scripts/install.sh python3-venv && step python3 -m venv "$work/python" &&
  step "$work/python/bin/pip" install --quiet signxml; then
  peers+=("signxml|$work/python/bin/python $here/peer_signxml.py")
else skipped signxml "$why"; fi

if step npm install --silent --prefix "$work/node" xml-crypto @xmldom/xmldom; then
  peers+=("xml-crypto|env NODE_PATH=$work/node/node_modules node $here/xml-crypto.js")
else skipped xml-crypto "$why"; fi

if step cargo build --release --manifest-path "$here/bergshamra/Cargo.toml" --target-dir "$work/bergshamra"; then
  peers+=("bergshamra|$work/bergshamra/release/peer-bergshamra")
else skipped bergshamra "$why"; fi

# The licence as PDF: pyHanko beside ours.
pdf() { cargo bench --quiet ${features[@]+"${features[@]}"} --bench pdf -- "$@"; }
told=$(pdf --write)
document=$(sed -n 's/^document\t//p' <<<"$told")
certificates=$(sed -n 's/^issuer\t//p' <<<"$told")
trust=$(sed -n 's/^trust\t//p' <<<"$told")
pdf_rates=$work/pdf-rates
: >"$pdf_rates"
pyhanko=
if [ -z "$document" ]; then skipped "the licence PDF" "our own benchmark of it did not run"
elif step python3 -m venv "$work/pyhanko" &&
  step "$work/pyhanko/bin/pip" install --quiet pyHanko==0.31.0; then
  pyhanko=$work/pyhanko/bin/python
else skipped pyHanko "$why"; fi

names=("3.5 KB" "100 KB" "5 MB")
# Rounds alternate, so that whatever else the machine does meets everybody.
for _ in $(seq "$rounds"); do
  ours | sed -n 's/^rate\t//p' >>"$rates"
  [ -n "$document" ] && pdf --rate | sed -n 's/^rate\t\(.*\)\t.*\t/\1\t/p' >>"$pdf_rates"
  if [ -n "$pyhanko" ]; then
    # shellcheck disable=SC2086 # one path, and those the shell finds
    if rate=$("$pyhanko" "$here/peer_pyhanko.py" "$document" $certificates "$trust"/* 2>"$work/log"); then
      printf 'pyHanko\t%s\n' "$rate" >>"$pdf_rates"
    else skipped pyHanko "$(tail -n 1 "$work/log" | cut -c1-160)"; fi
  fi
  for peer in ${peers[@]+"${peers[@]}"}; do
    for number in 0 1 2; do
      # shellcheck disable=SC2086 # the command has arguments
      rate=$(timeout 120 ${peer#*|} "$documents/$number.xml" "$documents/signer.pem" 2>"$work/log") &&
        printf '%s\t%s\t%s\n' "${peer%%|*}" "${names[$number]}" "$rate" >>"$rates"
    done
  done
done
for peer in ${peers[@]+"${peers[@]}"}; do
  for name in "${names[@]}"; do
    grep -q "^${peer%%|*}	$name	" "$rates" ||
      skipped "${peer%%|*} at $name" "it gave no answer in two minutes, or: $(tail -n 1 "$work/log" | cut -c1-120)"
  done
done

sort -t "$(printf '\t')" -k1,1 -k2,2 -k3,3n "$rates" | awk -F '\t' -v ring='bare ring' '
  { key = $1 FS $2; if (!($1 in seen)) { seen[$1] = 1; order[++count] = $1 }
    values[key, ++size[key]] = $3 }
  function median(key) { return size[key] ? values[key, int((size[key] + 1) / 2)] : 0 }
  function ratio(part, whole) { return part && whole ? sprintf("%.2f", part / whole) : "-" }
  END {
    bare = median(ring FS "RSA-2048")
    printf "\n%-24s", "verifications per second"
    split("3.5 KB,100 KB,5 MB", names, ",")
    for (i = 1; i <= 3; i++) printf "%12s%10s", names[i], "ours ×"
    printf "%14s\n", "of bare ring"
    for (n = 1; n <= count; n++) {
      name = order[n]
      if (name ~ /^bare/) { printf "%-24s%12.0f\n", name, median(name FS "RSA-2048"); continue }
      printf "%-24s", name
      for (i = 1; i <= 3; i++) {
        mine = median("qoltanba, ring" FS names[i]); his = median(name FS names[i])
        printf "%12s%10s", his ? sprintf("%.1f", his) : "-", ratio(mine, his)
      }
      printf "%14s\n", bare ? sprintf("%.0f %%", 100 * median(name FS "3.5 KB") / bare) : "-"
    }
  }'

sort -t "$(printf '\t')" -k1,1 -k2,2n "$pdf_rates" | awk -F '\t' -v size="$(stat -c %s "$document" 2>/dev/null)" '
  { values[$1, ++count[$1]] = $2 }
  function median(name) { return count[name] ? values[name, int((count[name] + 1) / 2)] : 0 }
  END {
    mine = median("qoltanba"); his = median("pyHanko")
    if (!mine) exit
    printf "\nthe licence PDF, %d bytes: verifications per second\n%-24s%12.1f\n", size, "qoltanba, ring", mine
    if (his) printf "%-24s%12.1f   ours ×%.1f\n", "pyHanko 0.31.0", his, mine / his
  }'
