/* SPDX-License-Identifier: MIT */
/* promplug_multiprocess_dir. Not an ngx_path_t: nginx gives those to the user of the workers as
 * root, whatever they are, also for `nginx -t`; with /run that would be the whole of it. */
#include <dirent.h>
#include <pwd.h>

#include "promplug_conf.h"

#define USER_UNKNOWN ((ngx_uid_t)NGX_CONF_UNSET_UINT)

/* `user` may come behind http {}: then it is not known yet, and the default is taken. */
static ngx_uid_t user_of_workers(ngx_cycle_t* cycle) {
  ngx_core_conf_t* core = (ngx_core_conf_t*)ngx_get_conf(cycle->conf_ctx, ngx_core_module);
  const struct passwd* entry;
  if (geteuid() != 0) return geteuid();
  if (core->user != USER_UNKNOWN) return core->user;
  entry = getpwnam(NGX_USER);
  return entry != NULL ? entry->pw_uid : USER_UNKNOWN;
}

/* A link is none: who may replace it would have root give away what it points to. */
static int open_directory(const ngx_str_t* path) {
  return open((const char*)path->data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static ngx_flag_t is_empty(int fd) {
  ngx_uint_t n = 0;
  int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* dir = own != -1 ? fdopendir(own) : NULL;
  if (dir == NULL) {
    if (own != -1) (void)close(own);
    return 0;
  }
  while (readdir(dir) != NULL) ++n;
  (void)closedir(dir);
  return n <= 2; /* itself and its parent */
}

/* Why it cannot be this nginx's own; NULL: it is, or may become it. */
static const char* fault_of(int fd, ngx_uid_t user, struct stat* info) {
  struct stat parent, root;
  if (fstat(fd, info) != 0 || fstatat(fd, "..", &parent, 0) != 0 || stat("/", &root) != 0)
    return "cannot be looked at";
  if (parent.st_dev == root.st_dev && parent.st_ino == root.st_ino) return "is / or right below it";
  if ((info->st_mode & S_IWOTH) != 0) return "may be written to by everybody";
  if (info->st_uid == user) return NULL;
  if (info->st_uid != 0) return "belongs to another user than the workers";
  return is_empty(fd) ? NULL : "belongs to root and is not empty";
}

char* ngx_http_promplug_set_directory(ngx_conf_t* cf, ngx_command_t* cmd, void* conf) {
  ngx_http_promplug_main_conf_t* main_conf = conf;
  ngx_str_t *value = cf->args->elts, path = value[1];
  const char* fault;
  struct stat info;
  ngx_err_t err = 0;
  int fd;
  (void)cmd;
  if (main_conf->directory.data != NULL) return "is duplicate";
  if (path.len == 0) return "has an empty path";
  /* With a slash at its end a link would be followed. */
  while (path.len > 1 && path.data[path.len - 1] == '/') path.data[--path.len] = '\0';
  if (ngx_conf_full_name(cf->cycle, &path, 0) != NGX_OK) return NGX_CONF_ERROR;
  main_conf->directory = path;

  fd = open_directory(&path);
  if (fd != -1) {
    fault = fault_of(fd, user_of_workers(cf->cycle), &info);
    (void)close(fd);
  } else {
    err = ngx_errno;
    if (err == NGX_ENOENT) return NGX_CONF_OK;
    fault = "is no directory that can be opened";
  }
  if (fault == NULL) return NGX_CONF_OK;
  ngx_conf_log_error(NGX_LOG_EMERG, cf, err,
                     "\"promplug_multiprocess_dir\": \"%V\" %s, expected a directory of this "
                     "nginx's own, or one that is not there yet",
                     &path, fault);
  return NGX_CONF_ERROR;
}

/* Gives it to the user of the workers. What speaks against it, or NULL. */
static const char* hand_over(const ngx_str_t* path, ngx_uid_t user) {
  struct stat info;
  const char* fault;
  int fd = open_directory(path);
  if (fd == -1) return "cannot be opened";
  ngx_set_errno(0);
  fault = fault_of(fd, user, &info);
  if (fault == NULL && info.st_uid != user && fchown(fd, user, (gid_t)-1) != 0)
    fault = "cannot be given to the user of the workers";
  (void)close(fd);
  return fault;
}

void ngx_http_promplug_make_directory(ngx_cycle_t* cycle,
                                      const ngx_http_promplug_main_conf_t* conf) {
  const char* fault;
  if (conf->directory.len == 0 || ngx_test_config) return;
  if (ngx_create_dir(conf->directory.data, 0700) == NGX_FILE_ERROR && ngx_errno != NGX_EEXIST) {
    fault = "cannot be made";
  } else {
    fault = hand_over(&conf->directory, user_of_workers(cycle));
  }
  if (fault != NULL)
    ngx_log_error(NGX_LOG_WARN, cycle->log, ngx_errno,
                  "promplug: \"promplug_multiprocess_dir\": \"%V\" %s", &conf->directory, fault);
}
