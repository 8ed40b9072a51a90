"""The record of a validation: report.json as plain values.

Imports the floor alone. Called by all that judge, explain or show a run.
"""
