//! Making enveloped XAdES-B-B signatures (ETSI EN 319 132-1 §6), in one call or in two with the
//! key elsewhere.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::c14n::{Canonicalization, Subset};
use super::document::{Document, Element};
use super::ids::Ids;
use super::{DSIG, Writer, XADES, XmlError, encoding, xades};
use crate::crypto::{DigestAlgorithm, SignatureAlgorithm, ValueForm, digest, hex, verify};
use crate::limits;
use crate::token::{SignError, Signer, sign_checked};
use crate::x509::Certificate;

/// What a signature says beside the document it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningOptions {
    /// The signing time the signature claims.
    pub signing_time: OffsetDateTime,
    /// The role the signer claims (`SignerRoleV2/ClaimedRoles`), for example an office.
    pub signer_role: Option<String>,
    /// The signature's id, an XML name without colon; made from document, certificate and time
    /// where it is not given.
    pub signature_id: Option<String>,
}

/// A document that lacks only the signature value. It can be stored between the two calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// Canonical `SignedInfo`.
    signed_info: String,
    /// The document up to the text of `SignatureValue`, and after it.
    before: String,
    after: String,
    /// XML signature method.
    method: String,
    /// The signer's certificate, base64.
    certificate: String,
}

impl SigningOptions {
    /// Options with a signing time only.
    pub fn new(signing_time: OffsetDateTime) -> Self {
        Self { signing_time, signer_role: None, signature_id: None }
    }
}

/// Prepares an enveloped XAdES-B-B signature over the whole document. It becomes the last child of
/// the root; signatures already there are covered by it. The document keeps its octets, save that
/// line ends become LF (XML 1.0 §2.11) and a byte order mark goes.
///
/// # Errors
/// [`XmlError`] where the document is refused or has an id twice.
pub fn prepare(
    document: &[u8],
    certificate: &Certificate,
    algorithm: SignatureAlgorithm,
    options: &SigningOptions,
) -> Result<Prepared, XmlError> {
    let document = Document::parse(document)?;
    let content = digest_of(&document, Subset::DOCUMENT)?;
    let id = match &options.signature_id {
        Some(id) if super::chars::is_ncname(id) => id.clone(),
        Some(_) => return Err(XmlError::Refused("a signature id that is no XML name".to_owned())),
        None => {
            let time = options.signing_time.unix_timestamp_nanos().to_be_bytes();
            let all = [content.as_slice(), certificate.der(), &time].concat();
            let name = digest(DigestAlgorithm::Sha256, &all);
            format!("signature-{}", hex(name.get(..8).unwrap_or_default()))
        }
    };
    let ids = Ids::of(&document)?;
    let made = Made { id: &id, certificate, algorithm, options };
    for suffix in ["", "-properties", "-document"] {
        if ids.element(&format!("{id}{suffix}")).is_some() {
            return Err(XmlError::Refused(format!("the id {id}{suffix} is taken")));
        }
    }

    // Exclusive canonicalization makes the pieces independent of where they will stand, so they
    // can be digested in a signature that stands alone.
    let draft = Document::parse(made.signature(&content, &[]).as_bytes())?;
    let properties = find(&draft, XADES, "SignedProperties")?;
    let properties = digest_of(&draft, Subset { apex: Some(properties), excluded: &[] })?;
    let signature = made.signature(&content, &properties);
    let draft = Document::parse(signature.as_bytes())?;
    let signed_info = find(&draft, DSIG, "SignedInfo")?;
    let signed_info = Canonicalization::EXCLUSIVE.octets(
        &draft,
        Subset { apex: Some(signed_info), excluded: &[] },
        limits::XML_CANONICAL_BYTES,
    )?;
    let (head, tail) = place(&draft, find(&draft, DSIG, "SignatureValue")?);
    let (before, after) = place(&document, document.root());
    Ok(Prepared::new(&signed_info, before + &head, tail + &after, made.method(), certificate))
}

