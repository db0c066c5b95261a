//! Pages being filled: text lines, rules and boxes, each marked for the structure tree.
//!
//! Places are given from the upper left corner in points; PDF counts from the lower left.

use std::collections::BTreeMap;

use printpdf::{
    Color, CurTransMat, DictItem, LinePoint, Op, PaintMode, PdfFontHandle, Point, Polygon,
    PolygonRing, Pt, Rect, Rgb, TextItem, TextMatrix, WindingOrder,
};

use super::StampPlace;
use super::face::Face;
use super::tree::Tree;

/// Width of A4.
pub(super) const WIDTH: f32 = 595.276;
/// Height of A4.
pub(super) const HEIGHT: f32 = 841.89;
/// Left edge of the text.
pub(super) const LEFT: f32 = 54.0;
/// Right edge of the text.
pub(super) const RIGHT: f32 = WIDTH - LEFT;
/// Where text ends at the foot of a page.
pub(super) const BOTTOM: f32 = HEIGHT - 66.0;
/// Where text begins on the pages after the first.
const TOP: f32 = 84.0;

/// A colour: red, green, blue from 0 to 1.
pub(super) type Ink = (f32, f32, f32);
pub(super) const BLACK: Ink = (0.09, 0.10, 0.12);
pub(super) const GREY: Ink = (0.36, 0.40, 0.44);
pub(super) const BLUE: Ink = (0.03, 0.30, 0.42);
pub(super) const ALARM: Ink = (0.66, 0.10, 0.10);
pub(super) const GOLD: Ink = (0.72, 0.55, 0.22);
pub(super) const TINT: Ink = (0.945, 0.962, 0.970);
pub(super) const RULE: Ink = (0.78, 0.82, 0.85);

/// How a line of text looks.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) face: Face,
    pub(super) size: f32,
    /// Distance between baselines.
    pub(super) leading: f32,
    pub(super) ink: Ink,
    /// Space added between letters.
    pub(super) spacing: f32,
}

#[derive(Clone, Copy)]
pub(super) enum Align {
    Left,
    /// Centred on the given place.
    Centre,
    /// Ending at the given place.
    Right,
}

pub(super) struct Sheet {
    pub(super) pages: Vec<Page>,
    pub(super) tree: Tree,
    /// Where the next block begins on the page that is open.
    pub(super) y: f32,
    /// Where the visible signature goes.
    pub(super) stamp: Option<StampPlace>,
}

#[derive(Default)]
pub(super) struct Page {
    pub(super) ops: Vec<Op>,
    marks: i64,
}

impl Style {
    pub(super) const fn new(face: Face, size: f32, ink: Ink) -> Self {
        Self { face, size, leading: size * 1.36, ink, spacing: 0.0 }
    }

    pub(super) const fn spaced(mut self, spacing: f32) -> Self {
        self.spacing = spacing;
        self
    }

    pub(super) fn width(&self, text: &str) -> f32 {
        let text = text.trim_end();
        let letters = text.chars().count().saturating_sub(1) as f32;
        self.face.width(text, self.size) + letters * self.spacing
    }

    pub(super) fn wrap(&self, text: &str, width: f32) -> Vec<String> {
        self.face.wrap(text, self.size, self.spacing, width)
    }

    /// Height of so many lines.
    pub(super) fn height(&self, lines: usize) -> f32 {
        lines as f32 * self.leading
    }
}

impl Sheet {
    pub(super) fn new() -> Self {
        Self { pages: vec![Page::default()], tree: Tree::new(), y: 0.0, stamp: None }
    }

    /// Number of the open page, from 0.
    pub(super) fn page(&self) -> usize {
        self.pages.len() - 1
    }

    /// Height left on the page.
    pub(super) fn room(&self) -> f32 {
        BOTTOM - self.y
    }

    /// Opens a page if the open one has less than `height` left; says whether it did.
    pub(super) fn need(&mut self, height: f32) -> bool {
        let full = self.room() < height;
        if full {
            self.pages.push(Page::default());
            self.y = TOP;
        }
        full
    }

