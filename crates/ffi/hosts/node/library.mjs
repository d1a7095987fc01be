// The library through koffi: `ask(name, request)` gives the reply, or throws what the library says.
import koffi from 'koffi';

export class Refused extends Error {
  constructor(envelope) {
    super(envelope.message);
    Object.assign(this, envelope);
  }
}

export function load(path) {
  const library = koffi.load(path);
  const Buffer_ = koffi.struct('TbtcBuffer', { ptr: 'uint8_t *', len: 'size_t' });
  koffi.struct('TbtcSignerResult', { status_code: 'int32_t', buffer: Buffer_ });
  const free = library.func('void frost_tbtc_free_buffer(uint8_t *ptr, size_t len)');
  const taken = ({ status_code: status, buffer: { ptr, len } }) => {
    const bytes = Uint8Array.from(koffi.decode(ptr, 'uint8_t', Number(len)));
    free(ptr, len);
    return [status, new TextDecoder().decode(bytes)];
  };
  const bare = (name) => taken(library.func(`TbtcSignerResult frost_tbtc_${name}(void)`)());
  const ask = (name, request) => {
    const call = library.func(`TbtcSignerResult frost_tbtc_${name}(const uint8_t *request, size_t len)`);
    const text = new TextEncoder().encode(JSON.stringify(request));
    const [status, reply] = taken(call(text, text.length));
    if (status !== 0) throw new Refused(JSON.parse(reply));
    return JSON.parse(reply);
  };
  return { bare, ask };
}

export function refused(code, act) {
  try {
    act();
  } catch (error) {
    if (error.code === code) return;
    throw error;
  }
  throw new Error(`not refused with ${code}`);
}

const STRANGER = `5120${'09'.repeat(32)}`;

// A transaction that spends from the key, and the first attempt to sign it.
export function asked(ask, session, group, seats) {
  const { taproot_key_spend_sighashes_hex: [message] } = ask('build_taproot_tx', {
    session_id: session,
    inputs: [{ txid_hex: '11'.repeat(32), vout: 0, value_sats: 100000, script_pubkey_hex: `5120${group.slice(2)}` }],
    outputs: [{ script_pubkey_hex: STRANGER, value_sats: 99500 }],
  });
  const about = { session_id: session, message_hex: message, key_group: group, threshold: 2 };
  const { attempt_context: context } = ask('derive_interactive_attempt_context', {
    ...about, attempt_number: 1, included_participants: seats,
  });
  return { message, context, about, attempt: { session_id: session, attempt_id: context.attempt_id } };
}

// One seat's commitments, in an attempt that is opened for it.
export function committed(ask, { about, context, attempt }, seat) {
  ask('interactive_session_open', { ...about, member_identifier: seat, attempt_context: context });
  const round1 = ask('interactive_session_round1', { ...attempt, member_identifier: seat });
  return { identifier: seat, data_hex: round1.commitments_hex };
}
