// SPDX-License-Identifier: Apache-2.0
// Entries and what they are asked: first line an entry (domain, address, path pattern or command pattern), the rest a
// subject. Indexed look-ups agree with the plain reading.
#include <cstdlib>

#include "match/address.hpp"
#include "match/blob_writer.hpp"
#include "match/command.hpp"
#include "match/domain.hpp"
#include "match/idna.hpp"
#include "match/path.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ap;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string_view entry = text.substr(0, text.find('\n')),
                   subject = text.substr(std::min(size, entry.size() + 1)).substr(0, 4095);

  HostName name, again;
  IpAddress ip;
  if (normalise_host(subject, name) &&
      (!normalise_host(name.view(), again) ||
       (again.view() != name.view() && !subject.ends_with('.') && name.view().back() != '.')))
    std::abort();
  (void)parse_reverse_name(subject, ip);
  bool is_address = false, subject_is_address = parse_ip(subject, ip);
  if (Result<AddressEntry> address = parse_address_entry(entry, is_address); is_address && address) {
    BlobWriter writer;
    AddressTable table = write_addresses(writer, {{*address, 0}});
    if (!valid_addresses(writer.bytes(), table)) std::abort();
    AddressMatcher matcher(writer.bytes().data(), table);
    if (!matcher.match(address->address, address->port)) std::abort();
    if (subject_is_address) (void)matcher.match(ip, 443);
  }
  if (Result<DomainEntry> domain = parse_domain_entry(entry); domain && !name.empty()) {
    BlobWriter writer;
    DomainTable table = write_domains(writer, {{*domain, 0}});
    if (!valid_domains(writer.bytes(), table)) std::abort();
    std::string_view host = name.view();
    bool plain = domain->form == DomainForm::exact         ? host == domain->text
                 : domain->form == DomainForm::ends_with   ? host.ends_with(domain->text)
                 : domain->form == DomainForm::starts_with ? host.starts_with(domain->text)
                                                           : host.find(domain->text) != host.npos;
    if (host.size() <= 255 && (DomainMatcher(writer.bytes().data(), table).match(host, 0) != nullptr) != plain)
      std::abort();
  }
  if (Result<std::string> pattern = parse_path_pattern(entry); pattern && subject.starts_with('/') &&
                                                               subject.size() > 1 && !subject.ends_with('/') &&
                                                               subject.find("//") == subject.npos) {
    BlobWriter writer;
    PathTable table = write_paths(writer, {{*pattern, PathUse::rule, 2, 2, 0}});
    if (!valid_paths(writer.bytes(), table)) std::abort();
    bool found = false;
    PathMatcher(writer.bytes().data(), table).each_match(subject, [&](std::uint32_t, const PathItem&) {
      found = true;
    });
    if (found != match_path(*pattern, subject)) std::abort();
    // What is met lies below a directory from which it could be met.
    if (std::size_t slash = subject.rfind('/'); found && slash > 0 && *pattern != subject &&
                                                !pattern->ends_with("/**") &&
                                                !segments_after(*pattern, subject.substr(0, slash)))
      std::abort();
  }
  if (entry.size() < 100 && check_command_pattern(entry)) {
    bool met = search_command(entry, subject);
    std::string_view literal = anchored_literal(entry);
    if (met && !subject.starts_with(literal)) std::abort();
  }
  return 0;
}