    /// Draws lines of text as one structure element; `y` is the top of the first line.
    pub(super) fn lines(
        &mut self,
        tag: &'static str,
        (x, y): (f32, f32),
        lines: &[String],
        style: Style,
        align: Align,
    ) {
        self.tree.open(tag, None);
        self.mark(tag, text(x, y, lines, style, align));
        self.tree.close();
    }

    /// Draws wrapped text across the page below what stands there, over pages where needed.
    pub(super) fn paragraph(&mut self, tag: &'static str, words: &str, style: Style) {
        let lines = style.wrap(words, RIGHT - LEFT);
        self.tree.open(tag, None);
        let mut rest = lines.as_slice();
        while !rest.is_empty() {
            self.need(style.leading);
            let fits = ((self.room() / style.leading) as usize).clamp(1, rest.len());
            let (now, later) = rest.split_at(fits);
            self.mark(tag, text(LEFT, self.y, now, style, Align::Left));
            self.y += style.height(now.len());
            rest = later;
        }
        self.tree.close();
    }

    /// Draws wrapped text centred on the page.
    pub(super) fn centred(&mut self, tag: &'static str, words: &str, style: Style, width: f32) {
        let lines = balanced(words, style, width);
        self.lines(tag, (WIDTH / 2.0, self.y), &lines, style, Align::Centre);
        self.y += style.height(lines.len());
    }

    /// Draws what carries no content: rules, boxes, ornament.
    pub(super) fn artifact(&mut self, ops: Vec<Op>) {
        let page = self.page();
        artifact(&mut self.pages[page], ops);
    }

    /// Draws a picture with the words that stand for it.
    pub(super) fn figure(&mut self, words: String, ops: Vec<Op>) {
        self.tree.open("Figure", Some(words));
        self.mark("Figure", ops);
        self.tree.close();
    }

    /// The characters shown in a face, repeated ones too.
    pub(super) fn characters(&self, face: Face) -> String {
        let (mut out, mut is_set) = (String::new(), false);
        for op in self.pages.iter().flat_map(|page| &page.ops) {
            match op {
                Op::SetFont { font, .. } => {
                    is_set = *font == PdfFontHandle::External(face.id());
                }
                Op::ShowText { items } if is_set => {
                    for item in items {
                        if let TextItem::Text(text) = item {
                            out.push_str(text);
                        }
                    }
                }
                _ => {}
            }
        }
        out
    }

    fn mark(&mut self, tag: &str, ops: Vec<Op>) {
        let at = self.page();
        let page = &mut self.pages[at];
        let mark = BTreeMap::from([("MCID".to_owned(), DictItem::Int(page.marks))]);
        page.ops.push(Op::BeginMarkedContentWithProperties {
            tag: tag.to_owned(),
            properties: DictItem::Dict { map: mark },
        });
        page.ops.extend(ops);
        page.ops.push(Op::EndMarkedContentWithProperties);
        self.tree.content(at, page.marks);
        page.marks += 1;
    }
}

/// Breaks a text into as few lines as fit, all about equally long.
fn balanced(words: &str, style: Style, width: f32) -> Vec<String> {
    let mut lines = style.wrap(words, width);
    let (mut narrow, mut wide) = (width / 2.0, width);
    for _ in 0..6 {
        let middle = (narrow + wide) / 2.0;
        let tried = style.wrap(words, middle);
        if tried.len() > lines.len() {
            narrow = middle;
        } else {
            (lines, wide) = (tried, middle);
        }
    }
    lines
}

/// Draws on a page what carries no content.
pub(super) fn artifact(page: &mut Page, ops: Vec<Op>) {
    page.ops.push(Op::BeginMarkedContent { tag: "Artifact".to_owned() });
    page.ops.extend(ops);
    page.ops.push(Op::EndMarkedContent);
}

