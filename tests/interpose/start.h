// SPDX-License-Identifier: Apache-2.0
//
// Puts the host program under a policy, as an addon would: the library named by AP_LIBRARY is loaded by path and
// started. Without the variable the program runs plain: every test first shows that its operation works then.
#pragma once
#include <app_protect/api.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const ap_api* api;

static void start_app_protect(void) {
  const char* library = getenv("AP_LIBRARY");
  if (!library) return;
  void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!handle) {
    fprintf(stderr, "%s\n", dlerror());
    exit(99);
  }
  const ap_api* (*get)(uint32_t) = (const ap_api* (*)(uint32_t))dlsym(handle, "app_protect_api");
  api = get ? get(AP_API_VERSION) : NULL;
  const char* language = getenv("AP_LANGUAGE") ? getenv("AP_LANGUAGE") : "native";
  ap_start_options options = {
      .size = sizeof options, .attach = AP_ATTACH_IMPORT, .language = {language, (uint32_t)strlen(language)}};
  char message[1000] = "no such version of the table";
  const int result = api ? api->start(&options, message, sizeof message) : AP_FAILED;
  if (result != AP_STARTED && result != AP_ALREADY) {
    fprintf(stderr, "start: %d %s\n", result, message);
    exit(99);
  }
  unsetenv("AP_LIBRARY");  // a child of the same program takes what it is handed
  api->handler_loading();
}
