//! Attacks on signed PDFs: the published ones, and our own generator's against our own licences.
//! Nothing changed after signing may pass; what was prepared before is told with its place.

mod certified;
mod damage;
mod forge;
mod incremental;
mod later;
mod memory;
mod published;
mod setting;
mod shadow;
mod structure;
