/* f04: a reply's memory is zero when it goes back to the allocator. This program's own `free` looks. */
#include "host.h"

extern void __libc_free(void *);

static unsigned char *watched;
static size_t watched_len;
static int seen, dirty;

void free(void *pointer)
{
    if (pointer != NULL && pointer == (void *)watched) {
        seen++;
        for (size_t at = 0; at < watched_len; at++)
            dirty |= watched[at] != 0;
        watched = NULL;
    }
    __libc_free(pointer);
}

int main(void)
{
    TbtcSignerResult reply = frost_tbtc_hardening_metrics();
    if (reply.status_code != 0 || reply.buffer.len < 10)
        fail("f04", "no reply");
    watched = reply.buffer.ptr;
    watched_len = reply.buffer.len;
    frost_tbtc_free_buffer(reply.buffer.ptr, reply.buffer.len);
    if (seen != 1)
        fail("f04", "the reply was not freed once");
    if (dirty)
        fail("f04", "the reply was freed as it was");
    return 0;
}
