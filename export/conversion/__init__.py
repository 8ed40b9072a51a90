"""From a Keras network to int8 bytes, in a process of its own: what crashes, hangs or eats memory is the child's alone."""
