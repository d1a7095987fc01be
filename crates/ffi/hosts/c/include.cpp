// The header is C++ too: every function has its C name, and a call links.
#include "hardfrost_ffi.h"

#include <cstring>

int main()
{
    TbtcSignerResult version = frost_tbtc_version();
    bool ours = version.status_code == 0 && std::memcmp(version.buffer.ptr, "hardfrost ", 10) == 0;
    frost_tbtc_free_buffer(version.buffer.ptr, version.buffer.len);
    return ours ? 0 : 1;
}
