// SPDX-License-Identifier: Apache-2.0
#include "interpose/plan.hpp"

#include <cstring>

#include "guard/image.hpp"
#include "interpose/calls.hpp"
#include "interpose/libc.hpp"
#include "interpose/machine.hpp"
#include "interpose/old_numbers.hpp"
#include "interpose/raw_syscall.hpp"
#include "policy/blob.hpp"

namespace ap::interpose {
namespace {

// Behind libc itself: where its functions were before glibc 2.34.
constexpr const char* kNames[Libraries::kCapacity - 1] = {"libpthread.so.0", "libdl.so.2", "libresolv.so.2",
                                                          "librt.so.1", "libutil.so.1"};

// Calls that only ask about files matter where some read is not granted: everywhere in a child, but not where the
// application's own reads are policed by line 1 alone.
bool names_matter(bool beside_line_1) noexcept {
  const PolicyHeader& header = policy()->header();
  for (int place = 0; place < 3; ++place) {
    const bool application = place == static_cast<int>(Place::application);
    if (header.places[place][0] != AP_GRANT && !(application && beside_line_1)) return true;
  }
  const auto* items = policy()->items<PathItem>(header.paths.items);
  for (std::uint32_t i = 0; i < header.paths.items.count; ++i)
    if (items[i].use == PathUse::rule && items[i].read != kNoAction && items[i].read != AP_GRANT) return true;
  return false;
}

}  // namespace

bool Libraries::find() noexcept {
  each_object(
      [](const LoadedObject& object, void* context) {
        auto& self = *static_cast<Libraries*>(context);
        if (!self.objects[0].base && is_libc(object.file())) self.objects[0] = object;
        for (std::size_t i = 1; i < kCapacity; ++i)
          if (!self.objects[i].base && object.file() == kNames[i - 1]) self.objects[i] = object;
        return true;
      },
      this);
  for (const LoadedObject& object : objects)
    if (object.base && &objects[count++] != &object) objects[count - 1] = object;
  return count != 0 && is_libc(objects[0].file());
}

std::uint32_t wanted_calls(std::uint32_t needs, bool beside_line_1) noexcept {
  const std::uint32_t wanted = (needs & (kNetwork | kFiles | kProcesses | kNative)) | kAlways;
  return (needs & kFiles) && names_matter(beside_line_1) ? wanted | kFileNames : wanted;
}

std::uint32_t plan_calls(const LoadedObject* libraries, std::size_t count, std::uint32_t wanted, Patcher& patcher,
                         bool afresh) noexcept {
  std::uint32_t missing = 0;
  for (Table<Call> calls : {exec_calls(), process_calls(), file_calls(), metadata_calls(), question_calls(),
                            network_calls(), resolve_calls(), native_calls(), state_calls(), memory_calls(),
                            descriptor_calls(), raw_calls(), libc_calls()}) {
    for (const Call& call : calls) {
      if (!(call.needs & wanted)) continue;
      bool found = false;
      for (std::size_t i = 0; i < count; ++i) {
        FunctionSymbol functions[4];
        std::size_t n = find_functions(libraries[i], call.symbol, functions, 4);
        if (n == 0 && i == 0 && std::strcmp(call.symbol, "__openat_nocancel") == 0 &&
            (functions[0].address = machine::hidden_openat(libraries[0])))
          n = 1;
        // Other versions of a function share the first one's original.
        for (std::size_t k = 0; k < n; ++k) {
          const bool known = found || (!afresh && call.original && *call.original);
          patcher.plan(call.symbol, functions[k].address, call.replacement, known ? nullptr : call.original);
          found = true;
        }
      }
      missing += !found;
    }
  }
  return missing;
}

void fill_dispatch(std::uint32_t wanted) noexcept {
  each_number(wanted, [](const Number& n) { set_raw_handler(n.number, n.handler); });
}

void each_number(std::uint32_t wanted, void (*visit)(const Number&)) noexcept {
  for (Table<Number> numbers :
       {file_numbers(), metadata_numbers(), question_numbers(), network_numbers(), exec_numbers(), process_numbers(),
        state_numbers(), memory_numbers(), descriptor_numbers(), raw_numbers()})
    for (const Number& n : numbers)
      if (n.needs & wanted) visit({n.number < 0 ? number_of(old_call(n.number)) : n.number, n.handler, n.needs});
}

}  // namespace ap::interpose
