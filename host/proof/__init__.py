"""A certificate that the compiled model has the golden's bytes for every input: made here, checked by `checker`.

Depends on what lies below and on the checker; the checker depends on nothing of this project.
"""
