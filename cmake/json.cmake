# nlohmann/json, from the system's package. The headers are copied into the build tree because /usr/include on
# Emscripten's include path would hide its own C library.
find_path(CANDOR_JSON_ROOT nlohmann/json.hpp PATHS /usr/include /usr/local/include NO_CMAKE_FIND_ROOT_PATH)
if(NOT CANDOR_JSON_ROOT)
  message(FATAL_ERROR "nlohmann/json was not found: install nlohmann-json3-dev, or set CANDOR_JSON_ROOT")
endif()
file(COPY ${CANDOR_JSON_ROOT}/nlohmann DESTINATION ${CMAKE_CURRENT_BINARY_DIR}/json)
add_library(candor_json INTERFACE)
target_include_directories(candor_json SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR}/json)
