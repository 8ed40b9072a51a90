"""From the answers of a run to its record: accuracies, intervals, differences, examples. Looks at no device.

Imports the samples of `host`, its `record`, `firmware`. Called by a validation.
"""
