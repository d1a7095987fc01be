// Sessions in which some members are ours and some are @noble/curves'. Usage: node mixed.mjs PEER [SEED]
import { deepStrictEqual } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex as hex, hexToBytes as unhex } from '@noble/hashes/utils.js';
import {
  aggregated, dealt, Dealer, encodedSpec, identifier, shareVerifies, Signer, verifies,
} from './noble.mjs';
import { Peer } from './peer.mjs';

const [program, seed = randomBytes(8).toString('hex')] = process.argv.slice(2);
const SIGNERS = { min: 3, max: 5 };
const OURS = [1, 2].map(identifier);
const THEIRS = [3, 4, 5].map(identifier);
const ROOT = 'ab'.repeat(32);
const SPECS = {
  'the bare key': {},
  'taproot 2': { taproot: 2, root: ROOT },
  'taproot 1': { taproot: 1 },
  'a child under taproot 2': { path: [7, 2147483647, 0], taproot: 2, root: ROOT },
};
const QUORUMS = { 'two ours and one theirs': [1, 2, 3], 'one ours and two theirs': [2, 4, 5] };

let passed = 0;
let failed = 0;
function same(what, actual, expected) {
  try {
    deepStrictEqual(actual, expected);
    passed += 1;
  } catch (error) {
    failed += 1;
    console.error(`FAILED: ${what}\n${error.message}`);
  }
}

const seedOf = (...labels) => hex(sha256(new TextEncoder().encode([seed, ...labels].join('/'))));
const without = (map, key) => Object.fromEntries(Object.entries(map).filter(([k]) => k !== key));
const pick = (map, key) => Object.fromEntries(Object.entries(map).map(([k, v]) => [k, v[key]]));
const collect = async (ids, make) => {
  const made = [];
  for (const id of ids) made.push([id, await make(id)]);
  return Object.fromEntries(made);
};

// Key generation among members of both kinds, as far as every member having sealed.
async function sealed(label, { spoil = () => {}, meant = {} } = {}) {
  const ceremony = seedOf(label, 'ceremony');
  const theirs = await collect(THEIRS, (id) =>
    new Dealer(id, SIGNERS, unhex(ceremony), seedOf(label, id)));
  const ours = await collect(OURS, (id) => new Peer(program, id));
  const shown = await collect(OURS, (id) => ours[id].tell({
    do: 'deal', identifier: id, threshold: SIGNERS.min, count: SIGNERS.max, ceremony,
    seed: seedOf(label, id),
  }));
  for (const id of THEIRS) shown[id] = theirs[id].shown;
  spoil(shown);
  const transcript = seedOf(label, 'transcript');
  const replies = await collect(OURS, (id) =>
    ours[id].tell({ do: 'seal', transcript, others: without(shown, id) }));
  if (Object.values(replies).some((reply) => 'fault' in reply)) return { ours, replies };
  const shares = pick(replies, 'sealed');
  for (const id of THEIRS)
    shares[id] = theirs[id].seal(unhex(transcript), without(shown, id), meant[id]);
  return { ours, theirs, to: (id) => pick(without(shares, id), id) };
}

const open = (round, id) => round.ours[id].tell({ do: 'open', sealed: round.to(id) });

async function generated() {
  const label = 'generated';
  const round = await sealed(label);
  const held = await collect(OURS, (id) => open(round, id));
  const keys = await collect(THEIRS, (id) => round.theirs[id].open(round.to(id)));
  const [first, second] = Object.values(held);
  same('our members hold one group', second, first);
  for (const id of THEIRS) {
    const { commitments, verifyingShares } = keys[id].public;
    same(`the key of ${id}`, hex(commitments[0]), first.key);
    const shares = [1, 2, 3, 4, 5].map((m) => hex(verifyingShares[identifier(m)]));
    same(`the verifying shares of ${id}`, shares, first.verifying_shares);
  }
  const signers = await collect(THEIRS, (id) => new Signer(keys[id], seedOf(label, id, 'sign')));
  return { label, ours: round.ours, theirs: signers, key: keys[THEIRS[0]] };
}

// A key that their dealer knew whole.
async function fromDealer() {
  const label = 'dealt';
  const keys = dealt(SIGNERS, seedOf(label));
  const of = (id) => keys.find((key) => key.secret.identifier === id);
  const shares = Object.values(keys[0].public.verifyingShares).map(hex);
  const ours = await collect(OURS, (id) => new Peer(program, id));
  for (const id of OURS)
    await ours[id].tell({
      do: 'dealt', identifier: id, threshold: SIGNERS.min, seed: seedOf(label, id),
      key: hex(keys[0].public.commitments[0]), verifying_shares: shares,
      signing_share: hex(of(id).secret.signingShare),
    });
  const theirs = await collect(THEIRS, (id) => new Signer(of(id), seedOf(label, id)));
  return { label, ours, theirs, key: keys[0] };
}

