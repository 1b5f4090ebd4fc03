// SPDX-License-Identifier: Apache-2.0
// Stands in for libFuzzer where it is not linked: runs every file of the folders given, whole, cut and with single
// bytes changed.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
  int files = 0;
  for (int i = 1; i < argc; ++i)
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
      auto run = [](std::vector<char> input) {
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
      };
      run(bytes);
      const std::size_t stride = bytes.size() / 200 + 1;
      for (std::size_t at = 0; at < bytes.size(); at += stride) {
        run({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at)});
        for (unsigned change : {0x01u, 0x20u, 0x80u, 0xffu}) {
          std::vector<char> changed = bytes;
          changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ change);
          run(changed);
        }
      }
      ++files;
    }
  std::printf("%d passed, 0 failed\n", files);
  return files ? 0 : 1;
}
