//! Where a page shows text, and what covers it: a reader of content streams (ISO 32000-1 §7.8,
//! §8, §9) that knows positions and forgets everything else. Widths of letters are estimated, so
//! its findings are about right and never a proof.

use std::collections::HashMap;

use lopdf::{Dictionary, Object, ObjectId};

use super::PdfError;
use super::file::{File, Loaded};
use super::tokens::{Operands, Token, Tokens};
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

/// Places that are told of together: where none of them can be is seen at once.
const TOGETHER: usize = 16;

/// What a page shows.
#[derive(Default)]
pub(super) struct Shown {
    text: Places,
    /// Images and filled rectangles that cover text drawn before: what they are.
    pub covered: Vec<String>,
    /// Which fonts take two octets a letter, as far as they were asked for.
    pub fonts: Fonts,
    /// Whether a font was chosen: without one no text is shown.
    font: bool,
    work: usize,
}

/// Whether the letters of a font take two octets: pages have their fonts in common.
pub(super) type Fonts = HashMap<ObjectId, bool>;

/// Where text stands, in the order it was drawn.
#[derive(Default)]
struct Places {
    all: Vec<Rect>,
    /// The box around each [`TOGETHER`] of them.
    around: Vec<Rect>,
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

impl Places {
    fn push(&mut self, place: Rect) {
        if self.all.len().is_multiple_of(TOGETHER) {
            self.around.push(place);
        } else if let Some(around) = self.around.last_mut() {
            around.left = around.left.min(place.left);
            around.bottom = around.bottom.min(place.bottom);
            around.right = around.right.max(place.right);
            around.top = around.top.max(place.top);
        }
        self.all.push(place);
    }

    fn meet(&self, place: &Rect) -> bool {
        let near = self.around.iter().zip(self.all.chunks(TOGETHER));
        near.filter(|(around, _)| place.meets(around))
            .any(|(_, places)| places.iter().any(|one| place.meets(one)))
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

/// What a page shows by its own content, annotations apart; `fonts` are known from other pages.
///
/// # Errors
/// [`PdfError`] where the content does not decode or is larger than
/// [`limits::PDF_CONTENT_BYTES`].
pub(super) fn shown(file: &File<'_>, page: &Loaded, fonts: Fonts) -> Result<Shown, PdfError> {
    let mut shown = Shown { fonts, ..Shown::default() };
    let Some(dictionary) = page.dictionary() else { return Ok(shown) };
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
    shown.run(file, &octets, &resources, Matrix::IDENTITY, DEPTH)?;
    Ok(shown)
}

/// The strings a form XObject shows, as they stand in it.
pub(super) fn strings(octets: &[u8]) -> Vec<Vec<u8>> {
    let (mut out, mut tokens) = (Vec::new(), Tokens::new(octets));
    while let Some(token) = tokens.next() {
        if let Token::Text(text) = token
            && out.len() < NOTED
        {
            out.push(text.octets());
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
    /// Whether text stands there.
    pub(super) fn has_text(&self, place: &Rect) -> bool {
        self.text.meet(place)
    }

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
        let mut numbers = Operands::default();
        let (mut name, mut letters): (&[u8], usize) = (b"", 0);
        // The path: its rectangles, its corners, and whether it is more than one rectangle.
        let (mut rects, mut corners): (Vec<[f32; 4]>, Vec<(f32, f32)>) = (Vec::new(), Vec::new());
        let mut curved = false;
        let mut wide: HashMap<Vec<u8>, bool> = HashMap::new();
        let mut tokens = Tokens::new(octets);
        while let Some(token) = tokens.next() {
            let operator = match token {
                Token::Number(number) => {
                    numbers.push(number);
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
            match operator {
                b"q" if saved.len() < SAVED => saved.push(state.clone()),
                b"Q" => state = saved.pop().unwrap_or(state),
                b"cm" => {
                    if let Some([a, b, c, d, e, f]) = numbers.last() {
                        state.matrix = Matrix([a, b, c, d, e, f]).then(state.matrix);
                    }
                }
                b"BT" => (text, line) = (Matrix::IDENTITY, Matrix::IDENTITY),
                b"Tf" => {
                    self.font = true;
                    state.size = numbers.last().map_or(0.0, |[size]| size);
                    state.wide = match wide.get(name) {
                        Some(known) => *known,
                        None => {
                            let found = self.is_wide(file, resources, name)?;
                            wide.insert(name.to_vec(), found);
                            found
                        }
                    };
                }
                b"TL" => state.leading = numbers.last().map_or(0.0, |[leading]| leading),
                b"gs" => self.font = true,
                b"Td" | b"TD" => {
                    if let Some([x, y]) = numbers.last() {
                        line = Matrix::moved(x, y).then(line);
                        text = line;
                        if operator == b"TD" {
                            state.leading = -y;
                        }
                    }
                }
                b"Tm" => {
                    if let Some([a, b, c, d, e, f]) = numbers.last() {
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
                    if count > 0 && self.text.all.len() < NOTED {
                        let width = count as f32 * LETTER * state.size;
                        let place = [0.0, 0.0, width, 0.6 * state.size];
                        self.text.push(text.then(state.matrix).of_rect(place));
                        text = Matrix::moved(width, 0.0).then(text);
                    }
                }
                b"re" if rects.len() < 2 => {
                    if let Some([x, y, width, height]) = numbers.last() {
                        rects.push([x, y, width, height]);
                    }
                }
                // A rectangle has five corners at most.
                b"m" | b"l" if corners.len() < 6 => {
                    if let Some([x, y]) = numbers.last() {
                        corners.push((x, y));
                    }
                }
                b"m" | b"l" => tokens.skip_corners(),
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
                // What has no text before it covers none, and without a font it shows none.
                if self.text.all.is_empty() && !self.font && !may_show_text(file, dictionary)? {
                    return Ok(());
                }
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

    /// Whether a font's letters take two octets.
    fn is_wide(
        &mut self,
        file: &File<'_>,
        resources: &Dictionary,
        name: &[u8],
    ) -> Result<bool, PdfError> {
        let Some(fonts) = tree::dictionary(file, resources, b"Font")? else { return Ok(false) };
        match fonts.get(name) {
            Ok(Object::Reference(id)) => {
                if let Some(known) = self.fonts.get(id) {
                    return Ok(*known);
                }
                let found = file.name_in(*id, b"Subtype")?.as_deref() == Some(b"Type0");
                self.fonts.insert(*id, found);
                Ok(found)
            }
            Ok(Object::Dictionary(font)) => {
                Ok(file.get(font, b"Subtype")?.as_name().is_ok_and(|kind| kind == b"Type0"))
            }
            _ => Ok(false),
        }
    }

    fn cover(&mut self, place: Rect, what: &str) {
        if self.covered.last().is_some_and(|last| last == what) {
            return;
        }
        self.work = self.work.saturating_add(self.text.all.len());
        if self.text.meet(&place) {
            self.covered.push(what.to_owned());
        }
    }
}

/// Whether a form has resources by which text could be shown, or takes those of the page.
fn may_show_text(file: &File<'_>, form: &Dictionary) -> Result<bool, PdfError> {
    let own = tree::dictionary(file, form, b"Resources")?;
    Ok(own.is_none_or(|own| {
        [b"Font".as_slice(), b"XObject", b"ExtGState"].iter().any(|key| own.has(key))
    }))
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
