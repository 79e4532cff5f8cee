/* lab:lwip: lwIP's TCP in a process that touches no network; its services are in lwip_talkers.c.
 *
 * usage: lwip LINK PARENT DIE ADDRESS4 ADDRESS6
 *   LINK    descriptor of a SOCK_SEQPACKET socket: one IP packet, one message
 *   PARENT  process id; when that process is gone, or LINK's other end, so are we
 *   DIE     1 when PARENT's main thread started us: the kernel then kills us with it, whatever we do
 *
 * It says "lwIP VERSION" and a line feed on standard output when it is ready.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/tcpip.h"

enum { LINK_MTU = 1500, LARGEST = 65535, PACKETS_AT_ONCE = 64 };

bool serve_all(void); /* lwip_talkers.c */

static int link_fd, parent_fd;

static bool other_end_is_gone(short events, int timeout)
{
    struct pollfd set[] = {{link_fd, events, 0}, {parent_fd, POLLIN, 0}};

    poll(set, 2, timeout);
    return set[1].revents != 0;
}

static err_t link_output(struct pbuf *p)
{
    static char packet[LARGEST];

    pbuf_copy_partial(p, packet, p->tot_len, 0);
    while (send(link_fd, packet, p->tot_len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        if (errno != EAGAIN || other_end_is_gone(POLLOUT, -1)) /* nothing is lost on this link */
            exit(0);
    return ERR_OK;
}

static err_t output_4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    LWIP_UNUSED_ARG(netif);
    LWIP_UNUSED_ARG(to);
    return link_output(p);
}

static err_t output_6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
    LWIP_UNUSED_ARG(netif);
    LWIP_UNUSED_ARG(to);
    return link_output(p);
}

static err_t link_init(struct netif *netif)
{
    netif->name[0] = 's';
    netif->name[1] = 'p';
    netif->output = output_4;
    netif->output_ip6 = output_6;
    netif->mtu = LINK_MTU;
    netif->rs_count = 0; /* there are no routers to ask for */
    return ERR_OK;
}

/* False when the other end is closed. */
static bool link_input(struct netif *netif)
{
    static char packet[LARGEST];

    for (int i = 0; i < PACKETS_AT_ONCE; i++) {
        ssize_t length = recv(link_fd, packet, sizeof packet, MSG_DONTWAIT);
        if (length <= 0)
            return length < 0 && errno == EAGAIN;
        struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_RAM); /* PBUF_POOL of the package is too small */
        if (p == NULL)
            continue;
        pbuf_take(p, packet, (u16_t)length);
        if (netif->input(p, netif) != ERR_OK)
            pbuf_free(p);
    }
    return true;
}

static bool start(struct netif *netif, const char *text_4, const char *text_6)
{
    ip4_addr_t address_4, mask, gateway;
    ip6_addr_t address_6;
    s8_t index = -1;

    IP4_ADDR(&mask, 255, 255, 255, 255);
    ip4_addr_set_any(&gateway);
    if (!ip4addr_aton(text_4, &address_4) || !ip6addr_aton(text_6, &address_6) ||
        netif_add(netif, &address_4, &mask, &gateway, NULL, link_init, ip_input) == NULL)
        return false;
    netif_set_default(netif);
    netif_set_up(netif);
    netif_set_link_up(netif);
    if (netif_add_ip6_address(netif, &address_6, &index) != ERR_OK)
        return false;
    netif_ip6_addr_set_state(netif, index, IP6_ADDR_PREFERRED); /* there is nobody to have the same one */
    return serve_all();
}

int main(int count, char **arguments)
{
    static struct netif netif;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (count != 6)
        return 2;
    link_fd = atoi(arguments[1]);
    pid_t parent = (pid_t)atol(arguments[2]);
    parent_fd = (int)syscall(SYS_pidfd_open, parent, 0);
    if (*arguments[3] == '1')
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (parent_fd < 0 || getppid() != parent)
        return 1;
    tcpip_init(NULL, NULL); /* its thread has the timers, and packets to oneself */
    LOCK_TCPIP_CORE();
    bool started = start(&netif, arguments[4], arguments[5]);
    UNLOCK_TCPIP_CORE();
    if (!started) {
        fprintf(stderr, "lwIP does not start\n");
        return 1;
    }
    printf("lwIP %s\n", LWIP_VERSION_STRING);
    fflush(stdout);
    dup2(nothing, 1);
    dup2(nothing, 2);
    for (bool open = true; open && !other_end_is_gone(POLLIN, -1);) {
        LOCK_TCPIP_CORE();
        open = link_input(&netif);
        UNLOCK_TCPIP_CORE();
    }
    return 0;
}
