//! Base64 as XML carries it (xmldsig-core1 §4.3, XML Schema part 2 §3.2.16).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::chars::is_space;

/// Octets of base64 text with white space in it; `None` if it is anything else.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    if !text.bytes().fold(false, |found, octet| found | (octet <= b' ')) {
        return STANDARD.decode(text).ok();
    }
    let packed: Vec<u8> = text.bytes().filter(|octet| !is_space(char::from(*octet))).collect();
    STANDARD.decode(packed).ok()
}

/// Base64 text without white space.
pub(super) fn encode(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}
