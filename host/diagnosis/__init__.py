"""Why a device's bytes differ from the golden's: which op, which element, which mistake."""
