# Fails when FILE has 80 lines or more.
cmake_minimum_required(VERSION 3.25)
file(READ ${FILE} text)
string(REGEX MATCHALL "\n" ends "${text}")
list(LENGTH ends count)
if(count EQUAL 0 OR count GREATER_EQUAL 80)
  message(FATAL_ERROR "${FILE} has ${count} lines; the example is to stay under 80")
endif()
