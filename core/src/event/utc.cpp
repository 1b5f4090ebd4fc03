// SPDX-License-Identifier: Apache-2.0
#include "event/utc.hpp"

namespace ap::event {
namespace {

void digits(char* at, int count, std::uint64_t value) noexcept {
  for (int i = count; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

UtcText utc_text(std::uint64_t unix_us) noexcept {
  const std::uint64_t seconds = unix_us / 1000000, of_day = seconds % 86400;
  // Civil date from days (Howard Hinnant, chrono-compatible low-level date algorithms), years from 1 March.
  const std::uint64_t z = seconds / 86400 + 719468, era = z / 146097, doe = z % 146097;
  const std::uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const std::uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
  const std::uint64_t day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
  UtcText out;
  __builtin_memcpy(out.text, "0000-00-00T00:00:00.000000Z", sizeof out.text);
  digits(out.text, 4, yoe + era * 400 + (month <= 2 ? 1 : 0));
  digits(out.text + 5, 2, month);
  digits(out.text + 8, 2, day);
  digits(out.text + 11, 2, of_day / 3600);
  digits(out.text + 14, 2, of_day / 60 % 60);
  digits(out.text + 17, 2, of_day % 60);
  digits(out.text + 20, 6, unix_us % 1000000);
  return out;
}

}  // namespace ap::event
