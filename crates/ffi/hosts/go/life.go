// A 2-of-3 life from Go: `life first FOLDER`, then in another process `life again FOLDER`. FOLDER holds the store's key
// in a file `key`, mode 0600. CGO_CFLAGS and CGO_LDFLAGS say where header and library are.
package main

// #include "hardfrost_ffi.h"
import "C"

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"
)

type object = map[string]any

type call func(*C.uint8_t, C.size_t) C.TbtcSignerResult

// ask returns the reply, or the code of the refusal.
func ask(call call, request any) (object, string) {
	text, err := json.Marshal(request)
	check(err)
	result := call((*C.uint8_t)(unsafe.Pointer(&text[0])), C.size_t(len(text)))
	reply := C.GoBytes(unsafe.Pointer(result.buffer.ptr), C.int(result.buffer.len))
	C.frost_tbtc_free_buffer(result.buffer.ptr, result.buffer.len)
	var value object
	check(json.Unmarshal(reply, &value))
	if result.status_code != 0 {
		return nil, value["code"].(string)
	}
	return value, ""
}

func must(call call, request any) object {
	reply, code := ask(call, request)
	if code != "" {
		panic(fmt.Sprintf("refused: %s", code))
	}
	return reply
}

func refused(call call, request any, expected string) {
	if _, code := ask(call, request); code != expected {
		panic(fmt.Sprintf("%q instead of %q", code, expected))
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

var (
	configure call = func(p *C.uint8_t, n C.size_t) C.TbtcSignerResult { return C.frost_tbtc_init_signer_config(p, n) }
	part1     call = func(p *C.uint8_t, n C.size_t) C.TbtcSignerResult { return C.frost_tbtc_dkg_part1(p, n) }
	part2     call = func(p *C.uint8_t, n C.size_t) C.TbtcSignerResult { return C.frost_tbtc_dkg_part2_sealed(p, n) }
	part3     call = func(p *C.uint8_t, n C.size_t) C.TbtcSignerResult { return C.frost_tbtc_dkg_part3(p, n) }
	persist   call = func(p *C.uint8_t, n C.size_t) C.TbtcSignerResult {
		return C.frost_tbtc_persist_distributed_dkg_key_package(p, n)
	}
	build  call = func(p *C.uint8_t, n C.size_t) C.TbtcSignerResult { return C.frost_tbtc_build_taproot_tx(p, n) }
	derive call = func(p *C.uint8_t, n C.size_t) C.TbtcSignerResult {
		return C.frost_tbtc_derive_interactive_attempt_context(p, n)
	}
	open      call = func(p *C.uint8_t, n C.size_t) C.TbtcSignerResult { return C.frost_tbtc_interactive_session_open(p, n) }
	round1    call = func(p *C.uint8_t, n C.size_t) C.TbtcSignerResult { return C.frost_tbtc_interactive_session_round1(p, n) }
	round2    call = func(p *C.uint8_t, n C.size_t) C.TbtcSignerResult { return C.frost_tbtc_interactive_session_round2(p, n) }
	pack      call = func(p *C.uint8_t, n C.size_t) C.TbtcSignerResult { return C.frost_tbtc_new_signing_package(p, n) }
	aggregate call = func(p *C.uint8_t, n C.size_t) C.TbtcSignerResult { return C.frost_tbtc_interactive_aggregate(p, n) }
)

func generated() string {
	dealt, sent := make([]object, 3), make([]object, 3)
	for seat := range dealt {
		dealt[seat] = must(part1, object{"participant_identifier": seat + 1, "max_signers": 3, "min_signers": 2,
			"ceremony_id_hex": strings.Repeat("60", 32)})
	}
	others := func(seat int) (shown []any) {
		for other := range dealt {
			if other != seat {
				shown = append(shown, dealt[other]["package"])
			}
		}
		return shown
	}
	for seat := range sent {
		sent[seat] = must(part2, object{"secret_package_hex": dealt[seat]["secret_package_hex"],
			"round1_packages": others(seat)})
	}
	group := ""
	for seat := range sent {
		ours := dealt[seat]["package"].(object)["identifier"]
		var incoming []any
		for from, reply := range sent {
			for _, package_ := range reply["packages"].([]any) {
				if package_.(object)["identifier"] == ours {
					incoming = append(incoming, object{"identifier": ours, "sender_identifier": from + 1,
						"package_hex": package_.(object)["package_hex"]})
				}
			}
		}
		made := must(part3, object{"secret_package_hex": sent[seat]["secret_package_hex"],
			"round1_packages": others(seat), "round2_packages": incoming})
		made["session_id"], made["participant_identifier"] = "wallet", seat+1
		made["threshold"], made["participant_count"] = 2, 3
		group = must(persist, made)["key_group"].(string)
	}
	return group
}

func with(fields object, more object) object {
	all := object{}
	for _, part := range []object{fields, more} {
		for name, value := range part {
			all[name] = value
		}
	}
	return all
}

func signed(folder, group string) {
	built := must(build, object{"session_id": "spend",
		"inputs": []any{object{"txid_hex": strings.Repeat("11", 32), "vout": 0, "value_sats": 100000,
			"script_pubkey_hex": "5120" + group[2:]}},
		"outputs": []any{object{"script_pubkey_hex": "5120" + strings.Repeat("09", 32), "value_sats": 99500}}})
	message := built["taproot_key_spend_sighashes_hex"].([]any)[0]
	about := object{"session_id": "spend", "message_hex": message, "key_group": group, "threshold": 2}
	context := must(derive, with(about, object{"attempt_number": 1,
		"included_participants": []int{1, 2, 3}}))["attempt_context"]
	attempt := object{"session_id": "spend", "attempt_id": context.(object)["attempt_id"]}
	var commitments, shares []any
	for _, seat := range []int{1, 2} {
		opening := with(about, object{"member_identifier": seat, "attempt_context": context})
		must(open, opening)
		keep(folder, "open.json", opening)
		data := must(round1, with(attempt, object{"member_identifier": seat}))["commitments_hex"]
		commitments = append(commitments, object{"identifier": seat, "data_hex": data})
	}
	package_ := must(pack, object{"message_hex": message, "commitments": commitments})["signing_package_hex"]
	for _, seat := range []int{1, 2} {
		last := with(attempt, object{"member_identifier": seat, "signing_package_hex": package_})
		share := must(round2, last)["signature_share_hex"]
		keep(folder, "round2.json", last)
		shares = append(shares, object{"identifier": seat, "data_hex": share})
	}
	sum := with(attempt, object{"signing_package_hex": package_, "signature_shares": shares})
	fmt.Println(must(aggregate, sum)["signature_hex"])
	refused(aggregate, sum, "interactive_attempt_already_aggregated")
}

func keep(folder, name string, request any) {
	text, err := json.Marshal(request)
	check(err)
	check(os.WriteFile(filepath.Join(folder, name), text, 0o600))
}

func kept(folder, name string) (request object) {
	text, err := os.ReadFile(filepath.Join(folder, name))
	check(err)
	check(json.Unmarshal(text, &request))
	return request
}

func main() {
	act, folder := os.Args[1], os.Args[2]
	must(configure, object{"state_path": filepath.Join(folder, "state"), "state_key_provider": "file",
		"state_key_file": filepath.Join(folder, "key")})
	if act == "first" {
		signed(folder, generated())
	}
	refused(open, kept(folder, "open.json"), "consumed_nonce_replay")
	refused(round2, kept(folder, "round2.json"), "consumed_nonce_replay")
}
