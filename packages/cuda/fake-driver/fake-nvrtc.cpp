// A libnvrtc.so.13 that compiles CUDA C++ for an emulated GPU: with the machine's own C++ compiler, to a module
// image (module-image.h).
//
// It is for kernels whose threads do not wait for each other: they run one after the other. Headers of
// nvrtcCreateProgram are there; of the options, -D, -I and --std are passed on. GUMSHOE_EMULATED_CXX names the
// compiler (default g++); images are kept by the hash of what they were made of in GUMSHOE_EMULATED_CACHE.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include "fake-nvrtc-prelude.h"

#define API extern "C" __attribute__((visibility("default"))) int

namespace {

enum Result {
  SUCCESS = 0,
  INVALID_INPUT = 3,
  INVALID_PROGRAM = 4,
  INVALID_OPTION = 5,
  COMPILATION = 6
};

struct Program {
  std::string source, name, log, image;
  std::vector<std::pair<std::string, std::string>> headers;
};

std::string variable(const char* name, const char* otherwise) {
  const char* value = getenv(name);
  return value == nullptr || *value == 0 ? otherwise : value;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// Adds what makes each kernel known by its name: those that are declared `extern "C" __global__ void`.
std::string with_exports(const std::string& source) {
  static const std::regex kernel(
      R"(extern\s+"C"\s+__global__\s+void\s+(?:__launch_bounds__\s*\(\s*\d+\s*\)\s*)?(\w+)\s*\()");
  std::string text = std::string(FAKE_NVRTC_PRELUDE) + "#line 1 \"program\"\n" + source + "\n";
  for (auto next = std::sregex_iterator(source.begin(), source.end(), kernel);
       next != std::sregex_iterator(); ++next)
    text += "SIMT_EXPORT(" + (*next)[1].str() + ")\n";
  return text;
}

int run(const std::string& command, std::string& output) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return -1;
  char piece[4096];
  for (size_t count; (count = fread(piece, 1, sizeof piece, pipe)) > 0;)
    output.append(piece, count);
  return pclose(pipe);
}

std::string quoted(const std::string& text) {
  std::string safe = "'";
  for (const char letter : text) safe += letter == '\'' ? "'\\''" : std::string(1, letter);
  return safe + "'";
}

// Compiles in a folder of its own; returns whether the image was made.
bool compile(Program& program, const std::string& flags) {
  const std::string source = with_exports(program.source);
  const std::string compiler = variable("GUMSHOE_EMULATED_CXX", "g++");
  std::string all = compiler + flags + source;
  for (const auto& [name, text] : program.headers) all += name + text;
  const std::string cache = variable("GUMSHOE_EMULATED_CACHE", "/tmp");
  const std::string kept = cache + "/" + std::to_string(std::hash<std::string>()(all)) + ".module";
  if (access(kept.c_str(), R_OK) == 0) return program.image = read_file(kept), true;
  // mkdtemp replaces the last six characters.
  std::string folder = cache + "/compile-" + std::string(6, 'X');
  if (mkdtemp(folder.data()) == nullptr) return program.log = "no folder " + folder, false;
  write_file(folder + "/program.cpp", source);
  for (const auto& [name, text] : program.headers) {
    std::string path = folder;
    write_file(path.append("/").append(name), text);
  }
  std::string command = quoted(compiler);
  command.append(" -O1 -fPIC -shared -ffp-contract=off -w -I").append(quoted(folder)).append(flags);
  command.append(" ").append(quoted(folder + "/program.cpp"));
  command.append(" -o ").append(quoted(folder + "/module"));
  const bool is_made = run(command, program.log) == 0;
  if (is_made) {
    program.image = read_file(folder + "/module");
    rename((folder + "/module").c_str(), kept.c_str());
  }
  std::string ignored;
  run("rm -rf " + quoted(folder), ignored);
  return is_made;
}

}  // namespace

API nvrtcVersion(int* major, int* minor) { return *major = 13, *minor = 0, SUCCESS; }
extern "C" __attribute__((visibility("default"))) const char* nvrtcGetErrorString(int result) {
  switch (result) {
    case SUCCESS:
      return "NVRTC_SUCCESS";
    case COMPILATION:
      return "NVRTC_ERROR_COMPILATION";
    case INVALID_OPTION:
      return "NVRTC_ERROR_INVALID_OPTION";
    case INVALID_PROGRAM:
      return "NVRTC_ERROR_INVALID_PROGRAM";
    default:
      return "NVRTC_ERROR_INVALID_INPUT";
  }
}
API nvrtcGetNumSupportedArchs(int* count) { return *count = 4, SUCCESS; }
API nvrtcGetSupportedArchs(int* archs) {
  const int all[] = {80, 86, 90, 100};
  for (int i = 0; i < 4; i++) archs[i] = all[i];
  return SUCCESS;
}
API nvrtcCreateProgram(Program** program, const char* source, const char* name, int count,
                       const char** headers, const char** names) {
  if (source == nullptr || count < 0) return INVALID_INPUT;
  auto* made = new Program{source, name == nullptr ? "" : name, "", "", {}};
  for (int i = 0; i < count; i++) made->headers.emplace_back(names[i], headers[i]);
  return *program = made, SUCCESS;
}
API nvrtcDestroyProgram(Program** program) {
  if (program == nullptr || *program == nullptr) return INVALID_PROGRAM;
  delete *program;
  return *program = nullptr, SUCCESS;
}
API nvrtcCompileProgram(Program* program, int count, const char** options) {
  if (program == nullptr) return INVALID_PROGRAM;
  std::string flags;
  bool has_standard = false;
  for (int i = 0; i < count; i++) {
    std::string option = options[i];
    if (option.empty() || option[0] != '-') {
      program->log = "unrecognized option " + option;
      return INVALID_OPTION;
    }
    if (option.rfind("--std=", 0) == 0) option = option.substr(1), has_standard = true;
    const bool is_known =
        option.rfind("-D", 0) == 0 || option.rfind("-I", 0) == 0 || option.rfind("-std=", 0) == 0;
    if (is_known) flags += " " + quoted(option);
  }
  if (!has_standard) flags += " -std=c++17";
  return compile(*program, flags) ? SUCCESS : COMPILATION;
}
API nvrtcGetProgramLogSize(Program* program, size_t* bytes) {
  return *bytes = program->log.size() + 1, SUCCESS;
}
API nvrtcGetProgramLog(Program* program, char* log) {
  program->log.copy(log, program->log.size());
  return log[program->log.size()] = 0, SUCCESS;
}
API nvrtcGetCUBINSize(Program* program, size_t* bytes) {
  return *bytes = program->image.size(), SUCCESS;
}
API nvrtcGetCUBIN(Program* program, char* image) {
  program->image.copy(image, program->image.size());
  return SUCCESS;
}
// There is no PTX for an emulated GPU.
API nvrtcGetPTXSize(Program*, size_t*) { return INVALID_PROGRAM; }
API nvrtcGetPTX(Program*, char*) { return INVALID_PROGRAM; }
