"""The checker of certificates: the `.tflite`, the generated C and the certificate are all that it reads.

It shares nothing with the export: no module of this project is imported here. docs/proof.md states and proves the
lemmas that its functions name.
"""
