//! What C sees. The only file with `unsafe`: it reads the request that a host points to, and nothing else.
//!
//! Every function may be called from any thread. A request is copied before it is looked at, and not kept. A reply is
//! the host's until it gives it to [`frost_tbtc_free_buffer`]. `docs/c-abi.md` describes every call.

use hardfrost_primitives::REQUEST_BYTES_MAX;
use zeroize::Zeroizing;

use crate::call::Call;
use crate::guard::{guarded, quiet};
use crate::library::{Answer, Library};

/// The one global of the house: the interface that hosts know has no argument to carry it.
static LIBRARY: Library = Library::new();

/// Bytes that the library owns and the host reads: give them to `frost_tbtc_free_buffer` once.
#[repr(C)]
pub struct TbtcBuffer {
    /// The first byte; not aligned to anything.
    pub ptr: *mut u8,
    /// How many bytes.
    pub len: usize,
}

/// How a call ended.
#[repr(C)]
pub struct TbtcSignerResult {
    /// 0: the reply is what was asked for; 1: it is an error envelope.
    pub status_code: i32,
    /// The reply.
    pub buffer: TbtcBuffer,
}

/// A copy of the request. None for a null pointer, or more bytes than are ever read: neither is touched.
///
/// # Safety
/// Where `len` is at most [`REQUEST_BYTES_MAX`] and `ptr` not null, `len` bytes at `ptr` can be read, and nobody writes
/// to them meanwhile.
unsafe fn request(ptr: *const u8, len: usize) -> Option<Zeroizing<Vec<u8>>> {
    if ptr.is_null() || len > REQUEST_BYTES_MAX {
        return None;
    }
    // SAFETY: not null, bytes need no alignment, the length is far below isize::MAX, and the caller promises the rest.
    let bytes = unsafe { std::slice::from_raw_parts(ptr, len) };
    Some(Zeroizing::new(bytes.to_vec()))
}

fn answer(call: Call, request: Option<Zeroizing<Vec<u8>>>) -> TbtcSignerResult {
    let lent = guarded(|| {
        quiet();
        let Answer { ok, reply } =
            LIBRARY.call(call, request.as_ref().map(|bytes| bytes.as_slice()));
        (ok, LIBRARY.buffers.lend(reply))
    });
    // Only for want of memory: then there is no reply, and freeing the null pointer does nothing.
    let (ok, (ptr, len)) = lent.unwrap_or((false, (std::ptr::null_mut(), 0)));
    TbtcSignerResult {
        status_code: i32::from(!ok),
        buffer: TbtcBuffer { ptr, len },
    }
}

/// Wipes and frees a reply. Null, a pointer that is no reply, and a reply that was freed already are left alone, and
/// the length is not relied upon; but an address that was freed may since belong to another reply: free once.
#[no_mangle]
pub extern "C" fn frost_tbtc_free_buffer(ptr: *mut u8, len: usize) {
    let _ = len;
    // There is nobody to tell of a panic.
    let _ = guarded(|| {
        quiet();
        LIBRARY.buffers.take_back(ptr)
    });
}

/// Which version this is: plain text, no JSON.
#[no_mangle]
pub extern "C" fn frost_tbtc_version() -> TbtcSignerResult {
    answer(Call::Version, None)
}

/// The version of this interface: `abi_major` changes when a host must be changed.
#[no_mangle]
pub extern "C" fn frost_tbtc_abi_version() -> TbtcSignerResult {
    answer(Call::AbiVersion, None)
}

/// Opens the store, or makes one where nothing of one is. Every other call but the three without a request,
/// and `frost_tbtc_new_signing_package`, needs it.
///
/// # Safety
/// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
#[no_mangle]
pub unsafe extern "C" fn frost_tbtc_init_signer_config(
    request_ptr: *const u8,
    request_len: usize,
) -> TbtcSignerResult {
    // SAFETY: the caller's promise is the one that is asked for.
    let request = unsafe { request(request_ptr, request_len) };
    answer(Call::InitSignerConfig, request)
}

