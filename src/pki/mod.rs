//! The test PKI: its recipe run by the program, and the certification authority's services as
//! doubles that can be told to misbehave. Nothing here is for production use.

mod create;
mod der;
pub mod double;
mod error;
mod key;
mod profile;
mod recipe;
pub mod softhsm;
mod world;

pub use create::{Options, create};
pub use error::PkiError;
pub use recipe::{Algorithm, Recipe};
pub use world::{Addresses, Entry, Kind, Revocation, World};
