//! Licensing: the catalogue of services, requests, their way through the authority, licences.

mod attachment;
pub mod calendar;
pub mod case;
pub mod catalogue;
pub mod codes;
mod field;
pub mod form;
mod licence;
mod markup;
pub mod print;
mod refusal;
mod request;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
mod wording;
pub mod workflow;

pub use attachment::Attachment;
pub use calendar::almaty;
pub use case::{Case, CaseState};
pub use catalogue::{Catalogue, OfficerRole};
pub use field::{Field, document_fields};
pub use licence::{AnnexTo, Authority, DocumentKind, LICENCE, Licence, Origin, Signatory};
pub use markup::DocumentError;
pub use refusal::{Ground, REFUSAL, Refusal};
pub use request::{PaymentInfo, REQUEST, RequestDocument};
pub use wording::Wording;
