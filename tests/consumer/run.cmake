# cmake -DBUILD=… -DSOURCE=… -DGENERATOR=… -P run.cmake: installs the core from the build folder BUILD and builds the project in SOURCE on it.
file(REMOVE_RECURSE ${BUILD}/consumer)
foreach(step
    "${CMAKE_COMMAND}|--install|${BUILD}|--prefix|${BUILD}/consumer/prefix"
    "${CMAKE_COMMAND}|-G|${GENERATOR}|-S|${SOURCE}|-B|${BUILD}/consumer/build|-DCMAKE_PREFIX_PATH=${BUILD}/consumer/prefix"
    "${CMAKE_COMMAND}|--build|${BUILD}/consumer/build"
    "${BUILD}/consumer/build/consumer")
  string(REPLACE "|" ";" command "${step}")
  execute_process(COMMAND ${command} COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
endforeach()
