# The three ways a target is made here; every target gets the same warnings and sanitizers.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Werror -Wno-missing-field-initializers) # designated initializers leave members out on purpose
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wno-restrict) # GCC 12 sees overlaps in std::string where there are none (PR 105651)
  if(CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
    add_compile_options(-Wno-maybe-uninitialized) # the other alternatives of a std::variant that is moved (seen with 14.2)
  endif()
endif()
# Lines and functions for backtraces, no variables: a third less to compile.
add_compile_options($<$<CONFIG:RelWithDebInfo>:-g1>)
if(PARLEY_SANITIZE)
  add_compile_options(-fsanitize=${PARLEY_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${PARLEY_SANITIZE})
endif()
if(PARLEY_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

find_package(Threads REQUIRED)
if(PARLEY_TESTS)
  find_package(GTest QUIET)
  if(NOT GTest_FOUND)
    message(STATUS "GoogleTest is not installed: no unit tests (tools/setup installs it)")
    set(PARLEY_TESTS OFF)
  endif()
endif()

# parley_library(name SOURCES a.cc … DEPS parley::base … PRIVATE_DEPS OpenSSL::Crypto …)
# Makes static library parley_<name>, alias parley::<name>; headers are included from the project root.
function(parley_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(parley_${name} STATIC ${ARG_SOURCES})
  add_library(parley::${name} ALIAS parley_${name})
  target_include_directories(parley_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(parley_${name} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
endfunction()

# Included by the few tests that read files beside their sources: as an option of all compilations it would keep one clone from using what
# another has compiled.
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/source_dir.h
  CONTENT "#pragma once\n#define PARLEY_SOURCE_DIR \"${PROJECT_SOURCE_DIR}\"\n")

# parley_test(name SOURCES a_test.cc … DEPS parley::x …)
# Makes GoogleTest program <name>_test, found by CTest test by test.
function(parley_test name)
  if(NOT PARLEY_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name}_test ${ARG_SOURCES})
  target_link_libraries(${name}_test PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main Threads::Threads)
  target_compile_options(${name}_test PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1>) # the tests themselves, not what they test
  target_include_directories(${name}_test PRIVATE ${PROJECT_BINARY_DIR}/generated)
  set_target_properties(${name}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  include(GoogleTest)
  gtest_discover_tests(${name}_test DISCOVERY_MODE PRE_TEST)
endfunction()

# parley_fuzz(name SOURCE x_fuzz.cc DEPS parley::x …): libFuzzer program fuzz_<name>, only with PARLEY_FUZZ.
function(parley_fuzz name)
  if(NOT PARLEY_FUZZ)
    return()
  endif()
  cmake_parse_arguments(ARG "" "SOURCE" "DEPS" ${ARGN})
  add_executable(fuzz_${name} ${ARG_SOURCE})
  target_link_libraries(fuzz_${name} PRIVATE ${ARG_DEPS})
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
endfunction()
