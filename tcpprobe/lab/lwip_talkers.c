/* The services of lab:lwip, as callbacks of lwIP's raw API: what tcpprobe/lab/talkers.py is for other labs. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/tcp.h"

enum { HEAD_LIMIT = 16384, PERIOD = 251, LINES = 95, LINE = 74 };

/* ---- a connection: what an application has heard and has to say ---- */

struct connection;

struct service {
    u16_t port;
    bool deaf;                           /* what is left to say is said although the peer has closed */
    void (*start)(struct connection *);  /* may be NULL */
    size_t (*take)(struct connection *, const char *, size_t); /* how many of these octets it takes; 0: not now */
};

struct connection {
    struct tcp_pcb *pcb;
    const struct service *service;
    struct pbuf *held; /* what it has not taken; the window stays closed by as much */
    bool peer_is_done, finished, closed_for_sending;
    char text[256]; /* said first */
    size_t text_said, text_length;
    const char *pattern; /* said next: octet i is pattern[i % period] */
    size_t period;
    uint64_t body_left, body_said;
    uint64_t swallow; /* HTTP: octets of a request's body still to come; the answer waits for them */
    bool last;        /* HTTP: the connection ends with this answer */
    size_t head_length;
    char head[HEAD_LIMIT + 1];
};

static bool speaks(const struct connection *c)
{
    return c->text_said < c->text_length || c->body_left > 0;
}

static void say(struct connection *c)
{
    while (speaks(c) && tcp_sndbuf(c->pcb) > 0) {
        bool text = c->text_said < c->text_length;
        size_t at = text ? c->text_said : (size_t)(c->body_said % c->period);
        uint64_t left = text ? c->text_length - c->text_said : c->body_left;
        size_t room = text ? tcp_sndbuf(c->pcb) : LWIP_MIN(tcp_sndbuf(c->pcb), TCP_SND_BUF / 2);
        u16_t length = (u16_t)LWIP_MIN(left, room);
        if (tcp_write(c->pcb, (text ? c->text : c->pattern) + at, length, TCP_WRITE_FLAG_COPY) != ERR_OK)
            return;
        if (text)
            c->text_said += length;
        else
            c->body_left -= length, c->body_said += length;
    }
}

static bool hear(struct connection *c)
{
    bool heard = false;

    while (c->held != NULL) {
        size_t taken = c->service->take(c, c->held->payload, c->held->len);
        if (taken == 0)
            break;
        tcp_recved(c->pcb, (u16_t)taken);
        c->held = pbuf_free_header(c->held, (u16_t)taken);
        heard = true;
    }
    return heard;
}

static void forget(struct connection *c)
{
    if (c->pcb != NULL) {
        tcp_arg(c->pcb, NULL);
        tcp_recv(c->pcb, NULL);
        tcp_sent(c->pcb, NULL);
        tcp_poll(c->pcb, NULL, 0);
        tcp_err(c->pcb, NULL);
    }
    if (c->held != NULL)
        pbuf_free(c->held);
    free(c);
}

static void turn(struct connection *c)
{
    struct tcp_pcb *pcb = c->pcb;

    do
        say(c);
    while (hear(c));
    if (c->finished && !speaks(c) && !c->closed_for_sending) {
        c->closed_for_sending = true; /* RFC 9293 3.6: CLOSE means "I have no more data to send" */
        tcp_shutdown(pcb, 0, 1);
    }
    if (c->peer_is_done && c->held == NULL && !(speaks(c) && c->service->deaf)) {
        forget(c);
        tcp_close(pcb);
    } else {
        tcp_output(pcb);
    }
}

static err_t received(void *argument, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
    struct connection *c = argument;

    LWIP_UNUSED_ARG(pcb);
    LWIP_UNUSED_ARG(error);
    if (p == NULL)
        c->peer_is_done = true;
    else if (c->held == NULL)
        c->held = p;
    else
        pbuf_cat(c->held, p);
    turn(c);
    return ERR_OK;
}

static err_t sent(void *argument, struct tcp_pcb *pcb, u16_t length)
{
    LWIP_UNUSED_ARG(pcb);
    LWIP_UNUSED_ARG(length);
    turn(argument);
    return ERR_OK;
}

static err_t polled(void *argument, struct tcp_pcb *pcb) /* once a second: memory may have been short */
{
    LWIP_UNUSED_ARG(pcb);
    turn(argument);
    return ERR_OK;
}

static void ended(void *argument, err_t error)
{
    struct connection *c = argument;

    LWIP_UNUSED_ARG(error);
    c->pcb = NULL;
    forget(c);
}

static err_t accepted(void *argument, struct tcp_pcb *pcb, err_t error)
{
    struct connection *c = error == ERR_OK ? calloc(1, sizeof *c) : NULL;

    if (c == NULL)
        return ERR_MEM;
    c->pcb = pcb;
    c->service = argument;
    tcp_arg(pcb, c);
    tcp_recv(pcb, received);
    tcp_sent(pcb, sent);
    tcp_poll(pcb, polled, 2);
    tcp_err(pcb, ended);
    if (c->service->start != NULL)
        c->service->start(c);
    turn(c);
    return ERR_OK;
}

/* ---- the services ---- */

static size_t take_echo(struct connection *c, const char *data, size_t length) /* RFC 862 */
{
    u16_t taken = (u16_t)LWIP_MIN(length, tcp_sndbuf(c->pcb));

    return taken > 0 && tcp_write(c->pcb, data, taken, TCP_WRITE_FLAG_COPY) == ERR_OK ? taken : 0;
}

