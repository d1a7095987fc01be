/* A 2-of-3 life from C: `life first FOLDER`, then in another process `life again FOLDER`.
 * FOLDER holds the store's key in a file `key`, mode 0600. */
#include "host.h"

#define SEATS 3
#define STRANGER "51200909090909090909090909090909090909090909090909090909090909090909"

static char request[8192];
#define FORMAT(...) (snprintf(request, sizeof request, __VA_ARGS__), request)

static void configure(const char *folder)
{
    free(ask(frost_tbtc_init_signer_config,
             FORMAT("{\"state_path\":\"%s/state\",\"state_key_provider\":\"file\",\"state_key_file\":\"%s/key\"}",
                    folder, folder)));
}

/* The JSON list of what all seats but one have shown. */
static void others(char *list, size_t size, char *shown[SEATS], int seat)
{
    size_t used = (size_t)snprintf(list, size, "[");
    for (int other = 0; other < SEATS; other++)
        if (other != seat)
            used += (size_t)snprintf(list + used, size - used, "%s%s", used > 1 ? "," : "", shown[other]);
    snprintf(list + used, size - used, "]");
}

/* From a part-2 reply: what it holds for a recipient. */
static char *meant_for(const char *reply, int recipient)
{
    char id[96];
    snprintf(id, sizeof id, "\"identifier\":\"\\\"%064x\\\"\"", (unsigned)recipient);
    const char *at = strstr(reply, id);
    if (at == NULL)
        fail("no package for this recipient", reply);
    return text_of(at, "package_hex");
}

/* Distributed key generation. Every secret stays in the library, behind a handle. */
static char *generated(const char *ceremony)
{
    char *shown[SEATS], *secret[SEATS], *sent[SEATS], *group = NULL;
    static char list[4096];
    for (int seat = 0; seat < SEATS; seat++) {
        char *reply = ask(frost_tbtc_dkg_part1,
                          FORMAT("{\"participant_identifier\":%d,\"max_signers\":3,\"min_signers\":2,"
                                 "\"ceremony_id_hex\":\"%s\"}", seat + 1, ceremony));
        shown[seat] = field(reply, "package");
        secret[seat] = text_of(reply, "secret_package_hex");
        free(reply);
    }
    for (int seat = 0; seat < SEATS; seat++) {
        others(list, sizeof list, shown, seat);
        sent[seat] = ask(frost_tbtc_dkg_part2_sealed,
                         FORMAT("{\"secret_package_hex\":\"%s\",\"round1_packages\":%s}", secret[seat], list));
        free(secret[seat]);
        secret[seat] = text_of(sent[seat], "secret_package_hex");
    }
    for (int seat = 0; seat < SEATS; seat++) {
        static char incoming[2048];
        size_t used = (size_t)snprintf(incoming, sizeof incoming, "[");
        for (int from = 0; from < SEATS; from++) {
            if (from == seat)
                continue;
            char *package = meant_for(sent[from], seat + 1);
            used += (size_t)snprintf(incoming + used, sizeof incoming - used,
                                     "%s{\"identifier\":%d,\"sender_identifier\":%d,\"package_hex\":\"%s\"}",
                                     used > 1 ? "," : "", seat + 1, from + 1, package);
            free(package);
        }
        snprintf(incoming + used, sizeof incoming - used, "]");
        others(list, sizeof list, shown, seat);
        char *made = ask(frost_tbtc_dkg_part3,
                         FORMAT("{\"secret_package_hex\":\"%s\",\"round1_packages\":%s,\"round2_packages\":%s}",
                                secret[seat], list, incoming));
        char *key = field(made, "key_package"), *public = field(made, "public_key_package");
        char *reply = ask(frost_tbtc_persist_distributed_dkg_key_package,
                          FORMAT("{\"session_id\":\"wallet\",\"participant_identifier\":%d,\"threshold\":2,"
                                 "\"participant_count\":3,\"key_package\":%s,\"public_key_package\":%s}",
                                 seat + 1, key, public));
        free(group);
        group = text_of(reply, "key_group");
        free(reply), free(key), free(public), free(made);
    }
    for (int seat = 0; seat < SEATS; seat++)
        free(shown[seat]), free(secret[seat]), free(sent[seat]);
    return group;
}

