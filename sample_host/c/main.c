/* SPDX-License-Identifier: MIT */
/* A pre-forking web server whose workers load promplug.so: README.md. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "http.h"

enum { kMaxWorkers = 64, kStopMs = 5000, kAgainSeconds = 1 };
/* From SIGTERM on: to end a request, to stop the plugin, and a margin. A worker that hangs would
 * hold the stop until the service manager kills all, also one that still does the last push. */
enum { kLeaveSeconds = (kServeMs + kStopMs) / 1000 + 2 };

static const char kUsage[] =
    "usage: photo_server [-l ADDRESS:PORT] [-w WORKERS] [-p PROMPLUG_SO] [-c PROMPLUG_YML]\n";

struct settings {
  const char* plugin;
  const char* config;
  int workers;
  int listen_fd;
  sigset_t unblocked;
};

static volatile sig_atomic_t stop_asked, reload_asked;

/* Signals are blocked but while a process waits: none comes between a look at these and that. */
static void on_signal(int number) {
  if (number == SIGHUP) reload_asked = 1;
  if (number == SIGTERM || number == SIGINT) stop_asked = 1;
}

static void take_signals(struct settings* s) {
  static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
  struct sigaction action = {.sa_handler = on_signal};
  sigset_t blocked;
  size_t i;
  sigemptyset(&blocked);
  for (i = 0; i < sizeof numbers / sizeof numbers[0]; ++i) {
    sigaddset(&blocked, numbers[i]);
    (void)sigaction(numbers[i], &action, NULL);
  }
  (void)sigprocmask(SIG_BLOCK, &blocked, &s->unblocked);
  for (i = 0; i < sizeof numbers / sizeof numbers[0]; ++i) sigdelset(&s->unblocked, numbers[i]);
}

/* ---- A worker ---------------------------------------------------------------------- */

static int run_worker(const struct settings* s) {
  struct pollfd listening = {.fd = s->listen_fd, .events = POLLIN};
  struct metrics metrics;
  /* After the fork: threads and connections do not pass through one. */
  (void)metrics_load(&metrics, s->plugin, s->config);
  metrics_start(&metrics);
  while (!stop_asked) {
    int fd;
    if (ppoll(&listening, 1, NULL, &s->unblocked) < 0) continue;
    fd = accept(s->listen_fd, NULL, NULL);
    if (fd >= 0) {
      http_serve(&metrics, fd);
      (void)close(fd);
    } else if (errno != EAGAIN && errno != EINTR) {
      (void)poll(NULL, 0, 100); /* such as no descriptors: not at once again */
    }
  }
  metrics_stop(&metrics, kStopMs);
  return 0;
}

static pid_t start_worker(const struct settings* s) {
  const pid_t master = getpid(), pid = fork();
  if (pid != 0) return pid;
  (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != master) _exit(0);
  _exit(run_worker(s));
}

/* ---- The master, which never loads the plugin --------------------------------------- */

/* Whether new workers would have metrics. In a process of its own: a plugin that is loaded stays,
 * and the master would hand it on to all workers to come. */
static int check_plugin(const struct settings* s) {
  struct metrics metrics;
  int status = -1;
  const pid_t pid = fork();
  if (pid == 0) _exit(metrics_load(&metrics, s->plugin, s->config) == 0 ? 0 : 1);
  while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

struct crew {
  pid_t workers[kMaxWorkers]; /* 0: none */
  time_t started[kMaxWorkers];
  pid_t leaving[kMaxWorkers]; /* asked to end by a reload */
  time_t killed_at;           /* when those are killed that are left of them */
};

/* Whether there are children left. */
static int reap(struct crew* crew) {
  pid_t pid;
  int i, status;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    for (i = 0; i < kMaxWorkers; ++i) {
      if (crew->leaving[i] == pid) crew->leaving[i] = 0;
      if (crew->workers[i] != pid) continue;
      crew->workers[i] = 0;
      if (!stop_asked)
        log_line("worker %ld ended (status 0x%x), another one follows", (long)pid,
                 (unsigned)status);
    }
  }
  return pid == 0;
}

/* How many of them there are. number: 0 signals none. */
static int signal_all(const pid_t* workers, int number) {
  int i, found = 0;
  for (i = 0; i < kMaxWorkers; ++i) {
    if (workers[i] <= 0) continue;
    ++found;
    if (number == SIGKILL) log_line("worker %ld does not end and is killed", (long)workers[i]);
    if (number != 0) (void)kill(workers[i], number);
  }
  return found;
}

static time_t seconds_since_boot(void) {
  struct timespec now = {0, 0};
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + kAgainSeconds; /* never within kAgainSeconds of the 0 of a new slot */
}

