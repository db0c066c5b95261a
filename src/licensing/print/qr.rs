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
    let mut bars = Vec::new();
    for row in 0..code.size {
        let (top, foot) = ((row + QUIET) as f32, (row + QUIET + 1) as f32);
        let mut column = 0;
        while column < code.size {
            let start = column;
            while column < code.size && code[row][column].value() {
                column += 1;
            }
            if column > start {
                let (left, right) = ((start + QUIET) as f32, (column + QUIET) as f32);
                bars.push(vec![(left, top), (right, top), (right, foot), (left, foot)]);
            }
            column += 1;
        }
    }
    Ok(grid(x, y, module, bars))
}
