//! Certificates in the shape of the national profile: order and string types of the subject, key
//! usage, role identifiers, policies, addresses, identifiers of keys, serial numbers.

use rasn::prelude::{Any, BitString, Ia5String, ObjectIdentifier, Utf8String};
use rasn_pkix::{
    AccessDescription, DisplayText, DistributionPoint, DistributionPointName, PolicyInformation,
    PolicyQualifierInfo, UserNotice,
};
use rcgen::{
    BasicConstraints, CertificateParams, CrlDistributionPoint, CustomExtension, DistinguishedName,
    DnType, DnValue, IsCa, Issuer, KeyIdMethod, KeyUsagePurpose, PublicKeyData, SerialNumber,
    SigningKey,
};
use time::{Duration, OffsetDateTime};

use super::der::{self, oid};
use super::key::Key;
use super::recipe::{Authority, Holder, Organisation, Profile};
use super::{Addresses, PkiError};
use crate::crypto::{DigestAlgorithm, KeyKind, PublicKey, digest};
use crate::identity::Role;
use crate::x509::Certificate;

const POLICY_ANY_OF_ISSUING: &str = "1.2.398.3.3.2";
const POLICY_ROOT: &str = "1.2.398.3.1.2";
const PRACTICE_STATEMENT: &str = "http://pki.gov.kz/cps";
const EMAIL_PROTECTION: &str = "1.3.6.1.5.5.7.3.4";
const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";
const YEAR: Duration = Duration::days(365);

/// A certification authority ready to issue.
pub struct Certifier {
    name: DistinguishedName,
    key_id: Vec<u8>,
    key: Key,
}

/// A stand-in for keys in what rcgen makes: it knows neither the national algorithms nor keys that
/// stay in their token, so the real key, algorithm and value are put in afterwards.
struct Later;

impl Certifier {
    /// Certifies an authority; without an issuer, by itself.
    pub fn root_or_issuing(
        authority: &Authority,
        key: Key,
        issuer: Option<&Self>,
        addresses: &Addresses,
        now: OffsetDateTime,
    ) -> Result<(Self, Certificate), PkiError> {
        let mut name = DistinguishedName::new();
        name.push(DnType::CountryName, printable("KZ")?);
        name.push(DnType::CommonName, authority.name.as_str());
        let own = Self { name: name.clone(), key_id: key_id(key.public_key()), key };
        let mut params = own.params(own.key.public_key());
        params.distinguished_name = name;
        params.not_before = now - 4 * YEAR;
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        if issuer.is_some() {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
            params.not_after = now + 8 * YEAR;
            params.crl_distribution_points = vec![point(addresses.root_crl())];
            params.custom_extensions = vec![
                policies(POLICY_ANY_OF_ISSUING)?,
                access(&[(oid::CA_ISSUERS, addresses.root_certificate())])?,
            ];
        } else {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.not_after = now + 16 * YEAR;
            params.custom_extensions = vec![policies(POLICY_ROOT)?];
        }
        let certificate = issuer.unwrap_or(&own).certify(&params, own.key.public_key())?;
        Ok((own, certificate))
    }

    /// Certifies a holder's key.
    pub fn holder(
        &self,
        holder: &Holder,
        organisation: Option<&Organisation>,
        key: &PublicKey,
        addresses: &Addresses,
        now: OffsetDateTime,
    ) -> Result<Certificate, PkiError> {
        let mut params = self.params(key);
        params.distinguished_name = subject(holder, organisation)?;
        params.not_before = now + Duration::days(holder.valid_days[0]);
        params.not_after = now + Duration::days(holder.valid_days[1]);
        // rcgen writes this extension for authorities only.
        let key_id = rasn::types::OctetString::from(key_id(key));
        params.custom_extensions.push(custom(oid::SUBJECT_KEY_ID, &key_id, false)?);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let (also, usage, critical) = match holder.profile {
            Profile::Sign => (Some(KeyUsagePurpose::ContentCommitment), EMAIL_PROTECTION, false),
            Profile::Auth if matches!(key.kind, KeyKind::Gost(_)) => (None, CLIENT_AUTH, false),
            Profile::Auth => (Some(KeyUsagePurpose::KeyEncipherment), CLIENT_AUTH, false),
            // RFC 3161 §2.3 wants it critical.
            Profile::Tsa => (None, TIME_STAMPING, true),
            Profile::Ocsp => (None, OCSP_SIGNING, false),
        };
        // One national GOST key is for everything but encryption.
        if matches!(key.kind, KeyKind::Gost(_)) {
            params.key_usages.push(KeyUsagePurpose::KeyAgreement);
        }
        params.key_usages.extend(also);
        let roles = holder.roles.iter().map(|role| role.oid());
        let usages: Result<Vec<ObjectIdentifier>, _> =
            std::iter::once(usage).chain(roles).map(der::object_identifier).collect();
        params.custom_extensions.push(custom(oid::EXTENDED_KEY_USAGE, &usages?, critical)?);
        params.crl_distribution_points = vec![point(addresses.crl())];
        params.custom_extensions.extend([
            policies(policy(holder))?,
            custom(oid::FRESHEST_CRL, &freshest(addresses.delta_crl())?, false)?,
            access(&[
                (oid::CA_ISSUERS, addresses.issuer_certificate()),
                (oid::OCSP, addresses.ocsp()),
            ])?,
        ]);
        if holder.profile == Profile::Ocsp {
            params.custom_extensions.push(custom(oid::OCSP_NO_CHECK, &(), false)?);
        }
        self.certify(&params, key)
    }