/// Key generation, part 1: draws our polynomial. The secret stays inside, behind a handle.
///
/// # Safety
/// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
#[no_mangle]
pub unsafe extern "C" fn frost_tbtc_dkg_part1(
    request_ptr: *const u8,
    request_len: usize,
) -> TbtcSignerResult {
    // SAFETY: the caller's promise is the one that is asked for.
    let request = unsafe { request(request_ptr, request_len) };
    answer(Call::DkgPart1, request)
}

/// Key generation, part 2: our shares for the others. THE REPLY HOLDS SECRETS: seal each to its recipient.
///
/// # Safety
/// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
#[no_mangle]
pub unsafe extern "C" fn frost_tbtc_dkg_part2(
    request_ptr: *const u8,
    request_len: usize,
) -> TbtcSignerResult {
    // SAFETY: the caller's promise is the one that is asked for.
    let request = unsafe { request(request_ptr, request_len) };
    answer(Call::DkgPart2, request)
}

/// Part 2 with the shares sealed inside, for ceremonies that were named at part 1. The reply holds no secret.
///
/// # Safety
/// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
#[no_mangle]
pub unsafe extern "C" fn frost_tbtc_dkg_part2_sealed(
    request_ptr: *const u8,
    request_len: usize,
) -> TbtcSignerResult {
    // SAFETY: the caller's promise is the one that is asked for.
    let request = unsafe { request(request_ptr, request_len) };
    answer(Call::DkgPart2Sealed, request)
}

/// Key generation, part 3: our share of the key, behind a handle, and the public key package.
///
/// # Safety
/// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
#[no_mangle]
pub unsafe extern "C" fn frost_tbtc_dkg_part3(
    request_ptr: *const u8,
    request_len: usize,
) -> TbtcSignerResult {
    // SAFETY: the caller's promise is the one that is asked for.
    let request = unsafe { request(request_ptr, request_len) };
    answer(Call::DkgPart3, request)
}

/// Makes the share of a handle durable. It signs from then on.
///
/// # Safety
/// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
#[no_mangle]
pub unsafe extern "C" fn frost_tbtc_persist_distributed_dkg_key_package(
    request_ptr: *const u8,
    request_len: usize,
) -> TbtcSignerResult {
    // SAFETY: the caller's promise is the one that is asked for.
    let request = unsafe { request(request_ptr, request_len) };
    answer(Call::PersistDistributedDkgKeyPackage, request)
}

/// Builds the transaction that explains a session's message: this is the approval. Without it nothing is opened.
///
/// # Safety
/// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
#[no_mangle]
pub unsafe extern "C" fn frost_tbtc_build_taproot_tx(
    request_ptr: *const u8,
    request_len: usize,
) -> TbtcSignerResult {
    // SAFETY: the caller's promise is the one that is asked for.
    let request = unsafe { request(request_ptr, request_len) };
    answer(Call::BuildTaprootTx, request)
}

/// The attempt context that Open accepts, and each member's FROST identifier.
///
/// # Safety
/// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
#[no_mangle]
pub unsafe extern "C" fn frost_tbtc_derive_interactive_attempt_context(
    request_ptr: *const u8,
    request_len: usize,
) -> TbtcSignerResult {
    // SAFETY: the caller's promise is the one that is asked for.
    let request = unsafe { request(request_ptr, request_len) };
    answer(Call::DeriveInteractiveAttemptContext, request)
}

/// Binds an attempt before anything is drawn.
///
/// # Safety
/// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
#[no_mangle]
pub unsafe extern "C" fn frost_tbtc_interactive_session_open(
    request_ptr: *const u8,
    request_len: usize,
) -> TbtcSignerResult {
    // SAFETY: the caller's promise is the one that is asked for.
    let request = unsafe { request(request_ptr, request_len) };
    answer(Call::InteractiveSessionOpen, request)
}

