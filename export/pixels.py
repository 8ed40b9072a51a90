"""What a Keras model from elsewhere may take a pixel 0..255 as. Imports nothing: the command line lists the names."""

# (factor, summand) from a pixel divided by 255
PIXELS = {"0..1": (1.0, 0.0), "0..255": (255.0, 0.0), "-1..1": (2.0, -1.0)}
DEFAULT = "0..1"
AUTO = "auto"  # find out
