# SPDX-License-Identifier: Apache-2.0
# Two INTERFACE targets carry every compiler flag of the house:
#   app_protect_flags       warnings, hardening, sanitizers: whatever we compile links it
#   app_protect_core_flags  the same, and what the in-process engine needs: no exceptions, no RTTI, stricter conversions
add_library(app_protect_flags INTERFACE)
target_compile_options(app_protect_flags INTERFACE
  -Wall -Wextra -Wshadow -Wundef -Wformat=2 -Werror
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
  $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual>
  -fno-strict-aliasing
  -fvisibility=hidden $<$<COMPILE_LANGUAGE:CXX>:-fvisibility-inlines-hidden>
  -ffunction-sections -fdata-sections
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees phantom overlaps and overruns inside std::string at -O2 (PR 105329, 105651): shown, but not fatal.
  target_compile_options(app_protect_flags INTERFACE
    -Wno-restrict -Wno-error=array-bounds -Wno-error=stringop-overflow -Wno-error=maybe-uninitialized)
endif()

if(APP_PROTECT_SANITIZER STREQUAL "")
  target_compile_options(app_protect_flags INTERFACE
    -fstack-protector-strong $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(app_protect_flags INTERFACE -fcf-protection)
  endif()
elseif(APP_PROTECT_SANITIZER STREQUAL "address")
  # vptr needs RTTI, which the core does without.
  set(sanitize -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(APP_PROTECT_SANITIZER STREQUAL "thread")
  # GCC warns that the sanitizer does not model fences. Ours (the seqlocks of guard/name_table) stand between atomics only.
  set(sanitize -fsanitize=thread -fno-omit-frame-pointer $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
elseif(APP_PROTECT_SANITIZER STREQUAL "fuzzer")
  # Objects are instrumented here; a fuzzer links -fsanitize=fuzzer for its main() (tests/fuzz).
  set(sanitize -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(APP_PROTECT_SANITIZER STREQUAL "coverage")
  set(sanitize --coverage -fprofile-update=atomic)
else()
  message(FATAL_ERROR "APP_PROTECT_SANITIZER is `${APP_PROTECT_SANITIZER}`, expected empty, address, thread, fuzzer or coverage")
endif()
target_compile_options(app_protect_flags INTERFACE ${sanitize})
target_link_options(app_protect_flags INTERFACE ${sanitize} -Wl,-z,relro -Wl,-z,now -Wl,--gc-sections)

add_library(app_protect_core_flags INTERFACE)
target_link_libraries(app_protect_core_flags INTERFACE app_protect_flags)
target_compile_options(app_protect_core_flags INTERFACE
  -Wconversion -fPIC
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions> $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>)
target_compile_definitions(app_protect_core_flags INTERFACE
  APP_PROTECT_VERSION="${APP_PROTECT_VERSION}" _GNU_SOURCE RAPIDJSON_HAS_STDSTRING=1)
