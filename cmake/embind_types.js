// Embind registers every type that C++ code might hand over, with the code that converts it. These are not among the
// core's: texts are UTF-8, numbers are doubles, and bulk bytes cross through memory that the core lends.
mergeInto(LibraryManager.library, {
  _embind_register_integer__deps: [],
  _embind_register_integer: function () {},
  _embind_register_memory_view__deps: [],
  _embind_register_memory_view: function () {},
  _embind_register_std_wstring__deps: [],
  _embind_register_std_wstring: function () {},
});
