//! The outside systems, each an adapter with a test double beside it that can misbehave.

mod message;
mod payment;
mod payment_double;
mod signed_payment;
mod soap_double;
#[cfg(test)]
mod tests;

pub use payment::{Confirmation, Invoice, LocalPayments, PaymentError, PaymentState, Payments};
pub use payment_double::{Keys, PaymentDouble, PaymentMisbehaviour};
pub use signed_payment::SignedPayments;
