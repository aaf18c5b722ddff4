// The functions of libc that the core needs and every host of WebAssembly has. libc's own are a tenth of the
// core: they calculate with tables, and with 128-bit numbers, which WebAssembly does not have.

#include <emscripten.h>
#include <emscripten/em_math.h>

#include <cstddef>
#include <cstring>

// Only nlohmann/json's reader asks, for a JSON number: both languages read that alike.
EM_JS(double, host_number, (const char* text), { return Number(UTF8ToString(text)); });

extern "C" {

double exp(double x) { return emscripten_math_exp(x); }
double expm1(double x) { return emscripten_math_expm1(x); }
double log(double x) { return emscripten_math_log(x); }
double log1p(double x) { return emscripten_math_log1p(x); }

double strtod(const char* text, char** end) {
  if (end != nullptr) *end = const_cast<char*>(text) + std::strlen(text);
  return host_number(text);
}
// Never called; without them the linker takes all three from libc.
float strtof(const char* text, char** end) { return static_cast<float>(strtod(text, end)); }
long double strtold(const char* text, char** end) { return strtod(text, end); }

// Only for the words of errors that nobody reads: nlohmann/json's, of text that is refused anyway, and
// Embind's.
int snprintf(char* text, std::size_t size, const char*, ...) {
  if (size > 0) *text = '\0';
  return 0;
}
int sprintf(char* text, const char*, ...) {
  *text = '\0';
  return 0;
}
// What clang makes of a sprintf that writes no fractions.
int siprintf(char* text, const char*, ...) {
  *text = '\0';
  return 0;
}
}
