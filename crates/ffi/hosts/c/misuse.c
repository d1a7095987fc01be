/* What a careless or hostile host may do: null, huge, misaligned, overlapping, freed twice, not ours to free. Run under
 * AddressSanitizer and valgrind: the reply must be an envelope, and no byte may be touched that is not ours. */
#include "host.h"

static int invalid(TbtcSignerResult result)
{
    int status;
    char *reply = taken(result, &status);
    int right = status == 1 && strstr(reply, "\"code\":\"validation_error\"") != NULL;
    free(reply);
    return right;
}

static void f01_refusals_in_a_row_leave_the_library_alive(void)
{
    for (int depth = 1; depth < 200000; depth *= 7) {
        char *nested = malloc((size_t)depth);
        if (nested == NULL)
            fail("malloc", "no memory");
        memset(nested, '[', (size_t)depth);
        if (!invalid(frost_tbtc_dkg_part1((const uint8_t *)nested, (size_t)depth)))
            fail("f01", "nested");
        free(nested);
    }
}

static void f02_requests_that_must_not_be_read(void)
{
    static const uint8_t one[] = {'{'};
    if (!invalid(frost_tbtc_dkg_part1(NULL, 0)) || !invalid(frost_tbtc_dkg_part1(NULL, 10)))
        fail("f02", "null");
    if (!invalid(frost_tbtc_dkg_part1(NULL, (size_t)-1)))
        fail("f02", "null and huge");
    /* One byte is there: whoever reads on is caught. */
    if (!invalid(frost_tbtc_dkg_part1(one, (size_t)-1)) || !invalid(frost_tbtc_dkg_part1(one, (16 << 20) + 1)))
        fail("f02", "huge");
    if (!invalid(frost_tbtc_dkg_part1(one, 0)) || !invalid(frost_tbtc_dkg_part1(one, 1)))
        fail("f02", "short");
    char odd[64] = "xx{\"a\":1}";
    for (int offset = 0; offset < 8; offset++)
        if (!invalid(frost_tbtc_dkg_part1((const uint8_t *)odd + offset, 7)))
            fail("f02", "misaligned");
    if (!invalid(frost_tbtc_dkg_part1((const uint8_t *)"{\"\xff\":\"\xfe\"}", 9)))
        fail("f02", "not UTF-8");
    /* A reply as a request, whole and from its middle. */
    TbtcSignerResult reply = frost_tbtc_abi_version();
    if (!invalid(frost_tbtc_dkg_part1(reply.buffer.ptr, reply.buffer.len)) ||
        !invalid(frost_tbtc_dkg_part1(reply.buffer.ptr + 1, reply.buffer.len - 1)))
        fail("f02", "overlapping");
    frost_tbtc_free_buffer(reply.buffer.ptr, reply.buffer.len);
}

static void f03_what_is_not_ours_is_not_freed(void)
{
    uint8_t stack[16] = {0};
    uint8_t *heap = malloc(16);
    if (heap == NULL)
        fail("malloc", "no memory");
    frost_tbtc_free_buffer(NULL, 0);
    frost_tbtc_free_buffer(NULL, 100);
    frost_tbtc_free_buffer(stack, sizeof stack);
    frost_tbtc_free_buffer(heap, 16);
    heap[0] = 1;
    free(heap);
    TbtcSignerResult reply = frost_tbtc_abi_version();
    frost_tbtc_free_buffer(reply.buffer.ptr + 1, reply.buffer.len - 1);
    if (reply.buffer.ptr[0] != '{')
        fail("f03", "freed by a pointer into it");
    frost_tbtc_free_buffer(reply.buffer.ptr, reply.buffer.len);
    frost_tbtc_free_buffer(reply.buffer.ptr, reply.buffer.len);
    TbtcSignerResult wrong = frost_tbtc_version();
    frost_tbtc_free_buffer(wrong.buffer.ptr, wrong.buffer.len + 1000);
}

int main(void)
{
    f01_refusals_in_a_row_leave_the_library_alive();
    f02_requests_that_must_not_be_read();
    f03_what_is_not_ours_is_not_freed();
    return 0;
}
