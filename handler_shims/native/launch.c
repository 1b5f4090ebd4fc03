// SPDX-License-Identifier: Apache-2.0
//
// launch 0|1 PROGRAM [ARGUMENT...]: becomes the program, under the policy. For runtimes without hooks of their language
// (Java, Ruby, a plain binary), started by the exec wrapper: the second line stands in the program from before its main().
//
// The policy is found and sealed here, so that a mistake in it ends the init before anything of the function runs; it
// reaches the program as it reaches a child (docs/adr/0007-hand-over.md). The first word: whether there is no function
// without enforcement (the wrapper reads TREND_AP_FAIL_CLOSED). A switched-off agent runs the program as it is.
#include <app_protect/api.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef const ap_api* (*get_api)(uint32_t);

// <...>/app_protect/bin/launch -> <...>/app_protect/lib/libapp_protect.so
static const ap_api* load(char* why, size_t size) {
  char path[PATH_MAX + 32];
  const ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
  snprintf(why, size, "its own place is not known");
  if (length <= 0) return NULL;
  path[length] = 0;
  char* slash = strrchr(path, '/');
  *slash = 0;
  slash = strrchr(path, '/');
  strcpy(slash, "/lib/libapp_protect.so");
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  const get_api get = library ? (get_api)dlsym(library, "app_protect_api") : NULL;
  const char* trouble = dlerror();
  snprintf(why, size, "%s", trouble ? trouble : "another version of the library");
  return get ? get(AP_API_VERSION) : NULL;
}

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(stderr, "[ERROR] [app_protect] usage: launch 0|1 PROGRAM [ARGUMENT...]\n");
    return 2;
  }
  const int must = argv[1][0] == '1';
  char** command = argv + 2;
  int why = 0;
  char text[8192];
  const ap_api* api = load(text, sizeof text);
  if (api) {
    ap_start_options options = {.size = sizeof options, .attach = AP_ATTACH_RUN, .language = {"native", 6}};
    if (api->start(&options, text, sizeof text) == AP_FAILED) return 1;  // it has said why
    why = api->run(command);
  } else {
    fprintf(stderr, must ? "[ERROR] [app_protect] %s; TREND_AP_FAIL_CLOSED is set, so the function does not start\n"
                         : "[WARN] [app_protect] not enforcing: %s\n",
            text);
    if (must) return 1;
    execvp(command[0], command);
    why = errno;
  }
  fprintf(stderr, "[ERROR] [app_protect] cannot run `%s`: %s\n", command[0], strerror(why));
  return why == ENOENT ? 127 : 126;
}
