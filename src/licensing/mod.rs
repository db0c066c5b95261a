//! Licensing: the catalogue of services, requests, their way through the authority, licences.

mod attachment;
mod field;
mod licence;
mod markup;
pub mod print;
mod refusal;
mod request;
#[cfg(test)]
mod tests;
mod wording;

pub use attachment::Attachment;
pub use field::Field;
pub use licence::{Authority, DocumentKind, LICENCE, Licence, Origin, Signatory};
pub use markup::DocumentError;
pub use refusal::{Ground, REFUSAL, Refusal};
pub use request::{PaymentInfo, REQUEST, RequestDocument};
pub use wording::Wording;
