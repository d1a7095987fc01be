// Their members: key generation, signing and aggregation are @noble/curves'. What that library leaves to its caller is
// written here from Hardfrost's derivations, independently of the Rust code: the sealing of shares, BIP-32 children, the
// taproot tweak.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { schnorr, schnorr_FROST as frost, secp256k1 } from '@noble/curves/secp256k1.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { bytesToHex as hex, concatBytes, hexToBytes as unhex } from '@noble/hashes/utils.js';

const Point = secp256k1.Point;
const Fn = Point.Fn;
const text = (string) => new TextEncoder().encode(string);
const number = (value, bytes) => unhex(value.toString(16).padStart(2 * bytes, '0'));
const isOdd = (point) => point[0] === 3;

// The members of a group are numbered from 1; their identifiers are those numbers as scalars.
export const identifier = (member) => frost.Identifier.fromNumber(member);
const memberBytes = (id) => unhex(id.slice(-4));

// A repeatable source of bytes.
export function stream(seed) {
  let block = 0;
  return (length) => {
    const parts = [];
    for (let have = 0; have < length; have += 32) parts.push(sha256(text(`${seed}/${block++}`)));
    return concatBytes(...parts).subarray(0, length);
  };
}

// `s ↦ ±s + b`, applied to a whole key of theirs.
function moved(key, negate, add) {
  const point = (bytes) => {
    let p = Point.fromBytes(bytes);
    if (negate) p = p.negate();
    return (add === 0n ? p : p.add(Point.BASE.multiply(add))).toBytes();
  };
  const share = Fn.fromBytes(key.secret.signingShare);
  const [first, ...rest] = key.public.commitments;
  // The tweak moves the polynomial's constant term only.
  const sign = (bytes) => (negate ? Point.fromBytes(bytes).negate().toBytes() : bytes);
  const shares = Object.entries(key.public.verifyingShares);
  return {
    public: {
      signers: key.public.signers,
      commitments: [point(first), ...rest.map(sign)],
      verifyingShares: Object.fromEntries(shares.map(([id, bytes]) => [id, point(bytes)])),
    },
    secret: {
      identifier: key.secret.identifier,
      signingShare: Fn.toBytes(Fn.add(negate ? Fn.neg(share) : share, add)),
    },
  };
}

export const even = (key) => moved(key, isOdd(key.public.commitments[0]), 0n);

// A key under a key spec { path, taproot, root }.
export function derived(key, { path = [], taproot = 0, root = '' }) {
  let at = even(key);
  const group = at.public.commitments[0];
  const domain = text('hardfrost/bip32-chain-code/v1');
  let chain = sha256(concatBytes(number(domain.length, 4), domain, group));
  for (const index of path) {
    const data = concatBytes(at.public.commitments[0], number(index, 4));
    const out = hmac(sha512, chain, data);
    at = moved(at, false, Fn.fromBytes(out.subarray(0, 32)));
    chain = out.subarray(32);
  }
  at = even(at);
  if (taproot === 0) return at;
  const x = at.public.commitments[0].subarray(1);
  const tweak = schnorr.utils.taggedHash('TapTweak', x, taproot === 2 ? unhex(root) : text(''));
  return even(moved(at, false, Fn.fromBytes(tweak)));
}

// The one encoding of a key spec.
export function encodedSpec({ path = [], taproot = 0, root = '' }) {
  const steps = path.map((index) => index.toString(16).padStart(8, '0')).join('');
  return `0${path.length}${steps}0${taproot}${root}`;
}

// One of their members in a key generation, with the ephemeral key and the sealing that Hardfrost wraps around it.
export class Dealer {
  constructor(id, signers, ceremony, seed) {
    this.id = id;
    this.ceremony = ceremony;
    this.rng = stream(seed);
    this.dealt = frost.DKG.round1(id, signers, undefined, this.rng);
    this.ephemeral = this.rng(32);
    const key = secp256k1.getPublicKey(this.ephemeral, true);
    const body = concatBytes(ceremony, memberBytes(id), key);
    const message = schnorr.utils.taggedHash('hardfrost/dkg-ephemeral', body);
    this.shown = {
      commitment: this.dealt.public.commitment.map(hex),
      proof_of_knowledge: hex(this.dealt.public.proofOfKnowledge),
      ephemeral: hex(key),
      possession: hex(schnorr.sign(message, this.ephemeral, this.rng(32))),
    };
  }