/// Signs a document: [`prepare`], the signer, [`Prepared::complete`].
///
/// # Errors
/// As those three.
pub fn sign(
    document: &[u8],
    signer: &dyn Signer,
    options: &SigningOptions,
) -> Result<Vec<u8>, XmlError> {
    let prepared = prepare(document, signer.certificate(), signer.algorithm(), options)?;
    let value = sign_checked(signer, prepared.to_be_signed())?;
    Ok(prepared.assemble(&value))
}

impl Prepared {
    /// A document up to the text of `SignatureValue` and after it, with what is to be signed.
    pub(super) fn new(
        signed_info: &[u8],
        before: String,
        after: String,
        method: &str,
        certificate: &Certificate,
    ) -> Self {
        Self {
            signed_info: String::from_utf8_lossy(signed_info).into_owned(),
            before,
            after,
            method: method.to_owned(),
            certificate: encoding::encode(certificate.der()),
        }
    }

    /// The octets to sign: canonical `SignedInfo`.
    pub fn to_be_signed(&self) -> &[u8] {
        self.signed_info.as_bytes()
    }

    /// Puts the value in (ECDSA as r ‖ s), after checking it against the certificate.
    ///
    /// # Errors
    /// [`XmlError::WrongValue`] if the value does not verify.
    pub fn complete(self, value: &[u8]) -> Result<Vec<u8>, XmlError> {
        let broken = |what: &str| XmlError::NotPrepared(what.to_owned());
        let algorithm = SignatureAlgorithm::from_xml_uri(&self.method)
            .map_err(|unknown| XmlError::NotPrepared(unknown.to_string()))?;
        let der = encoding::decode(&self.certificate).ok_or_else(|| broken("its certificate"))?;
        let certificate = Certificate::from_der(&der).map_err(|_| broken("its certificate"))?;
        let key = certificate.public_key();
        verify(algorithm, ValueForm::Fixed, key, self.to_be_signed(), value)
            .map_err(|_| XmlError::WrongValue)?;
        Ok(self.assemble(value))
    }

    /// A form to store. It holds the whole document; nothing in it is secret.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads the stored form back.
    ///
    /// # Errors
    /// [`XmlError::NotPrepared`].
    pub fn from_bytes(octets: &[u8]) -> Result<Self, XmlError> {
        serde_json::from_slice(octets).map_err(|error| XmlError::NotPrepared(error.to_string()))
    }

    fn assemble(self, value: &[u8]) -> Vec<u8> {
        [self.before, encoding::encode(value), self.after].concat().into_bytes()
    }
}

/// What the signature element is written from.
struct Made<'a> {
    id: &'a str,
    certificate: &'a Certificate,
    algorithm: SignatureAlgorithm,
    options: &'a SigningOptions,
}

impl Made<'_> {
    fn method(&self) -> &'static str {
        self.algorithm.row().xml_uris.first().copied().unwrap_or_default()
    }

    /// The signature element, without its value.
    fn signature(&self, content: &[u8], properties: &[u8]) -> String {
        let exclusive = Canonicalization::EXCLUSIVE.uri();
        let id = self.id;
        let algorithm = |uri| [("Algorithm", uri)];
        let digested = |writer: &mut Writer, value: &[u8]| {
            let sha256 = DigestAlgorithm::Sha256.row().xml_uris.first().copied();
            writer.element("ds:DigestMethod", &algorithm(sha256.unwrap_or_default()), "");
            writer.element("ds:DigestValue", &[], &encoding::encode(value));
        };
        let mut writer = Writer::fragment();
        writer.start("ds:Signature", &[("xmlns:ds", DSIG), ("Id", id)]);
        writer.start("ds:SignedInfo", &[]);
        writer.element("ds:CanonicalizationMethod", &algorithm(exclusive), "");
        writer.element("ds:SignatureMethod", &algorithm(self.method()), "");
        writer.start("ds:Reference", &[("Id", &format!("{id}-document")), ("URI", "")]);
        writer.start("ds:Transforms", &[]);
        writer.element("ds:Transform", &algorithm(super::ENVELOPED), "");
        writer.element("ds:Transform", &algorithm(exclusive), "").end();
        digested(&mut writer, content);
        writer.end();
        let target = format!("#{id}-properties");
        let kind = xades::SIGNED_PROPERTIES_TYPE;
        writer.start("ds:Reference", &[("Type", kind), ("URI", &target)]);
        writer.start("ds:Transforms", &[]);
        writer.element("ds:Transform", &algorithm(exclusive), "").end();
        digested(&mut writer, properties);
        writer.end().end();
        writer.element("ds:SignatureValue", &[], "");
        writer.start("ds:KeyInfo", &[]).start("ds:X509Data", &[]);
        let certificate = encoding::encode(self.certificate.der());
        writer.element("ds:X509Certificate", &[], &certificate).end().end();
        writer.start("ds:Object", &[]);
        let target = format!("#{id}");
        xades::write_properties(
            &mut writer,
            &xades::Written {
                target: &target,
                id: &format!("{id}-properties"),
                document_reference: &format!("#{id}-document"),
                signing_time: self.options.signing_time,
                signer_role: self.options.signer_role.as_deref(),
                certificate: self.certificate,
            },
        );
        writer.into_string()
    }
}

