#pragma once

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace candor::test {

/// A type in the words of TypeScript: the alternatives of its union, each in one fixed spelling.
using Type = std::set<std::string>;

inline std::string joined(const auto& parts, char between) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : std::string(1, between)) + part;
  return text;
}
inline std::string array_of(const Type& type) {
  return (type.size() > 1 ? "(" + joined(type, '|') + ")" : joined(type, '|')) + "[]";
}

/// Members of an object by their names; a name ends in "?" where the member may be left out.
using Members = std::map<std::string, Type>;

inline std::string object_of(const Members& members) {
  std::vector<std::string> parts;
  for (const auto& [name, type] : members) parts.push_back(name + ":" + joined(type, '|'));
  return "{" + joined(parts, ';') + "}";
}

/// Without exceptions, which the WebAssembly build has none of: nothing can be compared.
[[noreturn]] inline void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::abort();
}

/// As much of TypeScript as bindings.d.ts needs to say what crosses the border: interfaces, aliases, unions,
/// literals, arrays, tuples, Record, Omit and `Name['member']`. Throws at anything else.
class Contract {
 public:
  explicit Contract(std::string_view text) : tokens_(split(text)) {}

  Type alias(const std::string& name) {
    const auto before = std::exchange(at_, find("type", name));
    expect("=");
    const Type found = type();
    at_ = before;
    return found;
  }
  Members interface(const std::string& name) {
    const auto before = std::exchange(at_, find("interface", name));
    const Members found = members();
    at_ = before;
    return found;
  }

 private:
  std::vector<std::string> tokens_;
  std::size_t at_ = 0;

  static bool of_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
  static std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> tokens;
    while (!text.empty()) {
      std::size_t length = 1;
      bool counts = true;
      if (text.starts_with("/*")) {
        length = text.find("*/") + 2;
        counts = false;
      } else if (text.starts_with("//")) {
        length = text.find('\n');
        counts = false;
      } else if (text[0] == '\'') {
        length = text.find('\'', 1) + 1;
      } else if (of_word(text[0])) {
        while (length < text.size() && of_word(text[length])) ++length;
      } else {
        counts = std::isspace(static_cast<unsigned char>(text[0])) == 0;
      }
      if (counts) tokens.emplace_back(text.substr(0, length));
      text.remove_prefix(length);
    }
    return tokens;
  }

  std::size_t find(std::string_view what, const std::string& name) const {
    for (std::size_t i = 0; i + 1 < tokens_.size(); ++i)
      if (tokens_[i] == what && tokens_[i + 1] == name) return i + 2;
    give_up("bindings.d.ts has no " + name);
  }
  bool has_alias(const std::string& name) const {
    for (std::size_t i = 0; i + 1 < tokens_.size(); ++i)
      if (tokens_[i] == "type" && tokens_[i + 1] == name) return true;
    return false;
  }
  std::string next() { return tokens_.at(at_++); }
  bool take(std::string_view token) {
    if (tokens_.at(at_) != token) return false;
    ++at_;
    return true;
  }
  void expect(std::string_view token) {
    if (!take(token)) give_up("not understood in bindings.d.ts: " + tokens_.at(at_));
  }

  Members members() {
    Members found;
    expect("{");
    while (!take("}")) {
      std::string name = next();
      if (take("?")) name += "?";
      expect(":");
      found[name] = type();
      if (!take(";")) take(",");
    }
    return found;
  }
  Type type() {
    Type found;
    take("|");
    do {
      found.merge(with_suffix());
    } while (take("|"));
    return found;
  }
  Type with_suffix() {
    Type found = primary();
    while (take("[")) {
      expect("]");
      found = {array_of(found)};
    }
    return found;
  }
  Type primary() {
    if (tokens_.at(at_) == "{") return {object_of(members())};
    const std::string token = next();
    if (token[0] == '\'') return {token};
    if (token == "(") {
      const Type found = type();
      expect(")");
      return found;
    }
    if (token == "[") {
      std::vector<std::string> parts;
      while (!take("]")) {
        parts.push_back(joined(type(), '|'));
        take(",");
      }
      return {"[" + joined(parts, ',') + "]"};
    }
    for (const char* simple : {"number", "string", "boolean", "null", "unknown"})
      if (token == simple) return {token};
    if (token == "Record") {
      expect("<");
      const std::string key = joined(type(), '|');
      expect(",");
      const std::string value = joined(type(), '|');
      expect(">");
      return {"Record<" + key + "," + value + ">"};
    }
    if (token == "Omit") {
      expect("<");
      Members left = interface(next());
      expect(",");
      for (const std::string& name : type()) left.erase(name.substr(1, name.size() - 2));
      expect(">");
      return {object_of(left)};
    }
    if (has_alias(token)) return alias(token);
    const Members found = interface(token);
    if (tokens_.at(at_) != "[" || tokens_.at(at_ + 1)[0] != '\'') return {object_of(found)};
    expect("[");
    const std::string name = next();
    expect("]");
    return found.at(name.substr(1, name.size() - 2));
  }
};

}  // namespace candor::test
