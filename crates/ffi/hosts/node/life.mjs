// A 2-of-3 life from Node: `node life.mjs LIBRARY first FOLDER`, then in another process `node life.mjs LIBRARY again
// FOLDER`. FOLDER holds the store's key in a file `key`, mode 0600.
import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { asked, committed, load, refused } from './library.mjs';

const [path, act, folder] = process.argv.slice(2);
const { bare, ask } = load(path);
const SEATS = [1, 2, 3];

function generated() {
  const dealt = SEATS.map((seat) => ask('dkg_part1', {
    participant_identifier: seat, max_signers: 3, min_signers: 2, ceremony_id_hex: '0e'.repeat(32),
  }));
  const shown = (seat) => dealt.filter((_, at) => at + 1 !== seat).map((reply) => reply.package);
  const sent = SEATS.map((seat) => ask('dkg_part2_sealed', {
    secret_package_hex: dealt[seat - 1].secret_package_hex, round1_packages: shown(seat),
  }));
  const groups = SEATS.map((seat) => {
    const ours = dealt[seat - 1].package.identifier;
    const incoming = sent.flatMap(({ packages }, from) => packages
      .filter((sealed) => sealed.identifier === ours)
      .map((sealed) => ({ ...sealed, sender_identifier: from + 1 })));
    const made = ask('dkg_part3', {
      secret_package_hex: sent[seat - 1].secret_package_hex, round1_packages: shown(seat), round2_packages: incoming,
    });
    return ask('persist_distributed_dkg_key_package', {
      session_id: 'wallet', participant_identifier: seat, threshold: 2, participant_count: 3, ...made,
    }).key_group;
  });
  assert.equal(new Set(groups).size, 1);
  return groups[0];
}

function signed(group) {
  const session = asked(ask, 'spend', group, SEATS);
  const opening = { ...session.about, member_identifier: 1, attempt_context: session.context };
  const commitments = [1, 2].map((seat) => committed(ask, session, seat));
  const { signing_package_hex } = ask('new_signing_package', { message_hex: session.message, commitments });
  const of = (seat) => ({ ...session.attempt, member_identifier: seat, signing_package_hex });
  const signature_shares = [1, 2].map((seat) => ({
    identifier: seat, data_hex: ask('interactive_session_round2', of(seat)).signature_share_hex,
  }));
  const sum = { ...session.attempt, signing_package_hex, signature_shares };
  console.log(ask('interactive_aggregate', sum).signature_hex);
  refused('interactive_attempt_already_aggregated', () => ask('interactive_aggregate', sum));
  writeFileSync(`${folder}/again.json`, JSON.stringify({ open: opening, round2: of(1) }));
}

assert.match(bare('version')[1], /^hardfrost /);
ask('init_signer_config', {
  state_path: `${folder}/state`, state_key_provider: 'file', state_key_file: `${folder}/key`,
});
if (act === 'first') signed(generated());
const { open, round2 } = JSON.parse(readFileSync(`${folder}/again.json`, 'utf8'));
refused('consumed_nonce_replay', () => ask('interactive_session_open', open));
refused('consumed_nonce_replay', () => ask('interactive_session_round2', round2));
