# Compiles for aarch64 on a Debian machine of another architecture, to see that every layer does.
# Nothing is linked, so libraries of this machine, and headers of theirs, stand in for the target's.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

set(host ${CMAKE_HOST_SYSTEM_PROCESSOR}-linux-gnu)
set(CMAKE_LIBRARY_PATH /usr/lib/${host})
set(CMAKE_INCLUDE_PATH /usr/include/${host})
# Searched last: the C library has files there of which the target's compiler needs its own.
set(CMAKE_CXX_FLAGS_INIT "-idirafter /usr/include/${host}")
