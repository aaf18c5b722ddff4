# Every Emscripten flag, with its reason.

# No exceptions and no RTTI: the core reports errors as values, and both cost size.
target_compile_options(candor PUBLIC -fno-exceptions -fno-rtti)
# LTO lets the linker drop what the bindings don't reach.
target_compile_options(candor PUBLIC -flto)
# While it links, a call is shorter than nearly every body put in its place, and so is one load than the same load on
# each of several paths.
target_link_options(candor PUBLIC -Wl,-mllvm,-inline-threshold=-50 -Wl,-mllvm,-enable-pre=false)
# The linker must hear of -fno-rtti too: it chooses the variant of Embind whose types are told apart the same way.
target_link_options(candor PUBLIC -flto -fno-rtti -sALLOW_MEMORY_GROWTH=1)

# What every engine with WebGPU has, and shorter code: saturating conversions, sign extension, bulk memory.
target_compile_options(candor PUBLIC -mnontrapping-fptoint -msign-ext -mbulk-memory)
# Emscripten's -Oz says -fno-inline-functions, and then even an accessor stays a call and its result goes through memory.
target_compile_options(candor PUBLIC -finline-functions)
# One thread, so no guards around local statics.
target_compile_options(candor PUBLIC -fno-threadsafe-statics)
# Small code everywhere but in the hash, which every byte of a model passes through. Engines with WebGPU have SIMD, too.
set_source_files_properties(src/transfer/sha256.cpp PROPERTIES COMPILE_OPTIONS "-O3;-fno-unroll-loops;-msimd128")

function(candor_node_program target)
  # One script that Node runs directly; the exit code is the test's. `.cjs`, since the repository's `.js` are ES modules.
  set_target_properties(${target} PROPERTIES SUFFIX .cjs)
  # SINGLE_FILE, because Emscripten before 3.1.17 would otherwise `fetch` a file path in Node 18 and later.
  target_link_options(${target} PRIVATE -sENVIRONMENT=node -sEXIT_RUNTIME=1 -sSINGLE_FILE=1 -sINITIAL_MEMORY=67108864)
endfunction()

if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/web/bindings.cpp)
  add_executable(candor-core web/bindings.cpp web/embind_types.cpp web/host_libc.cpp)
  target_include_directories(candor-core PRIVATE src)
  target_link_libraries(candor-core PRIVATE candor candor_json candor_warnings)
  # JavaScript writes bytes and logits into the core's memory. Emscripten before 3.1.55 shows every view of it and doesn't
  # know these names, since 4.0.7 it shows only those that are named.
  set(views "")
  if(EMSCRIPTEN_VERSION VERSION_GREATER_EQUAL 3.1.55)
    set(views HEAPU8,HEAPF32)
  endif()
  # Embind's names of unbound types need RTTI.
  target_compile_definitions(candor-core PRIVATE EMSCRIPTEN_HAS_UNBOUND_TYPE_NAMES=0)
  target_link_options(
    candor-core PRIVATE
    -Oz
    --bind
    -sMODULARIZE=1 -sEXPORT_ES6=1 -sEXPORT_NAME=createCoreModule # an ES module with one factory
    -sENVIRONMENT=web,worker # Node passes `wasmBinary`, so no file or fetch code is needed there either
    -sDYNAMIC_EXECUTION=0 # no `new Function`: the module runs under a strict Content-Security-Policy
    -sFILESYSTEM=0 # the core has no files
    -sTEXTDECODER=2 # every such engine has TextDecoder
    -sBINARYEN_EXTRA_PASSES=--flatten,--rereloop,-Oz,-Oz # a fresh look at the control flow saves half a percent
    -sMALLOC=emmalloc # small; the core allocates little
    -sINCOMING_MODULE_JS_API=wasmBinary,locateFile,instantiateWasm
    -sEXPORTED_RUNTIME_METHODS=${views})
  set_target_properties(candor-core PROPERTIES SUFFIX .js LINK_DEPENDS
    ${CMAKE_CURRENT_SOURCE_DIR}/cmake/order_functions.mjs)
  # Once more, after Emscripten's own last passes: another half a percent. Then the order that compresses best.
  find_program(WASM_OPT wasm-opt REQUIRED)
  set(wasm_opt ${WASM_OPT} --enable-simd --enable-bulk-memory --enable-sign-ext --enable-mutable-globals
      --enable-nontrapping-float-to-int)
  add_custom_command(
    TARGET candor-core POST_BUILD
    COMMAND ${wasm_opt} --flatten --rereloop -Oz -Oz candor-core.wasm -S -o candor-core.wat
    COMMAND ${CANDOR_NODE} ${CMAKE_CURRENT_SOURCE_DIR}/cmake/order_functions.mjs candor-core.wat
    COMMAND ${wasm_opt} candor-core.wat -o candor-core.wasm
    WORKING_DIRECTORY $<TARGET_FILE_DIR:candor-core>
    VERBATIM)
endif()
