# Strict for us, absent for those who embed the core: an INTERFACE target that is linked privately.
add_library(candor_warnings INTERFACE)
target_compile_options(candor_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
# GCC 12 and 13 see overlapping copies in std::string where there are none (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  target_compile_options(candor_warnings INTERFACE -Wno-restrict)
endif()
if(PROJECT_IS_TOP_LEVEL)
  target_compile_options(candor_warnings INTERFACE -Werror)
endif()
