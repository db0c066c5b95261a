//! The two faces of printed documents: widths, line breaking, and the font programs to embed.

use std::sync::LazyLock;

use lopdf::{Dictionary, Stream};
use printpdf::{FontId, ParsedFont};

use super::PrintError;

/// Noto Serif Regular, pre-subset; see `assets/subset-fonts.sh`.
pub(super) const REGULAR: &[u8] = include_bytes!("../assets/fonts/NotoSerif-Regular.ttf");
const BOLD: &[u8] = include_bytes!("../assets/fonts/NotoSerif-Bold.ttf");

/// The same with the letters of Kazakh, Russian and English and the signs of documents only, under
/// the same numbers of glyphs: less than half the size, and enough for nearly every document.
const REGULAR_COMMON: &[u8] = include_bytes!("../assets/fonts/NotoSerif-Regular-common.ttf");
const BOLD_COMMON: &[u8] = include_bytes!("../assets/fonts/NotoSerif-Bold-common.ttf");

/// Characters above this are not in the faces.
const HIGHEST: usize = 0x2300;

static FACES: LazyLock<Option<[Loaded; 2]>> = LazyLock::new(|| {
    Some([
        Loaded::new(REGULAR, REGULAR_COMMON, "QLTNBR+NotoSerif-Regular")?,
        Loaded::new(BOLD, BOLD_COMMON, "QLTNBB+NotoSerif-Bold")?,
    ])
});

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    Regular,
    Bold,
}

/// A face made ready once for the whole process.
pub(super) struct Loaded {
    pub(super) parsed: ParsedFont,
    /// The whole font program as a compressed stream: compressing it takes longer than all the
    /// rest.
    whole: Stream,
    /// The program with the common letters.
    common: Stream,
    /// Which characters the latter has.
    is_common: Vec<bool>,
    /// Advance of each character in 1/1000 em; 0 where the face lacks it.
    advances: Vec<u16>,
}

/// Both faces.
pub(super) fn faces() -> Result<&'static [Loaded; 2], PrintError> {
    FACES.as_ref().ok_or(PrintError::Font)
}

impl Face {
    pub(super) const ALL: [Self; 2] = [Self::Regular, Self::Bold];

    /// Name of the font resource. Set by us, because the library's own counts up.
    pub(super) fn id(self) -> FontId {
        FontId(match self {
            Self::Regular => "F0".into(),
            Self::Bold => "F1".into(),
        })
    }

    /// Width of `text` in points.
    pub(super) fn width(self, text: &str, size: f32) -> f32 {
        let Some(faces) = FACES.as_ref() else { return 0.0 };
        let face = &faces[self as usize];
        let sum: u32 = text.chars().map(|c| u32::from(face.advance(c))).sum();
        sum as f32 * size / 1000.0
    }

    /// Breaks `text` into lines of at most `width` points, `spacing` between letters: at line ends,
    /// spaces, hyphens between letters, and within a word only where it alone is wider than a line.
    /// The space at which a line was broken stays at its end, so that the text reads on for those
    /// who hear it.
    pub(super) fn wrap(self, text: &str, size: f32, spacing: f32, width: f32) -> Vec<String> {
        let measure = |text: &str| self.width(text, size) + text.chars().count() as f32 * spacing;
        let mut lines = Vec::new();
        for paragraph in text.trim_end().split('\n') {
            let mut line = String::new();
            let mut used = 0.0;
            for piece in pieces(paragraph) {
                let visible = measure(piece.trim_end());
                if used + visible > width && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                }
                if visible > width {
                    for c in piece.chars() {
                        let advance = measure(c.encode_utf8(&mut [0; 4]));
                        if used + advance > width && !line.is_empty() {
                            lines.push(std::mem::take(&mut line));
                            used = 0.0;
                        }
                        line.push(c);
                        used += advance;
                    }
                } else {
                    line.push_str(piece);
                    used += measure(piece);
                }
            }
            lines.push(line);
        }
        lines
    }
}

impl Loaded {
    fn new(program: &[u8], common: &[u8], name: &str) -> Option<Self> {
        let mut parsed = ParsedFont::from_bytes(program, 0, &mut Vec::new())?;
        parsed.font_name = Some(name.to_owned());
        // The library copies the program several times for each document; it gets the first bytes
        // only, which tell it the kind, and `finish` puts the whole program in.
        parsed.original_bytes = program.get(..4)?.to_vec();
        let mut advances = vec![0; HIGHEST];
        for (code, glyph) in &parsed.codepoint_to_glyph {
            let units = u32::from(parsed.get_glyph_width(*glyph)?) * 1000;
            let slot = advances.get_mut(usize::try_from(*code).ok()?);
            if let Some(slot) = slot.filter(|_| *glyph != 0) {
                *slot = u16::try_from(units / u32::from(parsed.units_per_em.max(1))).ok()?;
            }
        }
        let mut is_common = vec![false; HIGHEST];
        for (code, glyph) in ParsedFont::from_bytes(common, 0, &mut Vec::new())?.codepoint_to_glyph
        {
            // Under another number it would be another letter.
            let same = glyph != 0 && parsed.codepoint_to_glyph.get(&code) == Some(&glyph);
            if let Some(slot) = is_common.get_mut(usize::try_from(code).ok()?) {
                *slot = same;
            }
        }
        let (whole, common) = (compressed(program)?, compressed(common)?);
        Some(Self { parsed, whole, common, is_common, advances })
    }

