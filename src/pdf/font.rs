//! A TrueType font embedded for the stamp, cut down to the letters in use: Type 0 with Identity-H
//! and a ToUnicode map (ISO 32000-1 §9.7, §9.10.3), so that Kazakh letters are drawn and can be
//! copied out.

use std::fmt::Write as _;

use allsorts::binary::read::ReadScope;
use allsorts::font_data::FontData;
use allsorts::subset::{CmapTarget, SubsetProfile, subset};
use printpdf::{FontType, ParsedFont};

use super::PdfError;
use super::update::Update;
use crate::crypto::{DigestAlgorithm, digest};

/// Stem width and weight are hints for a substitute that an embedded font never needs.
const STEM_WIDTH: u16 = 80;

/// A parsed font and the letters drawn with it so far. A letter's code is its place in `used`,
/// counted from 1; letters that share a glyph keep codes of their own, so that what is copied out
/// is what was written.
pub(super) struct Font {
    parsed: ParsedFont,
    used: Vec<char>,
}

impl Font {
    pub(super) fn parse(ttf: &[u8]) -> Result<Self, PdfError> {
        let unusable = |what: &str| PdfError::Stamp(what.to_owned());
        let parsed = ParsedFont::from_bytes(ttf, 0, &mut Vec::new());
        let parsed = parsed.ok_or_else(|| unusable("the font is no TrueType font"))?;
        if parsed.font_type != FontType::TrueType || parsed.units_per_em == 0 {
            return Err(unusable("the font has no TrueType outlines"));
        }
        Ok(Self { parsed, used: Vec::new() })
    }

    /// The width of a text, in thousandths of the size.
    pub(super) fn width(&self, text: &str) -> f32 {
        text.chars().filter_map(|letter| self.glyph(letter)).map(|glyph| self.advance(glyph)).sum()
    }

    /// Ascent and descent (negative), in thousandths of the size.
    pub(super) fn extent(&self) -> (f32, f32) {
        let metrics = &self.parsed.font_metrics;
        (self.scaled(metrics.ascent), self.scaled(metrics.descent))
    }

    /// The text as a hexadecimal string of glyphs.
    pub(super) fn show(&mut self, text: &str) -> String {
        let mut out = String::from("<");
        for letter in text.chars() {
            if self.glyph(letter).is_none() {
                continue;
            }
            let known = self.used.iter().position(|known| *known == letter);
            if known.is_none() {
                self.used.push(letter);
            }
            let _ = write!(out, "{:04x}", known.map_or(self.used.len(), |place| place + 1));
        }
        out.push('>');
        out
    }

    /// Writes the font's objects and returns the number of the Type 0 font.
    pub(super) fn write(&self, update: &mut Update<'_, '_>) -> Result<u32, PdfError> {
        let [font, descendant, descriptor, file, map, glyphs] =
            std::array::from_fn(|_| update.reserve());
        let box_ = &self.parsed.pdf_font_metrics;
        let bounds = [box_.x_min, box_.y_min, box_.x_max, box_.y_max].map(|one| self.scaled(one));
        let (ascent, descent) = self.extent();
        let widths: Vec<String> = self
            .used
            .iter()
            .map(|letter| self.glyph(*letter).map_or(0.0, |glyph| self.advance(glyph)).to_string())
            .collect();
        let widths = widths.join(" ");
        let (ttf, glyph_map) = self.subset()?;
        // Six letters tell one subset from another (§9.6.4).
        let tag = digest(DigestAlgorithm::Sha256, &ttf);
        let tag = tag.iter().take(6).map(|octet| char::from(b'A' + octet % 26));
        let name = format!("/{}+Stamp", tag.collect::<String>());
        let text = format!(
            "<</Type/Font/Subtype/Type0/BaseFont{name}/Encoding/Identity-H\
             /DescendantFonts[{descendant} 0 R]/ToUnicode {map} 0 R>>"
        );
        update.object((font, 0), text.as_bytes());
        let text = format!(
            "<</Type/Font/Subtype/CIDFontType2/BaseFont{name}/CIDToGIDMap {glyphs} 0 R\
             /CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>\
             /FontDescriptor {descriptor} 0 R/DW 0/W[1[{widths}]]>>"
        );
        update.object((descendant, 0), text.as_bytes());
        let [left, bottom, right, top] = bounds;
        let text = format!(
            "<</Type/FontDescriptor/FontName{name}/Flags 4/FontBBox[{left} {bottom} {right} {top}]\
             /ItalicAngle 0/Ascent {ascent}/Descent {descent}/CapHeight {ascent}\
             /StemV {STEM_WIDTH}/FontFile2 {file} 0 R>>"
        );
        update.object((descriptor, 0), text.as_bytes());
        update.stream(file, &format!("/Length1 {}", ttf.len()), &ttf);
        update.stream(glyphs, "", &glyph_map);
        update.stream(map, "", self.to_unicode().as_bytes());
        Ok(font)
    }