/* One seat's part of the attempt up to its commitments. */
static char *committed(const char *folder, const char *group, const char *message, const char *context, int seat)
{
    char *attempt = field(context, "attempt_id");
    FORMAT("{\"session_id\":\"spend\",\"member_identifier\":%d,\"message_hex\":%s,\"key_group\":\"%s\","
           "\"threshold\":2,\"attempt_context\":%s}", seat, message, group, context);
    if (seat == 1)
        keep(folder, "open.json", request);
    free(ask(frost_tbtc_interactive_session_open, request));
    char *reply = ask(frost_tbtc_interactive_session_round1,
                      FORMAT("{\"session_id\":\"spend\",\"attempt_id\":%s,\"member_identifier\":%d}", attempt, seat));
    char *commitments = field(reply, "commitments_hex");
    free(reply), free(attempt);
    return commitments;
}

static char *share(const char *folder, const char *attempt, const char *package, int seat)
{
    FORMAT("{\"session_id\":\"spend\",\"attempt_id\":%s,\"member_identifier\":%d,\"signing_package_hex\":%s}",
           attempt, seat, package);
    if (seat == 1)
        keep(folder, "round2.json", request);
    char *reply = ask(frost_tbtc_interactive_session_round2, request);
    char *made = field(reply, "signature_share_hex");
    free(reply);
    /* A second share under these nonces is refused, whoever asks. */
    refused(frost_tbtc_interactive_session_round2,
            FORMAT("{\"session_id\":\"spend\",\"attempt_id\":%s,\"member_identifier\":%d,\"signing_package_hex\":%s}",
                   attempt, seat, package), "consumed_nonce_replay");
    char *verdict = ask(frost_tbtc_verify_signature_share,
                        FORMAT("{\"session_id\":\"spend\",\"signing_package_hex\":%s,\"signature_share_hex\":%s,"
                               "\"member_identifier\":%d}", package, made, seat));
    if (strcmp(verdict, "{\"verdict\":\"valid\"}") != 0)
        fail("verdict", verdict);
    free(verdict);
    return made;
}

static void signs(const char *folder, const char *group)
{
    char *built = ask(frost_tbtc_build_taproot_tx,
                      FORMAT("{\"session_id\":\"spend\",\"inputs\":[{\"txid_hex\":\"%064x\",\"vout\":0,"
                             "\"value_sats\":100000,\"script_pubkey_hex\":\"5120%s\"}],"
                             "\"outputs\":[{\"script_pubkey_hex\":\"" STRANGER "\",\"value_sats\":99500}]}",
                             17u, group + 2));
    char *list = field(built, "taproot_key_spend_sighashes_hex"), *message = malloc(67);
    snprintf(message, 67, "%.66s", list + 1);
    char *derived = ask(frost_tbtc_derive_interactive_attempt_context,
                        FORMAT("{\"session_id\":\"spend\",\"message_hex\":%s,\"key_group\":\"%s\",\"threshold\":2,"
                               "\"attempt_number\":1,\"included_participants\":[1,2,3]}", message, group));
    char *context = field(derived, "attempt_context"), *attempt = field(context, "attempt_id");
    char *first = committed(folder, group, message, context, 1);
    char *third = committed(folder, group, message, context, 3);
    char *packed = ask(frost_tbtc_new_signing_package,
                       FORMAT("{\"message_hex\":%s,\"commitments\":[{\"identifier\":1,\"data_hex\":%s},"
                              "{\"identifier\":3,\"data_hex\":%s}]}", message, first, third));
    char *package = field(packed, "signing_package_hex");
    char *one = share(folder, attempt, package, 1), *three = share(folder, attempt, package, 3);
    char *signed_ = ask(frost_tbtc_interactive_aggregate,
                        FORMAT("{\"session_id\":\"spend\",\"attempt_id\":%s,\"signing_package_hex\":%s,"
                               "\"signature_shares\":[{\"identifier\":1,\"data_hex\":%s},"
                               "{\"identifier\":3,\"data_hex\":%s}]}", attempt, package, one, three));
    char *signature = text_of(signed_, "signature_hex");
    printf("%s\n", signature);
    free(ask(frost_tbtc_interactive_session_abort, "{\"session_id\":\"spend\"}"));
    char *all[] = {built, list, message, derived, context, attempt, first, third, packed, package, one, three,
                   signed_, signature};
    for (size_t at = 0; at < sizeof all / sizeof *all; at++)
        free(all[at]);
}

int main(int count, char **arguments)
{
    if (count != 3)
        fail("usage", "life first|again FOLDER");
    const char *folder = arguments[2];
    configure(folder);
    if (strcmp(arguments[1], "first") == 0) {
        char *group = generated("c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0");
        signs(folder, group);
        free(group);
    }
    /* In the same process and in the next one: what was signed is not signed again. */
    refused(frost_tbtc_interactive_session_open, kept(folder, "open.json"), "consumed_nonce_replay");
    refused(frost_tbtc_interactive_session_round2, kept(folder, "round2.json"), "consumed_nonce_replay");
    return 0;
}
