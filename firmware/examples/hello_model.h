// HelloModel: what the model says to the inputs that were exported with it, and whether the bytes are the golden's.
#pragma once
#include "example.h"

#ifdef __cplusplus
extern "C" {
#endif

void hello_model(const example_io *io);

#ifdef __cplusplus
}
#endif
