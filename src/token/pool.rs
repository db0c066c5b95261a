//! A logged-in token with its bounded pool of sessions, shared by threads.
//!
//! Login belongs to the process and ends with its last session, so sessions once opened stay in
//! the pool for the token's life; the first one keeps the login. When the module says that
//! sessions or handles are void (token taken out, driver restarted), the pool is emptied, the
//! token is found again by its serial number and the work is done once more, once.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;

use super::error::Fault;
use super::module::lock;
use super::{GostMechanism, Module, Pin, PinState, SignError, TokenChoice, TokenInfo, TriesLeft};
use crate::crypto::GostCurve;
use crate::limits;

/// A token, logged in if a PIN was given.
///
/// The PIN is kept (wiped on drop) for the one case of a token that was taken out and put back;
/// it is forgotten at the first sign that it is wrong, and never tried twice.
pub struct Token {
    module: Arc<Module>,
    info: TokenInfo,
    wait: Duration,
    gost: [Option<GostMechanism>; 3],
    pool: Mutex<Pool>,
    freed: Condvar,
}

/// Bounds of a token's pool.
#[derive(Clone, Copy, Debug)]
pub struct TokenOptions {
    /// Sessions held open at most.
    pub sessions: usize,
    /// How long a caller waits for a free one.
    pub wait: Duration,
    /// How the module signs with GOST keys, in any order; for others as the standard says.
    pub gost: [Option<GostMechanism>; 3],
}

/// One session on loan; it goes back when dropped.
struct Lent<'a> {
    token: &'a Token,
    session: Option<Session>,
    generation: u64,
}

struct Pool {
    /// Counts connections; objects' handles and sessions are void when it has moved on.
    generation: u64,
    slot: u64,
    capacity: usize,
    idle: Vec<Session>,
    lent: usize,
    pin: Option<Pin>,
    /// Set for good after a PIN error.
    refused: Option<SignError>,
}

impl Default for TokenOptions {
    fn default() -> Self {
        Self {
            sessions: limits::TOKEN_SESSIONS,
            wait: Duration::from_millis(limits::TOKEN_WAIT_MILLISECONDS),
            gost: [None; 3],
        }
    }
}

impl Token {
    /// Opens a token and logs in. Without a PIN only what the token shows to everyone can be
    /// used, unless the PIN is entered at the device itself.
    ///
    /// # Errors
    /// [`SignError::TokenGone`] if no token fits, [`SignError::PinIncorrect`],
    /// [`SignError::PinLocked`]; a wrong PIN is never tried again.
    pub fn open(
        module: &Arc<Module>,
        choice: &TokenChoice,
        pin: Option<&Pin>,
    ) -> Result<Arc<Self>, SignError> {
        Self::open_with(module, choice, pin, TokenOptions::default())
    }

    /// As [`Token::open`], with other bounds of the pool. A token that is already open in this
    /// process keeps its own.
    ///
    /// # Errors
    /// As [`Token::open`].
    pub fn open_with(
        module: &Arc<Module>,
        choice: &TokenChoice,
        pin: Option<&Pin>,
        options: TokenOptions,
    ) -> Result<Arc<Self>, SignError> {
        let info = choice.among(module.tokens()?).map_err(SignError::TokenGone)?;
        let mut open = module.open_tokens();
        let shared = open.get(&info.serial).and_then(Weak::upgrade);
        if let Some(answer) = shared.and_then(|token| token.admit(pin)) {
            return answer;
        }
        let bound = info.sessions.and_then(|count| usize::try_from(count).ok());
        let pool = Pool {
            generation: 0,
            slot: info.slot,
            capacity: options.sessions.min(bound.unwrap_or(usize::MAX)).max(1),
            idle: Vec::new(),
            lent: 0,
            pin: pin.cloned(),
            refused: None,
        };
        let token = Arc::new(Self {
            module: Arc::clone(module),
            wait: options.wait,
            gost: options.gost,
            pool: Mutex::new(pool),
            freed: Condvar::new(),
            info,
        });
        drop(token.borrow().map_err(Fault::into_inner)?);
        open.insert(token.info.serial.clone(), Arc::downgrade(&token));
        Ok(token)
    }

    /// The token as its slot showed it when it was opened.
    pub fn info(&self) -> &TokenInfo {
        &self.info
    }

    /// How this token signs with GOST keys of this curve.
    pub(super) fn gost(&self, curve: GostCurve) -> Option<GostMechanism> {
        let set = self.gost.iter().flatten().find(|mechanism| mechanism.key == curve);
        set.copied().or_else(|| GostMechanism::standard(curve))
    }

    /// Whether keys can be used: a PIN was given, or is entered at the device.
    pub fn is_logged_in(&self) -> bool {
        let pool = lock(&self.pool);
        pool.refused.is_none() && (pool.pin.is_some() || self.info.pin_pad)
    }

    /// Does `work` on a session; once more on a new connection if the first one turns out void.
    /// `work` gets the connection's number, by which it knows whether its handles still hold.
    pub(super) fn run<T>(
        &self,
        work: impl Fn(&Session, u64) -> Result<T, Fault>,
    ) -> Result<T, SignError> {
        for last in [false, true] {
            match self.run_once(&work) {
                Err((generation, Fault::Lost(error))) => {
                    self.reset(generation);
                    if last {
                        return Err(error);
                    }
                }
                Err((_, Fault::Final(error))) => return Err(error),
                Ok(value) => return Ok(value),
            }
        }
        Err(SignError::TokenGone(self.info.label.clone()))
    }

