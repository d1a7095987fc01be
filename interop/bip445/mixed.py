"""BIP 445 sessions in which some signers are ours and some are btclib-ecc's. Usage: mixed.py PEER [SEED]

Every session draws a group, a key spec and who signs. Ours and theirs judge every share, the good and a bad one, and
both sum them: the 64 bytes are equal and valid in both.
"""

import hashlib
import hmac
import json
import random
import secrets
import subprocess
import sys

from btclib_ecc.curves import mult, secp256k1
from btclib_ecc.curves.sec_point import bytes_from_point
from btclib_ecc.ecc import frost, ssa
from btclib_ecc.hashes import tagged_hash

SESSIONS = 60
N = secp256k1.n


class Peer:
    """One of our members: a process that answers each line of JSON with one."""

    def __init__(self, program):
        self.child = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def tell(self, **request):
        self.child.stdin.write(json.dumps(request) + "\n")
        reply = json.loads(self.child.stdout.readline())
        if "error" in reply:
            raise RuntimeError(f"{request['do']}: {reply['error']}")
        return reply

    def leave(self):
        self.child.stdin.close()
        self.child.wait()


def point(scalar):
    return bytes_from_point(mult(scalar, ec=secp256k1), secp256k1)


def scalar(value):
    return (value % N).to_bytes(32, "big")


def identifier(member):
    return f"{member:064x}"


class Group:
    """A key split by us; whoever tests may know it whole."""

    def __init__(self, rng, t, n):
        self.t, self.n = t, n
        coefficients = [rng.randrange(1, N) for _ in range(t)]
        if point(coefficients[0])[0] == 3:
            coefficients = [N - c for c in coefficients]
        at = lambda x: sum(c * pow(x, k, N) for k, c in enumerate(coefficients)) % N
        self.shares = {member: at(member) for member in range(1, n + 1)}
        self.public = {member: point(share) for member, share in self.shares.items()}
        self.key = point(coefficients[0])


class Spec:
    """A key spec: its encoding, and the chain of tweaks that it stands for."""

    def __init__(self, rng, group):
        path = [rng.randrange(2**31) for _ in range(rng.randrange(4))]
        taproot = rng.randrange(3)
        root = rng.randbytes(32) if taproot == 2 else b""
        steps = b"".join(i.to_bytes(4, "big") for i in path)
        self.encoded = (bytes([len(path)]) + steps + bytes([taproot]) + root).hex()
        self.tweaks, self.x_only = [], []
        domain = b"hardfrost/bip32-chain-code/v1"
        framed = len(domain).to_bytes(4, "big") + domain
        chain = hashlib.sha256(framed + group.key).digest()
        context = frost.tweak_ctx_init(group.key)
        for index in path:
            parent = context.plain_pub_key + index.to_bytes(4, "big")
            out = hmac.new(chain, parent, hashlib.sha512).digest()
            chain = out[32:]
            context = self.add(context, out[:32], False)
        if taproot:
            tweak = tagged_hash(b"TapTweak", context.x_only_pub_key + root)
            context = self.add(context, tweak, True)
        self.output_key = context.x_only_pub_key

    def add(self, context, tweak, x_only):
        self.tweaks.append(tweak)
        self.x_only.append(x_only)
        return frost.apply_tweak(context, tweak, x_only)


