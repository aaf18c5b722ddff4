# GoogleTest is built from its source package, because the WebAssembly build has no other, and so that both builds test
# with the same one.
find_path(CANDOR_GTEST_SOURCE googletest/CMakeLists.txt PATHS /usr/src/googletest NO_CMAKE_FIND_ROOT_PATH)
if(NOT CANDOR_GTEST_SOURCE)
  message(FATAL_ERROR "GoogleTest's sources were not found: install googletest, or set CANDOR_GTEST_SOURCE")
endif()
set(BUILD_GMOCK OFF CACHE BOOL "" FORCE)
set(INSTALL_GTEST OFF CACHE BOOL "" FORCE)
if(EMSCRIPTEN)
  set(gtest_disable_pthreads ON CACHE BOOL "" FORCE)
endif()
add_subdirectory(${CANDOR_GTEST_SOURCE} ${CMAKE_CURRENT_BINARY_DIR}/googletest EXCLUDE_FROM_ALL)

# One CTest entry per tests/core/*_test.cpp, all in one executable: linking forty WebAssembly programs would take longer
# than all else.
file(GLOB_RECURSE candor_tests CONFIGURE_DEPENDS tests/core/*_test.cpp)
add_executable(candor_tests ${candor_tests})
# Tests may look at helpers nobody else needs (src/).
target_include_directories(candor_tests PRIVATE src tests/core)
target_link_libraries(candor_tests PRIVATE candor candor_json candor_warnings GTest::gtest_main)
# The contract with JavaScript, for the test that compares it with the core's lists of fields.
file(READ web/bindings.d.ts bindings)
file(CONFIGURE OUTPUT contract/bindings_text.hpp
     CONTENT "inline constexpr char kBindingsText[] = R\"contract(@bindings@)contract\";\n" @ONLY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS web/bindings.d.ts)
target_include_directories(candor_tests PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/contract)
# Most of the time of compiling a test goes into these. Without ccache, which took a stale precompiled header for a fresh
# one.
target_precompile_headers(candor_tests PRIVATE <gtest/gtest.h> src/base/json.hpp)
set_target_properties(candor_tests PROPERTIES CXX_COMPILER_LAUNCHER "")
# The core is tested as it is shipped; the tests themselves need no more than to compile fast.
target_compile_options(candor_tests PRIVATE -O1)
if(EMSCRIPTEN)
  candor_node_program(candor_tests)
  target_link_options(candor_tests PRIVATE -O2)
  # Tests index small buffers with 64-bit positions; size_t has 32 bits here.
  set_source_files_properties(${candor_tests} PROPERTIES COMPILE_OPTIONS -Wno-shorten-64-to-32)
endif()
foreach(source ${candor_tests})
  get_filename_component(name ${source} NAME_WE)
  file(STRINGS ${source} suites REGEX "^TEST")
  list(TRANSFORM suites REPLACE "^TEST[_FP]*\\(([A-Za-z0-9_]+).*" "\\1.*")
  list(REMOVE_DUPLICATES suites)
  list(JOIN suites ":" filter)
  add_test(NAME ${name} COMMAND candor_tests --gtest_filter=${filter})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
  # A file that gains a suite is read again.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
endforeach()

# The install is proved by a project that uses it.
if(PROJECT_IS_TOP_LEVEL AND NOT EMSCRIPTEN AND NOT CMAKE_CXX_FLAGS MATCHES sanitize)
  add_test(NAME install_serves_a_consumer
           COMMAND ${CMAKE_COMMAND} -DBUILD=${CMAKE_BINARY_DIR} -DSOURCE=${CMAKE_SOURCE_DIR}/tests/consumer
                   -DGENERATOR=${CMAKE_GENERATOR}
                   -P ${CMAKE_SOURCE_DIR}/tests/consumer/run.cmake)
endif()
