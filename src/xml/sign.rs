//! Making XAdES-B-B signatures (ETSI EN 319 132-1 §6), in one call or in two with the key
//! elsewhere: over a document, over one element of it, or over another signature.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::c14n::{Canonicalization, Method, Subset};
use super::document::{Document, Element};
use super::ids::Ids;
use super::place::place;
use super::xades::{self, Home};
use super::{DSIG, Writer, XADES, XmlError, dsig, encoding, extend};
use crate::crypto::{DigestAlgorithm, SignatureAlgorithm, ValueForm, digest, hex, verify};
use crate::limits;
use crate::token::{SignError, Signer, sign_checked};
use crate::x509::Certificate;

/// What a signature covers, and says beside that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningOptions {
    /// The signing time the signature claims.
    pub signing_time: OffsetDateTime,
    /// The role the signer claims (`SignerRoleV2/ClaimedRoles`), for example an office.
    pub signer_role: Option<String>,
    /// What the signature commits the signer to (`CommitmentTypeIndication`), an URI such as
    /// `http://uri.etsi.org/01903/v1.2.2#ProofOfApproval`.
    pub commitment: Option<String>,
    /// What is covered. Counter-signatures cover a signature value, whatever stands here.
    pub covers: Covers,
    /// The signature's id, an XML name without colon; made from document, certificate and time
    /// where it is not given.
    pub signature_id: Option<String>,
    /// The canonicalization of all its parts, without a prefix list. The exclusive one lets a signed
    /// element go into another document; some receivers want another one.
    pub canonicalization: Canonicalization,
}

/// What a signature covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Covers {
    /// The document as it is, with the signatures in it: each signer signs what the earlier ones
    /// did too. The signature becomes the last child of the root.
    #[default]
    Document,
    /// The document without any signature: signers stand side by side, in any order.
    DocumentWithoutSignatures,
    /// The element with this id, with the signatures in it. The signature becomes its last child,
    /// so that the element can go into another document that is signed in turn.
    Element(String),
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
        Self {
            signing_time,
            signer_role: None,
            commitment: None,
            covers: Covers::Document,
            signature_id: None,
            canonicalization: Canonicalization::EXCLUSIVE,
        }
    }
}

/// Prepares an enveloped XAdES-B-B signature. The document keeps its octets, save that line ends
/// become LF (XML 1.0 §2.11) and a byte order mark goes.
///
/// # Errors
/// [`XmlError`] where the document is refused, has an id twice, or not the one to be signed.
pub fn prepare(
    document: &[u8],
    certificate: &Certificate,
    algorithm: SignatureAlgorithm,
    options: &SigningOptions,
) -> Result<Prepared, XmlError> {
    let document = Document::parse(document)?;
    let ids = Ids::of(&document)?;
    let mut others = Vec::new();
    let (mut apex, mut uri, mut transform) = (None, String::new(), EnvelopedBy::Transform);
    match &options.covers {
        Covers::Document => {}
        Covers::DocumentWithoutSignatures => {
            let all = document.root().descendants();
            others.extend(all.filter(|element| element.is(DSIG, "Signature")));
            transform = EnvelopedBy::Filter;
        }
        Covers::Element(id) => {
            let missing = || XmlError::Refused(format!("no element has the id {id}"));
            apex = Some(ids.element(id).ok_or_else(missing)?);
            uri = format!("#{id}");
        }
    }
    let how = options.method()?;
    let content = digest_by(&how, &document, Subset { apex, excluded: &others })?;
    let id = id_for(&ids, &content, certificate, options)?;
    let reference =
        Covered { uri, transform, digest: content, kind: None, content_type: "application/xml" };
    let made = Made { id: &id, certificate, algorithm, options, reference };
    let (before, after) = place(&document, apex.unwrap_or(document.root()));
    made.prepared(&how, |signature| Ok([&before, signature, &after].concat()))
}

/// Prepares a counter-signature of signature `n` (in the order of [`super::read`]): an XAdES-B-B
/// signature over its value, put among its unsigned properties (EN 319 132-1 §5.2.7.2).
///
/// # Errors
/// [`XmlError::Refused`] where that signature has no XAdES properties, its value no id, or where
/// another signature covers it and would break.
pub fn prepare_counter_signature(
    document: &[u8],
    n: usize,
    certificate: &Certificate,
    algorithm: SignatureAlgorithm,
    options: &SigningOptions,
) -> Result<Prepared, XmlError> {
    let parsed = Document::parse(document)?;
    let refused = |what: &str| XmlError::Refused(what.to_owned());
    let mut all = parsed.root().descendants().filter(|element| element.is(DSIG, "Signature"));
    let signature = all.nth(n).ok_or_else(|| refused("the signature is not there"))?;
    let value = signature.children().find(|child| child.is(DSIG, "SignatureValue"));
    let value = value.ok_or_else(|| refused("the signature has no value"))?;
    let value_id = value.attribute("Id").ok_or_else(|| refused("the signature value has no id"))?;
    let how = options.method()?;
    let covered = digest_by(&how, &parsed, Subset { apex: Some(value), excluded: &[] })?;
    let id = id_for(&Ids::of(&parsed)?, &covered, certificate, options)?;
    let reference = Covered {
        uri: format!("#{value_id}"),
        transform: EnvelopedBy::Nothing,
        digest: covered,
        kind: Some(dsig::COUNTERSIGNED_TYPE),
        content_type: "",
    };
    let made = Made { id: &id, certificate, algorithm, options, reference };
    made.prepared(&how, |signature| {
        let document = extend::add(document, None, n, |home: &Home<'_>, _| {
            Ok(home.around("CounterSignature", signature))
        })?;
        Ok(String::from_utf8_lossy(&document).into_owned())
    })
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

