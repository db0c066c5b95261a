//! The frame of a page: rules and a stepped lozenge pattern of woven bands. No state emblem.

use std::fmt::Write as _;
use std::sync::LazyLock;

use lopdf::{Dictionary, Stream, dictionary};
use printpdf::Op;

use super::sheet::{BLUE, GOLD, HEIGHT, Ink, WIDTH, shapes};

/// Name of the frame among the resources of the pages.
pub(super) const FRAME: &str = "Frame";

/// Distance of the frame from the edge of the paper.
const EDGE: f32 = 22.0;
/// Distance of the middle of a band from the edge of the paper.
const BAND: f32 = 35.5;
/// Lozenges of a band.
const REPEATS: usize = 26;
const WHITE: Ink = (1.0, 1.0, 1.0);

/// The frame of every page with its bands at head and foot, compressed once.
pub(super) static CONTENT: LazyLock<Stream> = LazyLock::new(|| {
    let mut form = Stream::new(
        dictionary! {
            "Type" => "XObject", "Subtype" => "Form",
            "BBox" => vec![0.into(), 0.into(), WIDTH.into(), HEIGHT.into()],
            "Resources" => Dictionary::new(),
        },
        frame().into_bytes(),
    );
    // Uncompressed it is larger, and still right.
    let _ = form.compress();
    form
});

/// A gold rule with a lozenge in its middle.
pub(super) fn divider(y: f32) -> Vec<Op> {
    let (middle, half) = (WIDTH / 2.0, 120.0);
    let gold = [
        bar(middle - half, y - 0.3, half - 12.0, 0.6),
        bar(middle + 12.0, y - 0.3, half - 12.0, 0.6),
        lozenge(middle - 9.0, y, 1.8),
        lozenge(middle + 9.0, y, 1.8),
    ];
    let mut ops = shapes(gold, GOLD);
    ops.extend(shapes(steps(middle, y, 4.6), BLUE));
    ops.extend(shapes([lozenge(middle, y, 1.5)], WHITE));
    ops
}

/// The operators of the frame (ISO 32000-1 §8.5). The pattern moves the origin from one lozenge
/// to the next, so that all its repeats are the same text and compress to almost nothing.
fn frame() -> String {
    let mut out = String::new();
    for (inset, thickness, ink) in [(EDGE, 1.3, BLUE), (EDGE + 3.0, 0.45, GOLD)] {
        let (width, height) = (WIDTH - 2.0 * inset, HEIGHT - 2.0 * inset);
        let (red, green, blue) = ink;
        let _ = writeln!(
            out,
            "{red} {green} {blue} RG {thickness} w {inset} {inset} {width:.2} {height:.2} re S"
        );
    }
    let step = (WIDTH - 2.0 * (EDGE + 10.0)) / REPEATS as f32;
    let start = EDGE + 10.0 + step / 2.0;
    let mut hooks = Vec::new();
    for side in [-1.0, 1.0] {
        hooks.push(bar(-step / 2.0 - 2.6, side * 4.3 - 0.45, 5.2, 0.9));
        hooks.push(bar(-step / 2.0 - 0.45, side * 3.6 - 0.7, 0.9, 1.4));
    }
    let lozenges = filled(steps(0.0, 0.0, 4.9), BLUE) + &filled([lozenge(0.0, 0.0, 1.5)], WHITE);
    let between = filled(hooks, BLUE) + &filled([lozenge(-step / 2.0, 0.0, 1.9)], GOLD);
    for y in [BAND, HEIGHT - BAND] {
        let _ = writeln!(out, "q 1 0 0 1 {start:.2} {y:.2} cm\n{lozenges}");
        for _ in 1..REPEATS {
            let _ = writeln!(out, "1 0 0 1 {step:.2} 0 cm\n{between}{lozenges}");
        }
        out.push_str("Q\n");
    }
    out
}

fn filled(rings: impl IntoIterator<Item = Vec<(f32, f32)>>, (red, green, blue): Ink) -> String {
    let mut out = format!("{red} {green} {blue} rg\n");
    for ring in rings {
        for (i, (x, y)) in ring.into_iter().enumerate() {
            let operator = if i == 0 { "m" } else { "l" };
            let _ = write!(out, "{x:.2} {y:.2} {operator} ");
        }
        out.push_str("h\n");
    }
    out + "f\n"
}

/// A lozenge with stepped edges, as a loom makes it: rows of falling width.
fn steps(x: f32, y: f32, radius: f32) -> Vec<Vec<(f32, f32)>> {
    let row = radius / 4.0;
    (0..4)
        .map(|i| {
            let (half, height) = (row * (4 - i) as f32, row * (i as f32 + 1.0));
            bar(x - half, y - height, 2.0 * half, 2.0 * height)
        })
        .collect()
}

fn lozenge(x: f32, y: f32, radius: f32) -> Vec<(f32, f32)> {
    vec![(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)]
}

fn bar(x: f32, y: f32, width: f32, height: f32) -> Vec<(f32, f32)> {
    vec![(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
}
