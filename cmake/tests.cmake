# One executable and one CTest entry per tests/core/*_test.cpp. GoogleTest is built from its source package, because the
# WebAssembly build has no other, and so that both builds test with the same one.
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

file(GLOB candor_tests CONFIGURE_DEPENDS tests/core/*_test.cpp)
foreach(source ${candor_tests})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  # Tests may look at helpers nobody else needs (src/).
  target_include_directories(${name} PRIVATE src tests/core)
  target_link_libraries(${name} PRIVATE candor candor_json candor_warnings GTest::gtest_main)
  if(EMSCRIPTEN)
    candor_node_program(${name})
    # Tests index small buffers with 64-bit positions; size_t has 32 bits here.
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS -Wno-shorten-64-to-32)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endforeach()

# The install is proved by a project that uses it.
if(PROJECT_IS_TOP_LEVEL AND NOT EMSCRIPTEN AND NOT CMAKE_CXX_FLAGS MATCHES sanitize)
  add_test(NAME install_serves_a_consumer
           COMMAND ${CMAKE_COMMAND} -DBUILD=${CMAKE_BINARY_DIR} -DSOURCE=${CMAKE_SOURCE_DIR}/tests/consumer
                   -P ${CMAKE_SOURCE_DIR}/tests/consumer/run.cmake)
endif()