/// Signs a signature: [`prepare_counter_signature`], the signer, [`Prepared::complete`].
///
/// # Errors
/// As those three.
pub fn counter_sign(
    document: &[u8],
    n: usize,
    signer: &dyn Signer,
    options: &SigningOptions,
) -> Result<Vec<u8>, XmlError> {
    let (certificate, algorithm) = (signer.certificate(), signer.algorithm());
    let prepared = prepare_counter_signature(document, n, certificate, algorithm, options)?;
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

    /// The certificate the signature was prepared for, DER.
    ///
    /// # Errors
    /// [`XmlError::NotPrepared`].
    pub fn certificate(&self) -> Result<Certificate, XmlError> {
        let der = encoding::decode(&self.certificate);
        let certificate = der.and_then(|der| Certificate::from_der(&der).ok());
        certificate.ok_or_else(|| XmlError::NotPrepared("its certificate".to_owned()))
    }

    /// Puts the value in (ECDSA as r ‖ s), after checking it against the certificate.
    ///
    /// # Errors
    /// [`XmlError::WrongValue`] if the value does not verify.
    pub fn complete(self, value: &[u8]) -> Result<Vec<u8>, XmlError> {
        let algorithm = SignatureAlgorithm::from_xml_uri(&self.method)
            .map_err(|unknown| XmlError::NotPrepared(unknown.to_string()))?;
        let certificate = self.certificate()?;
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

/// How the signature, or all signatures, are left out of what the reference covers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EnvelopedBy {
    Transform,
    Filter,
    Nothing,
}

/// The reference to what is signed.
struct Covered {
    uri: String,
    transform: EnvelopedBy,
    digest: Vec<u8>,
    kind: Option<&'static str>,
    content_type: &'static str,
}

/// What the signature element is written from.
struct Made<'a> {
    id: &'a str,
    certificate: &'a Certificate,
    algorithm: SignatureAlgorithm,
    options: &'a SigningOptions,
    reference: Covered,
}

