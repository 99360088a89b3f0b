# One interface target carries the flags; nothing global, nothing exported.
add_library(promplug_flags INTERFACE)
target_compile_options(promplug_flags INTERFACE
  -Wall -Wextra -Wshadow -Wundef
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual>
  $<$<BOOL:${PROMPLUG_WERROR}>:-Werror>)

set(PROMPLUG_SANITIZE "" CACHE STRING "address, undefined or thread: build with that sanitizer")
if(PROMPLUG_SANITIZE)
  target_compile_options(promplug_flags INTERFACE
    -fsanitize=${PROMPLUG_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    # The checks that a sanitizer adds make GCC lose track of what is initialised.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(promplug_flags INTERFACE -fsanitize=${PROMPLUG_SANITIZE})
endif()

# What is linked into promplug.so: hidden, position independent, and without unique symbols,
# which would pin the object and merge state with other objects of the process.
add_library(promplug_plugin_flags INTERFACE)
target_link_libraries(promplug_plugin_flags INTERFACE promplug_flags)
target_compile_options(promplug_plugin_flags INTERFACE
  -fvisibility=hidden -fvisibility-inlines-hidden
  $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
