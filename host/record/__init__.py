"""The record of a validation: report.json as plain values. Read by whoever judges, shows or exports it."""
