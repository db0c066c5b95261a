//! Signed licences of a given size, as small or as large as a measurement wants them.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qoltanba::crypto::{DigestAlgorithm, digest};
use qoltanba::limits;
use qoltanba::token::Signer;
use qoltanba::xml::Document;
use qoltanba::xml::c14n::{Canonicalization, Subset};

/// A licence with an enveloped signature (xmldsig-core1), all in all of about this size.
pub fn licence(signer: &dyn Signer, size: usize) -> Vec<u8> {
    const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
    const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let base64 = |octets: &[u8]| STANDARD.encode(octets);
    let certificate = base64(signer.certificate().der());
    let mut content =
        String::from("<licence xmlns=\"urn:bench:licence\" number=\"KZ26LAA00000001\">");
    let mut number = 0;
    while content.len() + certificate.len() + 1_250 < size {
        number += 1;
        let _ = write!(
            content,
            "<field code=\"field-{number}\" number=\"{number}\"><label xml:lang=\"kk\">Тауар \
             коды</label><label xml:lang=\"en\">Code of the goods</label><value>2710193100 — \
             Газойль, арнайы өңдеу процестеріне арналған</value></field>"
        );
    }
    let whole = format!("{content}</licence>");
    let document = Document::parse(whole.as_bytes()).expect("a document");
    let canonical = Canonicalization::EXCLUSIVE;
    let canonical = canonical.octets(&document, Subset::DOCUMENT, limits::XML_CANONICAL_BYTES);
    let sha256 = base64(&digest(DigestAlgorithm::Sha256, &canonical.expect("a form")));
    // Canonical but for the namespace, which in the document stands around it.
    let signed_info = |namespace: &str| {
        format!(
            "<ds:SignedInfo{namespace}><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\">\
             </ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\
             \"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"></ds:SignatureMethod>\
             <ds:Reference URI=\"\"><ds:Transforms><ds:Transform Algorithm=\
             \"{DSIG}enveloped-signature\"></ds:Transform><ds:Transform Algorithm=\"{EXCLUSIVE}\">\
             </ds:Transform></ds:Transforms><ds:DigestMethod Algorithm=\
             \"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod><ds:DigestValue>{sha256}\
             </ds:DigestValue></ds:Reference></ds:SignedInfo>"
        )
    };
    let message = signed_info(&format!(" xmlns:ds=\"{DSIG}\""));
    let value = base64(&signer.sign(message.as_bytes()).expect("a signature"));
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{DSIG}\">{}<ds:SignatureValue>{value}</ds:SignatureValue>\
         <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>\
         </ds:X509Data></ds:KeyInfo></ds:Signature>",
        signed_info("")
    );
    format!("{content}{signature}</licence>").into_bytes()
}
