//! Qoltanba: an open signature and licence-document service for Kazakhstan's e-licensing.
//!
//! The modules stand in floors: each knows only those above it in this list.
//! `ARCHITECTURE.md` shows the two walks of the data through them.
#![deny(missing_docs)]
#![deny(unsafe_code)]

pub mod limits;
pub mod text;

pub mod reason;

pub mod identity;

pub mod crypto;

pub mod x509;

pub mod token;

pub mod signature;

pub mod cms;
pub mod pdf;
pub mod xml;

pub mod timestamp;

pub mod validation;

pub mod preserve;

pub mod licensing;

pub mod store;

pub mod gateway;
pub mod pki;

pub mod config;
pub mod problem;

pub mod service;

#[cfg(test)]
mod testing;
