//! The main job with GOST keys, and GOST beside RSA: a test PKI in GOST 34.10-2015 whose keys lie
//! in PKCS#12 files.

mod everywhere;
mod job;
#[path = "../kit/mod.rs"]
mod kit;
mod mixed;
mod place;
