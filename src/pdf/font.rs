//! A TrueType font embedded for the stamp, cut down to the letters in use: Type 0 with Identity-H
//! and a ToUnicode map (ISO 32000-1 §9.7, §9.10.3), so that Kazakh letters are drawn and can be
//! copied out.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use allsorts::binary::read::ReadScope;
use allsorts::font_data::FontData;
use allsorts::subset::{CmapTarget, SubsetProfile, subset};
use printpdf::{FontType, ParsedFont};

use super::PdfError;
use super::filter::Packed;
use super::update::Update;
use crate::crypto::{DigestAlgorithm, digest};

/// Stem width and weight are hints for a substitute that an embedded font never needs.
const STEM_WIDTH: u16 = 80;

/// Letters that every cut has: times and numbers change from stamp to stamp, and the cut shall not.
const ALWAYS: &str = " +-./0123456789:";
/// Fonts and cuts that are remembered: a service has one font, and an officer one name.
const FONTS: usize = 4;
const CUTS: usize = 64;

static KNOWN_FONTS: Mutex<Vec<KnownFont>> = Mutex::new(Vec::new());
static KNOWN_CUTS: Mutex<Vec<Known>> = Mutex::new(Vec::new());

/// A font's file, and what is in it.
type KnownFont = (Cow<'static, [u8]>, Arc<ParsedFont>);

/// A cut, with its font and letters.
type Known = (Arc<ParsedFont>, Vec<char>, Arc<Cut>);

/// A parsed font and the letters drawn with it. A letter's code is its place in `used`, counted
/// from 1; letters that share a glyph keep codes of their own, so that what is copied out is what
/// was written.
pub(super) struct Font {
    parsed: Arc<ParsedFont>,
    /// In their order.
    used: Vec<char>,
}

/// What is embedded: streams, compressed where that helps.
struct Cut {
    name: String,
    length: usize,
    widths: String,
    program: Packed,
    glyphs: Packed,
    map: Packed,
}

impl Font {
    pub(super) fn parse(ttf: Cow<'static, [u8]>) -> Result<Self, PdfError> {
        let mut known = KNOWN_FONTS.lock().unwrap_or_else(PoisonError::into_inner);
        // Mostly it is the program's own font, in the same place of memory.
        let same = |known: &Cow<'_, [u8]>| std::ptr::eq(&**known, &*ttf) || *known == ttf;
        if let Some((_, parsed)) = known.iter().find(|known| same(&known.0)) {
            return Ok(Self { parsed: Arc::clone(parsed), used: Vec::new() });
        }
        let unusable = |what: &str| PdfError::Stamp(what.to_owned());
        let parsed = ParsedFont::from_bytes(&ttf, 0, &mut Vec::new());
        let parsed = parsed.ok_or_else(|| unusable("the font is no TrueType font"))?;
        if parsed.font_type != FontType::TrueType || parsed.units_per_em == 0 {
            return Err(unusable("the font has no TrueType outlines"));
        }
        let parsed = Arc::new(parsed);
        if known.len() < FONTS {
            known.push((ttf, Arc::clone(&parsed)));
        }
        Ok(Self { parsed, used: Vec::new() })
    }

    /// Takes the letters of what will be shown.
    pub(super) fn take<'t>(&mut self, texts: impl Iterator<Item = &'t str>) {
        let letters = texts.chain([ALWAYS]).flat_map(str::chars);
        self.used = letters.filter(|letter| self.glyph(*letter).is_some()).collect();
        self.used.sort_unstable();
        self.used.dedup();
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

    /// The text as a hexadecimal string of codes; its letters were taken before.
    pub(super) fn show(&self, text: &str) -> String {
        let mut out = String::from("<");
        for letter in text.chars() {
            if let Ok(place) = self.used.binary_search(&letter) {
                let _ = write!(out, "{:04x}", place + 1);
            }
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
        let cut = self.cut()?;
        let (name, widths) = (&cut.name, &cut.widths);
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
        update.packed(file, &format!("/Length1 {}", cut.length), &cut.program);
        update.packed(glyphs, "", &cut.glyphs);
        update.packed(map, "", &cut.map);
        Ok(font)
    }

    /// The cut for these letters, made once: it takes longer than all the rest of a stamp.
    fn cut(&self) -> Result<Arc<Cut>, PdfError> {
        let same = |known: &&Known| Arc::ptr_eq(&known.0, &self.parsed) && known.1 == self.used;
        let known = KNOWN_CUTS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, cut)) = known.iter().find(same) {
            return Ok(Arc::clone(cut));
        }
        drop(known);
        let (ttf, glyphs) = self.subset()?;
        // Six letters tell one subset from another (§9.6.4).
        let tag = digest(DigestAlgorithm::Sha256, &ttf);
        let tag = tag.iter().take(6).map(|octet| char::from(b'A' + octet % 26));
        let name = format!("/{}+Stamp", tag.collect::<String>());
        let widths = self.used.iter().map(|letter| self.glyph(*letter));
        let widths = widths.map(|glyph| glyph.map_or(0.0, |glyph| self.advance(glyph)).to_string());
        let cut = Arc::new(Cut {
            name,
            length: ttf.len(),
            widths: widths.collect::<Vec<_>>().join(" "),
            program: Packed::new(ttf),
            glyphs: Packed::new(glyphs),
            map: Packed::new(self.to_unicode().into_bytes()),
        });
        let mut known = KNOWN_CUTS.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CUTS {
            known.remove(0);
        }
        known.push((Arc::clone(&self.parsed), self.used.clone(), Arc::clone(&cut)));
        Ok(cut)
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
