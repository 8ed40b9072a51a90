"""From a Keras network to int8 bytes, in a process of its own: a crash is the child's alone."""