class Session:
    """One message, signed by members of both kinds."""

    def __init__(self, rng, peers):
        self.rng = rng
        n = rng.choice([2, 3, 5, 7, 128]) if rng.random() < 0.9 else rng.randrange(2, 129)
        self.group = Group(rng, rng.randrange(2, min(n, 6) + 1), n)
        self.spec = Spec(rng, self.group)
        self.message = rng.randbytes(32)
        self.chosen = sorted(rng.sample(range(1, n + 1), self.group.t))
        ours = rng.sample(self.chosen, rng.randrange(1, self.group.t + 1))
        self.ours = dict(zip(sorted(ours), peers))
        for member, peer in self.ours.items():
            self.deal(member, peer)
        self.secrets, self.nonces = {}, {}
        for member in self.chosen:
            self.commit(member)

    def deal(self, member, peer):
        group = self.group
        peer.tell(
            do="dealt",
            identifier=identifier(member),
            threshold=group.t,
            key=group.key.hex(),
            verifying_shares=[share.hex() for share in group.public.values()],
            signing_share=scalar(group.shares[member]).hex(),
            seed=self.rng.randbytes(32).hex(),
        )

    def commit(self, member):
        if member in self.ours:
            pair = self.ours[member].tell(do="commit", suite="bip445")
            self.nonces[member] = bytes.fromhex(pair["hiding"] + pair["binding"])
            return
        share = scalar(self.group.shares[member])
        rand = self.rng.randbytes(32)
        known = (member - 1, self.group.public[member], self.group.key[1:])
        self.secrets[member], self.nonces[member] = frost.nonce_gen_(rand, share, *known)

    def package(self):
        halves = lambda pair: {"hiding": pair[:33].hex(), "binding": pair[33:].hex()}
        return {
            "suite": "bip445",
            "spec": self.spec.encoded,
            "message": self.message.hex(),
            "commitments": {identifier(m): halves(pair) for m, pair in self.nonces.items()},
        }

    def context(self):
        ids = [member - 1 for member in self.chosen]
        shares = [self.group.public[member] for member in self.chosen]
        aggregate = frost.nonce_agg([self.nonces[member] for member in self.chosen])
        chain = (self.spec.tweaks, self.spec.x_only)
        group = self.group
        return frost.SessionContext(
            group.n, group.t, ids, shares, group.key, aggregate, *chain, self.message
        )

    def run(self):
        package, context = self.package(), self.context()
        shares = {}
        for member in self.chosen:
            if member in self.ours:
                made = self.ours[member].tell(do="sign", package=package)["share"]
                shares[member] = bytes.fromhex(made)
            else:
                share = scalar(self.group.shares[member])
                shares[member] = frost.sign(self.secrets[member], share, member - 1, context)
        judge = next(iter(self.ours.values()))
        for member, share in shares.items():
            bad = scalar(int.from_bytes(share, "big") + 1)
            for claim, expected in [(share, True), (bad, False)]:
                self.judged(judge, context, member, claim, expected)
        theirs = frost.partial_sig_agg([shares[m] for m in self.chosen], context)
        theirs = theirs.r.to_bytes(32, "big") + theirs.s.to_bytes(32, "big")
        named = {identifier(m): share.hex() for m, share in shares.items()}
        ours = judge.tell(do="aggregate", package=package, shares=named)
        assert ours["signature"] == theirs.hex(), "the signatures differ"
        assert ours["key"] == self.spec.output_key.hex(), "the output keys differ"
        assert ssa.verify_(self.message, self.spec.output_key, theirs), "no signature"
        culprit = self.rng.choice(self.chosen)
        named[identifier(culprit)] = scalar(int.from_bytes(shares[culprit], "big") + 1).hex()
        blamed = judge.tell(do="aggregate", package=package, shares=named)
        assert blamed == {"bad": {identifier(culprit): "invalid"}}, blamed

    def judged(self, judge, context, member, claim, expected):
        nonce, public = self.nonces[member], self.group.public[member]
        theirs = frost.partial_sig_verify_(claim, member - 1, nonce, public, context)
        request = {"identifier": identifier(member), "share": claim.hex()}
        ours = judge.tell(do="verify_share", package=self.package(), **request)["verdict"]
        assert theirs == expected and (ours == "valid") == expected, (member, ours, theirs)


def main():
    program = sys.argv[1]
    seed = sys.argv[2] if len(sys.argv) > 2 else secrets.token_hex(8)
    peers = [Peer(program) for _ in range(6)]
    try:
        for number in range(SESSIONS):
            rng = random.Random(f"{seed}/{number}")
            try:
                Session(rng, peers).run()
            except Exception:
                print(f"bip445: session {number} of seed {seed} FAILED", file=sys.stderr)
                raise
    finally:
        for peer in peers:
            peer.leave()
    print(f"bip445: {SESSIONS} mixed sessions with btclib-ecc, seed {seed}: all equal")


main()