    fn certify(
        &self,
        params: &CertificateParams,
        key: &PublicKey,
    ) -> Result<Certificate, PkiError> {
        let mut issuer = CertificateParams::default();
        issuer.distinguished_name = self.name.clone();
        issuer.key_identifier_method = KeyIdMethod::PreSpecified(self.key_id.clone());
        let made = params.signed_by(&Later, &Issuer::new(issuer, Later));
        let made = made.map_err(|error| PkiError::Encoding(error.to_string()))?;
        let mut made: rasn_pkix::Certificate = der::decode(made.der())?;
        let algorithm = der::signature_algorithm(self.key.algorithm())?;
        made.tbs_certificate.signature = algorithm.clone();
        made.tbs_certificate.subject_public_key_info = der::decode(&key.spki)?;
        let value = self.key.sign_checked(&der::encode(&made.tbs_certificate)?)?;
        made.signature_algorithm = algorithm;
        made.signature_value = BitString::from_slice(&der::value(self.key.algorithm(), value)?);
        Ok(Certificate::from_der(&der::encode(&made)?)?)
    }

    /// The key it certifies with.
    pub fn key(&self) -> &Key {
        &self.key
    }

    fn params(&self, key: &PublicKey) -> CertificateParams {
        let mut params = CertificateParams::default();
        let key_id = key_id(key);
        params.serial_number = Some(SerialNumber::from(serial(&key_id)));
        params.key_identifier_method = KeyIdMethod::PreSpecified(key_id);
        params.use_authority_key_identifier_extension = true;
        params
    }
}

/// Subject key identifier: SHA-1 of the key's bits (RFC 5280 §4.2.1.2, method 1).
fn key_id(key: &PublicKey) -> Vec<u8> {
    digest(DigestAlgorithm::Sha1, &key.octets)
}

/// The national rule since 2022: the subject key identifier, its first octet without the sign bit
/// and, below 10 (hexadecimal), with 10 added so that it is never zero.
fn serial(key_id: &[u8]) -> Vec<u8> {
    let mut serial = key_id.to_vec();
    if let Some(first) = serial.first_mut() {
        *first &= 0x7f;
        if *first < 0x10 {
            *first |= 0x10;
        }
    }
    serial
}

/// The order of the national profile; a system or service has no surname and no IIN of its own.
fn subject(
    holder: &Holder,
    organisation: Option<&Organisation>,
) -> Result<DistinguishedName, PkiError> {
    let mut name = DistinguishedName::new();
    let mut push = |kind: &[u64], value: Option<DnValue>| {
        if let Some(value) = value {
            name.push(DnType::from_oid(kind), value);
        }
    };
    let text = |value: &Option<String>| value.clone().map(DnValue::Utf8String);
    push(&[0, 9, 2342, 19_200_300, 100, 1, 1], text(&holder.system));
    push(&[2, 5, 4, 3], Some(DnValue::Utf8String(holder.common_name())));
    push(&[2, 5, 4, 4], text(&holder.surname));
    let iin = holder.iin.as_ref().map(|iin| printable(&format!("IIN{iin}"))).transpose()?;
    push(&[2, 5, 4, 5], iin);
    push(&[2, 5, 4, 6], Some(printable("KZ")?));
    if let Some(organisation) = organisation {
        push(&[2, 5, 4, 7], text(&organisation.locality));
        push(&[2, 5, 4, 8], text(&organisation.region));
        push(&[2, 5, 4, 10], Some(DnValue::Utf8String(organisation.name.clone())));
    }
    push(&[2, 5, 4, 42], text(&holder.patronymic));
    if let Some(organisation) = organisation {
        push(&[2, 5, 4, 11], Some(DnValue::Utf8String(format!("BIN{}", organisation.bin))));
    }
    Ok(name)
}

