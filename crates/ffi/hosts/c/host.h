/* What a C host needs around the library: calls, and just enough JSON to pass values on. */
#ifndef HOST_H
#define HOST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hardfrost_ffi.h"

typedef TbtcSignerResult (*Call)(const uint8_t *, size_t);

static inline void fail(const char *what, const char *detail)
{
    fprintf(stderr, "FAILED: %s: %s\n", what, detail);
    exit(1);
}

/* The reply as text of our own; the library's buffer is given back at once. */
static inline char *taken(TbtcSignerResult result, int *status)
{
    char *text = malloc(result.buffer.len + 1);
    if (text == NULL)
        fail("malloc", "no memory");
    memcpy(text, result.buffer.ptr, result.buffer.len);
    text[result.buffer.len] = '\0';
    *status = result.status_code;
    frost_tbtc_free_buffer(result.buffer.ptr, result.buffer.len);
    return text;
}

static inline char *ask(Call call, const char *request)
{
    int status;
    char *reply = taken(call((const uint8_t *)request, strlen(request)), &status);
    if (status != 0)
        fail(request, reply);
    return reply;
}

/* A call that must be refused with this code. */
static inline void refused(Call call, const char *request, const char *code)
{
    char wanted[128];
    int status;
    char *reply = taken(call((const uint8_t *)request, strlen(request)), &status);
    snprintf(wanted, sizeof wanted, "\"code\":\"%s\"", code);
    if (status != 1 || strstr(reply, wanted) == NULL)
        fail(code, reply);
    free(reply);
}

/* The value of a field, as the JSON text that it is: a string with its quotes, an object, a list, a number. */
static inline char *field(const char *json, const char *name)
{
    char key[96];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(json, key);
    if (at == NULL)
        fail(name, json);
    at += strlen(key);
    const char *end = at;
    int depth = 0, quoted = 0;
    for (; *end != '\0'; end++) {
        if (quoted && *end == '\\')
            end++;
        else if (*end == '"')
            quoted = !quoted;
        else if (!quoted && (*end == '{' || *end == '['))
            depth++;
        else if (!quoted && depth > 0 && (*end == '}' || *end == ']'))
            depth--;
        else if (!quoted && depth == 0 && (*end == ',' || *end == '}' || *end == ']'))
            break;
    }
    size_t len = (size_t)(end - at);
    char *value = malloc(len + 1);
    if (value == NULL)
        fail("malloc", "no memory");
    memcpy(value, at, len);
    value[len] = '\0';
    return value;
}

/* The text of a string field, without its quotes. */
static inline char *text_of(const char *json, const char *name)
{
    char *value = field(json, name);
    size_t len = strlen(value);
    if (len < 2 || value[0] != '"')
        fail(name, json);
    memmove(value, value + 1, len - 2);
    value[len - 2] = '\0';
    return value;
}

static inline void keep(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
        fail("cannot write", path);
}

static inline char *kept(const char *folder, const char *name)
{
    char path[512];
    static char text[8192];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail("cannot read", path);
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = '\0';
    return text;
}

#endif
