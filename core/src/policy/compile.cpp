// SPDX-License-Identifier: Apache-2.0
#include "policy/compile.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/hash128.hpp"
#include "match/blob_writer.hpp"
#include "policy/blob.hpp"
#include "policy/embedded.hpp"
#include "policy/groups.hpp"
#include "policy/provider.hpp"

namespace ap {
namespace {

constexpr std::string_view kFixedRules[rule_first_of_document] = {
    "",
    "outbound.action",
    "outbound.local",
    "outbound.allow_cloud_provider",
    "outbound.platform",
    "outbound.metadata",
    "outbound.answer",
    "outbound.dns",
    "files.tmp.read",
    "files.tmp.write",
    "files.application.read",
    "files.application.write",
    "files.elsewhere.read",
    "files.elsewhere.write",
    "files.runtime",
    "files.own",
    "files.path",
    "child_processes.action",
    "child_processes.unguarded",
    "native_code",
};

std::string without_trailing_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

class Compiler {
 public:
  Compiler(const Policy& policy, const Surroundings& here) : policy_(policy), here_(here) {
    blob_.bytes().resize(sizeof(PolicyHeader));
    for (std::string_view text : kFixedRules) rules_.push_back(blob_.text_range(text));
  }

  Result<std::string> run() {
    header_.magic = kBlobMagic;
    header_.version = kBlobVersion;
    header_.policy_version = policy_.version;
    header_.on_deny = static_cast<std::uint8_t>(policy_.on_deny);
    header_.denies = policy_.denies();
    header_.outbound = code(policy_.outbound);
    header_.local = code(policy_.local);
    header_.child = code(policy_.child);
    header_.unguarded = code(policy_.unguarded);
    header_.native = code(policy_.native);
    header_.name = blob_.text_range(group_print(policy_.name));
    header_.summary = blob_.text_range(summary(policy_));
    header_.program_path = blob_.text_range(here_.program_path);
    outbound();
    files();
    processes();
    header_.needs = needs();
    header_.rules = blob_.array(rules_);
    blob_.align();
    if (blob_.bytes().size() > (64u << 20))
      return Error{ErrorCode::limit, "the policy needs " + std::to_string(blob_.bytes().size() >> 20) +
                                         " MB in its sealed form; at most 64 fit"};
    header_.size = static_cast<std::uint32_t>(blob_.bytes().size());
    std::memcpy(blob_.bytes().data(), &header_, sizeof header_);
    Hash128 hash = hash128(std::string_view(blob_.bytes()).substr(offsetof(PolicyHeader, policy_version)));
    header_.hash[0] = hash.low;
    header_.hash[1] = hash.high;
    std::memcpy(blob_.bytes().data(), &header_, sizeof header_);
    return std::move(blob_.bytes());
  }

 private:
  static std::uint8_t code(Action action) { return static_cast<std::uint8_t>(action); }
  static std::uint8_t code(const std::optional<Action>& action) { return action ? code(*action) : kNoAction; }
  std::uint32_t rule(const std::string& place) {
    rules_.push_back(blob_.text_range(place));
    return static_cast<std::uint32_t>(rules_.size() - 1);
  }

