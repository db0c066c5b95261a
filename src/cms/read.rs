//! Reading: each signer becomes a [`FoundSignature`], judged over the received octets only.

use rasn::types::Any;
use rasn_cms::ContentInfo;

use super::algorithm::signature_algorithm;
use super::content::Signed;
use super::unsigned::{Carried, Unsigned};
use super::wire::{
    DATA, SIGNED_DATA, SignedData, SignerIdentifier, SignerInfo, dotted, elements, exactly,
};
use super::{CmsError, Content, attributes, envelope};
use crate::crypto::{DigestAlgorithm, ValueForm};
use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::signature::{FoundSignature, ScopeItem, SignatureFormat, SignedScope};
use crate::x509::{Certificate, known_certificate};

/// A parsed `SignedData`.
#[derive(Clone)]
pub struct SignedMessage {
    pub(super) signed: SignedData,
    pub(super) signers: Vec<Signer>,
    pub(super) certificates: Vec<Certificate>,
    unreadable_certificates: usize,
}

/// One signer, in its own octets too.
#[derive(Clone)]
pub(super) struct Signer {
    pub info: SignerInfo,
    /// The fields of the `SignerInfo`, each as it was received.
    pub fields: Vec<Any>,
}

/// Reads every signer of a CMS message in DER, BER, base64 or PEM, and behind them every
/// counter-signer. The content is the message's own, or `detached`; a message that has both is
/// refused where they differ.
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
    Ok(whole(cms)?.signatures(content))
}

/// Parses a message that is nothing but a `SignedData`, in any wrapping.
pub(super) fn whole(cms: &[u8]) -> Result<SignedMessage, CmsError> {
    let octets = envelope::unwrap(cms)?;
    let (message, rest) = parse(&octets)?;
    match rest.is_empty() {
        true => Ok(message),
        false => Err(CmsError::Malformed("octets follow the message".to_owned())),
    }
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
    if signed.crls.as_deref().unwrap_or_default().len() > limits::CERTIFICATES {
        return Err(CmsError::TooMany("revocation values"));
    }
    let certificates: Vec<Certificate> =
        carried.iter().filter_map(|one| known_certificate(one.as_bytes())).collect();
    let unreadable_certificates = carried.len() - certificates.len();
    let signers = signed.signer_infos.iter().map(|one| Signer::read(one.as_bytes()));
    let signers = signers.collect::<Result<_, _>>()?;
    Ok((SignedMessage { signed, signers, certificates, unreadable_certificates }, rest))
}

impl Signer {
    pub(super) fn read(octets: &[u8]) -> Result<Self, CmsError> {
        let broken = || CmsError::Malformed("a signer is broken".to_owned());
        let info = exactly(octets).ok_or_else(broken)?;
        Ok(Self { info, fields: elements(octets).ok_or_else(broken)? })
    }

    /// The fields up to the signature value.
    pub(super) fn signed_fields(&self) -> &[Any] {
        match self.fields.split_last() {
            Some((last, fields)) if last.as_bytes().first() == Some(&0xa1) => fields,
            _ => &self.fields,
        }
    }
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
        self.signers.len()
    }

    /// Every signer as a signature, in the order of the message, then every counter-signer in the
    /// order of what is counter-signed.
    pub fn signatures(&self, content: &Content<'_>) -> Vec<FoundSignature> {
        let inside = self.signed.encap_content_info.content.as_deref();
        let content = Signed::of(inside, content);
        let (mut found, mut counters) = (Vec::new(), Vec::new());
        for (index, signer) in self.signers.iter().enumerate() {
            let id = format!("signature-{}", index + 1);
            let unsigned = Unsigned::of(&signer.info);
            counters.extend(unsigned.counter_signers(&id, &signer.info));
            found.push(self.signature(id, signer, &content, &unsigned));
        }
        // Counter-signatures may be counter-signed in turn.
        let mut next = 0;
        while let Some((id, over, octets)) = counters.get(next).cloned() {
            next += 1;
            if found.len() >= limits::SIGNATURES {
                if let Some(first) = found.first_mut() {
                    let detail = "there are more counter-signatures than are read";
                    first.faults.push(Reason::new(ReasonCode::Refused, detail));
                }
                break;
            }
            let Ok(signer) = Signer::read(octets.as_bytes()) else {
                let detail = "a counter-signature is broken";
                if let Some(first) = found.first_mut() {
                    first.warnings.push(Reason::new(ReasonCode::Malformed, detail));
                }
                continue;
            };
            let unsigned = Unsigned::of(&signer.info);
            counters.extend(unsigned.counter_signers(&id, &signer.info));
            let content = Signed::counter_signed(&over.value);
            let mut counter = self.signature(id, &signer, &content, &unsigned);
            let item = ScopeItem { kind: "signature".to_owned(), what: over.id };
            counter.scope = SignedScope {
                items: vec![item],
                covers_whole_document: false,
                octets: vec![over.value],
                later: Vec::new(),
            };
            found.push(counter);
        }
        found
    }

    fn signature(
        &self,
        id: String,
        signer: &Signer,
        content: &Signed<'_>,
        unsigned: &Unsigned,
    ) -> FoundSignature {
        let info = &signer.info;
        let mut faults: Vec<Reason> = content.fault().into_iter().collect();
        let mut warnings = Vec::new();
        if self.unreadable_certificates > 0 {
            let detail = format!("{} carried certificates are none", self.unreadable_certificates);
            warnings.push(Reason::new(ReasonCode::Malformed, detail));
        }
        let digest_oid = dotted(&info.digest_algorithm.algorithm);
        let digest_algorithm = DigestAlgorithm::from_oid(&digest_oid);
        let algorithm = match signature_algorithm(&info.signature_algorithm, &digest_algorithm) {
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
            id,
            format: SignatureFormat::Cms,
            algorithm,
            digests: digest_algorithm.iter().copied().collect(),
            value_form: ValueForm::Der,
            signed_octets: Vec::new(),
            value: info.signature.to_vec(),
            certificate: None,
            certificates: self.certificates.clone(),
            claimed_time: None,
            claims: Default::default(),
            scope: content.scope(),
            faults,
            warnings,
            timestamps: Vec::new(),
            evidence: Vec::new(),
        };
        let candidates = self.candidates(&info.sid);
        match &info.signed_attributes {
            Some(attributes) => {
                let kind = &self.signed.encap_content_info.content_type;
                let algorithm = digest_algorithm.ok();
                attributes::judge(attributes, kind, algorithm, content, &candidates, &mut found);
            }
            None => self.without_attributes(content, &candidates, &mut found),
        }
        if found.certificate.is_none() {
            found.faults.push(ReasonCode::CertificateMissing.into());
        }
        Carried { message: self, signer, unsigned, content }.into_signature(&mut found);
        found
    }

    /// The value is then made over the content itself (RFC 5652 §5.4), which only works for plain
    /// data that cannot be mistaken for a set of attributes.
    fn without_attributes(
        &self,
        content: &Signed<'_>,
        candidates: &[&Certificate],
        found: &mut FoundSignature,
    ) {
        let plain = dotted(&self.signed.encap_content_info.content_type) == DATA;
        match content.octets() {
            Some(octets)
                if plain && !content.is_counter_signed() && octets.first() != Some(&0x31) =>
            {
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
