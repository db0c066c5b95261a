//! Where a page shows text, and what covers it: a reader of content streams (ISO 32000-1 §7.8,
//! §8, §9) that knows positions and forgets everything else. Widths of letters are estimated, so
//! its findings are about right and never a proof.

use std::collections::HashMap;

use lopdf::{Dictionary, Object};

use super::PdfError;
use super::file::{File, Loaded};
use super::tree;
use crate::limits;

/// Forms inside forms that are followed.
const DEPTH: usize = 6;
/// Parents of a page asked for its resources.
const PARENTS: usize = 32;
/// Pieces of text and covers noted of one page.
const NOTED: usize = 20_000;
/// Saved graphics states.
const SAVED: usize = 64;
/// Width of a letter beside its size: less than most have, so that neighbours are not accused.
const LETTER: f32 = 0.4;

/// A rectangle in the page's coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rect {
    pub left: f32,
    pub bottom: f32,
    pub right: f32,
    pub top: f32,
}

/// What a page shows.
#[derive(Default)]
pub(super) struct Shown {
    /// Where text stands.
    pub text: Vec<Rect>,
    /// Images and filled rectangles that cover text drawn before: what they are.
    pub covered: Vec<String>,
    work: usize,
}

#[derive(Clone, Copy)]
struct Matrix([f32; 6]);

#[derive(Clone)]
struct State {
    matrix: Matrix,
    size: f32,
    wide: bool,
    leading: f32,
}

impl Rect {
    /// The rectangle of an array of four numbers; `None` for one without an area.
    pub(super) fn of(object: &Object) -> Option<Self> {
        let numbers: Option<Vec<f32>> =
            object.as_array().ok()?.iter().map(|one| one.as_float().ok()).collect();
        let [a, b, c, d] = numbers?[..] else { return None };
        Some(Self { left: a.min(c), bottom: b.min(d), right: a.max(c), top: b.max(d) })
            .filter(|one| one.right - one.left > 0.5 && one.top - one.bottom > 0.5)
    }

    /// Whether both share more than an edge.
    pub(super) fn meets(&self, other: &Self) -> bool {
        const EDGE: f32 = 0.5;
        self.left + EDGE < other.right
            && other.left + EDGE < self.right
            && self.bottom + EDGE < other.top
            && other.bottom + EDGE < self.top
    }
}

impl Matrix {
    const IDENTITY: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    /// This one first, `after` then.
    fn then(self, after: Self) -> Self {
        let ([a, b, c, d, e, f], [g, h, i, j, k, l]) = (self.0, after.0);
        Self([
            a * g + b * i,
            a * h + b * j,
            c * g + d * i,
            c * h + d * j,
            e * g + f * i + k,
            e * h + f * j + l,
        ])
    }

    fn moved(x: f32, y: f32) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, x, y])
    }

    /// The box around a rectangle.
    fn of_rect(self, [x, y, width, height]: [f32; 4]) -> Rect {
        let [a, b, c, d, e, f] = self.0;
        let corners = [(x, y), (x + width, y), (x, y + height), (x + width, y + height)];
        let points = corners.map(|(x, y)| (a * x + c * y + e, b * x + d * y + f));
        let edge = |pick: fn(f32, f32) -> f32, start, of: fn(&(f32, f32)) -> f32| {
            points.iter().map(of).fold(start, pick)
        };
        Rect {
            left: edge(f32::min, f32::INFINITY, |point| point.0),
            right: edge(f32::max, f32::NEG_INFINITY, |point| point.0),
            bottom: edge(f32::min, f32::INFINITY, |point| point.1),
            top: edge(f32::max, f32::NEG_INFINITY, |point| point.1),
        }
    }
}

/// What a page shows by its own content, annotations apart.
///
/// # Errors
/// [`PdfError`] where the content does not decode or is larger than
/// [`limits::PDF_CONTENT_BYTES`].
pub(super) fn shown(file: &File<'_>, page: &Loaded) -> Result<Shown, PdfError> {
    let Some(dictionary) = page.dictionary() else { return Ok(Shown::default()) };
    let mut octets = Vec::new();
    let parts = match dictionary.get(b"Contents") {
        Ok(Object::Array(parts)) => parts.clone(),
        Ok(one @ Object::Reference(_)) => match file.resolve(one)? {
            Object::Array(parts) => parts,
            _ => vec![one.clone()],
        },
        _ => Vec::new(),
    };
    for part in parts {
        let Ok(id) = part.as_reference() else { continue };
        let Some(loaded) = file.load(id)?.filter(|loaded| loaded.stream.is_some()) else {
            continue;
        };
        octets.extend(file.decoded_up_to(&loaded, limits::PDF_CONTENT_BYTES - octets.len())?);
        octets.push(b'\n');
        if octets.len() > limits::PDF_CONTENT_BYTES {
            return Err(PdfError::TooMany("bytes in the content of a page"));
        }
    }
    let resources = resources(file, dictionary)?;
    let mut shown = Shown::default();
    shown.run(file, &octets, &resources, Matrix::IDENTITY, DEPTH)?;
    Ok(shown)
}

