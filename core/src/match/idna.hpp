// SPDX-License-Identifier: Apache-2.0
//
// Host names as they are compared: lower case, A-label form (punycode, RFC 3492), no trailing dot. Used for policy
// entries when compiled and for every host when judged. Small on purpose: lower-casing covers ASCII, Latin, Greek,
// Cyrillic, Armenian and full-width letters; no normalisation beyond that, so an unusual spelling becomes another name
// and is not met by an entry.
//
//   HostName name;
//   if (normalise_host("BÜCHER.example.", name)) use(name.view());  // "xn--bcher-kva.example"
#pragma once
#include <string_view>

#include "base/fixed_text.hpp"

namespace ap {

// A name has at most 253 bytes; twice that leaves room for what getaddrinfo is handed and refuses by itself.
using HostName = FixedText<512>;

// False when the name does not fit, is not UTF-8, or holds a byte that no host name has (NUL, white space, a
// delimiter): a resolver may end the name there, and mean another. Every other byte is kept. No allocation,
// async-signal-safe.
bool normalise_host(std::string_view host, HostName& out) noexcept;

}  // namespace ap