// A share that decodes and is wrong; each member errs in another byte, so that errors do not cancel.
function bent(shares, cheaters) {
  const bend = (id) => {
    const bytes = unhex(shares[id]);
    bytes[Number(`0x${id.slice(-2)}`)] ^= 1;
    return [id, hex(bytes)];
  };
  return { ...shares, ...Object.fromEntries(cheaters.map(bend)) };
}

async function signed(group, who, spec, message) {
  const ids = who.map(identifier);
  const kept = (map) => ids.filter((id) => id in map);
  const commitments = {
    ...(await collect(kept(group.ours), (id) => group.ours[id].tell({ do: 'commit' }))),
    ...(await collect(kept(group.theirs), (id) => group.theirs[id].commit())),
  };
  const session = { spec, message: unhex(message), commitments };
  const forUs = { spec: encodedSpec(spec), message, commitments };
  const shares = {
    ...pick(await collect(kept(group.ours), (id) =>
      group.ours[id].tell({ do: 'sign', package: forUs })), 'share'),
    ...(await collect(kept(group.theirs), (id) => group.theirs[id].sign(session))),
  };
  return { ids, session, forUs, shares };
}

async function mixed(name, group, who, spec) {
  const message = seedOf(name, 'message');
  const { ids, session, forUs, shares } = await signed(group, who, spec, message);
  const us = group.ours[ids.find((id) => id in group.ours)];
  for (const id of ids) {
    const claim = { do: 'verify_share', package: forUs, identifier: id, share: shares[id] };
    same(`${name}: our verdict on ${id}`, await us.tell(claim), { verdict: 'valid' });
    const theirs = shareVerifies(group.key, session, id, shares[id]);
    same(`${name}: their verdict on ${id}`, theirs, true);
  }
  const sum = (with_) => us.tell({ do: 'aggregate', package: forUs, shares: with_ });
  const made = await sum(shares);
  same(`${name}: signature and key`, made, aggregated(group.key, session, shares));
  const { signature, key } = made;
  const verdict = await us.tell({ do: 'verify', key, message, signature });
  same(`${name}: libsecp256k1`, verdict, { valid: true });
  same(`${name}: noble`, verifies(signature, unhex(message), key), true);

  for (const cheaters of [[ids[0]], [ids[2]], [ids[0], ids[2]], ids]) {
    const bad = bent(shares, cheaters);
    const blamed = Object.fromEntries(cheaters.map((id) => [id, 'invalid']));
    same(`${name}: our blame of ${cheaters}`, await sum(bad), { bad: blamed });
    same(`${name}: their blame`, aggregated(group.key, session, bad), { cheaters });
  }
  const ragged = without({ ...bent(shares, [ids[2]]), [ids[1]]: 'ff'.repeat(32) }, ids[0]);
  const blamed = { [ids[0]]: 'missing', [ids[1]]: 'undecodable', [ids[2]]: 'invalid' };
  same(`${name}: our blame of all kinds`, await sum(ragged), { bad: blamed });
  const again = await us.ask({ do: 'sign', package: forUs });
  same(`${name}: a second share`, again, { error: 'no nonces: commit first' });
}

// Whoever spoils a mixed key generation is named, whatever library it runs.
async function faults() {
  const third = THEIRS[0];
  const round1 = {
    'proof of knowledge': (shown) => {
      shown[third].proof_of_knowledge = shown[THEIRS[1]].proof_of_knowledge;
    },
    'proof of possession': (shown) => {
      shown[third].possession = shown[THEIRS[1]].possession;
    },
    commitment: (shown) => {
      shown[third].commitment[2] = '00'.repeat(33);
    },
  };
  for (const [name, spoil] of Object.entries(round1)) {
    const { ours, replies } = await sealed(`bad ${name}`, { spoil });
    for (const id of OURS) same(`bad ${name}`, replies[id].culprit, third);
    Object.values(ours).forEach((peer) => peer.leave());
  }
  const shares = { 'off the commitment': '01'.repeat(32), 'no scalar': 'ff'.repeat(32) };
  for (const [name, share] of Object.entries(shares)) {
    const meant = { [third]: { [OURS[0]]: unhex(share) } };
    const round = await sealed(`share ${name}`, { meant });
    const reply = await open(round, OURS[0]);
    same(`a share ${name}`, reply, {
      fault: `member 3's share does not fit its commitment`, culprit: third,
    });
    same(`the other member's share is good`, 'key' in (await open(round, OURS[1])), true);
    Object.values(round.ours).forEach((peer) => peer.leave());
  }
}

console.log(`seed ${seed}`);
await faults();
for (const make of [generated, fromDealer]) {
  const group = await make();
  for (const [quorum, who] of Object.entries(QUORUMS))
    for (const [key, spec] of Object.entries(SPECS))
      await mixed(`${group.label}, ${quorum}, ${key}`, group, who, spec);
  Object.values(group.ours).forEach((peer) => peer.leave());
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
