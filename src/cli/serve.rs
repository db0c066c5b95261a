//! `qoltanba serve`

use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::ServiceExt as _;
use qoltanba::config::Config;
use qoltanba::crypto::SystemRandom;
use qoltanba::limits;
use qoltanba::problem::{Kind, Problem};
use qoltanba::service::{App, Reload, router};
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
    let sealing = config.seal.as_ref().is_some_and(|seal| seal.key.p12.is_none());
    if sealing || config.payment.as_ref().and_then(|payment| payment.key.as_ref()).is_some() {
        super::keys::enter(&config)?;
    }
    log();
    let app = app(config)?;
    runtime()?.block_on(async {
        let listener = listen(&app.config.service.listen).await?;
        let address = listener.local_addr().map_err(Problem::internal)?;
        println!("Qoltanba listens at http://{address} ({})", app.config.service.public_url);
        tokio::spawn(reload(Arc::clone(&app)));
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
    axum::serve(listener, router(app).into_make_service())
        .with_graceful_shutdown(stop)
        .await
        .map_err(Problem::internal)
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

/// Loads the trust store anew on SIGHUP, and when its files change.
async fn reload(app: Arc<App>) {
    let mut watch = Reload::new(app.config.clone());
    let mut poll = tokio::time::interval(Duration::from_secs(limits::TRUST_POLL_SECONDS));
    let told = tokio::signal::unix::SignalKind::hangup();
    let Ok(mut told) = tokio::signal::unix::signal(told) else {
        tracing::error!("SIGHUP cannot be heard; the trust store is not reloaded");
        return;
    };
    loop {
        let forced = tokio::select! {
            _ = told.recv() => true,
            _ = poll.tick() => false,
        };
        let app = Arc::clone(&app);
        let looked = tokio::task::spawn_blocking(move || {
            let outcome = watch.look(&app.verifier, forced);
            (watch, outcome)
        });
        let Ok((back, outcome)) = looked.await else { return };
        watch = back;
        match outcome {
            Ok(true) => tracing::warn!("the trust store was loaded anew"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the trust store stays as it was"),
        }
    }
}

/// Logs to standard error; `RUST_LOG` says how much.
pub fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
