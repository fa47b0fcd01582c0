#![doc = include_str!("../README.md")]

mod chain;
mod entry;
mod error;
mod export;
mod ids;
pub mod jsonld;
mod keys;
mod ledger;
mod mac;
mod notice;
mod proof;
mod receipt;
mod retention;
mod seal;
#[cfg(unix)]
mod secret_file;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(feature = "vault")]
mod vault;
mod wrapper;

pub use chain::{Head, HeadKey, Misfit, MisfitReason, SignedHead, verify};
pub use entry::{Artefact, Detail, Entry, EntryKind, Use, genesis};
pub use error::{KeyError, LedgerError, Refusal, SealError, StoreError};
pub use export::{ExportError, verify_export};
pub use ids::{
    Code, DataKind, Digest, HoldId, LedgerId, ProviderName, Purpose, ReceiptId, Rule, Subject,
};
pub use keys::{KeyRow, KeyStore, Keys, MemoryKeyStore};
pub use ledger::{
    ConsentLedger, CutOffErasure, Effect, Erasure, ErasureOrder, RecentErasure, Scope, Withdrawal,
    aftermath,
};
pub use notice::{Notice, NoticeItems};
pub use proof::{
    ConsentNeed, ConsentProof, ConsentProofs, GateRules, Ground, LONGEST_PROOF, LedgerGate, Needs,
    NoConsent, NoConsentReason, covering,
};
pub use receipt::{Basis, Party, Receipt, Recipient, Terms};
pub use retention::{
    Circumstances, Class, Erased, ErasureReason, Hold, KeptBy, KeptClass, Term, decide, due,
};
pub use seal::{DataKey, Place, open, seal};
#[cfg(unix)]
pub use secret_file::open_secret_file;
#[cfg(all(feature = "sqlite", unix))]
pub use sqlite::Files;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteKeyStore, SqliteStore};
pub use store::{
    Change, EndReason, Follower, LedgerStore, MemoryStore, ReceiptRow, Reservation, SubjectState,
};
#[cfg(feature = "vault")]
pub use vault::{VaultKeyWrapper, VaultSettings};
#[cfg(unix)]
pub use wrapper::FileKeyWrapper;
pub use wrapper::{KeyWrapper, MemoryKeyWrapper, Wrapped};
