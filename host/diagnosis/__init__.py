"""Why a device's bytes differ from the golden's: which op, which element, which mistake.

Imports devices and interpreters of `host`, its `record`, `export`. Called by a validation, `bisect` and `profile`.
"""
