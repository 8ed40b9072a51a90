// The firmware as a process: its serial line is standard input and output, which whoever starts it connects to a
// pseudo-terminal, or on Windows to pipes (host/emulators.py). Ends when the line does.
#define _POSIX_C_SOURCE 200809L
#define _DARWIN_C_SOURCE  // macOS has the speeds of a line behind it
#include "board.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "app.h"

#ifndef _WIN32
#include <poll.h>
#ifdef __GLIBC__
#include <asm/termbits.h>
#include <sys/ioctl.h>
#else
#include <termios.h>
#endif
#endif

const board_info board = {
    .name = BOARD_NAME,
    .counter_unit = "nanoseconds",
    .counter_numerator = 1,
    .counter_denominator = 1,
    .receive_buffer_bytes = 16 * 1024,  // as on the ESP32 boards; what does not fit the line waits in the host
    .baud = 115200,
};

#ifdef _WIN32

enum { OWN_TIME = CLOCK_MONOTONIC };  // a process's own has steps of 16 ms there

void board_init(void) {
    _setmode(STDIN_FILENO, _O_BINARY);
    _setmode(STDOUT_FILENO, _O_BINARY);
}

// Reading from a pipe waits for a byte, writing to it for a reader.
static void wait_for_input(void) {}

static bool wait_for_room(void) { return true; }

void board_set_baud(uint32_t baud) { (void)baud; }

#else

// What a computer does meanwhile, or a stop (Ctrl-Z, a laptop's lid), is none of the firmware's time.
enum { OWN_TIME = CLOCK_PROCESS_CPUTIME_ID };

void board_init(void) {
    fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK);  // which is the same line as input
    board_set_baud(board.baud);
}

enum { WRITE_TIMEOUT_MS = 2000 };  // a pseudo-terminal that nobody reads is full at some point

static bool wait_for(int descriptor, short event, int timeout_ms) {
    struct pollfd line = {.fd = descriptor, .events = event};
    return poll(&line, 1, timeout_ms) != 0;
}

static void wait_for_input(void) { wait_for(STDIN_FILENO, POLLIN, -1); }

static bool wait_for_room(void) { return wait_for(STDOUT_FILENO, POLLOUT, WRITE_TIMEOUT_MS); }

#ifdef __GLIBC__

// The speeds of its termios.h have other numbers since 2.42, and the library that runs may be older than the header. The
// kernel's stay.
static int line_get(struct termios *line) { return ioctl(STDIN_FILENO, TCGETS, line); }

static void line_set(struct termios *line, speed_t speed) {
    line->c_cflag = (line->c_cflag & ~(tcflag_t)(CBAUD | CIBAUD)) | speed;  // no speed of its own for input: the same
    ioctl(STDIN_FILENO, TCSETS, line);
}

#else

static int line_get(struct termios *line) { return tcgetattr(STDIN_FILENO, line); }

static void line_set(struct termios *line, speed_t speed) {
    cfsetispeed(line, speed);
    cfsetospeed(line, speed);
    tcsetattr(STDIN_FILENO, TCSANOW, line);
}

#endif

// A pseudo-terminal moves bytes at any speed. It remembers the one that is set, and host/line/proxy.py goes by it.
void board_set_baud(uint32_t baud) {
    static const struct {
        uint32_t baud;
        speed_t speed;
    } speeds[] = {
        {115200, B115200}, {230400, B230400},
#ifdef B4000000  // not everywhere
        {460800, B460800}, {921600, B921600}, {3000000, B3000000}, {4000000, B4000000},
#endif
    };
    struct termios line;
    if (line_get(&line) != 0) return;  // a pipe or a file has no speed
    const struct timespec drain = {.tv_nsec = 20 * 1000 * 1000};  // a pseudo-terminal cannot say when all has left
    nanosleep(&drain, NULL);
    for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++) {
        if (speeds[i].baud == baud) line_set(&line, speeds[i].speed);
    }
}

#endif

size_t board_read(uint8_t *data, size_t capacity) {
    wait_for_input();
    const ssize_t size = read(STDIN_FILENO, data, (unsigned)capacity);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) return 0;
    if (size <= 0) exit(EXIT_SUCCESS);
    return (size_t)size;
}

void board_write(const uint8_t *data, size_t size) {
    while (size > 0) {
        const ssize_t sent = write(STDOUT_FILENO, data, (unsigned)size);
        if (sent < 0 && errno == EAGAIN && !wait_for_room()) return;
        if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (sent < 0) exit(EXIT_FAILURE);
        data += sent;
        size -= (size_t)sent;
    }
}

uint32_t board_counter(void) {
    struct timespec now;
    clock_gettime(OWN_TIME, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
}

void board_status(board_state state) { (void)state; }

int main(void) {
    board_init();
    app_init();
    for (;;) app_poll();
}