  // The key and the associated data of one direction.
  direction(sender, recipient, other) {
    const point = secp256k1.getSharedSecret(this.ephemeral, unhex(other.ephemeral), true);
    const info = concatBytes(
      this.ceremony, memberBytes(sender), memberBytes(recipient), this.transcript,
    );
    return { info, key: hkdf(sha256, point.subarray(1), undefined, info, 32) };
  }

  // `meant` may replace the share for one recipient: a test's fault.
  seal(transcript, others, meant = {}) {
    this.transcript = transcript;
    this.others = others;
    this.packages = Object.entries(others).map(([id, shown]) => ({
      identifier: id,
      commitment: shown.commitment.map(unhex),
      proofOfKnowledge: unhex(shown.proof_of_knowledge),
    }));
    const shares = frost.DKG.round2(this.dealt.secret, this.packages);
    const sealed = Object.keys(others).map((to) => {
      const { key, info } = this.direction(this.id, to, others[to]);
      const options = { authTagLength: 16 };
      const cipher = createCipheriv('chacha20-poly1305', key, new Uint8Array(12), options);
      cipher.setAAD(info, { plaintextLength: 32 });
      const share = cipher.update(meant[to] ?? shares[to].signingShare);
      cipher.final();
      return [to, hex(concatBytes(share, cipher.getAuthTag()))];
    });
    return Object.fromEntries(sealed);
  }

  open(sealed) {
    const shares = Object.entries(sealed).map(([from, text]) => {
      const { key, info } = this.direction(from, this.id, this.others[from]);
      const bytes = unhex(text);
      const options = { authTagLength: 16 };
      const cipher = createDecipheriv('chacha20-poly1305', key, new Uint8Array(12), options);
      cipher.setAAD(info, { plaintextLength: 32 });
      cipher.setAuthTag(bytes.subarray(32));
      const share = cipher.update(bytes.subarray(0, 32));
      cipher.final();
      return { identifier: from, signingShare: Uint8Array.from(share) };
    });
    return even(frost.DKG.round3(this.dealt.secret, this.packages, shares));
  }
}

// One of their members with its key; it speaks as our members do.
export class Signer {
  constructor(key, seed) {
    this.key = key;
    this.identifier = key.secret.identifier;
    this.rng = stream(seed);
  }

  commit() {
    const { nonces, commitments } = frost.commit(this.key.secret, this.rng);
    this.nonces = nonces;
    return { hiding: hex(commitments.hiding), binding: hex(commitments.binding) };
  }

  sign(session) {
    const key = derived(this.key, session.spec);
    const made = frost.signShare(
      key.secret, key.public, this.nonces, commitmentList(session), session.message,
    );
    return hex(made);
  }
}

function commitmentList({ commitments }) {
  const of = ([id, pair]) => ({
    identifier: id,
    hiding: unhex(pair.hiding),
    binding: unhex(pair.binding),
  });
  return Object.entries(commitments).map(of);
}

// Their coordinator: the signature, or whom they blame.
export function aggregated(key, session, shares) {
  const pub = derived(key, session.spec).public;
  const bytes = Object.entries(shares).map(([id, share]) => [id, unhex(share)]);
  try {
    const list = commitmentList(session);
    const signature = frost.aggregate(pub, list, session.message, Object.fromEntries(bytes));
    return { signature: hex(signature), key: hex(pub.commitments[0].subarray(1)) };
  } catch (error) {
    if (!('cheaters' in error)) throw error;
    return { cheaters: error.cheaters.toSorted() };
  }
}

export const verifies = (signature, message, key) =>
  schnorr.verify(unhex(signature), message, unhex(key)) &&
  frost.verify(unhex(signature), message, unhex(key));

export function shareVerifies(key, session, id, share) {
  const pub = derived(key, session.spec).public;
  return frost.verifyShare(pub, commitmentList(session), session.message, id, unhex(share));
}

// A key that somebody knew whole, even Y, one per member.
export function dealt(signers, seed) {
  const deal = frost.trustedDealer(signers, undefined, undefined, stream(seed));
  return Object.values(deal.secretShares).map((secret) => even({ public: deal.public, secret }));
}
