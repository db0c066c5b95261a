//! Licensing: the catalogue of services, requests, their way through the authority, licences.

mod attachment;
pub mod calendar;
pub mod case;
pub mod catalogue;
pub mod codes;
pub mod form;
#[cfg(test)]
mod sample;
pub mod workflow;

pub use attachment::Attachment;