pub(super) fn digest_of(document: &Document, subset: Subset<'_>) -> Result<Vec<u8>, XmlError> {
    let how = Canonicalization::EXCLUSIVE;
    let octets = how.octets(document, subset, limits::XML_CANONICAL_BYTES)?;
    Ok(digest(DigestAlgorithm::Sha256, &octets))
}

pub(super) fn find<'a>(
    draft: &'a Document,
    namespace: &str,
    name: &str,
) -> Result<Element<'a>, XmlError> {
    let mut all = draft.root().descendants();
    let found = all.find(|element| element.is(namespace, name));
    found.ok_or_else(|| XmlError::Sign(SignError::Failed(format!("no {name} was written"))))
}

/// The source before and after the place where a last child of `element` goes.
pub(super) fn place(document: &Document, element: Element<'_>) -> (String, String) {
    let source = document.source();
    let (before, after) =
        source.split_at_checked(element.data().closes_at as usize).unwrap_or((source, ""));
    match element.data().empty_tag {
        false => (before.to_owned(), after.to_owned()),
        // `<a/>` becomes `<a>…</a>`.
        true => {
            let after = after.strip_prefix("/>").unwrap_or_default();
            (format!("{before}>"), format!("</{}>{after}", element.qualified_name()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::ReasonCode;
    use crate::signature::{FoundSignature, Level, SignatureFormat};
    use crate::xml::read;
    use crate::xml::testing::{
        Dice, document, p256_signer, rsa_signer, value_holds, xmlsec1_accepts,
    };
    use proptest::prelude::*;
    use time::macros::datetime;

    const LICENCE: &str = "<?xml version=\"1.0\"?>\n<!-- before -->\n<l:licence xmlns:l='urn:l' \
        xmlns='urn:d' number='KZ-1'>\r\n <holder>Қазақстан &amp; Ә</holder>\n</l:licence>\n";

    fn options() -> SigningOptions {
        SigningOptions::new(datetime!(2026-11-21 12:00:00.5 +5))
    }

    fn only(document: &[u8]) -> FoundSignature {
        let mut found = read(document, None).unwrap();
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    #[test]
    fn what_we_sign_is_accepted_by_us_and_by_xmlsec1() {
        for signer in [&*p256_signer().0, &*rsa_signer().0] {
            for text in [LICENCE, "<a/>", "<a xmlns='urn:a' b = '&gt;'\n/><!-- after -->"] {
                let options =
                    SigningOptions { signer_role: Some("басшы <&>".to_owned()), ..options() };
                let signed = sign(text.as_bytes(), signer, &options).unwrap();
                let found = only(&signed);
                assert_eq!((&found.faults, &found.warnings), (&vec![], &vec![]));
                assert_eq!(found.format, SignatureFormat::Xades(Level::B));
                assert_eq!(found.claimed_time, Some(datetime!(2026-11-21 07:00:00 UTC)));
                assert_eq!(found.certificate.as_ref(), Some(signer.certificate()));
                assert!(found.scope.covers_whole_document);
                assert_eq!(found.scope.items.len(), 1);
                assert!(value_holds(&found));
                let covered = Document::parse(&found.scope.octets[0]).unwrap();
                let original = Document::parse(text.as_bytes()).unwrap();
                assert_eq!(covered.root().text(), original.root().text());
                assert!(xmlsec1_accepts(&signed, signer.certificate()));
            }
        }
    }

    #[test]
    fn a_prepared_document_can_be_stored_and_takes_only_its_own_value() {
        let signer = p256_signer().0;
        let certificate = signer.certificate();
        let prepared =
            prepare(LICENCE.as_bytes(), certificate, signer.algorithm(), &options()).unwrap();
        let stored = Prepared::from_bytes(&prepared.to_bytes()).unwrap();
        assert_eq!(stored, prepared);
        let value = signer.sign(stored.to_be_signed()).unwrap();
        let signed = stored.complete(&value).unwrap();
        assert!(value_holds(&only(&signed)));
        let other = signer.sign(b"something else").unwrap();
        assert_eq!(prepared.complete(&other), Err(XmlError::WrongValue));
        assert!(Prepared::from_bytes(b"{}").is_err());
    }

    #[test]
    fn a_later_signer_signs_over_the_earlier_ones() {
        let (first, second) = (p256_signer().0, rsa_signer().0);
        let once = sign(LICENCE.as_bytes(), &*first, &options()).unwrap();
        let twice = sign(&once, &*second, &options()).unwrap();
        let thrice = sign(&twice, &*first, &options()).unwrap();
        let found = read(&thrice, None).unwrap();
        assert_eq!(found.len(), 3);
        for (index, signature) in found.iter().enumerate() {
            assert_eq!(signature.faults, vec![], "signature {index}");
            assert!(value_holds(signature));
            assert!(signature.scope.covers_whole_document);
            let added = signature.warnings.iter().any(|w| w.code == ReasonCode::AddedAfterSigning);
            assert_eq!(added, index < 2, "signature {index}");
        }
        let covered = String::from_utf8(found[1].scope.octets[0].clone()).unwrap();
        assert_eq!(covered.matches("<ds:Signature ").count(), 1);
    }

    #[test]
    fn ids_that_are_taken_are_refused() {
        let options = SigningOptions { signature_id: Some("s".to_owned()), ..options() };
        let signer = p256_signer().0;
        assert!(sign(b"<a id='s'/>", &*signer, &options).is_err());
        assert!(sign(b"<a Id='x'><b ID='x'/></a>", &*signer, &options).is_err());
        let wrong = SigningOptions { signature_id: Some("a b".to_owned()), ..options };
        assert!(sign(b"<a/>", &*signer, &wrong).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_document_can_be_signed_and_verified(seed in any::<u64>()) {
            let text = document(&mut Dice(seed), &mut Vec::new());
            let signed = sign(text.as_bytes(), &*p256_signer().0, &options()).unwrap();
            let found = only(&signed);
            prop_assert_eq!(&found.faults, &vec![]);
            prop_assert!(value_holds(&found));
        }
    }

    #[test]
    fn any_changed_octet_of_the_content_is_found() {
        let text = document(&mut Dice(7), &mut Vec::new());
        let signed = sign(text.as_bytes(), &*p256_signer().0, &options()).unwrap();
        let honest = only(&signed).scope.octets;
        let content = String::from_utf8_lossy(&signed).find("<ds:Signature ").unwrap();
        for at in 0..content {
            for flip in [0x01, 0x20] {
                let mut changed = signed.clone();
                changed[at] ^= flip;
                let Ok(found) = read(&changed, None) else { continue };
                let caught = found.iter().any(|found| !found.faults.is_empty());
                // Octets that carry no meaning (in the declaration, in a comment, a quote's kind)
                // may change: what is handed on is then what was signed.
                let same = found.len() == 1 && found[0].scope.octets == honest;
                assert!(caught || same, "octet {at} changed unseen");
            }
        }
    }
}
