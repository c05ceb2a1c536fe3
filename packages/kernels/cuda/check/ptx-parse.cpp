#include <cctype>
#include <cstring>
#include <sstream>
#include <stdexcept>

#include "ptx.h"

namespace ptx {
namespace {

constexpr const char* SPECIAL[] = {"%tid.x",    "%tid.y",    "%tid.z",  "%ctaid.x", "%ctaid.y",
                                   "%ctaid.z",  "%ntid.x",   "%ntid.y", "%ntid.z",  "%nctaid.x",
                                   "%nctaid.y", "%nctaid.z", "%laneid"};

std::string trim(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::string part;
  for (const char c : text) {
    if (c == ',' || c == '{' || c == '}') {
      if (!trim(part).empty()) parts.push_back(trim(part));
      part.clear();
    } else {
      part += c;
    }
  }
  if (!trim(part).empty()) parts.push_back(trim(part));
  return parts;
}

// Parses the body of one kernel.
class Parser {
 public:
  explicit Parser(std::vector<std::string> parameters) {
    kernel_.parameters = std::move(parameters);
    for (const char* name : SPECIAL) kernel_.special[name] = register_of(name);
  }

  void line(const std::string& whole) {
    const std::string text = trim(whole);
    if (text.empty() || text[0] == '.' || text == "{" || text == "}" || text == ")" || text == "(")
      return;
    if (text.back() == ':') {
      labels_[text.substr(0, text.size() - 1)] = static_cast<int>(kernel_.code.size());
      return;
    }
    if (text.back() != ';') throw std::runtime_error("PTX that is not understood: " + text);
    instruction(text.substr(0, text.size() - 1));
  }

  Kernel finish() {
    for (auto& [index, label] : branches_) {
      const auto found = labels_.find(label);
      if (found == labels_.end()) throw std::runtime_error("PTX has no label " + label);
      kernel_.code[index].target = found->second;
    }
    kernel_.num_registers = static_cast<int>(registers_.size());
    return std::move(kernel_);
  }

 private:
  int register_of(const std::string& name) {
    return registers_.try_emplace(name, static_cast<int>(registers_.size())).first->second;
  }

  Operand operand(std::string text, Instruction& instruction) {
    Operand result;
    if (text.front() == '[') {
      text = trim(text.substr(1, text.size() - 2));
      const size_t plus = text.find('+');
      if (plus != std::string::npos) {
        instruction.offset = std::stoll(text.substr(plus + 1));
        text = trim(text.substr(0, plus));
      }
    }
    if (text.front() == '%') {
      // A second result, as of shfl, is not kept.
      const std::string name = text.substr(0, text.find('|'));
      if (std::isdigit(static_cast<unsigned char>(name.back())) == 0 &&
          !kernel_.special.count(name))
        throw std::runtime_error("a special register that is not known: " + name);
      result.index = register_of(name);
    } else if (text.rfind("0f", 0) == 0 || text.rfind("0d", 0) == 0) {
      result.value = std::stoull(text.substr(2), nullptr, 16);
    } else if (text == "shared_memory_") {
      result.value = 0;
    } else if (std::isdigit(static_cast<unsigned char>(text.front())) != 0 || text.front() == '-') {
      result.value = text.front() == '-' ? static_cast<uint64_t>(std::stoll(text, nullptr, 0))
                                         : std::stoull(text, nullptr, 0);
    } else {
      for (size_t i = 0; i < kernel_.parameters.size(); i++)
        if (kernel_.parameters[i] == text) {
          result.value = i;
          return result;
        }
      throw std::runtime_error("an operand that is not known: " + text);
    }
    return result;
  }

  void instruction(std::string text) {
    Instruction result;
    if (text.front() == '@') {
      const size_t space = text.find_first_of(" \t");
      result.guard_negated = text[1] == '!';
      result.guard = register_of(
          text.substr(result.guard_negated ? 2 : 1, space - (result.guard_negated ? 2 : 1)));
      text = trim(text.substr(space));
    }
    const size_t space = text.find_first_of(" \t");
    result.opcode = text.substr(0, space);
    const std::string rest = space == std::string::npos ? "" : trim(text.substr(space));
    const std::string& opcode = result.opcode;
    if (opcode == "bra" || opcode == "bra.uni") {
      result.flow = BRANCH;
      branches_.emplace_back(kernel_.code.size(), rest);
    } else if (opcode == "ret" || opcode == "exit") {
      result.flow = RETURN;
    } else if (opcode == "bar.sync" || opcode == "barrier.sync") {
      result.flow = BARRIER;
    } else {
      result.handler = handler_of(opcode);
      if (result.handler == nullptr)
        throw std::runtime_error("an instruction that is not known: " + opcode);
      for (const std::string& part : split(rest)) {
        if (result.count == MAX_OPERANDS) throw std::runtime_error("too many operands: " + text);
        result.operands[result.count++] = operand(part, result);
      }
    }
    kernel_.code.push_back(result);
  }

  Kernel kernel_;
  std::map<std::string, int> registers_, labels_;
  std::vector<std::pair<size_t, std::string>> branches_;
};

// The last word of each line `.param .u64 .ptr .align 1 name,`.
std::vector<std::string> parameters_of(const std::string& text) {
  std::vector<std::string> names;
  for (const std::string& part : split(text)) {
    const size_t space = part.find_last_of(" \t\n");
    names.push_back(part.substr(space + 1));
  }
  return names;
}

}  // namespace

std::map<std::string, Kernel> parse(const std::string& text) {
  std::map<std::string, Kernel> kernels;
  const std::string mark = ".entry ";
  for (size_t at = text.find(mark); at != std::string::npos;) {
    const size_t open = text.find('(', at), close = text.find(')', open);
    const std::string name = trim(text.substr(at + mark.size(), open - at - mark.size()));
    const size_t next = text.find(mark, close);
    Parser parser(parameters_of(text.substr(open + 1, close - open - 1)));
    std::istringstream body(
        text.substr(close + 1, next == std::string::npos ? next : next - close));
    for (std::string line; std::getline(body, line);) {
      const size_t comment = line.find("//");
      parser.line(line.substr(0, comment));
    }
    kernels.emplace(name, parser.finish());
    at = next;
  }
  return kernels;
}

}  // namespace ptx
