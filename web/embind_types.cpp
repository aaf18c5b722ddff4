// Embind registers every type that C++ might hand over, with the code that converts it. These are not among
// the core's: texts are UTF-8, numbers are doubles, and bulk bytes cross through memory that the core lends.
// Defined here they do nothing, and neither their names nor JavaScript's share in them are part of the core.

#include <emscripten/bind.h>

namespace emscripten::internal {
extern "C" {
void _embind_register_integer(TYPEID, const char*, std::size_t, long, unsigned long) {}
void _embind_register_bigint(TYPEID, const char*, std::size_t, long long, unsigned long long) {}
void _embind_register_std_wstring(TYPEID, std::size_t, const char*) {}
void _embind_register_memory_view(TYPEID, unsigned, const char*) {}
}
}  // namespace emscripten::internal