  void outbound() {
    std::vector<DomainEntryWithRule> names, platform_names, local_names;
    std::vector<AddressEntryWithRule> addresses, platform_addresses;
    for (const AllowedEntry& entry : policy_.allowed) {
      if (entry.is_address)
        addresses.push_back({entry.address, rule(entry.place)});
      else
        names.push_back({entry.domain, rule(entry.place)});
    }

    auto platform = [&](const std::string& host, std::uint16_t port) {
      AddressEntry address;
      HostName name;
      address.port = port;
      if (parse_ip(host, address.address)) {
        address.bits = address.address.family == 4 ? 32 : 128;
        platform_addresses.push_back({address, rule_outbound_platform});
      } else if (normalise_host(host, name) && !name.empty()) {
        platform_names.push_back({{DomainForm::exact, std::string(name.view()), port}, rule_outbound_platform});
      }
    };
    for (const EndPoint& point : here_.end_points) platform(point.host, point.port);
    for (const std::string& server : here_.nameservers) platform(server, 53);

    for (const char* name :
         {"localhost", "localhost.localdomain", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback"})
      local_names.push_back({{DomainForm::exact, name, 0}, rule_outbound_local});
    for (const std::string& host : here_.local_names) {
      HostName name;
      if (normalise_host(host, name) && !name.empty())
        local_names.push_back({{DomainForm::exact, std::string(name.view()), 0}, rule_outbound_local});
    }

    ProviderTables provider = provider_tables(here_, policy_.provider);
    header_.provider_level =
        static_cast<std::uint8_t>(provider.classes.empty() ? ProviderLevel::off : policy_.provider);
    header_.metadata_reachable = provider.metadata_reachable;
    header_.allowed_names = write_domains(blob_, names);
    header_.allowed_addresses = write_addresses(blob_, addresses);
    header_.platform_names = write_domains(blob_, platform_names);
    header_.platform_addresses = write_addresses(blob_, platform_addresses);
    header_.local_names = write_domains(blob_, local_names);
    header_.provider_names = write_domains(blob_, provider.classes);
    header_.strict_names = write_domains(blob_, provider.strict);
  }

  // The spelled form of a path, and the real one of its literal part where that differs. /proc is the reader's own: not
  // looked up.
  std::vector<std::string> both_forms(const std::string& pattern) {
    std::vector<std::string> forms = {pattern};
    std::string literal(literal_directory(pattern));
    if (!here_.read_link || literal.empty() || literal == "/" || literal == "/proc" || literal.starts_with("/proc/"))
      return forms;
    // The longest part that exists is real; the rest is not there yet and stays as spelled.
    for (std::string existing = literal; existing.size() > 1;) {
      std::string real;
      if (real_path(existing, real)) {
        if (real != existing && !real.starts_with("/proc/"))
          forms.push_back((real == "/" ? "" : real) + pattern.substr(existing.size()));
        break;
      }
      std::size_t slash = existing.rfind('/');
      existing.resize(slash == 0 ? 1 : slash);
    }
    // A wildcard character in a real name would change the meaning: such a form is left out (line 2 sees the spelled
    // one's tree).
    if (forms.size() == 2 && has_wildcard(forms[1].substr(0, forms[1].size() - (pattern.size() - literal.size()))))
      forms.pop_back();
    return forms;
  }
  // The real path of `path`; false where nothing is there. Each directory is asked about once.
  bool real_path(const std::string& path, std::string& real, int links = 0) {
    if (path == "/" || path.empty()) {
      real = "/";
      return true;
    }
    if (auto known = real_paths_.find(path); known != real_paths_.end()) {
      real = known->second;
      return !real.empty();
    }
    std::size_t slash = path.rfind('/');
    std::string name = path.substr(slash + 1), target;
    bool exists = real_path(path.substr(0, slash), real, links);
    if (exists && name == "..") {
      real.resize(std::max<std::size_t>(real.rfind('/'), 1));
    } else if (exists && !name.empty() && name != ".") {
      std::string entry = (real == "/" ? "" : real) + "/" + name;
      switch (here_.read_link(entry, target)) {
        case Entry::absent:
          exists = false;
          break;
        case Entry::other:
          real = entry;
          break;
        case Entry::link:
          exists = links < 40 && real_path(target.starts_with('/') ? target : (real == "/" ? "" : real) + "/" + target,
                                           real, links + 1);
          break;
      }
    }
    if (!exists) real.clear();
    real_paths_[path] = real;
    return exists;
  }

  void files() {
    std::vector<PathEntry> entries;
    std::vector<DirectoryItem> directories;
    struct Tree {
      std::string path;
      std::uint8_t action, policy;
      std::uint32_t rule;
    };
    std::vector<Tree> trees;
    auto protect = [&](std::string path, std::uint8_t action, std::uint32_t rule, std::uint8_t event_policy) {
      if (action != AP_GRANT && !path.empty() && path != "/")
        trees.push_back({std::move(path), action, event_policy, rule});
    };
    auto severest = [](std::uint8_t a, std::uint8_t b) {
      if (a == kNoAction) a = AP_GRANT;
      if (b == kNoAction) b = AP_GRANT;
      return std::max(a, b);
    };

    const Directions* places[] = {&policy_.tmp, &policy_.application, &policy_.elsewhere};
    for (int i = 0; i < 3; ++i) {
      header_.places[i][0] = code(places[i]->read);
      header_.places[i][1] = code(places[i]->write);
      header_.files_worst = std::max({header_.files_worst, header_.places[i][0], header_.places[i][1]});
    }

    std::set<std::string> seen;
    auto directory = [&](const std::string& spelled, Place place) {
      if (spelled.empty() || spelled[0] != '/') return;
      for (const std::string& form : both_forms(without_trailing_slash(spelled))) {
        if (form == "/" || !seen.insert(form).second) continue;
        directories.push_back({blob_.text(form), static_cast<std::uint16_t>(form.size()), place, 0});
        int p = static_cast<int>(place);
        bool write_worse = header_.places[p][1] >= header_.places[p][0];
        std::uint32_t read_rule = place == Place::tmp ? rule_tmp_read : rule_application_read;
        protect(form, std::max(header_.places[p][0], header_.places[p][1]), read_rule + (write_worse ? 1 : 0),
                place == Place::tmp ? AP_POLICY_READ_WRITE_TMP : AP_POLICY_READ_WRITE_APP);
        ancestors(form);
      }
    };
    for (const std::string& dir : here_.app_dirs) directory(dir, Place::application);
    for (const std::string& dir : here_.tmp_dirs) directory(dir, Place::tmp);

    for (const PathRule& rule_of : policy_.path_rules) {
      std::uint32_t id = rule(rule_of.place);
      for (const std::string& form : both_forms(rule_of.pattern)) {
        entries.push_back({form, PathUse::rule, code(rule_of.read), code(rule_of.write), id});
        std::uint8_t worst = severest(entries.back().read, entries.back().write);
        header_.files_worst = std::max(header_.files_worst, worst);
        protect(std::string(literal_directory(form)), worst, id, AP_POLICY_READ_WRITE_OTHER);
      }
    }
    auto need = [&](const std::string& pattern, bool write) {
      for (const std::string& form : both_forms(pattern)) {
        entries.push_back(
            {form, PathUse::need, AP_GRANT, write ? std::uint8_t{AP_GRANT} : kNoAction, rule_files_runtime});
        ancestors(std::string(literal_directory(form)));
      }
    };
    // What is open for reading anyway needs no exception, and each look at a path costs a cold start a system call.
    // native_code asks what is a library of the runtime.
    const bool reads = reads_matter(), native = header_.native != AP_GRANT;
    if (header_.files_worst != AP_GRANT || native) {
      for (const embedded::Need& item : embedded::runtime_needs)
        if (reads || item.write || (native && item.libraries)) need(std::string(item.path), item.write);
      for (const std::string& path : here_.runtime_read)
        if ((reads || native) && path.starts_with('/') && path != "/" && !has_wildcard(path))
          need(without_trailing_slash(path) + "/**", false);
    }
    if (reads)
      for (const std::string& path : ancestors_)
        entries.push_back({path, PathUse::ancestor, AP_GRANT, kNoAction, rule_files_runtime});
    auto own = [&](const std::string& path, std::uint8_t read) {
      if (!path.starts_with('/') || path == "/" || has_wildcard(path)) return;
      header_.files_worst = AP_DENY;
      for (const std::string& form : both_forms(without_trailing_slash(path))) {
        entries.push_back({form + "/**", PathUse::own, read, AP_DENY, rule_files_own});
        protect(form, AP_DENY, rule_files_own, AP_POLICY_READ_WRITE_OTHER);
      }
    };
    if (header_.denies) {
      for (const std::string& path : here_.own_paths) own(path, AP_DENY);
      for (const std::string& path : here_.own_code) own(path, kNoAction);
    }

    std::sort(trees.begin(), trees.end(),
              [](const Tree& a, const Tree& b) { return a.path != b.path ? a.path < b.path : a.rule < b.rule; });
    std::vector<ProtectedItem> items;
    for (const Tree& tree : trees)
      items.push_back({blob_.text(tree.path), tree.rule, 0, static_cast<std::uint16_t>(tree.path.size()), tree.action,
                       tree.policy});
    std::uint32_t next = static_cast<std::uint32_t>(items.size());
    for (std::uint32_t i = next; i-- > 0;) {
      if (items[i].action == AP_DENY) next = i;
      items[i].next_denied = next;
    }
    header_.paths = write_paths(blob_, entries);
    header_.directories = blob_.array(directories);
    header_.protected_trees = blob_.array(items);
  }

  // Whether some read is not granted by the document itself.
  bool reads_matter() const {
    for (const auto& place : header_.places)
      if (place[0] != AP_GRANT) return true;
    return std::any_of(policy_.path_rules.begin(), policy_.path_rules.end(),
                       [](const PathRule& rule) { return rule.read && *rule.read != Action::grant; });
  }

  void ancestors(const std::string& path) {
    for (std::size_t slash = path.rfind('/'); slash != path.npos && slash > 0; slash = path.rfind('/', slash - 1))
      if (!ancestors_.insert(path.substr(0, slash)).second) break;
    ancestors_.insert("/");
  }

  void processes() {
    std::vector<CommandItem> items;
    for (const CommandRule& command : policy_.command_rules)
      items.push_back({blob_.text(command.pattern), rule(command.place),
                       static_cast<std::uint16_t>(command.pattern.size()), code(command.action), 0});
    header_.commands = blob_.array(items);
  }

  std::uint8_t needs() const {
    bool network = policy_.outbound != Action::grant || policy_.local != Action::grant;
    bool processes = policy_.child != Action::grant || policy_.unguarded != Action::grant;
    for (const CommandRule& command : policy_.command_rules) processes = processes || command.action != Action::grant;
    return static_cast<std::uint8_t>(
        (network ? AP_NEED_NETWORK : 0) | (header_.files_worst != AP_GRANT ? AP_NEED_FILES : 0) |
        (processes ? AP_NEED_PROCESSES : 0) | (policy_.native != Action::grant ? AP_NEED_NATIVE : 0));
  }

  const Policy& policy_;
  const Surroundings& here_;
  PolicyHeader header_{};
  BlobWriter blob_;
  std::vector<Range> rules_;
  std::set<std::string> ancestors_;
  std::unordered_map<std::string, std::string> real_paths_;  // empty: not there
};

}  // namespace

Result<std::string> compile(const Policy& policy, const Surroundings& surroundings) {
  return Compiler(policy, surroundings).run();
}

}  // namespace ap
