//! The command line of Qoltanba.
#![deny(unsafe_code)]

mod cli;

use std::process::ExitCode;

/// A verification makes some hundred small things that live for microseconds on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
