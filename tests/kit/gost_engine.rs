//! OpenSSL's GOST engine (Debian package `libengine-gost-openssl`) behind a small program, where
//! both are installed.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

/// The engine's program.
pub struct Engine(PathBuf);

static ENGINE: LazyLock<Option<Engine>> = LazyLock::new(Engine::build);

impl Engine {
    /// The program; `None`, said aloud, where the engine or OpenSSL's headers are missing.
    pub fn find() -> Option<&'static Self> {
        if ENGINE.is_none() {
            // Not the macro, whose words a passing test keeps to itself.
            let missing =
                "skipped: no GOST engine for OpenSSL (libengine-gost-openssl, libssl-dev)";
            let _ = writeln!(std::io::stderr(), "{missing}");
        }
        ENGINE.as_ref()
    }

    fn build() -> Option<Self> {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        // Another process may be building or running it.
        let fresh = folder.join(format!("gost_engine-{}", std::process::id()));
        let program = folder.join("gost_engine");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kit/gost_engine.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-O2", "-o"]).arg(&fresh).args([source, "-lcrypto"]);
        let status = compiler.stderr(Stdio::null()).status().ok()?;
        if !status.success() {
            return None;
        }
        std::fs::rename(&fresh, &program).ok()?;
        let engine = Self(program);
        engine.run(&["hash", "md_gost12_256"], "00\n").is_some().then_some(engine)
    }

    /// What the program answers.
    pub fn run(&self, arguments: &[&str], input: &str) -> Option<String> {
        let mut child = Command::new(&self.0)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut stdin = child.stdin.take()?;
        let input = input.to_owned();
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().ok()?;
        let _ = writer.join();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The processor time of a `speed-…` command.
    #[allow(dead_code)]
    pub fn speed(&self, arguments: &[&str]) -> Duration {
        let answer = self.run(arguments, "").unwrap_or_default();
        Duration::from_nanos(answer.trim().parse().unwrap_or(0))
    }
}
