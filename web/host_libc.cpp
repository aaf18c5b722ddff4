// The functions of libc that the core needs and every host of WebAssembly has. libc's own are a tenth of the
// core: they calculate with tables, and with 128-bit numbers, which WebAssembly does not have.

#include <emscripten.h>
#include <emscripten/em_math.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

// What comes here is a number of JSON, which is one of JavaScript, too: both read it to the same last bit.
EM_JS(double, host_number, (const char* text), { return Number(UTF8ToString(text)); });

namespace {

/// Digits up to the end of the text. More than `most` of them may not fit: then nlohmann/json asks for a
/// fraction, and says so itself if that is too large as well.
unsigned long long whole(const char* text, char** end, std::ptrdiff_t most) {
  unsigned long long value = 0;
  const char* const begin = text;
  for (; *text != '\0'; ++text) value = value * 10 + static_cast<unsigned long long>(*text - '0');
  if (text - begin > most) errno = ERANGE;
  *end = const_cast<char*>(text);
  return value;
}

}  // namespace

extern "C" {

double exp(double x) { return emscripten_math_exp(x); }
double expm1(double x) { return emscripten_math_expm1(x); }
double log(double x) { return emscripten_math_log(x); }
double log1p(double x) { return emscripten_math_log1p(x); }

double pow(double x, double y) { return emscripten_math_pow(x, y); }

// Only what nlohmann/json has found to be a number comes to these three.
double strtod(const char* text, char** end) {
  *end = const_cast<char*>(text) + std::strlen(text);
  return host_number(text);
}
unsigned long long strtoull(const char* text, char** end, int) { return whole(text, end, 19); }
long long strtoll(const char* text, char** end, int) {
  return -static_cast<long long>(whole(text + 1, end, 18));  // it begins with a minus
}

// Never called; without them the linker takes libc's, and those above with them.
float strtof(const char*, char**) { return 0; }
long double strtold(const char*, char**) { return 0; }
long strtol(const char*, char**, int) { return 0; }
unsigned long strtoul(const char*, char**, int) { return 0; }

// Only for words that nobody reads: nlohmann/json's of what is no JSON, and Embind's of types that it does
// not know.
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
