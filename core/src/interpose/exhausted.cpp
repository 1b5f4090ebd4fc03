// SPDX-License-Identifier: Apache-2.0
//
// A process whose table of descriptors is full. To judge a path takes a descriptor, the call itself (stat, unlink,
// execve) often none. Where nothing is denied it is then made as the program made it, unseen, and that is told once;
// where anything is, it fails.
#include <atomic>

#include "base/syscall.hpp"
#include "event/report.hpp"
#include "interpose/calls.hpp"
#include "interpose/decide.hpp"
#include "interpose/old_numbers.hpp"

namespace ap::interpose {

long with_full_table(Handler handler, long result, const long (&arguments)[6]) noexcept {
  if (enforcing) return result;
  for (const auto& numbers :
       {file_numbers(), metadata_numbers(), question_numbers(), network_numbers(), exec_numbers()})
    for (const Number& row : numbers) {
      if (row.handler != handler) continue;
      static std::atomic<bool> told{false};
      if (!told.exchange(true))
        event::health("descriptors_exhausted", "no descriptor is free: what needs one to be looked at is not observed");
      const int number = row.number < 0 ? number_of(old_call(row.number)) : row.number;
      if (number < 0) return result;
      return sys::call(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
    }
  return result;
}

}  // namespace ap::interpose
