// SPDX-License-Identifier: Apache-2.0
#include "hooks/audit.hpp"

#include <string.h>

#include "core.hpp"
#include "hooks/files.hpp"
#include "hooks/native.hpp"
#include "python.hpp"

namespace ap::python::audit {
namespace {

bool g_files, g_native;

#if PY_VERSION_HEX >= 0x03080000
// INVARIANT: 0, or -1 with a denial set. Python calls this for every event, most of which are none of ours: two bytes
// tell.
int hook(const char* event, PyObject* args, void*) {
  switch (event[0]) {
    case 'o':
      if (g_files && memcmp(event, "open", 5) == 0) return files::on_open(args);
      return 0;
    case 'i':
      if (g_native && strcmp(event, "import") == 0) return native::on_import(args);
      return 0;
    case 's':
      if (g_files && event[1] == 'q' && strcmp(event, "sqlite3.connect") == 0) return files::on_sqlite3_connect(args);
      return 0;
    case 'c':
      if (!g_native || event[1] != 't') return 0;
      if (strcmp(event, "ctypes.dlopen") == 0) return native::on_dlopen(args);
      if (strcmp(event, "ctypes.call_function") == 0) return native::on_call_function(args);
      return 0;
    default:
      return 0;
  }
}
#endif

}  // namespace

void install(unsigned needs) {
  g_files = (needs & AP_NEED_FILES) != 0;
  g_native = (needs & AP_NEED_NATIVE) != 0;
#if PY_VERSION_HEX >= 0x03080000
  if ((g_files || g_native) && PySys_AddAuditHook(hook, nullptr) < 0)
    trouble("hook_missing",
            "another audit hook refuses ours: files that Python opens itself are watched by line 2 alone");
#endif
}

}  // namespace ap::python::audit
