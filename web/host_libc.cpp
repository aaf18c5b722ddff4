// The few functions of libc that nlohmann/json's reader calls, left to the host. libc's own calculate with
// 128-bit numbers, which WebAssembly does not have: they are a tenth of the core, and JavaScript is at hand.

#include <emscripten.h>

#include <cstddef>
#include <cstring>

// What comes here is a JSON number, so both languages read it alike.
EM_JS(double, host_number, (const char* text), { return Number(UTF8ToString(text)); });

extern "C" {

double strtod(const char* text, char** end) {
  if (end != nullptr) *end = const_cast<char*>(text) + std::strlen(text);
  return host_number(text);
}

// Never called; without them the linker takes all three from libc.
float strtof(const char* text, char** end) { return static_cast<float>(strtod(text, end)); }
long double strtold(const char* text, char** end) { return strtod(text, end); }

// Only for the words of errors that nobody reads: text that is not JSON is refused, whatever is wrong with
// it.
int snprintf(char* text, std::size_t size, const char*, ...) {
  if (size > 0) *text = '\0';
  return 0;
}
}
