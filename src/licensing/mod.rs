//! Licensing: the catalogue of services, requests, their way through the authority, licences.

mod attachment;

pub use attachment::Attachment;
