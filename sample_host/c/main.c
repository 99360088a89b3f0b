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

static void reap(const struct settings* s, pid_t* workers) {
  pid_t pid;
  int i, status;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    for (i = 0; i < s->workers; ++i) {
      if (workers[i] != pid) continue;
      log_line("worker %ld ended (status 0x%x), another one follows", (long)pid, (unsigned)status);
      workers[i] = 0;
    }
  }
}

static void signal_all(const struct settings* s, const pid_t* workers) {
  int i;
  for (i = 0; i < s->workers; ++i)
    if (workers[i] > 0) (void)kill(workers[i], SIGTERM);
}

static time_t seconds_since_boot(void) {
  struct timespec now = {0, 0};
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + kAgainSeconds; /* never within kAgainSeconds of the 0 of a new slot */
}

static void run_master(const struct settings* s) {
  pid_t workers[kMaxWorkers] = {0}, old[kMaxWorkers];
  time_t started[kMaxWorkers] = {0};
  while (!stop_asked) {
    struct timespec again = {kAgainSeconds, 0};
    int i, reload = reload_asked, missing = 0;
    reload_asked = 0;
    if (reload && !check_plugin(s)) {
      log_line("the workers stay as they are");
      reload = 0;
    }
    memcpy(old, workers, sizeof old);
    for (i = 0; i < s->workers; ++i) {
      const time_t now = seconds_since_boot();
      if (workers[i] > 0 && !reload) continue;
      /* One that dies at once is not made again at once. */
      if (!reload && now - started[i] < kAgainSeconds && ++missing) continue;
      workers[i] = start_worker(s), started[i] = now;
      if (workers[i] < 0) workers[i] = 0, ++missing;
    }
    /* The new ones accept already; the old ones end what they have begun. */
    if (reload) signal_all(s, old);
    (void)ppoll(NULL, 0, missing ? &again : NULL, &s->unblocked);
    reap(s, workers);
  }
  log_line("stopping");
  signal_all(s, workers);
  while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) continue;
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
