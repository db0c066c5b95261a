//! `qoltanba serve`

use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;

use qoltanba::config::Config;
use qoltanba::crypto::SystemRandom;
use qoltanba::problem::{Kind, Problem};
use qoltanba::service::{App, router};
use time::OffsetDateTime;
use tokio::net::TcpListener;

use super::Context;

/// Runs until Ctrl-C or SIGTERM; requests under way are finished first.
#[derive(clap::Args)]
pub struct Arguments {
    /// Listen here instead of at the configured address.
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
}

pub fn run(context: &Context, arguments: &Arguments) -> Result<ExitCode, Problem> {
    let mut config = context.load()?;
    if let Some(listen) = &arguments.listen {
        config.service.listen.clone_from(listen);
    }
    log();
    let app = app(config)?;
    runtime()?.block_on(async {
        let listener = listen(&app.config.service.listen).await?;
        let address = listener.local_addr().map_err(Problem::internal)?;
        println!("Qoltanba listens at http://{address} ({})", app.config.service.public_url);
        serve(listener, app, stopped()).await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The service's state over the system's clock and random source.
pub fn app(config: Config) -> Result<Arc<App>, Problem> {
    Ok(Arc::new(App::open(config, OffsetDateTime::now_utc, Arc::new(SystemRandom))?))
}

/// Serves until `stop` is done.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Problem> {
    axum::serve(listener, router(app)).with_graceful_shutdown(stop).await.map_err(Problem::internal)
}

/// Binds an address, or says what stands in the way.
pub async fn listen(address: &str) -> Result<TcpListener, Problem> {
    TcpListener::bind(address).await.map_err(|error| {
        Problem::new(Kind::TryLater, "cannot-listen", format!("{address}: {error}"))
    })
}

/// The runtime for everything asynchronous.
pub fn runtime() -> Result<tokio::runtime::Runtime, Problem> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Problem::internal)
}

/// Done when the program is told to stop.
pub async fn stopped() {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// Logs to standard error; `RUST_LOG` says how much.
pub fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
