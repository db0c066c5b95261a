//! A person's machine: an HTTP client with a session, and the key that signs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qoltanba::problem::{Kind, Problem};
use qoltanba::token::{Signer, sign_checked};
use serde_json::{Value, json};

/// One person at a machine.
pub struct Client {
    agent: ureq::Agent,
    base: String,
    session: Option<String>,
    signer: Option<Box<dyn Signer>>,
}

/// What the service answered.
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The body as JSON; `null` if it is none.
    pub json: Value,
    /// The body.
    pub octets: Vec<u8>,
}

impl Client {
    /// Somebody without a key.
    pub fn new(base: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(std::time::Duration::from_secs(60)))
            .build();
        Self { agent: agent.into(), base: base.to_owned(), session: None, signer: None }
    }

    /// Somebody with a key, logged in by signed challenge.
    pub fn log_in(base: &str, signer: Box<dyn Signer>) -> Result<Self, Problem> {
        let mut client = Self::new(base);
        let certificate = STANDARD.encode(signer.certificate().der());
        let challenge = client
            .post("/api/v1/login/challenge", &json!({ "certificate": certificate }))?
            .answered(201)?;
        let signature = sign(&*signer, text(&challenge, "toBeSigned")?)?;
        let answer = json!({ "challenge": challenge["id"], "signature": signature });
        let opened = client.post("/api/v1/login", &answer)?.answered(200)?;
        client.session = Some(text(&opened, "session")?.to_owned());
        client.signer = Some(signer);
        Ok(client)
    }

    /// The certificate of the key, base64.
    pub fn certificate(&self) -> String {
        let der = self.signer.as_ref().map(|signer| signer.certificate().der());
        STANDARD.encode(der.unwrap_or_default())
    }

    /// Signs base64 octets with the key; the value is base64.
    pub fn sign(&self, to_be_signed: &str) -> Result<String, Problem> {
        let signer = self.signer.as_deref().ok_or_else(|| Problem::internal("nobody's key"))?;
        sign(signer, to_be_signed)
    }

    pub fn get(&self, path: &str) -> Result<Reply, Problem> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(session) = &self.session {
            request = request.header("authorization", format!("Bearer {session}"));
        }
        read(request.call())
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<Reply, Problem> {
        self.send(
            self.agent.post(format!("{}{path}", self.base)),
            "application/json",
            body.to_string().as_bytes(),
        )
    }

    pub fn put(&self, path: &str, body: &Value) -> Result<Reply, Problem> {
        self.send(
            self.agent.put(format!("{}{path}", self.base)),
            "application/json",
            body.to_string().as_bytes(),
        )
    }

    pub fn upload(&self, path: &str, media_type: &str, octets: &[u8]) -> Result<Reply, Problem> {
        self.send(self.agent.put(format!("{}{path}", self.base)), media_type, octets)
    }

    pub fn post_octets(&self, path: &str, octets: &[u8]) -> Result<Reply, Problem> {
        self.send(
            self.agent.post(format!("{}{path}", self.base)),
            "application/octet-stream",
            octets,
        )
    }

    fn send(
        &self,
        mut request: ureq::RequestBuilder<ureq::typestate::WithBody>,
        media_type: &str,
        octets: &[u8],
    ) -> Result<Reply, Problem> {
        if let Some(session) = &self.session {
            request = request.header("authorization", format!("Bearer {session}"));
        }
        read(request.header("content-type", media_type).send(octets))
    }
}

impl Reply {
    /// The JSON of an answer with this status.
    pub fn answered(self, status: u16) -> Result<Value, Problem> {
        if self.status == status {
            return Ok(self.json);
        }
        let detail =
            format!("the service answered {} instead of {status}: {}", self.status, self.json);
        Err(Problem::new(Kind::Internal, "unexpected-answer", detail))
    }
}

/// A text of a JSON object.
pub fn text<'a>(json: &'a Value, key: &str) -> Result<&'a str, Problem> {
    json[key].as_str().ok_or_else(|| Problem::internal(format!("no {key} in {json}")))
}

fn sign(signer: &dyn Signer, to_be_signed: &str) -> Result<String, Problem> {
    let octets = STANDARD.decode(to_be_signed).map_err(Problem::internal)?;
    Ok(STANDARD.encode(sign_checked(signer, &octets)?))
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Reply, Problem> {
    let failed =
        |error: ureq::Error| Problem::new(Kind::TryLater, "service-unreachable", error.to_string());
    let mut answer = answer.map_err(failed)?;
    let status = answer.status().as_u16();
    let limit = qoltanba::limits::DOCUMENT_BYTES as u64;
    let octets = answer.body_mut().with_config().limit(limit).read_to_vec().map_err(failed)?;
    let json = serde_json::from_slice(&octets).unwrap_or(Value::Null);
    Ok(Reply { status, json, octets })
}
