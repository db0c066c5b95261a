//! Licensing: the catalogue of services, requests, their way through the authority, licences.

mod attachment;
mod field;
mod licence;
pub mod print;
mod refusal;
mod request;
mod wording;

pub use attachment::Attachment;
pub use field::Field;
pub use licence::{Authority, DocumentKind, Licence, Origin, Signatory};
pub use refusal::{Ground, Refusal};
pub use request::{PaymentInfo, RequestDocument};
pub use wording::Wording;
