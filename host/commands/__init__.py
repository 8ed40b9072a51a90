"""The commands of this storey, one module each: options in, one call of the storey.

Imports what the storey may. Called by tinyproof/__main__.py, which imports a command when it is asked for.
"""
