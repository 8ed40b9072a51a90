"""What talks to a device: ports, protocol, emulators, validation and its report.

Imports `firmware`, `export` and the floor. Called by its commands and by `training`.
"""
