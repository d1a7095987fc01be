"""Makes derivations.json: vectors for D6 (attempt context) and D7 (session id), from the text of the
derivations alone and without the project's code. Run: python3 make_derivations.py > derivations.json"""
import hashlib
import json

H = lambda b: hashlib.sha256(b).digest()
F = lambda b: len(b).to_bytes(4, "big") + b
u16 = lambda n: n.to_bytes(2, "big")
u32 = lambda n: n.to_bytes(4, "big")
S = lambda members: u16(len(members)) + b"".join(u16(m) for m in sorted(members))


def attempt_context(c):
    message = bytes.fromhex(c["message"])
    seed = H(c["key_group"].encode() + c["session_id"].encode() + message)
    preimage = (
        F(b"hardfrost/attempt-context/v1") + F(c["session_id"].encode()) + F(c["key_group"].encode())
        + message + bytes.fromhex(c["key_spec"]) + bytes([c["suite"]]) + u16(c["threshold"])
        + u32(c["share_epoch"]) + bytes.fromhex(c["group_public_hash"])
        + bytes.fromhex(c["roster_hash"]) + u32(c["attempt_number"])
        + S(c["included"]) + S(c["excluded"]) + S(c["parked"]) + seed
    )
    return c | {"preimage": preimage.hex(), "hash": H(preimage).hex()}


def session(c):
    hashed = H(
        F(b"hardfrost/session/v1") + F(c["key_group"].encode()) + bytes.fromhex(c["message"])
        + bytes.fromhex(c["key_spec"]) + bytes([c["suite"]]) + F(c["request_id"].encode())
    )
    return c | {"session_id": "hf-" + hashed.hex()}


PLAIN = "0000"
CHILD_WITH_ROOT = "02" + "00000001" + "00000007" + "02" + "11" * 32
KEY = "023f6fa3fa12c14069d4ce4bcb6acb1824559266256239d3d6323c55e9414d96f3"
sessions = [
    session({"key_group": KEY, "message": "22" * 32, "key_spec": PLAIN, "suite": 1,
             "request_id": "payout-7"}),
    session({"key_group": KEY, "message": "22" * 32, "key_spec": CHILD_WITH_ROOT, "suite": 1,
             "request_id": "payout-7"}),
]
common = {"key_group": KEY, "message": "22" * 32, "suite": 1, "group_public_hash": "33" * 32,
          "roster_hash": "44" * 32}
contexts = [
    attempt_context(common | {
        "session_id": sessions[0]["session_id"], "key_spec": PLAIN, "threshold": 3,
        "share_epoch": 0, "attempt_number": 1, "included": [1, 2, 3, 4, 5], "excluded": [],
        "parked": []}),
    attempt_context(common | {
        "session_id": sessions[1]["session_id"], "key_spec": CHILD_WITH_ROOT, "threshold": 2,
        "share_epoch": 9, "attempt_number": 70000, "included": [259, 1, 3], "excluded": [2],
        "parked": [4]}),
]
print(json.dumps({"attempt_context": contexts, "session": sessions}, indent=1))