/// The strings a form XObject shows, as they stand in it.
pub(super) fn strings(octets: &[u8]) -> Vec<Vec<u8>> {
    let (mut out, mut tokens) = (Vec::new(), Tokens { octets, at: 0 });
    while let Some(token) = tokens.next() {
        if let Token::Text(text) = token
            && out.len() < NOTED
        {
            out.push(text);
        }
    }
    out
}

fn resources(file: &File<'_>, page: &Dictionary) -> Result<Dictionary, PdfError> {
    let mut holder = page.clone();
    for _ in 0..PARENTS {
        if let Some(found) = tree::dictionary(file, &holder, b"Resources")? {
            return Ok(found);
        }
        let Some(parent) = tree::dictionary(file, &holder, b"Parent")? else { break };
        holder = parent;
    }
    Ok(Dictionary::new())
}

impl Shown {
    fn run(
        &mut self,
        file: &File<'_>,
        octets: &[u8],
        resources: &Dictionary,
        start: Matrix,
        depth: usize,
    ) -> Result<(), PdfError> {
        self.work = self.work.saturating_add(octets.len());
        if self.work > 4 * limits::PDF_CONTENT_BYTES {
            return Err(PdfError::TooMany("bytes in the content of a page"));
        }
        let mut state = State { matrix: start, size: 0.0, wide: false, leading: 0.0 };
        let mut saved: Vec<State> = Vec::new();
        let (mut text, mut line) = (Matrix::IDENTITY, Matrix::IDENTITY);
        let mut numbers: Vec<f32> = Vec::new();
        let (mut name, mut letters): (&[u8], usize) = (b"", 0);
        // The path: its rectangles, its corners, and whether it is more than one rectangle.
        let (mut rects, mut corners): (Vec<[f32; 4]>, Vec<(f32, f32)>) = (Vec::new(), Vec::new());
        let mut curved = false;
        let mut wide: HashMap<Vec<u8>, bool> = HashMap::new();
        let mut tokens = Tokens { octets, at: 0 };
        while let Some(token) = tokens.next() {
            let operator = match token {
                Token::Number(number) => {
                    if numbers.len() < 64 {
                        numbers.push(number);
                    }
                    continue;
                }
                Token::Name(found) => {
                    name = found;
                    continue;
                }
                Token::Text(found) => {
                    letters += found.len();
                    continue;
                }
                Token::Other => continue,
                Token::Operator(operator) => operator,
            };
            if self.work > 4 * limits::PDF_CONTENT_BYTES {
                return Err(PdfError::TooMany("covers of a page"));
            }
            let last = |count: usize| {
                numbers.len().checked_sub(count).and_then(|from| numbers.get(from..))
            };
            match operator {
                b"q" if saved.len() < SAVED => saved.push(state.clone()),
                b"Q" => state = saved.pop().unwrap_or(state),
                b"cm" => {
                    if let Some(&[a, b, c, d, e, f]) = last(6) {
                        state.matrix = Matrix([a, b, c, d, e, f]).then(state.matrix);
                    }
                }
                b"BT" => (text, line) = (Matrix::IDENTITY, Matrix::IDENTITY),
                b"Tf" => {
                    state.size = last(1).map_or(0.0, |one| one[0]);
                    state.wide = match wide.get(name) {
                        Some(known) => *known,
                        None => {
                            let found = is_wide(file, resources, name)?;
                            wide.insert(name.to_vec(), found);
                            found
                        }
                    };
                }
                b"TL" => state.leading = last(1).map_or(0.0, |one| one[0]),
                b"Td" | b"TD" => {
                    if let Some(&[x, y]) = last(2) {
                        line = Matrix::moved(x, y).then(line);
                        text = line;
                        if operator == b"TD" {
                            state.leading = -y;
                        }
                    }
                }
                b"Tm" => {
                    if let Some(&[a, b, c, d, e, f]) = last(6) {
                        line = Matrix([a, b, c, d, e, f]);
                        text = line;
                    }
                }
                b"T*" => {
                    line = Matrix::moved(0.0, -state.leading).then(line);
                    text = line;
                }
                b"Tj" | b"TJ" | b"'" | b"\"" => {
                    if operator == b"'" || operator == b"\"" {
                        line = Matrix::moved(0.0, -state.leading).then(line);
                        text = line;
                    }
                    let count = if state.wide { letters / 2 } else { letters };
                    if count > 0 && self.text.len() < NOTED {
                        let width = count as f32 * LETTER * state.size;
                        let place = [0.0, 0.0, width, 0.6 * state.size];
                        self.text.push(text.then(state.matrix).of_rect(place));
                        text = Matrix::moved(width, 0.0).then(text);
                    }
                }
                b"re" => {
                    if let Some(&[x, y, width, height]) = last(4) {
                        rects.push([x, y, width, height]);
                    }
                }
                b"m" | b"l" => {
                    if let Some(&[x, y]) = last(2) {
                        corners.push((x, y));
                    }
                }
                b"c" | b"v" | b"y" => curved = true,
                b"f" | b"F" | b"f*" | b"B" | b"B*" | b"b" | b"b*" | b"n" | b"S" | b"s" => {
                    let fills = !matches!(operator, b"n" | b"S" | b"s");
                    let rect = match (&rects[..], &corners[..]) {
                        ([rect], []) => Some(*rect),
                        ([], corners) => upright(corners),
                        _ => None,
                    };
                    if let (true, false, Some(rect)) = (fills, curved, rect) {
                        self.cover(state.matrix.of_rect(rect), "a filled rectangle");
                    }
                    rects.clear();
                    corners.clear();
                    curved = false;
                }
                b"BI" => {
                    tokens.skip_image();
                    self.cover(state.matrix.of_rect([0.0, 0.0, 1.0, 1.0]), "an image");
                }
                b"Do" => self.object(file, resources, name, state.matrix, depth)?,
                _ => {}
            }
            numbers.clear();
            letters = 0;
        }
        Ok(())
    }

