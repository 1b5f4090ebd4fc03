// SPDX-License-Identifier: Apache-2.0
// Outbound: names and addresses. The order of the steps is the design's precedence; the first that speaks decides.
#include <cstring>

#include "guard/judge.hpp"
#include "policy/model.hpp"
#include "policy/provider.hpp"

namespace ap::guard {
namespace {

// An answer is taken for the reason of a connect to a special address for this long; then it is a connect of its own.
constexpr std::uint32_t kAnswerWindowMs = 5000;

struct Target {
  bool resolve;
  bool spoken;  // the caller said a name or a literal; line 2 has the socket address alone
  std::string_view name;
  IpAddress address;
  std::uint16_t port;
};

bool is_metadata_address(const IpAddress& a) noexcept {
  static constexpr std::uint8_t v4[][4] = {
      {169, 254, 169, 254},  // AWS, Google, Azure, most others
      {169, 254, 170, 2},    // ECS credentials
      {169, 254, 170, 23},   // EKS credentials
      {168, 63, 129, 16},    // Azure wire server
      {100, 100, 100, 200},  // Alibaba
      {192, 0, 0, 192},      // Oracle
  };
  static constexpr std::uint8_t v6[][16] = {
      {0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54},  // fd00:ec2::254
      {0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x23},     // fd00:ec2::23
      {0xfd, 0x20, 0x00, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54},  // fd20:ce::254, Google
  };
  if (a.family == 4) {
    for (const auto& known : v4)
      if (std::memcmp(a.bytes, known, 4) == 0) return true;
  } else if (a.family == 6) {
    for (const auto& known : v6)
      if (std::memcmp(a.bytes, known, 16) == 0) return true;
    // NAT64 and 6to4 forms of the first of them.
    static constexpr std::uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    if (std::memcmp(a.bytes, nat64, 12) == 0) return is_metadata_address(make_ip(4, a.bytes + 12));
    if (a.bytes[0] == 0x20 && a.bytes[1] == 0x02) return is_metadata_address(make_ip(4, a.bytes + 2));
  }
  return false;
}

bool is_metadata_name(std::string_view name) noexcept {
  for (std::string_view known :
       {"metadata.google.internal", "metadata.goog", "metadata", "instance-data", "instance-data.ec2.internal"})
    if (name == known) return true;
  return false;
}

struct ProviderAnswer {
  bool open;
  std::uint8_t cls;  // AP_CLASS_NONE: not a provider's name
};

ProviderAnswer ask_provider(const BlobView& policy, std::string_view name) noexcept {
  const auto level = static_cast<ProviderLevel>(policy.header().provider_level);
  if (level == ProviderLevel::off) return {false, AP_CLASS_NONE};
  if (level == ProviderLevel::strict && policy.strict_names().match(name, 0)) return {true, AP_CLASS_PROVIDER};
  HostName form;
  if (!region_form(name, form)) return {false, AP_CLASS_NONE};
  const DomainItem* item = policy.provider_names().match(form.view(), 0);
  if (!item) return {false, AP_CLASS_NONE};
  switch (static_cast<ProviderClass>(item->rule)) {
    case ProviderClass::front:
      return {level != ProviderLevel::strict, AP_CLASS_PROVIDER};
    case ProviderClass::tenant:
      return {level != ProviderLevel::strict, AP_CLASS_TENANT};
    default:
      return {level == ProviderLevel::all, AP_CLASS_HOSTING};
  }
}

// The rule by which the policy itself, or the provider level, opens a name on a port; false when neither does.
bool open_name(const BlobView& policy, std::string_view name, std::uint16_t port, Verdict& verdict) noexcept {
  if (const DomainItem* item = policy.allowed_names().match(name, port)) {
    set(verdict, AP_GRANT, item->rule, AP_CLASS_NAME);
    return true;
  }
  if (ProviderAnswer provider = ask_provider(policy, name); provider.open) {
    set(verdict, AP_GRANT, rule_outbound_provider, provider.cls);
    return true;
  }
  return false;
}

void judge_target(const BlobView& policy, const NameTable* names, const Target& target, Verdict& verdict) noexcept {
  const PolicyHeader& h = policy.header();
  const auto& [resolve, spoken, name, address, port] = target;
  const std::uint8_t own_class = name.empty() ? AP_CLASS_LITERAL : AP_CLASS_NAME;
  const bool local_name = !name.empty() && policy.local_names().match(name, 0);

  // 1. Platform end points from variables and resolv.conf are reachable.
  if (policy.platform_addresses().match(address, port) || (!name.empty() && policy.platform_names().match(name, port)))
    return set(verdict, AP_GRANT, rule_outbound_platform, AP_CLASS_LOCAL);

  // 2. Refused whatever is listed: metadata; names that answer where no name of the internet leads; other name servers.
  if (is_metadata_address(address) || is_metadata_name(name)) {
    if (h.metadata_reachable) return set(verdict, AP_GRANT, rule_outbound_provider, AP_CLASS_PROVIDER);
    return set(verdict, h.outbound, rule_outbound_metadata, own_class);
  }
  if (address.family && is_special(address)) {
    bool answered = !name.empty() && !local_name;
    if (name.empty() && !spoken && names)
      names->each_name(address, [&](std::string_view known, std::uint32_t age_ms) {
        answered = age_ms <= kAnswerWindowMs && !policy.local_names().match(known, 0);
        return !answered;
      });
    if (answered) return set(verdict, h.outbound, rule_outbound_answer, AP_CLASS_NAME);
  }
  if (!resolve && (port == 53 || port == 853)) {
    const DomainItem* named = name.empty() ? nullptr : policy.allowed_names().match_with_port(name, port);
    const AddressItem* numbered = policy.allowed_addresses().match_with_port(address, port);
    if (!named && !numbered) return set(verdict, h.outbound, rule_outbound_dns, own_class);
  }

  // 3. Explicit entries.
  if (!name.empty())
    if (const DomainItem* item = policy.allowed_names().match(name, port))
      return set(verdict, AP_GRANT, item->rule, AP_CLASS_NAME);
  if (const AddressItem* item = policy.allowed_addresses().match(address, port))
    return set(verdict, AP_GRANT, item->rule, name.empty() ? AP_CLASS_LITERAL : AP_CLASS_NAME);

  // 4. Loopback.
  // "localhost" that leads elsewhere is a name like any other.
  if (address.family ? is_loopback(address) && (local_name || name.empty()) : local_name)
    return set(verdict, h.local, rule_outbound_local, AP_CLASS_LOCAL);

  // 5. The provider, by name.
  ProviderAnswer provider{false, AP_CLASS_NONE};
  if (!name.empty()) {
    provider = ask_provider(policy, name);
    if (provider.open) return set(verdict, AP_GRANT, rule_outbound_provider, provider.cls);
  }

  // 6. An address that a permitted name has answered; what no name may answer is bound by none.
  if (name.empty() && address.family && names && !is_special(address)) {
    bool open = false;
    names->each_name(address, [&](std::string_view known, std::uint32_t) {
      open = open_name(policy, known, port, verdict);
      return !open;
    });
    if (open) return;
  }

  // 7. The action.
  set(verdict, h.outbound, rule_outbound_action, provider.cls != AP_CLASS_NONE ? provider.cls : own_class);
}

}  // namespace

void judge_outbound(const BlobView& policy, const NameTable* names, const Operation& operation,
                    Verdict& verdict) noexcept {
  const PolicyHeader& h = policy.header();
  std::string_view text = view(operation.text);

  if (operation.protocol == AP_PROTO_UNIX) {
    // The name service cache is how libc asks for host names on some systems; what it answers is judged as any answer.
    if (text == "/var/run/nscd/socket" || text == "/run/nscd/socket")
      return set(verdict, AP_GRANT, rule_outbound_platform, AP_CLASS_LOCAL);
    return set(verdict, h.local, rule_outbound_local, AP_CLASS_LOCAL);
  }

  Target target{};
  target.resolve = operation.kind == AP_RESOLVE;
  target.port = target.resolve ? std::uint16_t{0} : operation.port;
  target.address = make_ip(operation.family, operation.address);
  target.spoken = !text.empty();

  HostName host;
  if (!text.empty()) {
    IpAddress literal;
    if (parse_ip(text, literal)) {
      if (target.address.family == 0) target.address = literal;
    } else if (!normalise_host(text, host)) {
      return set(verdict, h.outbound, rule_outbound_action, AP_CLASS_NAME);
    } else if (parse_ip(host.view(), literal)) {  // full-width digits and dots are digits and dots to a resolver
      if (target.address.family == 0) target.address = literal;
    } else {
      target.name = host.view();
      // A reverse look-up tells its address to whoever owns the zone: judged as the address, unless the name itself is
      // listed.
      if (IpAddress reverse;
          target.resolve && parse_reverse_name(target.name, reverse) && !policy.allowed_names().match(target.name, 0)) {
        target.name = {};
        target.address = reverse;
      }
    }
  }
  if (target.name.empty() && target.address.family == 0) {
    // Nothing to go to: getaddrinfo without a host is this machine; a connect without an address is not to be judged.
    if (target.resolve) return set(verdict, AP_GRANT, rule_outbound_local, AP_CLASS_LOCAL);
    return set(verdict, h.outbound, rule_outbound_action, AP_CLASS_LITERAL);
  }
  judge_target(policy, names, target, verdict);
}

}  // namespace ap::guard
