//! The unsigned properties (EN 319 132-1 §5.3–§5.5): time-stamps, certificate and revocation
//! values. Nobody signed them, so what is odd in them is no fault of the signature.

use super::{XADES_141, child, children, malformed, only};
use crate::limits;
use crate::reason::{Reason, ReasonCode};
use crate::x509::Certificate;
use crate::xml::c14n::Canonicalization;
use crate::xml::document::Element;
use crate::xml::{DSIG, XADES, dsig, encoding};

/// One unsigned property.
pub(in crate::xml) enum Unsigned<'a> {
    /// `SignatureTimeStamp` (§5.3).
    SignatureStamp,
    /// `xadesv141:ArchiveTimeStamp` (§5.5.2).
    ArchiveStamp,
    /// `CertificateValues`, `RevocationValues`, `TimeStampValidationData`, `AnyValidationData`.
    Values,
    /// `CounterSignature` (§5.2.7.2) with the signature in it.
    Counter(Option<Element<'a>>),
    /// Anything else.
    Other,
}

/// A time-stamp property (`XAdESTimeStampType`, §4.3).
pub(in crate::xml) struct Stamp<'a> {
    /// How what it covers is made octets.
    pub canonicalization: Canonicalization,
    /// The tokens, DER; each covers the same.
    pub tokens: Vec<Vec<u8>>,
    /// `Include/@URI`: what is covered, where that is told.
    pub included: Vec<&'a str>,
}

/// Certificates and revocation values carried along.
#[derive(Default)]
pub(in crate::xml) struct Values {
    pub certificates: Vec<Certificate>,
    /// OCSP responses and CRLs, DER.
    pub evidence: Vec<Vec<u8>>,
    pub oddities: Vec<Reason>,
}

impl<'a> Unsigned<'a> {
    /// The unsigned properties of a signature with what they are, in their order.
    ///
    /// # Errors
    /// A reason where they stand twice, or are too many.
    pub(in crate::xml) fn list(
        qualifying: Element<'a>,
    ) -> Result<Vec<(Element<'a>, Self)>, Reason> {
        let unsigned = only(qualifying, "UnsignedProperties")?;
        let Some(unsigned) = unsigned else { return Ok(Vec::new()) };
        let Some(list) = only(unsigned, "UnsignedSignatureProperties")? else {
            return Ok(Vec::new());
        };
        let all: Vec<_> = list.children().take(limits::UNSIGNED_PROPERTIES + 1).collect();
        if all.len() > limits::UNSIGNED_PROPERTIES {
            return Err(Reason::new(ReasonCode::Refused, "too many unsigned properties"));
        }
        Ok(all.into_iter().map(|element| (element, Self::of(element))).collect())
    }

    fn of(element: Element<'a>) -> Self {
        match (element.namespace().unwrap_or_default(), element.name()) {
            (XADES, "SignatureTimeStamp") => Self::SignatureStamp,
            (XADES_141, "ArchiveTimeStamp") => Self::ArchiveStamp,
            (XADES, "CertificateValues" | "RevocationValues")
            | (XADES_141, "TimeStampValidationData" | "AnyValidationData") => Self::Values,
            (XADES, "CounterSignature") => {
                let mut inside = element.children();
                let signature = inside.next().filter(|child| child.is(DSIG, "Signature"));
                Self::Counter(signature.filter(|_| inside.next().is_none()))
            }
            _ => Self::Other,
        }
    }
}

impl<'a> Stamp<'a> {
    /// Reads a time-stamp property.
    ///
    /// # Errors
    /// A reason where it is broken, or of a kind that is not taken.
    pub(in crate::xml) fn read(element: Element<'a>) -> Result<Self, Reason> {
        let mut stamp = Self {
            // "The standard canonicalization method as specified by XMLDSIG" (§4.3).
            canonicalization: Canonicalization::INCLUSIVE,
            tokens: Vec::new(),
            included: Vec::new(),
        };
        for part in element.children() {
            match (part.namespace().unwrap_or_default(), part.name()) {
                (XADES, "Include") if stamp.included.len() < limits::XML_REFERENCES => {
                    stamp.included.push(part.attribute("URI").unwrap_or_default());
                }
                (DSIG, "CanonicalizationMethod") => {
                    let how = dsig::canonicalization(part)?;
                    stamp.canonicalization = how.ok_or_else(|| {
                        let name = part.attribute("Algorithm").unwrap_or_default();
                        let name: String = name.chars().take(128).collect();
                        Reason::new(ReasonCode::Refused, format!("the canonicalization {name}"))
                    })?;
                }
                (XADES, "EncapsulatedTimeStamp") if stamp.tokens.len() < limits::TIMESTAMPS => {
                    let token = encoding::decode(&part.text());
                    stamp.tokens.push(token.ok_or_else(|| malformed("a token that is no base64"))?);
                }
                _ => {
                    let detail = format!("a time-stamp with {}", part.qualified_name());
                    return Err(Reason::new(ReasonCode::Refused, detail));
                }
            }
        }
        if stamp.tokens.is_empty() {
            return Err(malformed("a time-stamp without a token"));
        }
        Ok(stamp)
    }
}

impl Values {
    /// Takes the values of one property.
    pub(in crate::xml) fn take(&mut self, property: Element<'_>) {
        match property.name() {
            "CertificateValues" => self.take_certificates(property),
            "RevocationValues" => self.take_revocation(property),
            _ => {
                children(property, "CertificateValues").for_each(|one| self.take_certificates(one));
                children(property, "RevocationValues").for_each(|one| self.take_revocation(one));
            }
        }
    }

    fn take_certificates(&mut self, list: Element<'_>) {
        for element in list.children() {
            let der = self.octets(element, "EncapsulatedX509Certificate");
            let Some(der) = der.filter(|_| self.certificates.len() < limits::CERTIFICATES) else {
                continue;
            };
            match Certificate::from_der(&der) {
                Ok(certificate) => self.certificates.push(certificate),
                Err(_) => self.oddities.push(malformed("a carried certificate that is none")),
            }
        }
    }

    fn take_revocation(&mut self, list: Element<'_>) {
        for (group, item) in
            [("CRLValues", "EncapsulatedCRLValue"), ("OCSPValues", "EncapsulatedOCSPValue")]
        {
            let items = child(list, group).into_iter().flat_map(Element::children);
            for element in items {
                let der = self.octets(element, item);
                if self.evidence.len() < limits::REVOCATION_VALUES {
                    self.evidence.extend(der);
                }
            }
        }
        if child(list, "OtherValues").is_some() {
            self.unknown("OtherValues");
        }
    }

    fn octets(&mut self, element: Element<'_>, name: &str) -> Option<Vec<u8>> {
        if !element.is(XADES, name) {
            self.unknown(element.qualified_name());
            return None;
        }
        let octets = encoding::decode(&element.text());
        if octets.is_none() {
            self.oddities.push(malformed(&format!("{name} that is no base64")));
        }
        octets
    }

    fn unknown(&mut self, name: &str) {
        // One word is enough for any number of them.
        if self.oddities.len() < limits::UNSIGNED_PROPERTIES {
            let name: String = name.chars().take(128).collect();
            let detail = format!("the value {name} is not understood");
            self.oddities.push(Reason::new(ReasonCode::Refused, detail));
        }
    }
}
