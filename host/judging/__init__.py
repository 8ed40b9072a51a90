"""From the answers of a run to its record: accuracies, intervals, differences, examples. Looks at no device."""
