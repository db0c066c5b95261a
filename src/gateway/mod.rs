//! The outside systems, each an adapter with a test double beside it that can misbehave.

mod payment;
mod payment_double;

pub use payment::{HttpPayments, Invoice, PaymentError, PaymentState, Payments};
pub use payment_double::{PaymentDouble, PaymentMisbehaviour};
