//! What a signer carries without signing it: time-stamps, revocation values, certificates and
//! counter-signatures (EN 319 122-1 §5.3–5.5, RFC 5652 §11.4).

use rasn::types::Any;

use super::archive::{Archive, Hashed};
use super::content::Signed;
use super::read::{SignedMessage, Signer, parse};
use super::wire::{
    ADBE_REVOCATION, ARCHIVE_TIME_STAMP_V3, Attribute, CERTIFICATE_VALUES, CONTENT_TIME_STAMP,
    COUNTER_SIGNATURE, OCSP_BASIC, OCSP_RESPONSE, OtherRevocationInfo, REVOCATION_VALUES,
    RevocationValues, SIGNATURE_TIME_STAMP, SignerInfo, TST_INFO, dotted, elements, exactly,
};
use crate::crypto::DigestAlgorithm;
use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::signature::{
    CarriedTimestamp, FoundSignature, Level, SignatureFormat, Stamped, TimestampKind,
};
use crate::x509::der::{self, Reader};
use crate::x509::known_certificate;

/// The unsigned attributes of one signer.
pub(super) struct Unsigned {
    pub attributes: Vec<(String, Vec<Any>)>,
    /// More than are looked at, or broken ones.
    odd: bool,
}

/// A signature that is counter-signed.
#[derive(Clone)]
pub(super) struct Over {
    pub id: String,
    pub value: Vec<u8>,
}

/// A signer with its surroundings.
pub(super) struct Carried<'a> {
    pub message: &'a SignedMessage,
    pub signer: &'a Signer,
    pub unsigned: &'a Unsigned,
    pub content: &'a Signed<'a>,
}

impl Unsigned {
    pub(super) fn of(signer: &SignerInfo) -> Self {
        let received = signer.unsigned_attributes.as_deref().unwrap_or_default();
        let looked_at = received.iter().take(limits::UNSIGNED_PROPERTIES);
        let attributes: Vec<(String, Vec<Any>)> = looked_at
            .filter_map(|one| exactly::<Attribute>(one.as_bytes()))
            .map(|one| (dotted(&one.kind), one.values))
            .collect();
        Self { odd: attributes.len() != received.len(), attributes }
    }

    /// Every value under an identifier.
    pub(super) fn values(&self, kind: &str) -> impl Iterator<Item = &Any> {
        self.attributes.iter().filter(move |one| one.0 == kind).flat_map(|one| &one.1)
    }

    /// Every counter-signer, with an identifier and what it counter-signs.
    pub(super) fn counter_signers(
        &self,
        id: &str,
        signer: &SignerInfo,
    ) -> Vec<(String, Over, Any)> {
        let over = Over { id: id.to_owned(), value: signer.signature.to_vec() };
        let values = self.values(COUNTER_SIGNATURE).take(limits::SIGNATURES).enumerate();
        values
            .map(|(index, one)| (format!("{id}.{}", index + 1), over.clone(), one.clone()))
            .collect()
    }
}