    fn object(
        &mut self,
        file: &File<'_>,
        resources: &Dictionary,
        name: &[u8],
        matrix: Matrix,
        depth: usize,
    ) -> Result<(), PdfError> {
        let Some(objects) = tree::dictionary(file, resources, b"XObject")? else { return Ok(()) };
        let Ok(id) = objects.get(name).and_then(Object::as_reference) else { return Ok(()) };
        let Some(loaded) = file.load(id)? else { return Ok(()) };
        let Some(dictionary) = loaded.dictionary() else { return Ok(()) };
        match dictionary.get(b"Subtype").and_then(Object::as_name).unwrap_or_default() {
            b"Image" if !dictionary.has(b"SMask") && !dictionary.has(b"ImageMask") => {
                let what = format!("image object {}", id.0);
                self.cover(matrix.of_rect([0.0, 0.0, 1.0, 1.0]), &what);
            }
            b"Form" if depth > 0 && loaded.stream.is_some() => {
                let own = file.get(dictionary, b"Matrix")?;
                let own: Vec<f32> = own.as_array().map_or_else(
                    |_| Vec::new(),
                    |own| own.iter().filter_map(|one| one.as_float().ok()).collect(),
                );
                let own = <[f32; 6]>::try_from(own).map_or(Matrix::IDENTITY, Matrix);
                let octets = file.decoded_up_to(&loaded, limits::PDF_CONTENT_BYTES)?;
                let inner = tree::dictionary(file, dictionary, b"Resources")?;
                let inner = inner.unwrap_or_else(|| resources.clone());
                self.run(file, &octets, &inner, own.then(matrix), depth - 1)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn cover(&mut self, place: Rect, what: &str) {
        if self.covered.last().is_some_and(|last| last == what) {
            return;
        }
        self.work = self.work.saturating_add(self.text.len());
        if self.text.iter().any(|text| place.meets(text)) {
            self.covered.push(what.to_owned());
        }
    }
}

/// Whether a font's letters take two octets.
fn is_wide(file: &File<'_>, resources: &Dictionary, name: &[u8]) -> Result<bool, PdfError> {
    let Some(fonts) = tree::dictionary(file, resources, b"Font")? else { return Ok(false) };
    let font = tree::dictionary(file, &fonts, name)?;
    let kind = font.as_ref().and_then(|font| font.get(b"Subtype").and_then(Object::as_name).ok());
    Ok(kind == Some(b"Type0"))
}

/// The rectangle that four or five corners make, if its sides are upright.
fn upright(corners: &[(f32, f32)]) -> Option<[f32; 4]> {
    let closed = corners.len() == 5 && corners.first() == corners.last();
    if corners.len() != 4 && !closed {
        return None;
    }
    let side = |pair: &[(f32, f32)]| pair[0].0 == pair[1].0 || pair[0].1 == pair[1].1;
    let (first, third) = (corners.first()?, corners.get(2)?);
    corners.windows(2).all(side).then_some([first.0, first.1, third.0 - first.0, third.1 - first.1])
}

enum Token<'a> {
    Number(f32),
    Name(&'a [u8]),
    Text(Vec<u8>),
    Operator(&'a [u8]),
    Other,
}

struct Tokens<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        let rest = self.octets.get(self.at..)?;
        let skipped = rest.iter().take_while(|octet| is_space(**octet)).count();
        let rest = rest.get(skipped..)?;
        self.at += skipped;
        let first = *rest.first()?;
        let regular = |rest: &[u8]| rest.iter().take_while(|one| is_regular(**one)).count();
        match first {
            b'%' => {
                let line = rest.iter().take_while(|one| !b"\r\n".contains(one)).count();
                self.at += line;
                Some(Token::Other)
            }
            b'/' => {
                let length = regular(rest.get(1..)?);
                self.at += 1 + length;
                Some(Token::Name(rest.get(1..1 + length)?))
            }
            b'(' => Some(Token::Text(self.literal())),
            b'<' if rest.get(1) != Some(&b'<') => {
                let length = rest.iter().take_while(|one| **one != b'>').count();
                self.at += length + 1;
                Some(Token::Text(hexadecimal(rest.get(1..length)?)))
            }
            b'0'..=b'9' | b'+' | b'-' | b'.' => {
                let length = regular(rest);
                self.at += length;
                Some(number(rest.get(..length)?).map_or(Token::Other, Token::Number))
            }
            one if is_regular(one) => {
                let length = regular(rest);
                self.at += length;
                Some(Token::Operator(rest.get(..length)?))
            }
            _ => {
                self.at += 1;
                Some(Token::Other)
            }
        }
    }

    fn literal(&mut self) -> Vec<u8> {
        let (mut out, mut open) = (Vec::new(), 0usize);
        while let Some(octet) = self.octets.get(self.at) {
            self.at += 1;
            match octet {
                b'(' => {
                    open += 1;
                    if open == 1 {
                        continue;
                    }
                }
                b')' => {
                    open -= 1;
                    if open == 0 {
                        break;
                    }
                }
                b'\\' => {
                    let Some(next) = self.octets.get(self.at) else { break };
                    self.at += 1;
                    if next.is_ascii_digit() {
                        let (mut code, mut more) = (u32::from(next - b'0'), 0);
                        while let Some(digit @ b'0'..=b'7') =
                            self.octets.get(self.at).filter(|_| more < 2)
                        {
                            code = code * 8 + u32::from(digit - b'0');
                            self.at += 1;
                            more += 1;
                        }
                        out.push((code & 0xff) as u8);
                    } else {
                        out.push(*next);
                    }
                    continue;
                }
                _ => {}
            }
            out.push(*octet);
        }
        out
    }

    /// Past an inline image, whose octets mean nothing here (§8.9.7).
    fn skip_image(&mut self) {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let end = rest.windows(4).position(|window| {
            is_space(window[0]) && &window[1..3] == b"EI" && is_space(window[3])
        });
        self.at = end.map_or(self.octets.len(), |end| self.at + end + 3);
    }
}

fn number(text: &[u8]) -> Option<f32> {
    std::str::from_utf8(text).ok()?.parse().ok().filter(|number: &f32| number.is_finite())
}

fn hexadecimal(text: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = text
        .iter()
        .filter_map(|octet| char::from(*octet).to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)).collect()
}

fn is_space(octet: u8) -> bool {
    matches!(octet, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn is_regular(octet: u8) -> bool {
    !is_space(octet) && !b"()<>[]{}/%".contains(&octet)
}
