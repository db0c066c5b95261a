//! The frame of a page: rules and a stepped lozenge pattern of woven bands. No state emblem.

use printpdf::Op;

use super::sheet::{BLUE, GOLD, HEIGHT, Ink, WIDTH, outline, shapes};

/// Distance of the frame from the edge of the paper.
const EDGE: f32 = 22.0;
/// Height of the band inside the frame.
const BAND: f32 = 11.0;

/// The frame of every page with its bands at head and foot.
pub(super) fn frame() -> Vec<Op> {
    let (inner, size) = (EDGE + 3.0, (WIDTH - 2.0 * EDGE, HEIGHT - 2.0 * EDGE));
    let mut ops = outline(EDGE, EDGE, size, 1.3, BLUE);
    ops.extend(outline(inner, inner, (size.0 - 6.0, size.1 - 6.0), 0.45, GOLD));
    ops.extend(band(inner + 5.0));
    ops.extend(band(HEIGHT - inner - 5.0 - BAND));
    ops
}

/// A gold rule with a lozenge in its middle.
pub(super) fn divider(y: f32) -> Vec<Op> {
    let (middle, half) = (WIDTH / 2.0, 120.0);
    let mut ops = shapes(
        [
            bar(middle - half, y - 0.3, half - 12.0, 0.6),
            bar(middle + 12.0, y - 0.3, half - 12.0, 0.6),
            lozenge(middle - 9.0, y, 1.8),
            lozenge(middle + 9.0, y, 1.8),
        ],
        GOLD,
    );
    ops.extend(stepped(middle, y, 4.6, BLUE));
    ops
}

/// A band across the page: stepped lozenges, with small gold ones and horn-like hooks between.
fn band(y: f32) -> Vec<Op> {
    let (left, right) = (EDGE + 10.0, WIDTH - EDGE - 10.0);
    let repeats = 26.0;
    let step = (right - left) / repeats;
    let middle = y + BAND / 2.0;
    let (mut blue, mut gold) = (Vec::new(), Vec::new());
    for i in 0..26 {
        let x = left + step * (i as f32 + 0.5);
        blue.extend(steps(x, middle, BAND / 2.0 - 0.6));
        if i > 0 {
            let between = x - step / 2.0;
            gold.push(lozenge(between, middle, 1.9));
            for side in [-1.0, 1.0] {
                blue.push(bar(between - 2.6, middle + side * 4.3 - 0.45, 5.2, 0.9));
                blue.push(bar(
                    between - 0.45,
                    middle + side.min(0.0) * 4.3 + side.max(0.0) * 2.9,
                    0.9,
                    1.4,
                ));
            }
        }
    }
    let hearts = (0..26).map(|i| lozenge(left + step * (i as f32 + 0.5), middle, 1.5));
    let mut ops = shapes(blue, BLUE);
    ops.extend(shapes(gold, GOLD));
    ops.extend(shapes(hearts, (1.0, 1.0, 1.0)));
    ops
}

fn stepped(x: f32, y: f32, radius: f32, ink: Ink) -> Vec<Op> {
    let mut ops = shapes(steps(x, y, radius), ink);
    ops.extend(shapes([lozenge(x, y, radius * 0.32)], (1.0, 1.0, 1.0)));
    ops
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