    /// The smaller program that has all of these characters.
    pub(super) fn program(&self, mut used: impl Iterator<Item = char>) -> &Stream {
        let is_common = |c| self.is_common.get(c as usize).copied().unwrap_or(false);
        if used.all(is_common) { &self.common } else { &self.whole }
    }

    fn advance(&self, c: char) -> u16 {
        self.advances.get(c as usize).copied().unwrap_or(0)
    }
}

fn compressed(program: &[u8]) -> Option<Stream> {
    let length = i64::try_from(program.len()).ok()?;
    let dictionary = Dictionary::from_iter([("Length1", length.into())]);
    let mut stream = Stream::new(dictionary, program.to_vec());
    stream.compress().ok()?;
    Some(stream)
}

/// Brings a text into the form that is printed: line ends unified, tabs and thin spaces made
/// spaces, invisible characters dropped, the decomposed letters of Cyrillic composed.
///
/// # Errors
/// [`PrintError::Character`] for the first character that the faces lack.
pub(super) fn printable(text: &str) -> Result<String, PrintError> {
    let faces = faces()?;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let composed = match (c, out.chars().next_back()) {
            ('\u{306}', Some('и')) => Some('й'),
            ('\u{306}', Some('И')) => Some('Й'),
            ('\u{308}', Some('е')) => Some('ё'),
            ('\u{308}', Some('Е')) => Some('Ё'),
            _ => None,
        };
        if let Some(composed) = composed {
            out.pop();
            out.push(composed);
            continue;
        }
        match c {
            '\n' | '\u{2028}' | '\u{2029}' => out.push('\n'),
            '\t' => out.push(' '),
            '\u{2007}' | '\u{2009}' | '\u{202F}' => out.push('\u{A0}'),
            '\r' | '\u{AD}' | '\u{200B}' | '\u{FEFF}' => {}
            _ if faces.iter().all(|face| face.advance(c) > 0) => out.push(c),
            _ => return Err(PrintError::Character(c)),
        }
    }
    Ok(out)
}

/// Pieces of a paragraph between which a line may break.
fn pieces(paragraph: &str) -> impl Iterator<Item = &str> {
    let mut rest = paragraph;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut characters = rest.char_indices().peekable();
        let mut end = rest.len();
        let mut before = ' ';
        while let Some((_, c)) = characters.next() {
            let Some((next_at, next)) = characters.peek().copied() else { break };
            let hyphen = c == '-' && before.is_alphabetic() && next.is_alphabetic();
            before = c;
            if (c == ' ' && next != ' ') || hyphen {
                end = next_at;
                break;
            }
        }
        let (piece, remainder) = rest.split_at(end);
        rest = remainder;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_letter_of_kazakh_and_the_signs_of_documents_are_there() {
        let text = "АӘБВГҒДЕЁЖЗИЙКҚЛМНҢОӨПРСТУҰҮФХҺЦЧШЩЪЫІЬЭЮЯ аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя \
                    №₸€$«»“”„–—…§°×±µŞşĞğİıÇçÖöÜüŁłŻż";
        assert_eq!(printable(text).unwrap(), text);
    }

    #[test]
    fn what_cannot_be_printed_is_named_and_what_is_invisible_goes() {
        assert!(matches!(printable("华为"), Err(PrintError::Character('华'))));
        assert!(matches!(printable("a\u{202E}b"), Err(PrintError::Character('\u{202E}'))));
        assert!(matches!(printable("a\u{0}"), Err(PrintError::Character('\u{0}'))));
        assert_eq!(
            printable("раи\u{306}он\t1\u{202F}000\r\nх\u{AD}").unwrap(),
            "район 1\u{A0}000\nх"
        );
    }

    #[test]
    fn lines_break_at_spaces_and_keep_every_letter() {
        let lines = Face::Regular.wrap("Ұлттық экономика министрлігі", 10.0, 0.0, 80.0);
        assert_eq!(lines, ["Ұлттық ", "экономика ", "министрлігі"]);
        assert_eq!(Face::Bold.wrap("а\n\nб", 10.0, 0.0, 80.0), ["а", "", "б"]);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_asked_and_nothing_is_lost(
            text in "[a-zА-яҰқ0-9 /–\\-\n]{0,200}", width in 30.0f32..300.0,
        ) {
            let lines = Face::Regular.wrap(&text, 9.0, 0.0, width);
            for line in &lines {
                prop_assert!(Face::Regular.width(line.trim_end(), 9.0) <= width + 0.01, "{line:?}");
            }
            let kept: String = lines.concat().split_whitespace().collect();
            let given: String = text.split_whitespace().collect();
            prop_assert_eq!(kept, given);
        }
    }
}
