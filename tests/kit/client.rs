//! A person's machine: an HTTP client, and the token that signs.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qoltanba::token::sign_checked;
use serde_json::{Value, json};

use super::service::Service;
use super::world;

/// One person at a machine.
pub struct Client {
    agent: ureq::Agent,
    base: String,
    /// The holder in the recipe; empty for somebody without a token.
    pub holder: String,
    /// The session's secret.
    pub session: Option<String>,
}

/// What the service answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Media type.
    pub media_type: String,
    /// When to come back, if the answer says so.
    pub retry_after: Option<String>,
    /// The body as JSON; `null` if it is none.
    pub json: Value,
    /// The body.
    pub octets: Vec<u8>,
}

impl Client {
    /// Somebody without a session.
    pub fn new(service: &Service, holder: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Self { agent: agent.into(), base: service.url(), holder: holder.to_owned(), session: None }
    }

    /// A holder who logged in.
    pub fn log_in(service: &Service, holder: &str) -> Self {
        let mut client = Self::new(service, holder);
        let challenge = client.challenge().expect(201);
        let opened = client.answer(&challenge, holder).expect(200);
        client.session = Some(opened["session"].as_str().unwrap().to_owned());
        client
    }

    /// Asks for a challenge for the holder's certificate.
    pub fn challenge(&self) -> Reply {
        self.post("/api/v1/login/challenge", &certificate(&self.holder))
    }

    /// Answers a challenge with the key of this holder.
    pub fn answer(&self, challenge: &Value, signer: &str) -> Reply {
        let signature = sign(signer, challenge["toBeSigned"].as_str().unwrap());
        self.post("/api/v1/login", &json!({ "challenge": challenge["id"], "signature": signature }))
    }

    /// Signs base64 octets with the token; the value is base64.
    pub fn sign(&self, to_be_signed: &str) -> String {
        sign(&self.holder, to_be_signed)
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "", None).expect("an answer")
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, "", None).expect("an answer")
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.json("POST", path, body).expect("an answer")
    }

    pub fn put(&self, path: &str, body: &Value) -> Reply {
        self.json("PUT", path, body).expect("an answer")
    }

    pub fn json(&self, method: &str, path: &str, body: &Value) -> Result<Reply, ureq::Error> {
        self.send(method, path, "application/json", Some(body.to_string().as_bytes()))
    }

    /// One exchange; an error if no answer came.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        media_type: &str,
        body: Option<&[u8]>,
    ) -> Result<Reply, ureq::Error> {
        // Addresses of others, such as the payment gateway's, come whole.
        let url =
            if path.starts_with("http://") { path.to_owned() } else { self.base.clone() + path };
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        if let Some(session) = &self.session {
            request = request.header("authorization", format!("Bearer {session}"));
        }
        if !media_type.is_empty() {
            request = request.header("content-type", media_type);
        }
        let mut answer = match body {
            Some(body) => self.agent.run(request.body(body).unwrap())?,
            None => self.agent.run(request.body(()).unwrap())?,
        };
        let header = |name| {
            let value = answer.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let (media_type, retry_after) = (header("content-type"), header("retry-after"));
        let octets = answer.body_mut().with_config().limit(64 << 20).read_to_vec()?;
        let json = serde_json::from_slice(&octets).unwrap_or(Value::Null);
        let (status, media_type) = (answer.status().as_u16(), media_type.unwrap_or_default());
        Ok(Reply { status, media_type, retry_after, json, octets })
    }
}

impl Reply {
    /// The JSON of an answer with this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        let text = String::from_utf8_lossy(&self.octets);
        assert_eq!(self.status, status, "{}", text.chars().take(2_000).collect::<String>());
        self.json
    }

    /// The problem details of a refusal with this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        let problem = self.clone().expect(status);
        assert_eq!(self.media_type, "application/problem+json");
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        problem
    }
}

/// A holder's certificate, as calls take it.
pub fn certificate(holder: &str) -> Value {
    let certificate = world().certificate(holder).unwrap();
    json!({ "certificate": STANDARD.encode(certificate.der()) })
}

/// Signs base64 octets with a holder's token.
pub fn sign(holder: &str, to_be_signed: &str) -> String {
    let octets = STANDARD.decode(to_be_signed).unwrap();
    STANDARD.encode(sign_checked(&world().signer(holder).unwrap(), &octets).unwrap())
}