/// Lines of text; `y` is the top of the first.
pub(super) fn text(x: f32, y: f32, lines: &[String], style: Style, align: Align) -> Vec<Op> {
    let mut ops = vec![
        Op::StartTextSection,
        Op::SetFont { font: PdfFontHandle::External(style.face.id()), size: Pt(style.size) },
        Op::SetFillColor { col: colour(style.ink) },
        Op::SetCharacterSpacing { multiplier: style.spacing },
    ];
    // The baseline lies so that capitals stand in the middle of their line.
    let mut baseline = y + style.leading / 2.0 + style.size * 0.357;
    for line in lines {
        let start = match align {
            Align::Left => x,
            Align::Centre => x - style.width(line) / 2.0,
            Align::Right => x - style.width(line),
        };
        if !line.is_empty() {
            let place = TextMatrix::Translate(round(start), round(HEIGHT - baseline));
            ops.push(Op::SetTextMatrix { matrix: place });
            ops.push(Op::ShowText { items: vec![TextItem::Text(line.clone())] });
        }
        baseline += style.leading;
    }
    ops.push(Op::EndTextSection);
    ops
}

/// A filled box.
pub(super) fn fill(x: f32, y: f32, width: f32, height: f32, ink: Ink) -> Vec<Op> {
    vec![Op::SetFillColor { col: colour(ink) }, rectangle(x, y, width, height, PaintMode::Fill)]
}

/// The outline of a box.
pub(super) fn outline(x: f32, y: f32, size: (f32, f32), thickness: f32, ink: Ink) -> Vec<Op> {
    vec![
        Op::SetOutlineColor { col: colour(ink) },
        Op::SetOutlineThickness { pt: Pt(thickness) },
        rectangle(x, y, size.0, size.1, PaintMode::Stroke),
    ]
}

/// A horizontal rule, drawn as a thin box so that every viewer shows the same thickness.
pub(super) fn rule(x: f32, y: f32, width: f32, thickness: f32, ink: Ink) -> Vec<Op> {
    fill(x, y, width, thickness, ink)
}

/// Shapes filled together, each a ring of corners.
pub(super) fn shapes(rings: impl IntoIterator<Item = Vec<(f32, f32)>>, ink: Ink) -> Vec<Op> {
    let turned = rings.into_iter().map(|ring| ring.into_iter().map(|(x, y)| (x, HEIGHT - y)));
    vec![Op::SetFillColor { col: colour(ink) }, polygon(turned)]
}

/// Black shapes on a grid of squares `module` points wide, whose upper left corner is given.
pub(super) fn grid(x: f32, y: f32, module: f32, rings: Vec<Vec<(f32, f32)>>) -> Vec<Op> {
    let matrix = CurTransMat::Raw([module, 0.0, 0.0, -module, x, HEIGHT - y]);
    vec![
        Op::SaveGraphicsState,
        Op::SetTransformationMatrix { matrix },
        Op::SetFillColor { col: colour((0.0, 0.0, 0.0)) },
        polygon(rings),
        Op::RestoreGraphicsState,
    ]
}

fn polygon(rings: impl IntoIterator<Item = impl IntoIterator<Item = (f32, f32)>>) -> Op {
    let corner = |(x, y)| LinePoint { p: Point { x: round(x), y: round(y) }, bezier: false };
    let rings = rings
        .into_iter()
        .map(|ring| PolygonRing { points: ring.into_iter().map(corner).collect() })
        .collect();
    let polygon = Polygon { rings, mode: PaintMode::Fill, winding_order: WindingOrder::NonZero };
    Op::DrawPolygon { polygon }
}

fn rectangle(x: f32, y: f32, width: f32, height: f32, mode: PaintMode) -> Op {
    Op::DrawRectangle {
        rectangle: Rect {
            x: round(x),
            y: round(HEIGHT - y - height),
            width: round(width),
            height: round(height),
            mode: Some(mode),
            winding_order: None,
        },
    }
}

fn colour((red, green, blue): Ink) -> Color {
    Color::Rgb(Rgb::new(red, green, blue, None))
}

/// A hundredth of a point is enough, and keeps the numbers short.
fn round(points: f32) -> Pt {
    Pt((points * 100.0).round() / 100.0)
}