/// Our commitments for an attempt: the same at every call, until they are spent.
///
/// # Safety
/// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
#[no_mangle]
pub unsafe extern "C" fn frost_tbtc_interactive_session_round1(
    request_ptr: *const u8,
    request_len: usize,
) -> TbtcSignerResult {
    // SAFETY: the caller's promise is the one that is asked for.
    let request = unsafe { request(request_ptr, request_len) };
    answer(Call::InteractiveSessionRound1, request)
}

/// Our signature share. Its consumption is durable before the share exists; a second one never does.
///
/// # Safety
/// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
#[no_mangle]
pub unsafe extern "C" fn frost_tbtc_interactive_session_round2(
    request_ptr: *const u8,
    request_len: usize,
) -> TbtcSignerResult {
    // SAFETY: the caller's promise is the one that is asked for.
    let request = unsafe { request(request_ptr, request_len) };
    answer(Call::InteractiveSessionRound2, request)
}

/// Ends live attempts. Their nonces are gone, unspent.
///
/// # Safety
/// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
#[no_mangle]
pub unsafe extern "C" fn frost_tbtc_interactive_session_abort(
    request_ptr: *const u8,
    request_len: usize,
) -> TbtcSignerResult {
    // SAFETY: the caller's promise is the one that is asked for.
    let request = unsafe { request(request_ptr, request_len) };
    answer(Call::InteractiveSessionAbort, request)
}

/// The signature, verified; or every member whose share is bad.
///
/// # Safety
/// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
#[no_mangle]
pub unsafe extern "C" fn frost_tbtc_interactive_aggregate(
    request_ptr: *const u8,
    request_len: usize,
) -> TbtcSignerResult {
    // SAFETY: the caller's promise is the one that is asked for.
    let request = unsafe { request(request_ptr, request_len) };
    answer(Call::InteractiveAggregate, request)
}

/// Packs commitments and a message. Stateless.
///
/// # Safety
/// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
#[no_mangle]
pub unsafe extern "C" fn frost_tbtc_new_signing_package(
    request_ptr: *const u8,
    request_len: usize,
) -> TbtcSignerResult {
    // SAFETY: the caller's promise is the one that is asked for.
    let request = unsafe { request(request_ptr, request_len) };
    answer(Call::NewSigningPackage, request)
}

/// Whether a share is valid, invalid, or cannot be judged.
///
/// # Safety
/// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
#[no_mangle]
pub unsafe extern "C" fn frost_tbtc_verify_signature_share(
    request_ptr: *const u8,
    request_len: usize,
) -> TbtcSignerResult {
    // SAFETY: the caller's promise is the one that is asked for.
    let request = unsafe { request(request_ptr, request_len) };
    answer(Call::VerifySignatureShare, request)
}

/// The kill switch of a key or of one session. There is no way back.
///
/// # Safety
/// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
#[no_mangle]
pub unsafe extern "C" fn frost_tbtc_trigger_emergency_rekey(
    request_ptr: *const u8,
    request_len: usize,
) -> TbtcSignerResult {
    // SAFETY: the caller's promise is the one that is asked for.
    let request = unsafe { request(request_ptr, request_len) };
    answer(Call::TriggerEmergencyRekey, request)
}

/// Whether an operator is kept out.
///
/// # Safety
/// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
#[no_mangle]
pub unsafe extern "C" fn frost_tbtc_quarantine_status(
    request_ptr: *const u8,
    request_len: usize,
) -> TbtcSignerResult {
    // SAFETY: the caller's promise is the one that is asked for.
    let request = unsafe { request(request_ptr, request_len) };
    answer(Call::QuarantineStatus, request)
}

/// What was called and how that ended; what is held. Never a secret.
#[no_mangle]
pub extern "C" fn frost_tbtc_hardening_metrics() -> TbtcSignerResult {
    answer(Call::HardeningMetrics, None)
}