/// Policies 1.2.398.3.3.2.1 … 4: signing and login, of organisations and of persons; services of
/// the authority itself stand under the policy of the authority.
fn policy(holder: &Holder) -> &'static str {
    let person = holder.roles.contains(&Role::Individual);
    match (holder.profile, person) {
        (Profile::Sign, false) => "1.2.398.3.3.2.1",
        (Profile::Auth, false) => "1.2.398.3.3.2.2",
        (Profile::Sign, true) => "1.2.398.3.3.2.3",
        (Profile::Auth, true) => "1.2.398.3.3.2.4",
        (Profile::Ocsp | Profile::Tsa, _) => POLICY_ANY_OF_ISSUING,
    }
}

fn policies(policy: &str) -> Result<CustomExtension, PkiError> {
    let failed = |error: String| PkiError::Encoding(error);
    let statement =
        Ia5String::try_from(PRACTICE_STATEMENT.to_owned()).map_err(|e| failed(e.to_string()))?;
    let notice = UserNotice {
        notice_ref: None,
        explicit_text: Some(DisplayText::Utf8String(Utf8String::from(PRACTICE_STATEMENT))),
    };
    let qualifiers = vec![
        PolicyQualifierInfo {
            id: der::object_identifier(oid::CPS)?,
            qualifier: Any::new(der::encode(&statement)?),
        },
        PolicyQualifierInfo {
            id: der::object_identifier(oid::USER_NOTICE)?,
            qualifier: Any::new(der::encode(&notice)?),
        },
    ];
    let information = PolicyInformation {
        policy_identifier: der::object_identifier(policy)?,
        policy_qualifiers: Some(qualifiers),
    };
    custom(oid::POLICIES, &vec![information], false)
}

fn access(entries: &[(&str, String)]) -> Result<CustomExtension, PkiError> {
    let entries: Result<Vec<_>, PkiError> = entries
        .iter()
        .map(|(method, address)| {
            Ok(AccessDescription {
                access_method: der::object_identifier(method)?,
                access_location: der::url(address)?,
            })
        })
        .collect();
    custom(oid::AUTHORITY_ACCESS, &entries?, false)
}

fn freshest(address: String) -> Result<Vec<DistributionPoint>, PkiError> {
    Ok(vec![DistributionPoint {
        distribution_point: Some(DistributionPointName::FullName(vec![der::url(&address)?])),
        reasons: None::<BitString>,
        crl_issuer: None,
    }])
}

fn point(address: String) -> CrlDistributionPoint {
    CrlDistributionPoint { uris: vec![address] }
}

fn custom<T: rasn::Encode>(
    dotted: &str,
    value: &T,
    critical: bool,
) -> Result<CustomExtension, PkiError> {
    let arcs: Option<Vec<u64>> = dotted.split('.').map(|arc| arc.parse().ok()).collect();
    let arcs = arcs.ok_or_else(|| PkiError::Encoding(dotted.to_owned()))?;
    let mut extension = CustomExtension::from_oid_content(&arcs, der::encode(value)?);
    extension.set_criticality(critical);
    Ok(extension)
}

fn printable(text: &str) -> Result<DnValue, PkiError> {
    let text = rcgen::string::PrintableString::try_from(text);
    text.map(DnValue::PrintableString).map_err(|error| PkiError::Encoding(error.to_string()))
}

impl PublicKeyData for Later {
    fn der_bytes(&self) -> &[u8] {
        &[]
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for Later {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_follow_the_national_rule() {
        // Pairs of real certificates: subject key identifier → serial number.
        for (key_id, expected) in [(0x02, 0x12), (0x81, 0x11), (0xd6, 0x56), (0x41, 0x41)] {
            assert_eq!(serial(&[key_id, 0xc7]), [expected, 0xc7]);
        }
    }
}
