// SPDX-License-Identifier: Apache-2.0
#include "control/policy_source.hpp"

namespace ap::control {
namespace {

constexpr std::string_view kRetired[] = {"trendmicro.com", "immun.io", "extrinsec.com"};

std::string host_of(std::string_view url) {
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const std::size_t user = url.rfind('@'); user != std::string_view::npos) url.remove_prefix(user + 1);
  url = url.substr(0, url.find(':'));
  while (!url.empty() && url.back() == '.') url.remove_suffix(1);
  std::string host(url);
  for (char& c : host)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return host;
}

}  // namespace

bool is_retired_host(std::string_view url) {
  const std::string host = host_of(url);
  for (std::string_view retired : kRetired) {
    if (host == retired) return true;
    if (host.size() > retired.size() && host[host.size() - retired.size() - 1] == '.' &&
        host.compare(host.size() - retired.size(), retired.size(), retired) == 0)
      return true;
  }
  return false;
}

std::string NoConsole::notice() {
  const Credentials& c = credentials_;
  if (c.key.empty() && c.license_key.empty() && c.hello_url.empty()) return "";
  if (c.hello_url.empty())
    return std::string(c.key.empty() ? "ES_LICENSE_KEY" : "TREND_AP_KEY") +
           " is set, but no console is known (TREND_AP_HELLO_URL): nothing is contacted, and local and built-in "
           "policies apply";
  if (is_retired_host(c.hello_url))
    return "TREND_AP_HELLO_URL names `" + host_of(c.hello_url) +
           "`, a service that is retired: it is not contacted, and local and built-in policies apply";
  return "a console is configured (TREND_AP_HELLO_URL), but this version cannot talk to one: local and built-in "
         "policies apply";
}

}  // namespace ap::control
