//! Writing a PKCS#12 file: one key with its certificates, as OpenSSL writes them today.

use super::derive::{self, Cost, Purpose};
use super::scheme::{self, number};
use super::{
    BAGS, CONTENT, DATA, ENCRYPTED_DATA, FRIENDLY_NAME, IMPLICIT, LOCAL_KEY_ID, Password,
    Pkcs12Error, X509_CERTIFICATE,
};
use crate::crypto::{DigestAlgorithm, Random, digest};
use crate::token::SoftwareKey;
use crate::x509::Certificate;
use crate::x509::der::{OCTET_STRING, SEQUENCE, SET, write, write_oid};

/// As OpenSSL has it by default.
const ITERATIONS: u32 = 2048;
const BMP_STRING: u8 = 0x1e;

pub(super) fn file(
    key: &SoftwareKey,
    certificates: &[&Certificate],
    name: &str,
    password: &Password,
    random: &dyn Random,
) -> Result<Vec<u8>, Pkcs12Error> {
    let pkcs8 = key.gost_pkcs8();
    let pkcs8 = pkcs8
        .ok_or_else(|| Pkcs12Error::Unsupported("keys of this kind are not written".to_owned()))?;
    let mut fresh = [[0; 32]; 3];
    if !fresh.iter_mut().all(|part| random.fill(part)) {
        return Err(Pkcs12Error::Random);
    }
    let [for_key, for_certificates, for_mac] = fresh;

    let id = digest(DigestAlgorithm::Sha1, &key.public_key().octets);
    let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let attribute = |kind: &str, tag: u8, value: &[u8]| {
        let values = write(SET, &[&write(tag, &[value])]);
        write(SEQUENCE, &[&write_oid(kind), &values])
    };
    // DER orders a SET by the encodings, and the name's identifier is the lower one.
    let (name, id) =
        (attribute(FRIENDLY_NAME, BMP_STRING, &units), attribute(LOCAL_KEY_ID, OCTET_STRING, &id));
    let mut attributes = [name, id];
    attributes.sort();
    let attributes = write(SET, &[&attributes.concat()]);

    let (algorithm, encrypted) = scheme::encrypt(password, &for_key, ITERATIONS, &pkcs8);
    let shrouded = write(SEQUENCE, &[&algorithm, &write(OCTET_STRING, &[&encrypted])]);
    let keys = write(SEQUENCE, &[&bag("2", &shrouded, &attributes)]);
    let keys = content(DATA, &write(OCTET_STRING, &[&keys]));

    let own = |one: &&&Certificate| one.public_key().octets == key.public_key().octets;
    let bags = certificates.iter().map(|one| {
        let der = write(CONTENT, &[&write(OCTET_STRING, &[one.der()])]);
        let value = write(SEQUENCE, &[&write_oid(X509_CERTIFICATE), &der]);
        bag("3", &value, if own(&one) { &attributes } else { &[] })
    });
    let bags = write(SEQUENCE, &[&bags.collect::<Vec<_>>().concat()]);
    let (algorithm, encrypted) = scheme::encrypt(password, &for_certificates, ITERATIONS, &bags);
    let info = write(SEQUENCE, &[&write_oid(DATA), &algorithm, &write(IMPLICIT, &[&encrypted])]);
    let certificates = content(ENCRYPTED_DATA, &write(SEQUENCE, &[&number(0), &info]));

    let safe = write(SEQUENCE, &[&certificates, &keys]);
    let sha256 = DigestAlgorithm::Sha256;
    let cost = Cost { salt: &for_mac, iterations: ITERATIONS };
    let mac_key = derive::pkcs12(sha256, Purpose::Mac, &password.bmp, cost, sha256.length());
    let code = derive::mac(sha256, &mac_key, &safe);
    let oid = sha256.row().oids.first().copied().unwrap_or_default();
    let code =
        write(SEQUENCE, &[&write(SEQUENCE, &[&write_oid(oid)]), &write(OCTET_STRING, &[&code])]);
    let mac = write(SEQUENCE, &[&code, &write(OCTET_STRING, &[&for_mac]), &number(ITERATIONS)]);
    let safe = content(DATA, &write(OCTET_STRING, &[&safe]));
    Ok(write(SEQUENCE, &[&number(3), &safe, &mac]))
}

fn content(kind: &str, value: &[u8]) -> Vec<u8> {
    write(SEQUENCE, &[&write_oid(kind), &write(CONTENT, &[value])])
}

fn bag(kind: &str, value: &[u8], attributes: &[u8]) -> Vec<u8> {
    let kind = write_oid(&format!("{BAGS}{kind}"));
    write(SEQUENCE, &[&kind, &write(CONTENT, &[value]), attributes])
}
