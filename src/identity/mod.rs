//! Who a certificate names: IIN, BIN, person, organisation, roles, and the rules that match them
//! against a request.

mod holder;
mod number;
mod role;
mod rules;

pub use holder::Holder;
pub use number::{Bin, Iin, NumberError};
pub use role::Role;
pub use rules::{Applicant, match_applicant, match_authority};
