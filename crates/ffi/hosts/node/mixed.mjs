// A group of which two members are the library's and one is @noble/curves': key generation among all three, then one of
// ours and theirs sign together. `node mixed.mjs LIBRARY FOLDER`.
import { strict as assert } from 'node:assert';
import { schnorr, schnorr_FROST as frost, secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex as hex, hexToBytes as unhex } from '@noble/hashes/utils.js';
import { asked, committed, load, refused } from './library.mjs';

const [path, folder] = process.argv.slice(2);
const { ask } = load(path);
const { Point } = secp256k1;
const OURS = [1, 2];
const THEIRS = 3;
const id = (seat) => frost.Identifier.fromNumber(seat);
// The FROST library's header: format version 0, the suite's number.
const HEADER = '00230f8ab3';

const round1Bytes = ({ commitment, proofOfKnowledge }) =>
  `${HEADER}${commitment.length.toString(16).padStart(2, '0')}${commitment.map(hex).join('')}40${hex(proofOfKnowledge)}`;

function readRound1({ identifier, package_hex: text }) {
  const at = 12 + 66 * 2;
  assert.equal(text.slice(0, 12), `${HEADER}02`);
  assert.equal(text.slice(at, at + 2), '40');
  return {
    identifier: JSON.parse(identifier),
    commitment: [text.slice(12, 78), text.slice(78, at)].map(unhex),
    proofOfKnowledge: unhex(text.slice(at + 2)),
  };
}

// Our key has even Y; theirs may not: then all of it is negated.
function even(key) {
  const [group] = key.public.commitments;
  if (group[0] === 2) return key;
  const negated = (bytes) => Point.fromBytes(bytes).negate().toBytes();
  const shares = Object.entries(key.public.verifyingShares);
  const share = Point.Fn.fromBytes(key.secret.signingShare);
  return {
    public: {
      ...key.public,
      commitments: key.public.commitments.map(negated),
      verifyingShares: Object.fromEntries(shares.map(([of, bytes]) => [of, negated(bytes)])),
    },
    secret: { ...key.secret, signingShare: Point.Fn.toBytes(Point.Fn.neg(share)) },
  };
}

function generated() {
  const theirs = frost.DKG.round1(id(THEIRS), { min: 2, max: 3 });
  const dealt = OURS.map((seat) => ask('dkg_part1', {
    participant_identifier: seat, max_signers: 3, min_signers: 2,
  }));
  const shown = [...dealt.map((reply) => reply.package), {
    identifier: JSON.stringify(id(THEIRS)), package_hex: round1Bytes(theirs.public),
  }];
  const others = (seat) => shown.filter((_, at) => at + 1 !== seat);
  const sent = OURS.map((seat) => ask('dkg_part2', {
    secret_package_hex: dealt[seat - 1].secret_package_hex, round1_packages: others(seat),
  }));
  const packages = others(THEIRS).map(readRound1);
  const theirShares = frost.DKG.round2(theirs.secret, packages);
  const meant = (from, seat) => sent[from - 1].packages
    .find((share) => JSON.parse(share.identifier) === id(seat)).package_hex;
  const groups = OURS.map((seat) => {
    const other = 3 - seat;
    const made = ask('dkg_part3', {
      secret_package_hex: sent[seat - 1].secret_package_hex,
      round1_packages: others(seat),
      round2_packages: [
        { identifier: seat, sender_identifier: other, package_hex: meant(other, seat) },
        {
          identifier: seat, sender_identifier: THEIRS,
          package_hex: HEADER + hex(theirShares[id(seat)].signingShare),
        },
      ],
    });
    return ask('persist_distributed_dkg_key_package', {
      session_id: 'mixed', participant_identifier: seat, threshold: 2, participant_count: 3, ...made,
    }).key_group;
  });
  const forThem = OURS.map((from) => ({
    identifier: id(from), signingShare: unhex(meant(from, THEIRS).slice(HEADER.length)),
  }));
  const key = even(frost.DKG.round3(theirs.secret, packages, forThem));
  assert.deepEqual(groups, [hex(key.public.commitments[0]), hex(key.public.commitments[0])]);
  return { group: groups[0], key };
}

ask('init_signer_config', {
  state_path: `${folder}/state`, state_key_provider: 'file', state_key_file: `${folder}/key`,
});
const { group, key } = generated();
for (const ours of OURS) {
  const session = asked(ask, `mixed-${ours}`, group, [1, 2, 3]);
  const message = unhex(session.message);
  const { nonces, commitments: theirs } = frost.commit(key.secret);
  const points = `${HEADER}${hex(theirs.hiding)}${hex(theirs.binding)}`;
  const first = committed(ask, session, ours);
  const { signing_package_hex } = ask('new_signing_package', {
    message_hex: session.message, commitments: [first, { identifier: THEIRS, data_hex: points }],
  });
  const list = [[ours, first.data_hex], [THEIRS, points]].map(([seat, text]) => ({
    identifier: id(seat), hiding: unhex(text.slice(10, 76)), binding: unhex(text.slice(76)),
  }));
  const { signature_share_hex } = ask('interactive_session_round2', {
    ...session.attempt, member_identifier: ours, signing_package_hex,
  });
  const share = frost.signShare(key.secret, key.public, nonces, list, message);
  const judged = (seat, text) => ask('verify_signature_share', {
    session_id: `mixed-${ours}`, signing_package_hex, signature_share_hex: text, member_identifier: seat,
  }).verdict;
  assert.equal(judged(THEIRS, hex(share)), 'valid');
  assert.equal(frost.verifyShare(key.public, list, message, id(ours), unhex(signature_share_hex)), true);
  const bent = hex(share.map((byte, at) => (at === 31 ? byte ^ 1 : byte)));
  assert.equal(judged(THEIRS, bent), 'invalid');
  const sum = (text) => ({
    ...session.attempt, signing_package_hex,
    signature_shares: [{ identifier: ours, data_hex: signature_share_hex }, { identifier: THEIRS, data_hex: text }],
  });
  refused('aggregate_share_verification_failed', () => ask('interactive_aggregate', sum(bent)));
  const { signature_hex: signature } = ask('interactive_aggregate', sum(hex(share)));
  const sums = { [id(ours)]: unhex(signature_share_hex), [id(THEIRS)]: share };
  assert.equal(hex(frost.aggregate(key.public, list, message, sums)), signature);
  assert.equal(schnorr.verify(unhex(signature), message, unhex(group.slice(2))), true);
  console.log(signature);
}
