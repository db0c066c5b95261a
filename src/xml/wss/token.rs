//! Certificates as WS-Security carries them (X.509 token profile §3).

use super::super::document::Element;
use super::super::ids::Ids;
use super::super::{DSIG, encoding};
use super::{BASE64, WSSE, X509V3};
use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::x509::{Certificate, known_certificate};

/// The certificates of the security token references in a KeyInfo: inside a `KeyIdentifier`, or
/// in the `BinarySecurityToken` that is referred to. Other kinds of reference name a certificate
/// without carrying it and give none.
///
/// # Errors
/// A reason where one is broken.
pub fn certificates(key_info: Element<'_>, ids: &Ids<'_>) -> Result<Vec<Certificate>, Reason> {
    debug_assert!(key_info.is(DSIG, "KeyInfo"));
    let references = key_info.children().filter(|child| child.is(WSSE, "SecurityTokenReference"));
    let mut found = Vec::new();
    for named in references.flat_map(Element::children).take(limits::CERTIFICATES) {
        let token = if named.is(WSSE, "KeyIdentifier") {
            Some(named)
        } else if named.is(WSSE, "Reference") {
            let uri = named.attribute("URI").unwrap_or_default();
            let target = uri.strip_prefix('#').and_then(|id| ids.element(id));
            let token = target.filter(|target| target.is(WSSE, "BinarySecurityToken"));
            Some(token.ok_or_else(|| malformed("a token reference that leads to no token"))?)
        } else {
            None
        };
        let Some(token) = token.filter(|token| token.attribute("ValueType") == Some(X509V3)) else {
            continue;
        };
        if token.attribute("EncodingType").is_some_and(|encoding| encoding != BASE64) {
            return Err(malformed("a token in another encoding than base64"));
        }
        let text = token.children().next().is_none().then(|| token.text());
        let der = text.and_then(|text| encoding::decode(&text));
        let certificate = der.and_then(|der| known_certificate(&der));
        found.push(certificate.ok_or_else(|| malformed("a token that is no certificate"))?);
    }
    Ok(found)
}

fn malformed(what: &str) -> Reason {
    Reason::new(ReasonCode::Malformed, what)
}
