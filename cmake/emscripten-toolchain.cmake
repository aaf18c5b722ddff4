# Finds Emscripten's own toolchain file beside em++ (Debian's package, emsdk, or any other on PATH).
find_program(CANDOR_EMXX em++ REQUIRED)
get_filename_component(emscripten_root ${CANDOR_EMXX} REALPATH)
get_filename_component(emscripten_root ${emscripten_root} DIRECTORY)
if(NOT EXISTS ${emscripten_root}/cmake/Modules/Platform/Emscripten.cmake)
  # Debian's /usr/bin/em++ is a script, not a link into the package's folder.
  set(emscripten_root /usr/share/emscripten)
endif()
set(EMSCRIPTEN_ROOT_PATH ${emscripten_root})
include(${emscripten_root}/cmake/Modules/Platform/Emscripten.cmake)
# CTest runs the WebAssembly tests in this Node.
find_program(CANDOR_NODE NAMES node nodejs REQUIRED)
set(CMAKE_CROSSCOMPILING_EMULATOR ${CANDOR_NODE})
