// SPDX-License-Identifier: Apache-2.0
#include "policy/lint.hpp"

#include "base/text.hpp"
#include "policy/blob.hpp"
#include "policy/provider.hpp"

namespace ap {
namespace {

// Suffixes below which strangers get names: the most common, not the whole Public Suffix List.
bool is_public_suffix(std::string_view text) {
  if (text.find('.') == text.npos) return true;  // a top level: .com
  for (std::string_view suffix : {"co.uk",
                                  "com.au",
                                  "co.jp",
                                  "com.br",
                                  "github.io",
                                  "netlify.app",
                                  "vercel.app",
                                  "herokuapp.com",
                                  "workers.dev",
                                  "pages.dev",
                                  "web.app",
                                  "run.app",
                                  "appspot.com",
                                  "cloudfront.net",
                                  "s3.amazonaws.com",
                                  "azurewebsites.net",
                                  "blob.core.windows.net",
                                  "googleapis.com",
                                  "ngrok.io",
                                  "ngrok.app",
                                  "on.aws"})
    if (text == suffix) return true;
  return false;
}

// Whether `suffix` (".x.example") is one below which a cloud provider's customers run servers of their own.
bool is_hosting_suffix(std::string_view suffix) {
  HostName form;
  if (!region_form(suffix, form)) return false;
  for (const char* provider : {"aws", "gcp", "azure"}) {
    Surroundings here;
    here.provider = provider;
    for (const auto& [entry, rule] : provider_tables(here, ProviderLevel::all).classes)
      if (rule == static_cast<std::uint32_t>(ProviderClass::hosting) && entry.form == DomainForm::ends_with &&
          form.view() == entry.text)
        return true;
  }
  return false;
}

class Linter {
 public:
  explicit Linter(const Policy& policy) : policy_(policy) {}

  std::vector<Diagnostic> run() {
    for (const AllowedEntry& entry : policy_.allowed) {
      if (entry.is_address)
        address(entry);
      else
        name(entry);
    }
    if (policy_.provider == ProviderLevel::all)
      warn("outbound.allow_cloud_provider",
           "`all` also reaches other customers' servers there (load balancers, function URLs, buckets); `services` "
           "leaves those out");
    if (policy_.provider != ProviderLevel::off && policy_.outbound == Action::grant)
      warn("outbound.allow_cloud_provider", "has no effect while `outbound.action` is `grant`");
    if (!policy_.allowed.empty() && policy_.outbound == Action::grant)
      warn("outbound.allowed_domains", "has no effect while `outbound.action` is `grant`");
    for (std::size_t i = 0; i < policy_.path_rules.size(); ++i) {
      const PathRule& rule = policy_.path_rules[i];
      if (rule.pattern.find_first_of("[{") != rule.pattern.npos)
        warn(rule.place + ".path", "`[` and `{` stand for themselves here: patterns know `*`, `?` and `**`");
      for (std::size_t j = 0; j < i && i < 1000; ++j) {
        const PathRule& before = policy_.path_rules[j];
        if (before.pattern == rule.pattern && (before.read || !rule.read) && (before.write || !rule.write)) {
          warn(rule.place, "is never reached: `" + before.place + "` has the same path and comes first");
          break;
        }
      }
    }
    for (const CommandRule& rule : policy_.command_rules)
      if (rule.action == Action::grant && !rule.pattern.starts_with('^') && policy_.child != Action::grant)
        warn(rule.place + ".command",
             shown(rule.pattern) + " is searched anywhere in the command, its arguments included; begin it with `^`");
    return std::move(out_);
  }

 private:
  void warn(std::string place, std::string message) {
    out_.push_back({Diagnostic::Severity::warning, std::move(place), std::move(message)});
  }

  void name(const AllowedEntry& entry) {
    const std::string& text = entry.domain.text;
    std::string bare = text;
    while (!bare.empty() && bare.front() == '.') bare.erase(0, 1);
    while (!bare.empty() && bare.back() == '.') bare.pop_back();
    bool dotted = bare.find('.') != bare.npos;
    if (IpAddress number; parse_ip(text, number))
      warn(entry.place,
           shown(entry.text) + " is a name here and meets no address; for the address write `" + to_text(number) + "`");
    switch (entry.domain.form) {
      case DomainForm::contains:
        warn(entry.place, shown(entry.text) + " means contains, and also meets " +
                              (dotted ? "`" + bare + ".evil.example`; write `=" + bare + "` or `*." + bare + "`"
                                      : "`" + bare + ".evil.example`; write the full name, such as `=api." + bare +
                                            ".com` or `*." + bare + ".com`"));
        break;
      case DomainForm::starts_with:
        warn(entry.place, shown(entry.text) + " means starts with, and also meets `" + text +
                              (text.back() == '.' ? "" : ".") + "evil.example`; write `=` and the full name");
        break;
      case DomainForm::ends_with:
        if (text.front() != '.')
          warn(entry.place, shown(entry.text) + " also meets `evil" + text + "`; write `*." + bare +
                                "`, and `=" + bare + "` for the name itself");
        else if (is_public_suffix(bare))
          warn(entry.place, shown(entry.text) + " is where anyone can get a name, such as `evil" + text +
                                "`; write the names that are meant");
        else if (is_hosting_suffix(text))
          warn(
              entry.place,
              "`*" + text +
                  "` is where every customer of the provider can run a server; write the full names, such as `=abc123" +
                  text + "`");
        else if (bare == "amazonaws.com" || bare == "azure.com" || bare == "windows.net")
          warn(entry.place,
               shown(entry.text) +
                   " also meets other customers' servers; write `\"allow_cloud_provider\": \"services\"` instead");
        break;
      case DomainForm::exact:
        break;
    }
    if (entry.domain.port == 53 || entry.domain.port == 853)
      warn(entry.place,
           "opens a name server other than the system's: any name can be asked there, which can carry data out");
  }
  void address(const AllowedEntry& entry) {
    const AddressEntry& a = entry.address;
    if (a.bits == 0) warn(entry.place, shown(entry.text) + " is every address of its kind");
    if (is_special(a.address) && !is_loopback(a.address) && a.bits >= 16)
      warn(entry.place,
           shown(entry.text) +
               " is link-local or multicast; instance metadata (169.254.169.254) stays refused whatever is listed");
    if (a.port == 53 || a.port == 853)
      warn(entry.place,
           "opens a name server other than the system's: any name can be asked there, which can carry data out");
  }

  const Policy& policy_;
  std::vector<Diagnostic> out_;
};

}  // namespace

std::vector<Diagnostic> lint(const Policy& policy) {
  return Linter(policy).run();
}

}  // namespace ap
