// SPDX-License-Identifier: Apache-2.0
//
// Who did it: the Python stack (innermost first, "app.py:41 handler", our own and the import system's frames left out)
// and the nearest installed package on it ("requests@2.31.0").
//
// Built for observed and denied operations only. Bounded, on the C stack; package look-ups are remembered.
#pragma once
#include "core.hpp"

namespace ap::python {

class Attribution {
 public:
  explicit Attribution(const char* api);  // needs the GIL; sets no exception
  const ap_attribution& get() const { return who_; }

  // The application's directory, whose prefix is cut from file names and in which packages may be installed too.
  static void set_application(std::string_view directory);

 private:
  static constexpr int kFrames = 12;
  static constexpr int kFrameText = 120;
  ap_attribution who_{};
  ap_str stack_[kFrames];
  char text_[kFrames][kFrameText];
  char package_[96];
};

}  // namespace ap::python
