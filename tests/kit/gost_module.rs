//! A PKCS#11 module with one token, made of the PKCS#12 file that `GOST_MODULE_P12` names; its
//! password is the PIN. It signs in as many ways as modules do, by mechanism:
//!
//! | mechanism | takes | gives |
//! |---|---|---|
//! | 0x1201 (`CKM_GOSTR3410`) | digest | s ‖ r, highest octet first |
//! | 0x80000001 | digest, reversed | r ‖ s, highest octet first |
//! | 0x80000002 | message | s ‖ r, lowest octet first |
//! | 0x80000003 | digest | r ‖ s, lowest octet first |
//! | 0x80000004 | digest | something else: the module is broken |
#![allow(unsafe_code, non_snake_case)]
// Every function is called by the binding only, with the pointers PKCS#11 promises.
#![allow(clippy::missing_safety_doc)]

use std::ffi::c_void;
use std::sync::Mutex;

use cryptoki_sys::*;
use qoltanba::crypto::{DigestAlgorithm, GostCurve, GostPrivateKey, SystemRandom, digest};
use qoltanba::token::{KeyChoice, Pin, Pkcs12};

struct Card {
    key: GostPrivateKey,
    certificate: Vec<u8>,
    subject: Vec<u8>,
    mechanism: CK_MECHANISM_TYPE,
    found: Vec<CK_OBJECT_HANDLE>,
}

/// Nobody is logged in where there is none.
static CARD: Mutex<Option<Card>> = Mutex::new(None);

const SESSION: CK_SESSION_HANDLE = 7;
const CERTIFICATE: CK_OBJECT_HANDLE = 1;
const PRIVATE_KEY: CK_OBJECT_HANDLE = 2;
const ID: &[u8] = b"01";

static FUNCTIONS: CK_FUNCTION_LIST = CK_FUNCTION_LIST {
    version: CK_VERSION { major: 2, minor: 40 },
    C_Initialize: Some(initialize),
    C_Finalize: Some(initialize),
    C_GetSlotList: Some(slots),
    C_GetTokenInfo: Some(token),
    C_OpenSession: Some(open),
    C_CloseSession: Some(close),
    C_Login: Some(login),
    C_Logout: Some(close),
    C_FindObjectsInit: Some(find),
    C_FindObjects: Some(next),
    C_FindObjectsFinal: Some(close),
    C_GetAttributeValue: Some(attributes),
    C_SignInit: Some(prepare),
    C_Sign: Some(sign),
    ..NOTHING
};

// `Default` is no constant.
const NOTHING: CK_FUNCTION_LIST =
    // SAFETY: every field is a number or an optional function, for which zero means none.
    unsafe { std::mem::zeroed() };

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(out: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    unsafe { *out = &raw const FUNCTIONS as *mut CK_FUNCTION_LIST };
    CKR_OK
}

unsafe extern "C" fn initialize(_: *mut c_void) -> CK_RV {
    CKR_OK
}

unsafe extern "C" fn slots(_: CK_BBOOL, list: *mut CK_SLOT_ID, count: *mut CK_ULONG) -> CK_RV {
    unsafe {
        if !list.is_null() {
            *list = 0;
        }
        *count = 1;
    }
    CKR_OK
}

unsafe extern "C" fn token(_: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) -> CK_RV {
    let mut label = [b' '; 32];
    label[..4].copy_from_slice(b"gost");
    let mut serial = [b' '; 16];
    serial[..2].copy_from_slice(b"42");
    let flags = CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED;
    let (manufacturerID, model) = ([b' '; 32], [b' '; 16]);
    let known = CK_TOKEN_INFO { label, manufacturerID, model, ..CK_TOKEN_INFO::default() };
    unsafe { *info = CK_TOKEN_INFO { serialNumber: serial, flags, ..known } };
    CKR_OK
}

unsafe extern "C" fn open(
    _: CK_SLOT_ID,
    _: CK_FLAGS,
    _: *mut c_void,
    _: CK_NOTIFY,
    session: *mut CK_SESSION_HANDLE,
) -> CK_RV {
    unsafe { *session = SESSION };
    CKR_OK
}

unsafe extern "C" fn close(_: CK_SESSION_HANDLE) -> CK_RV {
    CKR_OK
}

