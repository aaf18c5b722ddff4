# Strict for us, absent for those who embed the core: an INTERFACE target that is linked privately.
add_library(candor_warnings INTERFACE)
target_compile_options(candor_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(PROJECT_IS_TOP_LEVEL)
  target_compile_options(candor_warnings INTERFACE -Werror)
endif()
