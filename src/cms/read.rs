//! Reading: each signer becomes a [`FoundSignature`], judged over the received octets only.

use rasn_cms::{AlgorithmIdentifier, ContentInfo};

use super::wire::{
    Attribute, DATA, RSASSA_PSS, SIGNATURE_TIME_STAMP, SIGNED_DATA, SignedData, SignerIdentifier,
    SignerInfo, dotted,
};
use super::{CmsError, attributes, envelope};
use crate::crypto::{DigestAlgorithm, SignatureAlgorithm, UnsupportedAlgorithm, ValueForm};
use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::signature::{
    CarriedTimestamp, FoundSignature, ScopeItem, SignatureFormat, SignedScope, Stamped,
    TimestampKind,
};
use crate::x509::Certificate;

/// Where the signed content is.
pub enum Content<'a> {
    /// Inside the message, or nowhere.
    Inside,
    /// Beside it.
    Detached(&'a [u8]),
    /// Beside it and too large to hold: asked for its digest, once for each signer.
    Digested(&'a dyn Fn(DigestAlgorithm) -> Vec<u8>),
}

/// A parsed `SignedData`.
pub struct SignedMessage {
    signed: SignedData,
    certificates: Vec<Certificate>,
    unreadable_certificates: usize,
}

/// Reads every signer of a CMS message in DER, BER, base64 or PEM. The content is the message's
/// own, or `detached`; a message that has both is refused where they differ.
///
/// # Errors
/// [`CmsError`] where there is no signature to report on; faults of a signature stand in it.
pub fn read(cms: &[u8], detached: Option<&[u8]>) -> Result<Vec<FoundSignature>, CmsError> {
    read_with(cms, &detached.map_or(Content::Inside, Content::Detached))
}

/// As [`read`], for content of any size.
///
/// # Errors
/// As [`read`].
pub fn read_with(cms: &[u8], content: &Content<'_>) -> Result<Vec<FoundSignature>, CmsError> {
    let octets = envelope::unwrap(cms)?;
    let (message, rest) = parse(&octets)?;
    if !rest.is_empty() {
        return Err(CmsError::Malformed("octets follow the message".to_owned()));
    }
    Ok(message.signatures(content))
}

/// Parses a `SignedData` in DER or BER and returns what follows it.
///
/// # Errors
/// [`CmsError`]; a message without a signer is one.
pub fn parse(octets: &[u8]) -> Result<(SignedMessage, &[u8]), CmsError> {
    let malformed = |error: rasn::error::DecodeError| CmsError::Malformed(error.to_string());
    if octets.len() > limits::CMS_BYTES {
        return Err(CmsError::TooLarge);
    }
    let (outer, rest): (ContentInfo, _) =
        rasn::ber::decode_with_remainder(octets).map_err(malformed)?;
    let kind = dotted(&outer.content_type);
    if kind != SIGNED_DATA {
        return Err(CmsError::Malformed(format!("the content type is {kind}, not signed data")));
    }
    let (signed, after): (SignedData, _) =
        rasn::ber::decode_with_remainder(outer.content.as_bytes()).map_err(malformed)?;
    if !after.is_empty() {
        return Err(CmsError::Malformed("octets follow the signed data".to_owned()));
    }
    if signed.signer_infos.is_empty() {
        return Err(CmsError::NoSigner);
    }
    if signed.signer_infos.len() > limits::SIGNATURES {
        return Err(CmsError::TooMany("signers"));
    }
    let carried = signed.certificates.as_deref().unwrap_or_default();
    if carried.len() > limits::CERTIFICATES {
        return Err(CmsError::TooMany("certificates"));
    }
    let certificates: Vec<Certificate> =
        carried.iter().filter_map(|one| Certificate::from_der(one.as_bytes()).ok()).collect();
    let unreadable_certificates = carried.len() - certificates.len();
    Ok((SignedMessage { signed, certificates, unreadable_certificates }, rest))
}

impl SignedMessage {
    /// Whether the content is inside.
    pub fn has_content(&self) -> bool {
        self.signed.encap_content_info.content.is_some()
    }

    /// The type of the content, as a dotted object identifier.
    pub fn content_type(&self) -> String {
        dotted(&self.signed.encap_content_info.content_type)
    }

    /// How many signers there are.
    pub fn signers(&self) -> usize {
        self.signed.signer_infos.len()
    }

    /// Every signer as a signature, in the order of the message.
    pub fn signatures(&self, content: &Content<'_>) -> Vec<FoundSignature> {
        let signers = self.signed.signer_infos.iter().enumerate();
        signers.map(|(index, signer)| self.signature(index + 1, signer, content)).collect()
    }

    fn signature(
        &self,
        number: usize,
        signer: &SignerInfo,
        content: &Content<'_>,
    ) -> FoundSignature {
        let mut faults = Vec::new();
        let mut warnings = Vec::new();
        if self.unreadable_certificates > 0 {
            let detail = format!("{} carried certificates are none", self.unreadable_certificates);
            warnings.push(Reason::new(ReasonCode::Malformed, detail));
        }
        let inside = self.signed.encap_content_info.content.as_deref();
        let content = match (inside, content) {
            (Some(inside), Content::Inside) => Some(Content::Detached(inside)),
            (Some(inside), Content::Detached(beside)) if inside == *beside => {
                Some(Content::Detached(inside))
            }
            (Some(_), _) => {
                let detail = "the message carries content of its own beside the one given";
                faults.push(Reason::new(ReasonCode::Refused, detail));
                None
            }
            (None, Content::Inside) => {
                faults.push(ReasonCode::ContentMissing.into());
                None
            }
            (None, Content::Detached(octets)) => Some(Content::Detached(octets)),
            (None, Content::Digested(digest)) => Some(Content::Digested(*digest)),
        };
        let digest_oid = dotted(&signer.digest_algorithm.algorithm);
        let digest_algorithm = DigestAlgorithm::from_oid(&digest_oid);
        let algorithm = match signature_algorithm(&signer.signature_algorithm, &digest_algorithm) {
            Ok(algorithm) => {
                match &digest_algorithm {
                    Ok(named) if *named == algorithm.digest() => {}
                    Ok(_) => faults.push(Reason::new(
                        ReasonCode::Malformed,
                        "digest algorithm and signature algorithm contradict each other",
                    )),
                    Err(error) => {
                        let code = ReasonCode::UnsupportedAlgorithm;
                        faults.push(Reason::new(code, error.name.clone()));
                    }
                }
                Ok(algorithm)
            }
            Err(error) => Err(error),
        };
        let mut found = FoundSignature {
            id: format!("signature-{number}"),
            format: SignatureFormat::Cms,
            algorithm,
            digests: digest_algorithm.iter().copied().collect(),
            value_form: ValueForm::Der,
            signed_octets: Vec::new(),
            value: signer.signature.to_vec(),
            certificate: None,
            certificates: self.certificates.clone(),
            claimed_time: None,
            scope: scope(inside.is_some(), content.as_ref()),
            faults,
            warnings,
            timestamps: timestamps(signer),
            evidence: Vec::new(),
        };
        let candidates = self.candidates(&signer.sid);
        let (digest_algorithm, content) = (digest_algorithm.ok(), content.as_ref());
        match &signer.signed_attributes {
            Some(attributes) => {
                let kind = &self.signed.encap_content_info.content_type;
                attributes::judge(
                    attributes,
                    kind,
                    digest_algorithm,
                    content,
                    &candidates,
                    &mut found,
                );
            }
            None => self.without_attributes(content, &candidates, &mut found),
        }
        if found.certificate.is_none() {
            found.faults.push(ReasonCode::CertificateMissing.into());
        }
        found
    }

    /// The value is then made over the content itself (RFC 5652 §5.4), which only works for plain
    /// data that cannot be mistaken for a set of attributes.
    fn without_attributes(
        &self,
        content: Option<&Content<'_>>,
        candidates: &[&Certificate],
        found: &mut FoundSignature,
    ) {
        let plain = dotted(&self.signed.encap_content_info.content_type) == DATA;
        match content {
            Some(Content::Detached(octets)) if plain && octets.first() != Some(&0x31) => {
                found.signed_octets = octets.to_vec();
                found.certificate = candidates.first().map(|one| (*one).clone());
            }
            _ => {
                let detail = "the signature has no signed attributes";
                found.faults.push(Reason::new(ReasonCode::Refused, detail));
            }
        }
    }

    fn candidates(&self, sid: &SignerIdentifier) -> Vec<&Certificate> {
        let fits = |certificate: &&Certificate| match sid {
            SignerIdentifier::IssuerAndSerial(id) => {
                certificate.issuer().der() == id.issuer.as_bytes()
                    && certificate.serial() == id.serial.0.as_ref()
            }
            SignerIdentifier::KeyIdentifier(id) => certificate.subject_key_id() == Some(id),
        };
        self.certificates.iter().filter(fits).collect()
    }
}

/// The signature time-stamps among the unsigned attributes (EN 319 122-1 §5.3).
fn timestamps(signer: &SignerInfo) -> Vec<CarriedTimestamp> {
    let unsigned = signer.unsigned_attributes.as_deref().unwrap_or_default();
    let attributes = unsigned.iter().take(limits::SIGNED_ATTRIBUTES);
    let attributes =
        attributes.filter_map(|one| rasn::ber::decode::<Attribute>(one.as_bytes()).ok());
    let stamps = attributes.filter(|one| dotted(&one.kind) == SIGNATURE_TIME_STAMP);
    let tokens = stamps.flat_map(|one| one.values).take(limits::TIMESTAMPS);
    let carried = |token: rasn::types::Any| CarriedTimestamp {
        kind: TimestampKind::Signature,
        token: token.as_bytes().to_vec(),
        over: Stamped::Octets(signer.signature.to_vec()),
    };
    tokens.map(carried).collect()
}

fn scope(inside: bool, content: Option<&Content<'_>>) -> SignedScope {
    let (size, octets) = match content {
        Some(Content::Detached(octets)) => (format!(", {} bytes", octets.len()), octets.to_vec()),
        _ => (String::new(), Vec::new()),
    };
    let what = if inside { "content of the message" } else { "detached content" };
    let item = ScopeItem { kind: "content".to_owned(), what: format!("{what}{size}") };
    SignedScope {
        items: vec![item],
        covers_whole_document: content.is_some(),
        octets: vec![octets],
        later: Vec::new(),
    }
}

fn signature_algorithm(
    identifier: &AlgorithmIdentifier,
    digest: &Result<DigestAlgorithm, UnsupportedAlgorithm>,
) -> Result<SignatureAlgorithm, UnsupportedAlgorithm> {
    let oid = dotted(&identifier.algorithm);
    if oid == RSASSA_PSS {
        let parameters = identifier.parameters.as_ref();
        return crate::x509::pss(parameters.map_or(&[], |parameters| parameters.as_bytes()));
    }
    match digest {
        Ok(digest) => SignatureAlgorithm::from_key_and_digest(&oid, *digest),
        Err(_) => SignatureAlgorithm::from_oid(&oid),
    }
}