unsafe extern "C" fn login(
    _: CK_SESSION_HANDLE,
    _: CK_USER_TYPE,
    pin: *mut CK_UTF8CHAR,
    length: CK_ULONG,
) -> CK_RV {
    let pin = unsafe { std::slice::from_raw_parts(pin, length as usize) };
    let pin = Pin::new(String::from_utf8_lossy(pin).into_owned());
    let file = std::fs::read(std::env::var("GOST_MODULE_P12").unwrap()).unwrap();
    let Ok(file) = Pkcs12::read(&file, &pin) else { return CKR_PIN_INCORRECT };
    let certificate = file.certificates()[0].clone();
    let pkcs8 = file.key(&KeyChoice::Only).unwrap().gost_pkcs8().unwrap();
    let secret = &pkcs8[pkcs8.len() - GostCurve::Tc26A512.octets()..];
    *CARD.lock().unwrap() = Some(Card {
        key: GostPrivateKey::from_little_endian(GostCurve::Tc26A512, secret).unwrap(),
        certificate: certificate.der().to_vec(),
        subject: certificate.subject().der().to_vec(),
        mechanism: 0,
        found: Vec::new(),
    });
    CKR_OK
}

unsafe extern "C" fn find(
    _: CK_SESSION_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    let template = unsafe { std::slice::from_raw_parts(template, count as usize) };
    let class = template.iter().find(|one| one.type_ == CKA_CLASS).unwrap();
    let class = unsafe { *class.pValue.cast::<CK_OBJECT_CLASS>() };
    if let Some(card) = CARD.lock().unwrap().as_mut() {
        card.found = match class {
            CKO_CERTIFICATE => vec![CERTIFICATE],
            CKO_PRIVATE_KEY => vec![PRIVATE_KEY],
            _ => Vec::new(),
        };
    }
    CKR_OK
}

unsafe extern "C" fn next(
    _: CK_SESSION_HANDLE,
    out: *mut CK_OBJECT_HANDLE,
    _: CK_ULONG,
    count: *mut CK_ULONG,
) -> CK_RV {
    let found = CARD.lock().unwrap().as_mut().and_then(|card| card.found.pop());
    unsafe {
        *count = found.is_some().into();
        if let Some(found) = found {
            *out = found;
        }
    }
    CKR_OK
}

unsafe extern "C" fn attributes(
    _: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    let template = unsafe { std::slice::from_raw_parts_mut(template, count as usize) };
    let card = CARD.lock().unwrap();
    let card = card.as_ref().unwrap();
    let certificate = object == CERTIFICATE;
    let class = if certificate { CKO_CERTIFICATE } else { CKO_PRIVATE_KEY };
    let mut answer = CKR_OK;
    for wanted in template {
        let value: Option<Vec<u8>> = match wanted.type_ {
            CKA_CLASS => Some(class.to_ne_bytes().to_vec()),
            CKA_ID => Some(ID.to_vec()),
            CKA_LABEL => Some(b"gost".to_vec()),
            CKA_VALUE if certificate => Some(card.certificate.clone()),
            CKA_SUBJECT => Some(card.subject.clone()),
            // A vendor's own type of key.
            CKA_KEY_TYPE if !certificate => Some(0x8000_0512_u64.to_ne_bytes().to_vec()),
            CKA_SIGN if !certificate => Some(vec![1]),
            _ => None,
        };
        let Some(value) = value else {
            wanted.ulValueLen = CK_UNAVAILABLE_INFORMATION;
            answer = CKR_ATTRIBUTE_TYPE_INVALID;
            continue;
        };
        if !wanted.pValue.is_null() {
            assert!(wanted.ulValueLen as usize >= value.len());
            unsafe { wanted.pValue.cast::<u8>().copy_from(value.as_ptr(), value.len()) };
        }
        wanted.ulValueLen = value.len() as CK_ULONG;
    }
    answer
}

unsafe extern "C" fn prepare(
    _: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    _: CK_OBJECT_HANDLE,
) -> CK_RV {
    let number = unsafe { (*mechanism).mechanism };
    if number != 0x1201 && !(0x8000_0001..=0x8000_0004).contains(&number) {
        return CKR_MECHANISM_INVALID;
    }
    CARD.lock().unwrap().as_mut().unwrap().mechanism = number;
    CKR_OK
}

unsafe extern "C" fn sign(
    _: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    length: CK_ULONG,
    out: *mut CK_BYTE,
    size: *mut CK_ULONG,
) -> CK_RV {
    unsafe { *size = 128 };
    if out.is_null() {
        return CKR_OK;
    }
    let mut data = unsafe { std::slice::from_raw_parts(data, length as usize) }.to_vec();
    let card = CARD.lock().unwrap();
    let card = card.as_ref().unwrap();
    match card.mechanism {
        0x8000_0001 => data.reverse(),
        0x8000_0002 => data = digest(DigestAlgorithm::Streebog512, &data),
        _ => {}
    }
    let Some(mut value) = card.key.sign(&data, &SystemRandom) else { return CKR_DATA_LEN_RANGE };
    match card.mechanism {
        0x1201 => value.reverse(),
        0x8000_0001 => {
            value.reverse();
            value.rotate_left(64);
        }
        0x8000_0002 => value.rotate_left(64),
        0x8000_0004 => value[0] ^= 1,
        _ => {}
    }
    unsafe { out.copy_from(value.as_ptr(), value.len()) };
    CKR_OK
}