    /// The font with the glyphs in use, and the glyph of each code (two octets each).
    fn subset(&self) -> Result<(Vec<u8>, Vec<u8>), PdfError> {
        let failed = |what: String| PdfError::Stamp(format!("the font cannot be cut down: {what}"));
        let mut kept = vec![0];
        let mut map = vec![0, 0];
        for letter in &self.used {
            let glyph = self.glyph(*letter).unwrap_or(0);
            let known = kept.iter().position(|known| *known == glyph);
            let place = known.unwrap_or_else(|| {
                kept.push(glyph);
                kept.len() - 1
            });
            map.extend_from_slice(&u16::try_from(place).unwrap_or(0).to_be_bytes());
        }
        let font = ReadScope::new(&self.parsed.original_bytes)
            .read::<FontData<'_>>()
            .map_err(|error| failed(error.to_string()))?;
        let tables = font.table_provider(0).map_err(|error| failed(error.to_string()))?;
        let cut = subset(&tables, &kept, &SubsetProfile::Pdf, CmapTarget::Unicode);
        Ok((cut.map_err(|error| failed(error.to_string()))?, map))
    }

    fn to_unicode(&self) -> String {
        let mut out = String::from(
            "/CIDInit/ProcSet findresource begin\n12 dict begin\nbegincmap\n\
             /CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def\n\
             /CMapName/Adobe-Identity-UCS def\n/CMapType 2 def\n\
             1 begincodespacerange\n<0000><ffff>\nendcodespacerange\n",
        );
        let used: Vec<_> = (1..).zip(&self.used).collect::<Vec<(u16, &char)>>();
        // One block holds at most a hundred lines (Adobe technical note 5014 §1.4.2).
        for block in used.chunks(100) {
            let _ = writeln!(out, "{} beginbfchar", block.len());
            for (code, letter) in block {
                let _ = write!(out, "<{code:04x}><");
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "{unit:04x}");
                }
                out.push_str(">\n");
            }
            out.push_str("endbfchar\n");
        }
        out.push_str("endcmap\nCMapName currentdict/CMap defineresource pop\nend\nend\n");
        out
    }

    /// The glyph of a letter; a question mark stands for one that the font lacks.
    fn glyph(&self, letter: char) -> Option<u16> {
        let glyph = |letter: char| self.parsed.lookup_glyph_index(u32::from(letter));
        glyph(letter).or_else(|| glyph('?'))
    }

    fn advance(&self, glyph: u16) -> f32 {
        let advance = f32::from(self.parsed.get_glyph_width(glyph).unwrap_or(0));
        (advance * 1000.0 / f32::from(self.parsed.units_per_em)).round()
    }

    fn scaled(&self, units: i16) -> f32 {
        (f32::from(units) * 1000.0 / f32::from(self.parsed.units_per_em)).round()
    }
}
