// The examples on a board of this project: text over its serial line, time by its counter.
#pragma once
#include "example.h"

example_io board_io(void);
