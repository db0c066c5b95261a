//! `qoltanba demo`: the main job end to end, over HTTP, with real keys and doubles around it.

mod client;
mod setting;
mod story;
mod tell;

use std::path::PathBuf;
use std::process::ExitCode;

use qoltanba::pki::Algorithm;
use qoltanba::problem::Problem;

use self::setting::Setting;
use super::{Context, serve};

/// Makes a test PKI in SoftHSM (gost: in PKCS#12 files), starts the service and its doubles on loopback, and lets an
/// applicant, five officers and a third party do their work. Running it again is safe.
#[derive(clap::Args)]
pub struct Arguments {
    /// Where everything is kept.
    #[arg(long, value_name = "DIR", default_value = "var/demo")]
    dir: PathBuf,

    /// The kind of every key: rsa, p256 or gost.
    #[arg(long, default_value = "rsa")]
    algorithm: Algorithm,

    /// The service listens here, its doubles at the two ports after it.
    #[arg(long, default_value_t = 8480)]
    port: u16,

    /// Stop when the story is told, instead of leaving the service running.
    #[arg(long)]
    once: bool,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Problem> {
    serve::log();
    let setting = Setting::prepare(&arguments.dir, arguments.algorithm, arguments.port)?;
    let runtime = serve::runtime()?;
    let stop = setting.start(&runtime)?;
    let outcome = story::tell(&setting, context.language);
    if outcome.is_err() || arguments.once {
        stop.send_replace(true);
        runtime.shutdown_timeout(std::time::Duration::from_secs(5));
        outcome?;
        tell::ended(&setting, false);
        return Ok(ExitCode::SUCCESS);
    }
    tell::ended(&setting, true);
    runtime.block_on(serve::stopped());
    stop.send_replace(true);
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    Ok(ExitCode::SUCCESS)
}
