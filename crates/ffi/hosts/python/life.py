"""A 2-of-3 life from Python: `life.py LIBRARY first FOLDER`, then in another process `life.py LIBRARY again FOLDER`.

FOLDER holds the store's key in a file `key`, mode 0600. Here key generation goes without sealing inside: between its
parts 2 and 3 a real host seals each package to its recipient.
"""

import ctypes
import json
import os
import sys
from pathlib import Path

STRANGER = "5120" + "09" * 32


class Buffer(ctypes.Structure):
    _fields_ = [("ptr", ctypes.POINTER(ctypes.c_uint8)), ("len", ctypes.c_size_t)]


class Result(ctypes.Structure):
    _fields_ = [("status_code", ctypes.c_int32), ("buffer", Buffer)]


class Refused(Exception):
    def __init__(self, envelope):
        super().__init__(envelope["message"])
        self.code = envelope["code"]


class Library:
    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.library.frost_tbtc_free_buffer.argtypes = [ctypes.POINTER(ctypes.c_uint8), ctypes.c_size_t]
        self.library.frost_tbtc_free_buffer.restype = None

    def bytes(self, name, *arguments):
        call = getattr(self.library, "frost_tbtc_" + name)
        call.argtypes = [ctypes.c_char_p, ctypes.c_size_t][: len(arguments)]
        call.restype = Result
        result = call(*arguments)
        try:
            return result.status_code, ctypes.string_at(result.buffer.ptr, result.buffer.len)
        finally:
            self.library.frost_tbtc_free_buffer(result.buffer.ptr, result.buffer.len)

    def ask(self, name, **request):
        text = json.dumps(request).encode()
        status, reply = self.bytes(name, text, len(text))
        reply = json.loads(reply)
        if status != 0:
            raise Refused(reply)
        return reply

    def refused(self, name, code, **request):
        try:
            self.ask(name, **request)
        except Refused as refused:
            assert refused.code == code, refused.code
        else:
            raise AssertionError(f"{name} was not refused")


def generated(library):
    seats = [1, 2, 3]
    dealt = {s: library.ask("dkg_part1", participant_identifier=s, max_signers=3, min_signers=2) for s in seats}
    others = {s: [dealt[o]["package"] for o in seats if o != s] for s in seats}
    sent = {
        s: library.ask("dkg_part2", secret_package_hex=dealt[s]["secret_package_hex"], round1_packages=others[s])
        for s in seats
    }
    for seat in seats:
        ours = dealt[seat]["package"]["identifier"]
        incoming = [
            {"identifier": ours, "sender_identifier": dealt[o]["package"]["identifier"], "package_hex": p["package_hex"]}
            for o in seats
            for p in sent[o]["packages"]
            if p["identifier"] == ours
        ]
        made = library.ask(
            "dkg_part3",
            secret_package_hex=sent[seat]["secret_package_hex"],
            round1_packages=others[seat],
            round2_packages=incoming,
        )
        kept = library.ask(
            "persist_distributed_dkg_key_package",
            session_id="wallet", participant_identifier=seat, threshold=2, participant_count=3, **made,
        )
    return kept["key_group"]


def forked(library, attempt, configuration):
    """A forked child has a copy of the parent's nonces, and must not use them."""
    child = os.fork()
    if child == 0:
        try:
            library.refused("interactive_session_round1", "signer_not_configured", member_identifier=2, **attempt)
            library.refused("init_signer_config", "storage_fault", **configuration)
        except BaseException as error:  # noqa: BLE001
            print("in the child:", repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def signed(library, folder, group, configuration):
    message = library.ask(
        "build_taproot_tx",
        session_id="spend",
        inputs=[{"txid_hex": "11" * 32, "vout": 0, "value_sats": 100_000, "script_pubkey_hex": "5120" + group[2:]}],
        outputs=[{"script_pubkey_hex": STRANGER, "value_sats": 99_500}],
    )["taproot_key_spend_sighashes_hex"][0]
    about = {"session_id": "spend", "message_hex": message, "key_group": group, "threshold": 2}
    context = library.ask(
        "derive_interactive_attempt_context", attempt_number=1, included_participants=[1, 2, 3], **about
    )["attempt_context"]
    attempt = {"session_id": "spend", "attempt_id": context["attempt_id"]}
    commitments = []
    for seat in (2, 3):
        opening = {"member_identifier": seat, "attempt_context": context, **about}
        library.ask("interactive_session_open", **opening)
        data = library.ask("interactive_session_round1", member_identifier=seat, **attempt)["commitments_hex"]
        commitments.append({"identifier": seat, "data_hex": data})
    (folder / "open.json").write_text(json.dumps(opening))
    forked(library, attempt, configuration)
    package = library.ask("new_signing_package", message_hex=message, commitments=commitments)["signing_package_hex"]
    shares = []
    for seat in (2, 3):
        last = {"member_identifier": seat, "signing_package_hex": package, **attempt}
        share = library.ask("interactive_session_round2", **last)["signature_share_hex"]
        verdict = library.ask(
            "verify_signature_share", session_id="spend", signing_package_hex=package,
            signature_share_hex=share, member_identifier=seat,
        )
        assert verdict == {"verdict": "valid"}, verdict
        shares.append({"identifier": seat, "data_hex": share})
    (folder / "round2.json").write_text(json.dumps(last))
    sum_of = {"signing_package_hex": package, "signature_shares": shares, **attempt}
    print(library.ask("interactive_aggregate", **sum_of)["signature_hex"])
    library.refused("interactive_aggregate", "interactive_attempt_already_aggregated", **sum_of)


def main():
    path, act, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    library = Library(path)
    assert library.bytes("version")[1].startswith(b"hardfrost ")
    configuration = {
        "state_path": str(folder / "state"), "state_key_provider": "file", "state_key_file": str(folder / "key"),
    }
    library.ask("init_signer_config", **configuration)
    if act == "first":
        signed(library, folder, generated(library), configuration)
    for name in ("open", "round2"):
        request = json.loads((folder / f"{name}.json").read_text())
        library.refused(f"interactive_session_{name}", "consumed_nonce_replay", **request)


main()
