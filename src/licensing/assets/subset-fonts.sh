#!/bin/sh
# Makes fonts/NotoSerif-{Regular,Bold}.ttf, the two faces of printed documents, and beside each a
# -common.ttf with the letters that nearly every document does with, under the same numbers of glyphs.
#
# Source: Noto Serif 2.004 as Debian's fonts-noto-core ships it (SIL Open Font License 1.1, see
# fonts/OFL.txt). Needs pyftsubset (Debian: fonttools). Run from anywhere; it overwrites the
# files. Hinting and layout tables go (a PDF needs neither); what stays: Latin with its European
# and Turkish letters, Cyrillic with every letter of Kazakh, and the signs of documents, among
# them № (U+2116) and the tenge (U+20B8).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=${1:-/usr/share/fonts/truetype/noto}
letters=U+0020-007E,U+00A0-017F,U+018F,U+0218-021B,U+0259,U+1E9E,U+0400-045F,U+048A-052F
signs=U+2010-2015,U+2018-201E,U+2020-2022,U+2026,U+2030,U+2032-2033,U+2039-203A,U+20AC,U+20B8
signs=$signs,U+20BD,U+2103,U+2116,U+2122,U+2212,U+2264-2265
common=U+0020-007E,U+00A0,U+00A7,U+00AB,U+00B0-00B3,U+00B7,U+00BB,U+00D7,U+0401,U+0410-044F,U+0451,U+0406,U+0456
common=$common,U+0492-0493,U+049A-049B,U+04A2-04A3,U+04AE-04B1,U+04BA-04BB,U+04D8-04D9,U+04E8-04E9
common=$common,U+2013-2014,U+2018-2019,U+201C-201E,U+2026,U+20B8,U+2116
for face in Regular Bold; do
    pyftsubset "$source/NotoSerif-$face.ttf" \
        --unicodes="$letters,$signs" \
        --no-hinting --notdef-outline --layout-features= \
        --drop-tables+=GSUB,GPOS,GDEF,STAT,gasp \
        --name-IDs=0,1,2,4,6,13,14 --no-recalc-timestamp \
        --output-file="$here/fonts/NotoSerif-$face.ttf"
    pyftsubset "$here/fonts/NotoSerif-$face.ttf" --unicodes="$common" --retain-gids \
        --no-hinting --notdef-outline --layout-features= --drop-tables+=OS/2 --name-IDs= \
        --no-recalc-timestamp --output-file="$here/fonts/NotoSerif-$face-common.ttf"
done
