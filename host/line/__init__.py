"""A serial line made of software, as slow and as bad as asked, for tests and to try by hand.

Imports the emulators of `host`, and the floor. Called where a device is started, and by `bench`.
"""