impl Made<'_> {
    fn method(&self) -> &'static str {
        self.algorithm.row().xml_uris.first().copied().unwrap_or_default()
    }

    /// The document with the signature in it, which `put` does, cut at the text of the value.
    fn prepared(
        &self,
        how: &Canonicalization,
        put: impl Fn(&str) -> Result<String, XmlError>,
    ) -> Result<Prepared, XmlError> {
        // An exclusive form does not depend on what is around, so a signature that stands alone
        // gives it; the others are taken where the signature will stand.
        let standing = |signature: &str| match how.method {
            Method::Exclusive => Document::parse(signature.as_bytes()),
            _ => Document::parse(put(signature)?.as_bytes()),
        };
        let draft = standing(&self.signature(&[]))?;
        let properties = find(self.own(&draft)?, XADES, "SignedProperties")?;
        let subset = Subset { apex: Some(properties), excluded: &[] };
        let signature = self.signature(&digest_by(how, &draft, subset)?);
        let draft = standing(&signature)?;
        let signed_info = find(self.own(&draft)?, DSIG, "SignedInfo")?;
        let subset = Subset { apex: Some(signed_info), excluded: &[] };
        let signed_info = how.octets(&draft, subset, limits::XML_CANONICAL_BYTES)?;

        let document = put(&signature)?;
        let draft = Document::parse(signature.as_bytes())?;
        let (head, tail) = place(&draft, find(draft.root(), DSIG, "SignatureValue")?);
        let parts = document.split_once(&signature);
        let (before, after) = parts
            .ok_or_else(|| XmlError::NotPrepared("the signature was not put in".to_owned()))?;
        let (before, after) = (before.to_owned() + &head, tail + after);
        Ok(Prepared::new(&signed_info, before, after, self.method(), self.certificate))
    }

    /// This signature in a document.
    fn own<'a>(&self, document: &'a Document) -> Result<Element<'a>, XmlError> {
        let mut all = document.root().descendants();
        let own = all.find(|one| one.is(DSIG, "Signature") && one.attribute("Id") == Some(self.id));
        own.ok_or_else(|| XmlError::NotPrepared("the signature was not put in".to_owned()))
    }

    /// The signature element, without its value.
    fn signature(&self, properties: &[u8]) -> String {
        let canonical = self.options.canonicalization.uri();
        let (id, covered) = (self.id, &self.reference);
        let algorithm = |uri| [("Algorithm", uri)];
        let digested = |writer: &mut Writer, value: &[u8]| {
            let sha256 = DigestAlgorithm::Sha256.row().xml_uris.first().copied();
            writer.element("ds:DigestMethod", &algorithm(sha256.unwrap_or_default()), "");
            writer.element("ds:DigestValue", &[], &encoding::encode(value));
        };
        let mut writer = Writer::fragment();
        writer.start("ds:Signature", &[("xmlns:ds", DSIG), ("Id", id)]);
        writer.start("ds:SignedInfo", &[]);
        writer.element("ds:CanonicalizationMethod", &algorithm(canonical), "");
        writer.element("ds:SignatureMethod", &algorithm(self.method()), "");
        let reference_id = format!("{id}-document");
        let mut attributes = vec![("Id", reference_id.as_str())];
        attributes.extend(covered.kind.map(|kind| ("Type", kind)));
        attributes.push(("URI", &covered.uri));
        writer.start("ds:Reference", &attributes);
        writer.start("ds:Transforms", &[]);
        match covered.transform {
            EnvelopedBy::Transform => {
                writer.element("ds:Transform", &algorithm(super::ENVELOPED), "");
            }
            EnvelopedBy::Filter => {
                writer.start("ds:Transform", &algorithm(super::FILTER2));
                let filter = [("xmlns:dsig-xpath", super::FILTER2), ("Filter", "subtract")];
                writer.element("dsig-xpath:XPath", &filter, "/descendant::ds:Signature").end();
            }
            EnvelopedBy::Nothing => {}
        }
        writer.element("ds:Transform", &algorithm(canonical), "").end();
        digested(&mut writer, &covered.digest);
        writer.end();
        let target = format!("#{id}-properties");
        let kind = xades::SIGNED_PROPERTIES_TYPE;
        writer.start("ds:Reference", &[("Type", kind), ("URI", &target)]);
        writer.start("ds:Transforms", &[]);
        writer.element("ds:Transform", &algorithm(canonical), "").end();
        digested(&mut writer, properties);
        writer.end().end();
        writer.element("ds:SignatureValue", &[("Id", &format!("{id}-value"))], "");
        writer.start("ds:KeyInfo", &[]).start("ds:X509Data", &[]);
        let certificate = encoding::encode(self.certificate.der());
        writer.element("ds:X509Certificate", &[], &certificate).end().end();
        writer.start("ds:Object", &[]);
        xades::write_properties(
            &mut writer,
            &xades::Written {
                target: &format!("#{id}"),
                id: &format!("{id}-properties"),
                document_reference: &format!("#{id}-document"),
                signing_time: self.options.signing_time,
                signer_role: self.options.signer_role.as_deref(),
                commitment: self.options.commitment.as_deref(),
                content_type: covered.content_type,
                certificate: self.certificate,
            },
        );
        writer.into_string()
    }
}

/// The signature's id, given or made; it and those derived from it must be free.
fn id_for(
    ids: &Ids<'_>,
    content: &[u8],
    certificate: &Certificate,
    options: &SigningOptions,
) -> Result<String, XmlError> {
    let id = match &options.signature_id {
        Some(id) if super::chars::is_ncname(id) => id.clone(),
        Some(_) => return Err(XmlError::Refused("a signature id that is no XML name".to_owned())),
        None => {
            let time = options.signing_time.unix_timestamp_nanos().to_be_bytes();
            let all = [content, certificate.der(), &time].concat();
            let name = digest(DigestAlgorithm::Sha256, &all);
            format!("signature-{}", hex(name.get(..8).unwrap_or_default()))
        }
    };
    for suffix in ["", "-properties", "-document", "-value"] {
        if ids.element(&format!("{id}{suffix}")).is_some() {
            return Err(XmlError::Refused(format!("the id {id}{suffix} is taken")));
        }
    }
    Ok(id)
}

impl SigningOptions {
    /// How octets are made: what is referred to in the same document never has comments
    /// (xmldsig-core1 §4.4.3.3), and the signature itself has none.
    fn method(&self) -> Result<Canonicalization, XmlError> {
        match self.canonicalization.inclusive_prefixes.as_slice() {
            [] => Ok(Canonicalization { comments: false, ..self.canonicalization.clone() }),
            _ => Err(XmlError::Refused("signatures are made without a prefix list".to_owned())),
        }
    }
}

/// The digest of an exclusive canonical form.
pub(super) fn digest_of(document: &Document, subset: Subset<'_>) -> Result<Vec<u8>, XmlError> {
    digest_by(&Canonicalization::EXCLUSIVE, document, subset)
}

fn digest_by(
    how: &Canonicalization,
    document: &Document,
    subset: Subset<'_>,
) -> Result<Vec<u8>, XmlError> {
    let octets = how.octets(document, subset, limits::XML_CANONICAL_BYTES)?;
    Ok(digest(DigestAlgorithm::Sha256, &octets))
}

pub(super) fn find<'a>(
    within: Element<'a>,
    namespace: &str,
    name: &str,
) -> Result<Element<'a>, XmlError> {
    let mut all = within.descendants();
    let found = all.find(|element| element.is(namespace, name));
    found.ok_or_else(|| XmlError::Sign(SignError::Failed(format!("no {name} was written"))))
}

#[cfg(test)]
mod tests;
