# `find_package(candor)` for native users of the core; tests/consumer proves it.
include(CMakePackageConfigHelpers)
install(TARGETS candor EXPORT candor-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/candor DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT candor-targets NAMESPACE candor:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/candor
        FILE candor-config.cmake)
write_basic_package_version_file(candor-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/candor-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/candor)
add_library(candor::candor ALIAS candor)
