# Read by CMake right before llama.cpp's own project() goes on (CMAKE_PROJECT_llama.cpp_INCLUDE, see tools/setup.py).
# The Python package ships none of llama.cpp's common library, command-line tools or server, but compiles them: four fifths of the time.
set(LLAMA_BUILD_COMMON OFF CACHE BOOL "not shipped in the Python package" FORCE)

# Its kernels for AMX die of an illegal instruction (tilezero) on some virtual machines whose processor reports AMX: without the compiler's
# own macros they are not compiled, and those for AVX-512 and VNNI are used.
if(NOT MSVC)
  add_compile_options(-U__AMX_TILE__ -U__AMX_INT8__ -U__AMX_BF16__)
endif()
