# Read by CMake right before llama.cpp's own project() goes on (CMAKE_PROJECT_llama.cpp_INCLUDE, see tools/setup.py).
# The Python package ships none of llama.cpp's common library, command-line tools or server, but compiles them: four fifths of the time.
set(LLAMA_BUILD_COMMON OFF CACHE BOOL "not shipped in the Python package" FORCE)
