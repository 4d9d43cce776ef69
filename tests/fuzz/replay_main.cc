// main() of every fuzz target where there is no libFuzzer: replays the seeds of the corpus folders
// that are named as arguments, then a fixed number of seeded mutations of them. The same bytes come
// on every machine and in every run, so a failure can be repeated; the input that is being tried is
// written to stderr when the target aborts.
//
// Arguments that begin with '-' are libFuzzer's and are ignored.
#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr int kMutations = 2000;
constexpr std::size_t kInputBytesMax = 16384;

std::string current;  // what the target is being shown, for the abort handler

// xorshift64*, Vigna 2014: enough to stir bytes, and independent of the code under test.
class Stirrer {
 public:
  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1DU;
  }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }
  char octet() { return static_cast<char>(next() >> 56); }

 private:
  std::uint64_t state_ = 0x9E3779B97F4A7C15U;
};

std::vector<std::string> read_corpus(const std::vector<std::filesystem::path>& folders) {
  std::vector<std::filesystem::path> files;
  for (const auto& folder : folders) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());  // a directory's own order differs between machines
  std::vector<std::string> inputs;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return inputs;
}

// One small change: what parsers trip over is a byte, a length, a boundary, or a piece in the wrong
// place.
void mutate_once(std::string& input, const std::vector<std::string>& corpus, Stirrer& stir) {
  static constexpr std::string_view kTelling[] = {"\r\n", "\n",   "\r", "\r\n.\r\n", " ",  ":",
                                                  "<",    ">",    "\\", "\"",        "\t", "250-",
                                                  "0",    "\xff", "*",  "@"};
  const std::size_t at = stir.below(input.size() + 1);
  switch (stir.below(7)) {
    case 0: input.insert(at, 1, stir.octet()); break;
    case 1: input.erase(at, 1 + stir.below(8)); break;
    case 2: input.insert(at, kTelling[stir.below(std::size(kTelling))]); break;
    case 3: input.insert(at, input.substr(stir.below(input.size() + 1), stir.below(64))); break;
    case 4: input.resize(at); break;
    case 5:
      if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << stir.below(8)));
      break;
    default: {
      const std::string& other = corpus[stir.below(corpus.size())];
      input = input.substr(0, at) + other.substr(stir.below(other.size() + 1));
    }
  }
}

// The target is shown an exact heap copy, so that a sanitizer sees one octet read too many.
void show(const std::string& input) {
  current = input;
  const auto copy = std::make_unique<std::uint8_t[]>(input.size());
  std::copy(input.begin(), input.end(), copy.get());
  LLVMFuzzerTestOneInput(copy.get(), input.size());
}

void print_current(int) {
  std::fprintf(stderr, "\nreplay: the target died on these %zu octets:\n", current.size());
  for (const char octet : current) std::fprintf(stderr, "%02x", static_cast<unsigned char>(octet));
  std::fprintf(stderr, "\n");
  std::_Exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::filesystem::path> folders;
  for (int i = 1; i < argc; ++i) {
    if (argv[i][0] != '-') folders.emplace_back(argv[i]);
  }
  std::signal(SIGABRT, print_current);
  std::vector<std::string> corpus = read_corpus(folders);
  const std::size_t seeds = corpus.size();
  for (const std::string& input : corpus) show(input);
  corpus.emplace_back();  // without seeds, mutations of nothing

  Stirrer stir;
  for (int i = 0; i < kMutations; ++i) {
    std::string input = corpus[stir.below(corpus.size())];
    for (std::size_t changes = 1 + stir.below(6); changes > 0; --changes) {
      mutate_once(input, corpus, stir);
    }
    if (input.size() > kInputBytesMax) input.resize(kInputBytesMax);
    show(input);
  }
  std::printf("%zu seeds and %d mutations replayed\n", seeds, kMutations);
  return 0;
}