static size_t take_all(struct connection *c, const char *data, size_t length) /* RFC 863 */
{
    LWIP_UNUSED_ARG(c);
    LWIP_UNUSED_ARG(data);
    return length;
}

static void start_daytime(struct connection *c) /* RFC 867, but for the time */
{
    c->text_length = (size_t)sprintf(c->text, "Thursday, January 1, 1970 00:00:00-UTC\r\n");
    c->finished = true;
}

static char lines[LINES * LINE + TCP_SND_BUF], octets[PERIOD + TCP_SND_BUF];

static void make_patterns(void)
{
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (char)(i % PERIOD);
    for (size_t i = 0; i < sizeof lines; i++) {
        size_t row = i / LINE % LINES, column = i % LINE;
        lines[i] = (char)(column < LINE - 2 ? 32 + (row + column) % LINES : column == LINE - 2 ? '\r' : '\n');
    }
}

static void start_chargen(struct connection *c) /* RFC 864 */
{
    c->pattern = lines;
    c->period = LINES * LINE;
    c->body_left = UINT64_MAX;
}

static void answer(struct connection *c, const char *status, uint64_t size)
{
    c->text_said = 0;
    c->text_length = (size_t)snprintf(c->text, sizeof c->text,
                                      "HTTP/1.1 %s\r\nContent-Type: application/octet-stream\r\n"
                                      "Content-Length: %" PRIu64 "\r\nConnection: %s\r\n\r\n",
                                      status, size, c->last ? "close" : "keep-alive");
    c->finished = c->last;
}

static void refuse(struct connection *c, const char *status)
{
    c->last = true;
    answer(c, status, 0);
}

/* What follows "\r\nNAME:" in the head; empty when there is no such field. */
static const char *field(const char *head, const char *name, char *value, size_t size)
{
    const char *found = strcasestr(head, name);
    size_t length = 0;

    if (found != NULL) {
        found += strlen(name);
        found += strspn(found, " \t");
        length = LWIP_MIN(strcspn(found, "\r\n"), size - 1);
        memcpy(value, found, length);
    }
    value[length] = '\0';
    return value;
}

static void get(struct connection *c, const char *path, bool with_body)
{
    uint64_t size = 0;
    int end = 0;

    if (sscanf(path, "/bytes/%12" SCNu64 "%n", &size, &end) != 1 || path[end] != '\0') {
        answer(c, "404 Not Found", 0);
        return;
    }
    answer(c, "200 OK", size);
    c->pattern = octets;
    c->period = PERIOD;
    c->body_left = with_body ? size : 0;
    c->body_said = 0;
}

static void post(struct connection *c)
{
    char value[64];

    c->swallow = strtoull(field(c->head, "\r\ncontent-length:", value, sizeof value), NULL, 10);
    if (c->swallow == 0)
        answer(c, "200 OK", 0);
    else if (strcasestr(field(c->head, "\r\nexpect:", value, sizeof value), "100-continue") != NULL)
        c->text_said = 0, c->text_length = (size_t)sprintf(c->text, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void request(struct connection *c)
{
    char method[8], path[128], minor, value[64];

    if (sscanf(c->head, "%7s %127s HTTP/1.%c", method, path, &minor) != 3) {
        refuse(c, "400 Bad Request");
        return;
    }
    field(c->head, "\r\nconnection:", value, sizeof value);
    c->last = strcasestr(value, "close") != NULL || (minor == '0' && strcasestr(value, "keep-alive") == NULL);
    if (*field(c->head, "\r\ntransfer-encoding:", value, sizeof value))
        refuse(c, "411 Length Required");
    else if (strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0)
        post(c);
    else if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        get(c, path, *method == 'G');
    else
        refuse(c, "405 Method Not Allowed");
}

static size_t take_http(struct connection *c, const char *data, size_t length)
{
    size_t taken = 0;

    if (speaks(c))
        return 0;
    if (c->finished)
        return length;
    if (c->swallow > 0) {
        taken = (size_t)LWIP_MIN(c->swallow, length);
        c->swallow -= taken;
        if (c->swallow == 0)
            answer(c, "200 OK", 0);
        return taken;
    }
    while (taken < length && !speaks(c) && c->swallow == 0) {
        c->head[c->head_length++] = data[taken++];
        c->head[c->head_length] = '\0';
        if (c->head_length >= 4 && memcmp(c->head + c->head_length - 4, "\r\n\r\n", 4) == 0) {
            c->head_length = 0;
            request(c);
        } else if (c->head_length == HEAD_LIMIT) {
            refuse(c, "431 Request Header Fields Too Large");
        }
    }
    return taken;
}

static const struct service SERVICES[] = {
    {7, true, NULL, take_echo},
    {9, true, NULL, take_all},
    {13, true, start_daytime, take_all},
    {19, false, start_chargen, take_all},
    {80, true, NULL, take_http},
};

static bool serve(const struct service *service)
{
    struct tcp_pcb *listener, *bound = tcp_new_ip_type(IPADDR_TYPE_ANY);

    if (bound == NULL || tcp_bind(bound, IP_ANY_TYPE, service->port) != ERR_OK)
        return false;
    listener = tcp_listen_with_backlog(bound, TCP_DEFAULT_LISTEN_BACKLOG);
    if (listener == NULL)
        return false;
    tcp_arg(listener, (void *)service);
    tcp_accept(listener, accepted);
    return true;
}

bool serve_all(void);

bool serve_all(void)
{
    make_patterns();
    for (size_t i = 0; i < LWIP_ARRAYSIZE(SERVICES); i++)
        if (!serve(&SERVICES[i]))
            return false;
    return true;
}
