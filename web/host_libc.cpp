// The functions of libc that the core needs and every host of WebAssembly has. libc's own are a tenth of the
// core: they calculate with tables, and with 128-bit numbers, which WebAssembly does not have.

#include <emscripten/em_math.h>

extern "C" {

double exp(double x) { return emscripten_math_exp(x); }
double expm1(double x) { return emscripten_math_expm1(x); }
double log(double x) { return emscripten_math_log(x); }
double log1p(double x) { return emscripten_math_log1p(x); }

double pow(double x, double y) { return emscripten_math_pow(x, y); }

// Only for Embind's words about types that it does not know.
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
