//! PKCS#11 modules: loaded once in a process, with the tokens they show.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::UserType;
use cryptoki::slot::Slot;
use serde::Serialize;

use super::{Pin, Token, TokenError};

/// `C_Initialize` is per process, so modules are too: one for each library.
static MODULES: Mutex<BTreeMap<PathBuf, Arc<Module>>> = Mutex::new(BTreeMap::new());

/// A loaded and initialised PKCS#11 library.
///
/// Opening the same path twice gives the same module. The library reads its environment
/// (SoftHSM: `SOFTHSM2_CONF`) when it is first opened; what is set later has no effect.
pub struct Module {
    path: PathBuf,
    pkcs11: Pkcs11,
    /// Logged-in tokens by serial number: login counts for the whole process, so a second one
    /// would be granted whatever PIN it came with.
    open: Mutex<BTreeMap<String, Weak<Token>>>,
}

/// A token as its slot shows it, without login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenInfo {
    /// Number of the slot; it may differ in the next process.
    pub slot: u64,
    /// The token's label.
    pub label: String,
    /// Serial number given by the manufacturer.
    pub serial: String,
    /// Manufacturer.
    pub manufacturer: String,
    /// Model.
    pub model: String,
    /// Whether the token holds a label and PINs; others cannot be used.
    pub initialised: bool,
    /// State of the user's PIN.
    pub pin_state: PinState,
    /// Whether the PIN is entered at the device itself (`CKF_PROTECTED_AUTHENTICATION_PATH`).
    pub pin_pad: bool,
    /// How many sessions it allows, where it says so.
    #[serde(skip)]
    pub(super) sessions: Option<u64>,
}

/// State of a user PIN (PKCS#11 token flags).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PinState {
    /// No PIN was set yet.
    Unset,
    /// No wrong PIN was entered since the last right one.
    Good,
    /// At least one wrong PIN was entered.
    FewTries,
    /// The next wrong PIN locks the token.
    OneTry,
    /// Locked.
    Locked,
}

/// Which token is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenChoice {
    /// The token with this label.
    Label(String),
    /// The token with this serial number.
    Serial(String),
    /// The token in this slot.
    Slot(u64),
    /// The only initialised token there is.
    Only,
}