impl Carried<'_> {
    pub(super) fn into_signature(self, found: &mut FoundSignature) {
        if self.unsigned.odd {
            let detail = "unsigned attributes are broken or too many, and left out";
            found.warnings.push(Reason::new(ReasonCode::Malformed, detail));
        }
        found.timestamps = self.timestamps();
        let lasting = self.values_into(found);
        let kinds: Vec<TimestampKind> = found.timestamps.iter().map(|one| one.kind).collect();
        let stamped = kinds.contains(&TimestampKind::Signature);
        let level = match (stamped, lasting) {
            (false, _) => Level::B,
            (true, false) => Level::T,
            (true, true) if kinds.contains(&TimestampKind::Archive) => Level::Lta,
            (true, true) => Level::Lt,
        };
        if let SignatureFormat::Cades(_) = found.format {
            found.format = SignatureFormat::Cades(level);
        }
    }

    /// Every time-stamp in the order they were made, as far as the archive time-stamps tell it:
    /// what none of them covers stands behind them, and is not older for their sake.
    fn timestamps(&self) -> Vec<CarriedTimestamp> {
        let signed = self.signer.info.signed_attributes.as_deref().unwrap_or_default();
        let signed = signed.iter().take(limits::SIGNED_ATTRIBUTES);
        let signed = signed.filter_map(|one| exactly::<Attribute>(one.as_bytes()));
        let content = signed.filter(|one| dotted(&one.kind) == CONTENT_TIME_STAMP);
        let content = content.flat_map(|one| one.values).filter_map(|token| {
            let over = self.content.stamped(imprint_algorithm(token.as_bytes()))?;
            Some(carried(TimestampKind::Content, &token, over))
        });
        let mut out: Vec<CarriedTimestamp> = content.take(limits::TIMESTAMPS).collect();

        let mut archives: Vec<Archive> = self
            .unsigned
            .values(ARCHIVE_TIME_STAMP_V3)
            .take(limits::TIMESTAMPS)
            .map(Archive::read)
            .collect();
        archives.sort_by_key(|one| (one.time.is_none(), one.time));
        let hashed = Hashed::of(self.message, self.unsigned);
        let mut waiting: Vec<&Any> =
            self.unsigned.values(SIGNATURE_TIME_STAMP).take(limits::TIMESTAMPS).collect();
        let value = || Stamped::Octets(self.signer.info.signature.to_vec());
        let mut before: Option<&Archive> = None;
        for archive in &archives {
            let covers = |kind: &str, token: &Any| archive.covers(kind, token);
            waiting.retain(|token| {
                let covered = covers(SIGNATURE_TIME_STAMP, token);
                if covered {
                    out.push(carried(TimestampKind::Signature, token, value()));
                }
                !covered
            });
            // One that leaves out the one before it would make it older than it shows.
            let continues =
                before.is_none_or(|before| covers(ARCHIVE_TIME_STAMP_V3, &before.token));
            let over = match continues {
                true => archive.stamped(&hashed, self.message, self.signer, self.content),
                false => None,
            };
            // What breaks the rules was made over nothing that is here.
            let over = over.unwrap_or_else(|| Stamped::Octets(Vec::new()));
            out.push(carried(TimestampKind::Archive, &archive.token, over));
            before = Some(archive);
        }
        out.extend(waiting.into_iter().map(|one| carried(TimestampKind::Signature, one, value())));
        out
    }

    /// Revocation values and certificates, of the message, of the signer, and of the time-stamps;
    /// whether there are some beside those of the time-stamps.
    fn values_into(&self, found: &mut FoundSignature) -> bool {
        let mut evidence = revocation_of(self.message);
        for values in self.unsigned.values(REVOCATION_VALUES) {
            evidence.extend(archived(values.as_bytes()));
        }
        let signed = self.signer.info.signed_attributes.as_deref().unwrap_or_default();
        let signed = signed.iter().filter_map(|one| exactly::<Attribute>(one.as_bytes()));
        for attribute in signed.filter(|one| dotted(&one.kind) == ADBE_REVOCATION) {
            attribute.values.iter().for_each(|one| evidence.extend(archived(one.as_bytes())));
        }
        let lasting = !evidence.is_empty();
        let mut certificates: Vec<Any> = Vec::new();
        for values in self.unsigned.values(CERTIFICATE_VALUES) {
            certificates.extend(elements(values.as_bytes()).unwrap_or_default());
        }
        for stamp in &found.timestamps {
            if let Ok((token, _)) = parse(&stamp.token) {
                evidence.extend(revocation_of(&token));
                certificates.extend(token.signed.certificates.unwrap_or_default());
                let unsigned = token.signers.first().map(|signer| Unsigned::of(&signer.info));
                for values in unsigned.iter().flat_map(|one| one.values(REVOCATION_VALUES)) {
                    evidence.extend(archived(values.as_bytes()));
                }
                for values in unsigned.iter().flat_map(|one| one.values(CERTIFICATE_VALUES)) {
                    certificates.extend(elements(values.as_bytes()).unwrap_or_default());
                }
            }
        }
        evidence.truncate(limits::CERTIFICATES);
        for one in evidence {
            if !found.evidence.contains(&one) {
                found.evidence.push(one);
            }
        }
        let room = limits::CERTIFICATES.saturating_sub(found.certificates.len());
        for one in certificates.iter().take(room) {
            if let Some(one) = known_certificate(one.as_bytes())
                && !found.certificates.contains(&one)
            {
                found.certificates.push(one);
            }
        }
        lasting
    }
}

/// The revocation values of a message (RFC 5652 §10.2.1, RFC 5940).
fn revocation_of(message: &SignedMessage) -> Vec<Vec<u8>> {
    let values = message.signed.crls.as_deref().unwrap_or_default().iter();
    values
        .filter_map(|one| match one.as_bytes().first() {
            Some(0xa1) => {
                let other: OtherRevocationInfo = exactly(one.as_bytes())?;
                let format = dotted(&other.format);
                [OCSP_RESPONSE, OCSP_BASIC]
                    .contains(&format.as_str())
                    .then(|| other.info.as_bytes().to_vec())
            }
            _ => Some(one.as_bytes().to_vec()),
        })
        .collect()
}

/// The values of a `RevocationValues`.
fn archived(octets: &[u8]) -> Vec<Vec<u8>> {
    let Some(values) = exactly::<RevocationValues>(octets) else { return Vec::new() };
    let all = values.crls.into_iter().chain(values.ocsp).flatten();
    all.map(|one| one.as_bytes().to_vec()).collect()
}

/// The algorithm of a token's imprint, if it can be read and computed.
pub(super) fn imprint_algorithm(token: &[u8]) -> Option<DigestAlgorithm> {
    imprint(token)?.0
}

/// What a token says of what it was made over, and when: the algorithm, if it is implemented, the
/// digest and `genTime`.
pub(crate) fn imprint(
    token: &[u8],
) -> Option<(Option<DigestAlgorithm>, Vec<u8>, time::OffsetDateTime)> {
    let (message, rest) = parse(token).ok()?;
    let info = message.signed.encap_content_info.content.as_deref()?;
    if !rest.is_empty() || message.content_type() != TST_INFO {
        return None;
    }
    let read = || -> Result<_, der::DerError> {
        let mut fields = Reader::only(info, der::SEQUENCE)?;
        fields.integer()?;
        fields.oid()?;
        let mut imprint = fields.enter(der::SEQUENCE)?;
        let algorithm = DigestAlgorithm::from_oid(&imprint.enter(der::SEQUENCE)?.oid()?).ok();
        let value = imprint.expect(der::OCTET_STRING)?.content.to_vec();
        fields.integer()?;
        Ok((algorithm, value, fields.time()?))
    };
    read().ok()
}

fn carried(kind: TimestampKind, token: &Any, over: Stamped) -> CarriedTimestamp {
    CarriedTimestamp { kind, token: token.as_bytes().to_vec(), over }
}
