//! The QR code (ISO/IEC 18004) of the verification address, as vector squares.

use fast_qr::qr::QRBuilder;
use fast_qr::{ECL, QRCode};
use printpdf::Op;

use super::PrintError;
use super::sheet::grid;

/// Light modules around the code that its standard asks for.
const QUIET: usize = 4;

/// A code of `content` in a square of `side` points, quiet zone included.
///
/// # Errors
/// [`PrintError::Address`] if the content does not fit into a code.
pub(super) fn code(x: f32, y: f32, side: f32, content: &str) -> Result<Vec<Op>, PrintError> {
    let code: QRCode =
        QRBuilder::new(content).ecl(ECL::M).build().map_err(|_| PrintError::Address)?;
    let module = side / (code.size + 2 * QUIET) as f32;
    let rings = bars(code.size, |row, column| code[row][column].value()).into_iter().map(|bar| {
        let [left, right] = bar.columns.map(|column| (column + QUIET) as f32);
        let [top, foot] = bar.rows.map(|row| (row + QUIET) as f32);
        vec![(left, top), (right, top), (right, foot), (left, foot)]
    });
    Ok(grid(x, y, module, rings.collect()))
}

/// A rectangle of dark modules: first and last + 1.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bar {
    columns: [usize; 2],
    rows: [usize; 2],
}

/// The dark modules of a square as bars: each run of a row, joined with the runs of the rows above
/// that begin and end alike.
fn bars(size: usize, is_dark: impl Fn(usize, usize) -> bool) -> Vec<Bar> {
    let mut bars: Vec<Bar> = Vec::new();
    for row in 0..size {
        let mut column = 0;
        while column < size {
            let start = column;
            while column < size && is_dark(row, column) {
                column += 1;
            }
            let columns = [start, column];
            // Nearly every bar that reaches this row is among the last ones; a longer look would
            // make the work grow faster than the code.
            let above = bars.iter_mut().rev().take(2 * size);
            let mut above = above.filter(|bar| bar.columns == columns && bar.rows[1] == row);
            match above.next() {
                Some(bar) => bar.rows[1] = row + 1,
                None if column > start => bars.push(Bar { columns, rows: [row, row + 1] }),
                None => {}
            }
            column += 1;
        }
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bars_cover_the_dark_modules_once_and_no_others(
            modules in prop::collection::vec(any::<bool>(), 15 * 15),
        ) {
            let mut covered = vec![0; modules.len()];
            for Bar { columns, rows } in bars(15, |row, column| modules[row * 15 + column]) {
                for row in rows[0]..rows[1] {
                    (columns[0]..columns[1]).for_each(|column| covered[row * 15 + column] += 1);
                }
            }
            let dark: Vec<i32> = modules.iter().map(|dark| i32::from(*dark)).collect();
            prop_assert_eq!(covered, dark);
        }
    }

    #[test]
    fn equal_runs_below_each_other_are_one_bar() {
        assert_eq!(bars(3, |_, column| column < 2), [Bar { columns: [0, 2], rows: [0, 3] }]);
    }
}