impl Module {
    /// Loads the library at `path`, or gives the module already loaded from it.
    ///
    /// # Errors
    /// [`TokenError::Module`] if it cannot be loaded or initialised.
    pub fn open(path: &Path) -> Result<Arc<Self>, TokenError> {
        let failed =
            |detail: String| TokenError::Module { path: path.display().to_string(), detail };
        let path = path.canonicalize().map_err(|error| failed(error.to_string()))?;
        // Held throughout, so that C_Initialize calls never overlap.
        let mut modules = lock(&MODULES);
        if let Some(module) = modules.get(&path) {
            return Ok(Arc::clone(module));
        }
        let pkcs11 = Pkcs11::new(&path).map_err(|error| failed(error.to_string()))?;
        match pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(failed(error.to_string())),
        }
        let module = Arc::new(Self { path: path.clone(), pkcs11, open: Mutex::default() });
        modules.insert(path, Arc::clone(&module));
        Ok(module)
    }

    /// Whether the library at `path` is loaded in this process.
    pub fn is_open(path: &Path) -> bool {
        path.canonicalize().is_ok_and(|path| lock(&MODULES).contains_key(&path))
    }

    /// The library's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every token present, initialised or not.
    ///
    /// # Errors
    /// [`TokenError`] if the module fails.
    pub fn tokens(&self) -> Result<Vec<TokenInfo>, TokenError> {
        let mut tokens = Vec::new();
        for slot in self.pkcs11.get_slots_with_token()? {
            match self.info(slot) {
                Ok(info) => tokens.push(TokenInfo::new(slot, &info)),
                // Taken out between the two calls.
                Err(Error::Pkcs11(RvError::TokenNotPresent | RvError::DeviceRemoved, _)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(tokens)
    }

    /// Makes a token in the first slot that holds none yet, and sets its PIN.
    ///
    /// # Errors
    /// [`TokenError`] if no slot is free or the module fails.
    pub fn initialise_token(
        &self,
        label: &str,
        so_pin: &Pin,
        user_pin: &Pin,
    ) -> Result<TokenInfo, TokenError> {
        let free = self.tokens()?.into_iter().find(|token| !token.initialised);
        let free = free.ok_or_else(|| TokenError::Failed("no slot is free".to_owned()))?;
        let slot = Slot::try_from(free.slot)?;
        self.pkcs11.init_token(slot, &so_pin.auth(), label)?;
        let session = self.pkcs11.open_rw_session(slot)?;
        session.login(UserType::So, Some(&so_pin.auth()))?;
        session.init_pin(&user_pin.auth())?;
        session.logout()?;
        Ok(TokenInfo::new(slot, &self.info(slot)?))
    }

    /// What a slot shows. Another process that logs in may just be writing the token's file, and
    /// SoftHSM then answers with a general error: it is asked again a few times.
    fn info(&self, slot: Slot) -> Result<cryptoki::slot::TokenInfo, Error> {
        for milliseconds in [5, 20, 80] {
            match self.pkcs11.get_token_info(slot) {
                Err(Error::Pkcs11(RvError::GeneralError, _)) => {
                    std::thread::sleep(std::time::Duration::from_millis(milliseconds));
                }
                answer => return answer,
            }
        }
        self.pkcs11.get_token_info(slot)
    }

    pub(super) fn pkcs11(&self) -> &Pkcs11 {
        &self.pkcs11
    }

    pub(super) fn open_tokens(&self) -> MutexGuard<'_, BTreeMap<String, Weak<Token>>> {
        lock(&self.open)
    }
}

impl TokenInfo {
    fn new(slot: Slot, info: &cryptoki::slot::TokenInfo) -> Self {
        Self {
            slot: slot.id(),
            label: info.label().to_owned(),
            serial: info.serial_number().to_owned(),
            manufacturer: info.manufacturer_id().to_owned(),
            model: info.model().to_owned(),
            initialised: info.token_initialized(),
            pin_state: PinState::new(info),
            pin_pad: info.protected_authentication_path(),
            sessions: match info.max_session_count() {
                cryptoki::slot::Limit::Max(count) => Some(count),
                _ => None,
            },
        }
    }
}

impl PinState {
    fn new(info: &cryptoki::slot::TokenInfo) -> Self {
        if info.user_pin_locked() {
            Self::Locked
        } else if info.user_pin_final_try() {
            Self::OneTry
        } else if info.user_pin_count_low() {
            Self::FewTries
        } else if info.user_pin_initialized() {
            Self::Good
        } else {
            Self::Unset
        }
    }
}

impl TokenChoice {
    fn fits(&self, token: &TokenInfo) -> bool {
        match self {
            Self::Label(label) => token.label == *label,
            Self::Serial(serial) => token.serial == *serial,
            Self::Slot(slot) => token.slot == *slot,
            Self::Only => true,
        }
    }

    /// The one token that fits; what is there is named if none or several do.
    pub(super) fn among(&self, tokens: Vec<TokenInfo>) -> Result<TokenInfo, String> {
        let (mut fitting, other): (Vec<_>, Vec<_>) =
            tokens.into_iter().filter(|token| token.initialised).partition(|t| self.fits(t));
        match (fitting.pop(), fitting.is_empty()) {
            (Some(token), true) => Ok(token),
            (Some(token), false) => {
                Err(format!("several tokens fit, {} among them: choose by serial", token.serial))
            }
            (None, _) => {
                let labels: Vec<_> = other.into_iter().map(|token| token.label).collect();
                Err(format!("no token fits {self:?}; present: [{}]", labels.join(", ")))
            }
        }
    }
}

/// A poisoned lock guards nothing broken here: every change under it is a single step.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
