/* The C boundary of Hardfrost. Generated from crates/ffi/src/boundary.rs: change that, then `just header`. */

#ifndef HARDFROST_FFI_H
#define HARDFROST_FFI_H

#include <stddef.h>
#include <stdint.h>

// Bytes that the library owns and the host reads: give them to `frost_tbtc_free_buffer` once.
typedef struct {
  // The first byte; not aligned to anything.
  uint8_t *ptr;
  // How many bytes.
  size_t len;
} TbtcBuffer;

// How a call ended.
typedef struct {
  // 0: the reply is what was asked for; 1: it is an error envelope.
  int32_t status_code;
  // The reply.
  TbtcBuffer buffer;
} TbtcSignerResult;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Wipes and frees a reply. Null, a pointer that is no reply, and a reply that was freed already are left alone, and
// the length is not relied upon; but an address that was freed may since belong to another reply: free once.
void frost_tbtc_free_buffer(uint8_t *ptr,
                            size_t len);

// Which version this is: plain text, no JSON.
TbtcSignerResult frost_tbtc_version(void);

// The version of this interface: `abi_major` changes when a host must be changed.
TbtcSignerResult frost_tbtc_abi_version(void);

// Opens the store, or makes one where nothing of one is. Every other call but the three without a request,
// and `frost_tbtc_new_signing_package`, needs it.
//
// # Safety
// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
TbtcSignerResult frost_tbtc_init_signer_config(const uint8_t *request_ptr,
                                               size_t request_len);

// Key generation, part 1: draws our polynomial. The secret stays inside, behind a handle.
//
// # Safety
// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
TbtcSignerResult frost_tbtc_dkg_part1(const uint8_t *request_ptr,
                                      size_t request_len);

// Key generation, part 2: our shares for the others. THE REPLY HOLDS SECRETS: seal each to its recipient.
//
// # Safety
// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
TbtcSignerResult frost_tbtc_dkg_part2(const uint8_t *request_ptr,
                                      size_t request_len);

// Part 2 with the shares sealed inside, for ceremonies that were named at part 1. The reply holds no secret.
//
// # Safety
// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
TbtcSignerResult frost_tbtc_dkg_part2_sealed(const uint8_t *request_ptr,
                                             size_t request_len);

// Key generation, part 3: our share of the key, behind a handle, and the public key package.
//
// # Safety
// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
TbtcSignerResult frost_tbtc_dkg_part3(const uint8_t *request_ptr,
                                      size_t request_len);

// Makes the share of a handle durable. It signs from then on.
//
// # Safety
// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
TbtcSignerResult frost_tbtc_persist_distributed_dkg_key_package(const uint8_t *request_ptr,
                                                                size_t request_len);

// Builds the transaction that explains a session's message: this is the approval. Without it nothing is opened.
//
// # Safety
// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
TbtcSignerResult frost_tbtc_build_taproot_tx(const uint8_t *request_ptr,
                                             size_t request_len);

// The attempt context that Open accepts, and each member's FROST identifier.
//
// # Safety
// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
TbtcSignerResult frost_tbtc_derive_interactive_attempt_context(const uint8_t *request_ptr,
                                                               size_t request_len);

// Binds an attempt before anything is drawn.
//
// # Safety
// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
TbtcSignerResult frost_tbtc_interactive_session_open(const uint8_t *request_ptr,
                                                     size_t request_len);

// Our commitments for an attempt: the same at every call, until they are spent.
//
// # Safety
// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
TbtcSignerResult frost_tbtc_interactive_session_round1(const uint8_t *request_ptr,
                                                       size_t request_len);

// Our signature share. Its consumption is durable before the share exists; a second one never does.
//
// # Safety
// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
TbtcSignerResult frost_tbtc_interactive_session_round2(const uint8_t *request_ptr,
                                                       size_t request_len);

// Ends live attempts. Their nonces are gone, unspent.
//
// # Safety
// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
TbtcSignerResult frost_tbtc_interactive_session_abort(const uint8_t *request_ptr,
                                                      size_t request_len);

// The signature, verified; or every member whose share is bad.
//
// # Safety
// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
TbtcSignerResult frost_tbtc_interactive_aggregate(const uint8_t *request_ptr,
                                                  size_t request_len);

// Packs commitments and a message. Stateless.
//
// # Safety
// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
TbtcSignerResult frost_tbtc_new_signing_package(const uint8_t *request_ptr,
                                                size_t request_len);

// Whether a share is valid, invalid, or cannot be judged.
//
// # Safety
// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
TbtcSignerResult frost_tbtc_verify_signature_share(const uint8_t *request_ptr,
                                                   size_t request_len);

// The kill switch of a key or of one session. There is no way back.
//
// # Safety
// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
TbtcSignerResult frost_tbtc_trigger_emergency_rekey(const uint8_t *request_ptr,
                                                    size_t request_len);

// Whether an operator is kept out.
//
// # Safety
// `request_ptr` is null, or `request_len` bytes at it can be read, and nobody writes to them until this returns.
TbtcSignerResult frost_tbtc_quarantine_status(const uint8_t *request_ptr,
                                              size_t request_len);

// What was called and how that ended; what is held. Never a secret.
TbtcSignerResult frost_tbtc_hardening_metrics(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* HARDFROST_FFI_H */
