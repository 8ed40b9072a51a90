"""The options that the commands of the export share."""

from __future__ import annotations

import click

from tinyproof.export.pixels import AUTO, HELP, USUAL
from tinyproof.export.remedies import NONE, REMEDIES, TRY
from tinyproof.options import FILE, ModelFolder, OneOf, Words

folder_option = click.option(
    "--model", type=ModelFolder(), help="The model's folder.  [default: build/<name of the file>]"
)
tflite_option = click.option("--tflite", type=FILE, help="A .tflite from elsewhere; it is copied into the folder.")
keras_option = click.option(
    "--keras", "keras_file", type=FILE, help="A Keras model from elsewhere, instead of the folder's."
)
calibration_option = click.option(
    "--calibration",
    type=FILE,
    help="For --keras: a folder of pictures, or an .npy of images uint8 (N,H,W,C) or of other samples float32 (N,...).",
)
pixels_option = click.option(
    "--pixels",
    type=Words((*USUAL, "torch", "caffe")),
    default=AUTO,
    help=f"What --keras takes a pixel as: {HELP} for blue first.  [default: found out and said]",
)
accept_loss_option = click.option(
    "--accept-loss", is_flag=True, help="Go on where int8 loses much of the float network's answers."
)
remedy_option = click.option(
    "--remedy",
    type=OneOf("remedy", (*REMEDIES, TRY, NONE)),
    help=f"Against what int8 loses: {', '.join(REMEDIES)}; {TRY} measures them all.  [default: measured where much is "
    "lost, none taken]",
)