/* Makes the workers that are missing, or all anew; returns how many are missing still. */
static int fill(const struct settings* s, struct crew* crew, int anew) {
  int i, missing = 0;
  for (i = 0; i < s->workers; ++i) {
    const time_t now = seconds_since_boot();
    if (crew->workers[i] > 0 && !anew) continue;
    /* One that dies at once is not made again at once. */
    if (!anew && now - crew->started[i] < kAgainSeconds && ++missing) continue;
    crew->workers[i] = start_worker(s), crew->started[i] = now;
    if (crew->workers[i] < 0) crew->workers[i] = 0, ++missing;
  }
  return missing;
}

static void end_all(const struct settings* s, struct crew* crew) {
  const struct timespec again = {kAgainSeconds, 0};
  const time_t until = seconds_since_boot() + kLeaveSeconds;
  (void)signal_all(crew->workers, SIGTERM);
  while (reap(crew)) {
    if (seconds_since_boot() >= until)
      (void)signal_all(crew->workers, SIGKILL), (void)signal_all(crew->leaving, SIGKILL);
    (void)ppoll(NULL, 0, &again, &s->unblocked);
  }
}

static void run_master(const struct settings* s) {
  struct crew crew = {.workers = {0}};
  while (!stop_asked) {
    const struct timespec again = {kAgainSeconds, 0};
    int missing, leaving = signal_all(crew.leaving, 0), reload = 0;
    if (leaving && seconds_since_boot() >= crew.killed_at) (void)signal_all(crew.leaving, SIGKILL);
    /* One at a time: it comes when those have ended that the last one replaced. */
    if (reload_asked && !leaving) {
      reload_asked = 0;
      reload = check_plugin(s);
      if (!reload) log_line("the workers stay as they are");
    }
    if (reload) memcpy(crew.leaving, crew.workers, sizeof crew.leaving);
    missing = fill(s, &crew, reload);
    if (reload) {
      /* The new ones accept already; the old ones end what they have begun. */
      leaving = signal_all(crew.leaving, SIGTERM);
      crew.killed_at = seconds_since_boot() + kLeaveSeconds;
    }
    (void)ppoll(NULL, 0, missing || leaving ? &again : NULL, &s->unblocked);
    (void)reap(&crew);
  }
  log_line("stopping");
  end_all(s, &crew);
}

/* A listening socket, or -1: one line says why. address: HOST:PORT, numeric. */
static int listen_on(const char* address) {
  const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
                                 .ai_socktype = SOCK_STREAM};
  const char* colon = strrchr(address, ':');
  struct sockaddr_storage bound;
  socklen_t size = sizeof bound;
  char host[128] = "", port[16];
  struct addrinfo* found = NULL;
  int fd = -1, yes = 1;
  if (colon != NULL && colon - address < (ptrdiff_t)sizeof host) {
    memcpy(host, address, (size_t)(colon - address));
    if (getaddrinfo(host, colon + 1, &hints, &found) == 0)
      fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  }
  if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
      bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0 &&
      getsockname(fd, (struct sockaddr*)&bound, &size) == 0 &&
      getnameinfo((struct sockaddr*)&bound, size, NULL, 0, port, sizeof port, NI_NUMERICSERV) ==
          0) {
    log_line("listening on %s:%s", host, port);
  } else {
    log_line("cannot listen on %s: %s", address,
             found == NULL ? "expected ADDRESS:PORT" : strerror(errno));
    if (fd >= 0) (void)close(fd);
    fd = -1;
  }
  if (found != NULL) freeaddrinfo(found);
  return fd;
}

/* 0: no number of workers that there can be. */
static int workers_of(const char* text) {
  char* end;
  const long number = strtol(text, &end, 10);
  return *end == '\0' && number >= 1 && number <= kMaxWorkers ? (int)number : 0;
}

int main(int argc, char** argv) {
  struct settings s = {.workers = 4};
  const char* address = "127.0.0.1:8000";
  int option;
  while ((option = getopt(argc, argv, "l:w:p:c:")) != -1) {
    if (option == 'l') address = optarg;
    if (option == 'w') s.workers = workers_of(optarg);
    if (option == 'p') s.plugin = optarg;
    if (option == 'c') s.config = optarg;
    if (option == '?') s.workers = 0;
  }
  if (optind != argc || s.workers == 0)
    return write(STDERR_FILENO, kUsage, sizeof kUsage - 1) < 0 ? 3 : 2;
  s.listen_fd = listen_on(address);
  if (s.listen_fd < 0) return 1;
  if (s.plugin == NULL) log_line("no plugin is configured, serving without metrics");
  take_signals(&s);
  run_master(&s);
  return 0;
}
