"""Makes envelopes.json: vectors for D10 (signed envelopes), from the text of the derivations and BIP 340 alone and
without the project's code. Run: python3 make_envelopes.py > envelopes.json"""
import hashlib
import json

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)

H = lambda b: hashlib.sha256(b).digest()
F = lambda b: len(b).to_bytes(4, "big") + b
tagged = lambda tag, b: H(H(tag) + H(tag) + b)
b32 = lambda n: n.to_bytes(32, "big")
num = lambda b: int.from_bytes(b, "big")


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    rise, run = (3 * a[0] * a[0], 2 * a[1]) if a == b else (b[1] - a[1], b[0] - a[0])
    slope = rise * pow(run, -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(k, point):
    out = None
    for bit in bin(k)[2:]:
        out = add(out, out)
        out = add(out, point) if bit == "1" else out
    return out


def even(secret):
    """The secret whose point has even Y, and that point's x."""
    x, y = times(secret, G)
    return (secret if y % 2 == 0 else N - secret), b32(x)


def sign(secret, aux, message):
    d, x = even(num(secret))
    masked = bytes(a ^ b for a, b in zip(b32(d), tagged(b"BIP0340/aux", aux)))
    k, r = even(num(tagged(b"BIP0340/nonce", masked + x + message)) % N)
    e = num(tagged(b"BIP0340/challenge", r + x + message)) % N
    signature = r + b32((k + e * d) % N)
    assert verifies(x, message, signature)
    return x, signature


def verifies(x, message, signature):
    y = pow(pow(num(x), 3, P) + 7, (P + 1) // 4, P)
    key = (num(x), y if y % 2 == 0 else P - y)
    e = num(tagged(b"BIP0340/challenge", signature[:32] + x + message)) % N
    r = add(times(num(signature[32:]), G), times(N - e, key))
    return r is not None and r[1] % 2 == 0 and b32(r[0]) == signature[:32]


def compressed(k):
    x, y = times(k, G)
    return bytes([2 + y % 2]) + b32(x)


def envelope(c, kind, tag, payload):
    body = bytes.fromhex(c["context"]) + c["author"].to_bytes(2, "big") + payload
    digest = H(b"\0" + tag + b"\0" + body)
    public, signature = sign(bytes.fromhex(c["secret_key"]), bytes.fromhex(c["aux"]), digest)
    frame = bytes([kind]) + F(body) + signature
    return c | {"public_key": public.hex(), "kind": kind, "tag": tag.decode(), "payload": payload.hex(),
                "body": body.hex(), "body_hash": H(body).hex(), "digest": digest.hex(),
                "signature": signature.hex(), "frame": frame.hex()}


# borsh: integers are little-endian, lists are preceded by a u32 length, byte arrays stand as they are.
le = lambda n, size: n.to_bytes(size, "little")
CONTEXT = "837ffb6114da4f9a400c9f773417352a068253116c875a9d5a0cda0f652bb518"  # D6's first vector
INCARNATION = bytes(range(16))
commitments = {"context": CONTEXT, "author": 3, "secret_key": "03" * 32, "aux": "a5" * 32,
               "incarnation": INCARNATION.hex(), "hiding": compressed(5).hex(), "binding": compressed(6).hex(),
               "refuses": [2, 259]}
share = {"context": CONTEXT, "author": 259, "secret_key": "7f" * 32, "aux": "00" * 32,
         "incarnation": INCARNATION[::-1].hex(), "package": "66" * 32, "share": "0123456789abcdef" * 4}
print(json.dumps({"envelopes": [
    envelope(commitments, 2, b"hardfrost/commitments/v1",
             INCARNATION + compressed(5) + compressed(6) + le(2, 4) + le(2, 2) + le(259, 2)),
    envelope(share, 4, b"hardfrost/share/v1",
             INCARNATION[::-1] + bytes.fromhex(share["package"]) + bytes.fromhex(share["share"])),
]}, indent=1))