    /// Does `work` once on a session that may write: a key half made is not made twice.
    pub(super) fn run_writing<T>(
        &self,
        work: impl Fn(&Session) -> Result<T, Fault>,
    ) -> Result<T, SignError> {
        let done = self.run_once(&|_, _| {
            let slot = Slot::try_from(lock(&self.pool).slot)?;
            // Beside the borrowed session, which holds the login.
            work(&self.module.pkcs11().open_rw_session(slot)?)
        });
        done.map_err(|(generation, fault)| {
            if matches!(fault, Fault::Lost(_)) {
                self.reset(generation);
            }
            fault.into_inner()
        })
    }

    fn run_once<T>(
        &self,
        work: &impl Fn(&Session, u64) -> Result<T, Fault>,
    ) -> Result<T, (u64, Fault)> {
        let lent = self.borrow().map_err(|fault| (lock(&self.pool).generation, fault))?;
        let generation = lent.generation;
        let session = lent.session.as_ref().ok_or((generation, Fault::Final(SignError::Busy)))?;
        work(session, generation).map_err(|fault| (generation, fault))
    }

    fn borrow(&self) -> Result<Lent<'_>, Fault> {
        let deadline = Instant::now() + self.wait;
        let mut pool = lock(&self.pool);
        loop {
            if let Some(error) = &pool.refused {
                return Err(error.clone().into());
            }
            let session = match pool.idle.pop() {
                Some(session) => Some(session),
                None if pool.lent == 0 => Some(self.connect(&mut pool)?),
                None if pool.lent < pool.capacity => self.another(&mut pool)?,
                None => None,
            };
            if session.is_some() {
                pool.lent += 1;
                return Ok(Lent { token: self, session, generation: pool.generation });
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(SignError::Busy.into());
            }
            let woken = self.freed.wait_timeout(pool, left);
            pool = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The first session of a connection: finds the token, opens and logs in.
    fn connect(&self, pool: &mut Pool) -> Result<Session, Fault> {
        let tokens = self.module.tokens().map_err(SignError::from)?;
        let token = TokenChoice::Serial(self.info.serial.clone())
            .among(tokens)
            .map_err(SignError::TokenGone)?;
        let slot = Slot::try_from(token.slot)?;
        let session = self.module.pkcs11().open_ro_session(slot)?;
        pool.slot = token.slot;
        if pool.pin.is_some() || token.pin_pad {
            let pin = pool.pin.as_ref().map(Pin::auth);
            match session.login(UserType::User, pin.as_ref()) {
                Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
                Err(error) => return Err(self.refused(error.into(), slot, pool)),
            }
        }
        Ok(session)
    }

    /// One more session of a connection, if the token still gives one.
    fn another(&self, pool: &mut Pool) -> Result<Option<Session>, Fault> {
        match self.module.pkcs11().open_ro_session(Slot::try_from(pool.slot)?) {
            Ok(session) => Ok(Some(session)),
            Err(Error::Pkcs11(RvError::SessionCount, _)) => {
                pool.capacity = pool.lent;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A failed login: adds how many tries are left, and forgets a PIN that is wrong.
    fn refused(&self, fault: Fault, slot: Slot, pool: &mut Pool) -> Fault {
        let error = match fault {
            Fault::Final(SignError::PinIncorrect { .. }) => {
                let state = self.module.tokens().ok().and_then(|tokens| {
                    tokens.into_iter().find(|token| token.slot == slot.id()).map(|t| t.pin_state)
                });
                match state {
                    Some(PinState::Locked) => SignError::PinLocked,
                    Some(PinState::OneTry) => {
                        SignError::PinIncorrect { tries_left: Some(TriesLeft::One) }
                    }
                    Some(PinState::FewTries) => {
                        SignError::PinIncorrect { tries_left: Some(TriesLeft::Few) }
                    }
                    _ => SignError::PinIncorrect { tries_left: None },
                }
            }
            Fault::Final(SignError::PinLocked) => SignError::PinLocked,
            other => return other,
        };
        pool.pin = None;
        pool.refused = Some(error.clone());
        error.into()
    }

    /// Empties the pool of a void connection; the next borrower connects anew.
    fn reset(&self, generation: u64) {
        let mut pool = lock(&self.pool);
        if pool.generation == generation {
            pool.generation += 1;
            pool.lent = 0;
            pool.idle.clear();
        }
        drop(pool);
        self.freed.notify_all();
    }

    /// Lets another caller share this open token, if it comes with the same PIN. A different PIN
    /// costs no try: the token is not asked. `None` if this one is not logged in and the caller
    /// could be.
    fn admit(self: Arc<Self>, pin: Option<&Pin>) -> Option<Result<Arc<Self>, SignError>> {
        let pool = lock(&self.pool);
        let same = match (pin, &pool.pin) {
            (None, None) => true,
            (Some(given), Some(known)) => given.same(known),
            (None, Some(_)) => false,
            (Some(_), None) => return None,
        };
        let refused = pool.refused.clone();
        drop(pool);
        Some(match refused {
            Some(error) => Err(error),
            None if same => Ok(self),
            None => Err(SignError::PinIncorrect { tries_left: None }),
        })
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        let mut pool = lock(&self.token.pool);
        if pool.generation == self.generation {
            pool.lent -= 1;
            pool.idle.push(session);
        } else {
            // Its handle is void and may have been given to a new session: do not close that one.
            std::mem::forget(session);
        }
        drop(pool);
        self.token.freed.notify_one();
    }
}
