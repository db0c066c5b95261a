//! The visible stamp: the appearance of a signature's widget (ISO 32000-1 §12.5.5).

use std::borrow::Cow;

use super::PdfError;
use super::font::Font;
use super::update::Update;

/// A visible stamp: a thin frame with lines of text, fitted into a rectangle.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamp {
    /// The page, counted from 0.
    pub page: usize,
    /// Left, bottom, right and top in points, from the page's lower left corner.
    pub rect: [f32; 4],
    /// The lines, in the language they shall be read in; the first stands out.
    pub lines: Vec<String>,
    /// A TrueType font that has the letters of the lines; one that it lacks becomes `?`.
    pub font: Cow<'static, [u8]>,
}

/// Space between frame and text, in points.
const PADDING: f32 = 6.0;
/// Width of the bar at the left edge, in points.
const BAR: f32 = 2.5;
/// Largest and smallest size of the text, in points.
const SIZES: (f32, f32) = (9.0, 3.0);
/// How much larger the first line is.
const TITLE: f32 = 1.12;
/// Distance of base lines, in sizes.
const LEADING: f32 = 1.28;
/// Lines and letters a stamp may have: more is no stamp.
const LETTERS: usize = 2_000;

impl Stamp {
    /// Width and height, in points.
    fn size(&self) -> Result<(f32, f32), PdfError> {
        let [left, bottom, right, top] = self.rect;
        let (width, height) = (right - left, top - bottom);
        let sane = self.rect.iter().all(|one| one.is_finite() && one.abs() < 15_000.0);
        match sane && width >= 24.0 && height >= 12.0 {
            true => Ok((width, height)),
            false => Err(PdfError::Stamp("its rectangle is too small or nowhere".to_owned())),
        }
    }

    /// Writes the appearance stream with its font and returns its number.
    pub(super) fn write(&self, update: &mut Update<'_, '_>) -> Result<u32, PdfError> {
        let (width, height) = self.size()?;
        if self.lines.iter().map(|line| line.len() + 1).sum::<usize>() > LETTERS {
            return Err(PdfError::Stamp("its text is too long".to_owned()));
        }
        let mut font = Font::parse(self.font.clone())?;
        let inner = (width - BAR - 2.0 * PADDING, height - 2.0 * PADDING);
        let (size, lines) = fitted(&font, &self.lines, inner);
        let mut content = format!(
            "q\n0.07 0.25 0.42 RG 0.6 w 0.3 0.3 {} {} re S\n\
             0.07 0.25 0.42 rg 0 0 {BAR} {height} re f\nQ\n",
            width - 0.6,
            height - 0.6
        );
        font.take(lines.iter().map(|line| line.text.as_str()));
        let text_height: f32 = lines.iter().map(|line| line.size(size) * LEADING).sum();
        let (ascent, descent) = font.extent();
        // Centred between the edges by the letters' own height.
        let slack = (LEADING - (ascent - descent) / 1000.0) / 2.0 * size;
        let mut y = height - PADDING - (inner.1 - text_height).max(0.0) / 2.0 - slack;
        content.push_str("q\nBT\n");
        for line in &lines {
            let line_size = line.size(size);
            let colour = if line.title { "0.07 0.25 0.42 rg" } else { "0.1 0.1 0.1 rg" };
            let x = BAR + PADDING;
            let base = y - ascent / 1000.0 * line_size;
            let shown = font.show(&line.text);
            content.push_str(&format!(
                "{colour} /F1 {line_size} Tf 1 0 0 1 {x} {base} Tm {shown} Tj\n"
            ));
            y -= line_size * LEADING;
        }
        content.push_str("ET\nQ\n");
        let font = font.write(update)?;
        let number = update.reserve();
        let entries = format!(
            "/Type/XObject/Subtype/Form/BBox[0 0 {width} {height}]\
             /Resources<</Font<</F1 {font} 0 R>>>>"
        );
        update.stream(number, &entries, content.as_bytes());
        Ok(number)
    }
}

struct Line {
    text: String,
    title: bool,
}

impl Line {
    fn size(&self, size: f32) -> f32 {
        if self.title { size * TITLE } else { size }
    }
}

/// The largest size at which the wrapped lines fit; at the smallest they may overflow.
fn fitted(font: &Font, lines: &[String], (width, height): (f32, f32)) -> (f32, Vec<Line>) {
    let mut size = SIZES.0;
    loop {
        let wrapped: Vec<Line> = lines
            .iter()
            .enumerate()
            .flat_map(|(index, line)| {
                let title = index == 0;
                let size = if title { size * TITLE } else { size };
                let texts = wrap(font, line, width * 1000.0 / size);
                texts.into_iter().map(move |text| Line { text, title })
            })
            .collect();
        let needed: f32 = wrapped.iter().map(|line| line.size(size) * LEADING).sum();
        let wide =
            wrapped.iter().any(|line| font.width(&line.text) * line.size(size) > width * 1e3);
        if (needed <= height && !wide) || size <= SIZES.1 {
            return (size, wrapped);
        }
        size -= 0.25;
    }
}

fn wrap(font: &Font, line: &str, width: f32) -> Vec<String> {
    let mut out = vec![String::new()];
    for word in line.split_whitespace() {
        let Some(current) = out.last_mut() else { break };
        let longer = if current.is_empty() { word.to_owned() } else { format!("{current} {word}") };
        if current.is_empty() || font.width(&longer) <= width {
            *current = longer;
        } else {
            out.push(word.to_owned());
        }
    }
    out
}
